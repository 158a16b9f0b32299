package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
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

// want is an expectation that a fixture carries: a comment <!-- want "regexp" --> on the line that
// must be flagged, one for each finding there. want-rule names another rule whose finding is part of
// what the fixture shows and cannot be avoided.
var want = regexp.MustCompile(`<!-- want ((?:"[^"]*" ?)+)-->`)

// TestFixtures runs every rule over its pair: each finding of the bad document must be expected on
// its line, each expectation must be met, and the good document must be silent.
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
				t.Fatal("bad.xml and good.xml are wanted")
			}
			for _, file := range bad {
				if fired := check(t, r, file); fired == 0 {
					t.Errorf("%s: silent", file)
				}
			}
			for _, file := range good {
				check(t, r, file)
			}
		})
	}
	for name := range folders {
		t.Errorf("%s belongs to no rule", filepath.Join(fixtures, name))
	}
}

// check compares what a rule says about a fixture with what the fixture expects.
func check(t *testing.T, r *audit.Rule, file string) (fired int) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	expected := map[int][]string{}
	for i, line := range strings.Split(string(data), "\n") {
		if m := want.FindStringSubmatch(line); m != nil {
			for _, q := range regexp.MustCompile(`"[^"]*"`).FindAllString(m[1], -1) {
				expected[i+1] = append(expected[i+1], strings.Trim(q, `"`))
			}
		} else if strings.Contains(line, "<!-- want") {
			t.Errorf("%s:%d: malformed want comment", file, i+1)
		}
	}
	d, err := audit.Load(file, data)
	if err != nil {
		t.Fatal(err)
	}
	res := audit.Run(d, &audit.Config{Rules: []*audit.Rule{r}, Have: ^audit.Needs(0)})
	for _, u := range res.Unevaluated {
		t.Errorf("%s: not evaluated: %s", file, u.Needs)
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

// TestSilence looks for noise among the fixtures: no rule of the baseline may say anything above low
// about another rule's good document, which is an ordinary guest but for the one thing that it shows.
func TestSilence(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(fixtures, "*", "good*.xml"))
	baseline := slices.DeleteFunc(All(), func(r *audit.Rule) bool { return !r.In([]audit.Profile{audit.Baseline}) })
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := audit.Load(file, data)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range audit.Run(d, &audit.Config{Rules: baseline}).Findings {
			if f.Severity >= audit.Medium {
				t.Errorf("%s:%d: %s: %s", file, f.Pos.Line, f.Rule.ID, f.Message)
			}
		}
	}
}
