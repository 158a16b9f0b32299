package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/audit/pipeline"
)

const fixtures = "../testdata/rules"

func TestTable(t *testing.T) {
	if err := audit.Validate(All()); err != nil {
		t.Fatal(err)
	}
	groups := Groups()
	for _, r := range All() {
		if !slices.ContainsFunc(groups, func(g Group) bool { return g.ID == r.Group() }) {
			t.Errorf("rule %s: group %q has no heading in Groups", r.ID, r.Group())
		}
	}
}

// want matches the expectations of a fixture: a comment <!-- want "regexp" --> on the line of a
// finding, with one regular expression for each finding there.
var want = regexp.MustCompile(`<!-- want ((?:"[^"]*" ?)+)-->`)

// TestFixtures runs every rule over its fixtures: each finding of a bad document must be expected
// on its line, each expectation must be met, and a good document must have no findings. A fleet
// rule also has other*.xml, the other guests of the run, which may have expectations for the run
// with bad.xml.
func TestFixtures(t *testing.T) {
	folders := map[string]bool{}
	entries, err := os.ReadDir(fixtures)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		folders[e.Name()] = true
	}
	for _, r := range All() {
		if !folders[r.ID] {
			t.Errorf("rule %s has no fixtures in %s", r.ID, filepath.Join(fixtures, r.ID))
			continue
		}
		delete(folders, r.ID)
		t.Run(r.ID, func(t *testing.T) {
			bad, _ := filepath.Glob(filepath.Join(fixtures, r.ID, "bad*.xml"))
			good, _ := filepath.Glob(filepath.Join(fixtures, r.ID, "good*.xml"))
			if len(bad) == 0 || len(good) == 0 {
				t.Fatal("bad.xml and good.xml are required")
			}
			others, _ := filepath.Glob(filepath.Join(fixtures, r.ID, "other*.xml"))
			if across := r.Requires&audit.NeedDomains != 0; across != (len(others) > 0) {
				t.Fatalf("needs other guests: %t, but there are %d in other*.xml", across, len(others))
			}
			for _, file := range bad {
				results := filesTogether(t, settingsOf(t, file, alone(r)), append([]string{file}, others...)...)
				if fired := check(t, r, file, results[file], true); fired == 0 {
					t.Errorf("%s: silent", file)
				}
				for _, other := range others {
					if filepath.Base(file) == "bad.xml" { // theirs are written for this run
						check(t, r, other, results[other], true)
					}
				}
			}
			for _, file := range good {
				results := filesTogether(t, settingsOf(t, file, alone(r)), append([]string{file}, others...)...)
				check(t, r, file, results[file], true)
				for _, other := range others {
					check(t, r, other, results[other], false)
				}
			}
		})
	}
	for name := range folders {
		t.Errorf("%s belongs to no rule", filepath.Join(fixtures, name))
	}
}

// alone returns the rules of a run that tests one rule: that rule and, for a rule about waivers,
// those that can be waived.
func alone(r *audit.Rule) []*audit.Rule {
	if r.Phase != audit.AfterWaivers {
		return []*audit.Rule{r}
	}
	others := slices.DeleteFunc(All(), func(o *audit.Rule) bool { return o == r || o.Requires != 0 })
	return append(others, r)
}

func known(id string) bool {
	return slices.ContainsFunc(All(), func(r *audit.Rule) bool { return r.ID == id })
}

func load(t *testing.T, file string) (*audit.Domain, string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d, err := domxml.Load(file, data)
	if err != nil {
		t.Fatal(err)
	}
	return d, string(data)
}

// settingsOf returns the settings for a run of rules over a fixture, and what is known of the
// fixture's host.
func settingsOf(t *testing.T, file string, applied []*audit.Rule) *audit.Settings {
	t.Helper()
	return &audit.Settings{Rules: applied, Inputs: ^audit.Inputs(0), OneHost: true, Host: hostOf(t, file), FileMode: statedMode, Known: known, Today: time.Date(2026, 11, 24, 0, 0, 0, 0, time.Local)}
}

// together audits domains as one run.
func together(t *testing.T, cfg *audit.Settings, domains ...*audit.Domain) []*audit.Result {
	t.Helper()
	results, err := pipeline.New(pipeline.Options{Settings: cfg, Indexers: Indexers()}).Domains(domains...)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// filesTogether audits files as one run, and returns the result of each.
func filesTogether(t *testing.T, cfg *audit.Settings, files ...string) map[string]*audit.Result {
	t.Helper()
	var domains []*audit.Domain
	for _, file := range files {
		d, _ := load(t, file)
		domains = append(domains, d)
	}
	results := map[string]*audit.Result{}
	for i, res := range together(t, cfg, domains...) {
		results[files[i]] = res
	}
	return results
}

// hostOf returns the facts about the host of a fixture, from NAME.facts.json or facts.json in its
// directory, and from NAME.qemu.conf or qemu.conf. It returns nil if there are none.
func hostOf(t *testing.T, file string) *host.Facts {
	t.Helper()
	dir, name := filepath.Split(strings.TrimSuffix(file, ".xml"))
	var facts *host.Facts
	read := func(suffix string) []byte {
		for _, candidate := range []string{name + "." + suffix, suffix} {
			if data, err := os.ReadFile(dir + candidate); err == nil {
				return data
			}
		}
		return nil
	}
	if data := read("facts.json"); data != nil {
		var err error
		if facts, err = host.ReadFacts(dir+"facts.json", data); err != nil {
			t.Fatal(err)
		}
	}
	if data := read("qemu.conf"); data != nil {
		if facts == nil {
			facts = &host.Facts{}
		}
		var err error
		if facts.QEMUConf, err = host.ParseQEMUConf(dir+"qemu.conf", data); err != nil {
			t.Fatal(err)
		}
	}
	return facts
}

// statedMode returns the mode of a fixture's file from its comment <!-- mode 0644 -->. In a
// checkout all files have the same mode.
func statedMode(file string) (mode host.Mode, ok bool) {
	data, err := os.ReadFile(file)
	_, rest, stated := strings.Cut(string(data), "<!-- mode ")
	text, _, _ := strings.Cut(rest, " -->")
	ok = err == nil && stated && mode.UnmarshalText([]byte(text)) == nil
	return mode, ok
}

// check compares the findings of a rule for a fixture with the expectations. If expecting is false,
// the expectations are for another run, and there must be no findings.
func check(t *testing.T, about *audit.Rule, file string, res *audit.Result, expecting bool) (fired int) {
	t.Helper()
	_, text := load(t, file)
	expected := map[int][]string{}
	for i, line := range strings.Split(text, "\n") {
		if m := want.FindStringSubmatch(line); m != nil {
			for _, q := range regexp.MustCompile(`"[^"]*"`).FindAllString(m[1], -1) {
				if expecting {
					expected[i+1] = append(expected[i+1], strings.Trim(q, `"`))
				}
			}
		} else if strings.Contains(line, "<!-- want") {
			t.Errorf("%s:%d: malformed want comment", file, i+1)
		}
	}
	if about.Phase == audit.AfterWaivers {
		res.Findings = slices.DeleteFunc(res.Findings, func(f audit.Finding) bool { return f.Rule != about })
	}
	for _, u := range res.Unevaluated {
		t.Errorf("%s: not evaluated: %s", file, u.Missing)
	}
	for _, f := range res.Findings {
		at := fmt.Sprintf("%s:%d:%d", file, f.Pos.Line, f.Pos.Column)
		i := slices.IndexFunc(expected[f.Pos.Line], func(re string) bool { return regexp.MustCompile(re).MatchString(f.Message) })
		if i < 0 {
			t.Errorf("%s: unexpected finding: %s", at, f.Message)
			continue
		}
		expected[f.Pos.Line] = slices.Delete(expected[f.Pos.Line], i, i+1)
	}
	for line, rest := range expected {
		for _, re := range rest {
			t.Errorf("%s:%d: no finding matching %q", file, line, re)
		}
	}
	return len(res.Findings)
}

// TestSilence: no rule of the baseline profile may report the good document of another rule above
// low, since it is an ordinary guest except for what it tests. A comment <!-- allow ID: reason -->
// permits an inevitable finding.
func TestSilence(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(fixtures, "*", "good*.xml"))
	baseline := slices.DeleteFunc(All(), func(r *audit.Rule) bool { return !r.In([]audit.Profile{audit.Baseline}) })
	for _, file := range files {
		others, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "other*.xml"))
		cfg := settingsOf(t, file, baseline)
		cfg.Inputs = 0
		for name, res := range filesTogether(t, cfg, append([]string{file}, others...)...) {
			_, data := load(t, name)
			for _, f := range res.Findings {
				allowed := strings.Contains(data, "<!-- allow "+f.Rule.ID+": ")
				if f.Severity >= audit.Medium && !allowed && (name == file || f.Rule.Requires&audit.NeedDomains != 0) {
					t.Errorf("%s:%d: %s: %s", name, f.Pos.Line, f.Rule.ID, f.Message)
				}
			}
		}
	}
}
