package report

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
)

// readGitLab validates a report and returns its entries, without the one about the run. A
// fingerprint that occurs twice fails the test.
func readGitLab(t *testing.T, report string) []gitlabEntry {
	t.Helper()
	valid(t, "gitlab-code-quality.schema.json", report)
	out := decodeGitLab(t, report)
	seen := map[string]bool{}
	for _, e := range out {
		if seen[e.Fingerprint] {
			t.Errorf("twice the same fingerprint: %.300q at %.300q", e.Description, e.Location.Path)
		}
		seen[e.Fingerprint] = true
	}
	return slices.DeleteFunc(out, func(e gitlabEntry) bool { return e.CheckName == "not-counted" })
}

func decodeGitLab(t *testing.T, report string) (out []gitlabEntry) {
	t.Helper()
	if err := json.Unmarshal([]byte(report), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestGitLab parses reports and compares them with their results.
func TestGitLab(t *testing.T) {
	for name, results := range map[string][]*audit.Result{"fleet": fleet(t), "hostile": hostile(t)} {
		got := readGitLab(t, render(t, "gitlab", options(), results, nil, nil))
		for _, r := range results {
			for _, f := range r.Findings {
				e := got[0]
				got = got[1:]
				if e.CheckName != f.Rule.ID || e.Severity != gitlabSeverity[f.Severity] || e.Location.Path != printable(r.Source) ||
					e.Location.Lines.Begin != f.Pos.Line || e.Location.Positions.End.Column != f.Pos.EndColumn {
					t.Errorf("%s: %+v, want %+v", name, e, f)
				}
				if want := printable(f.Message) + " (guest " + printable(r.Name) + ": " + string(r.Boundary.Verdict) + ")"; e.Description != want {
					t.Errorf("%s: description %.300q, want %.300q", name, e.Description, want)
				}
				a := (&Options{}).advice(r, &f)
				for _, want := range []string{prose(a.words()), a.Command, f.Rule.URL(), string(r.Boundary.Verdict)} {
					if !strings.Contains(e.Content.Body, want) {
						t.Errorf("%s: no %.300q in %.1000q", name, want, e.Content.Body)
					}
				}
			}
		}
		if len(got) != 0 {
			t.Errorf("%s: %d entries for no finding", name, len(got))
		}
	}
	if out := render(t, "gitlab", options(), []*audit.Result{{}}, nil, nil); len(readGitLab(t, out)) != 0 || out != "[]\n" {
		t.Errorf("of a guest without findings: %q", out)
	}
}

// TestGitLabRest checks what GitLab has no entries for: notices, unreadable inputs and waived
// findings.
func TestGitLabRest(t *testing.T) {
	twice := slices.Concat(notices(), notices()[:1])
	got := readGitLab(t, render(t, "gitlab", options(), nil, twice, problems()))
	if len(got) != len(twice)+len(problems()) {
		t.Fatalf("%d entries", len(got))
	}
	if n := got[0]; n.Location.Lines.Begin != 3 || n.Severity != "minor" || n.Content.Body == "" {
		t.Errorf("a notice: %+v", n)
	}
	for i, e := range got[len(twice):] {
		p := newJSONUnreadable(problems()[i])
		if e.Severity != "blocker" || e.Location.Lines.Begin != max(p.Line, 1) || !strings.HasPrefix(e.Description, "unreadable: ") || !strings.Contains(e.Content.Body, unauditedPage) {
			t.Errorf("%+v: %+v", p, e)
		}
	}

	results := run(t, map[string]string{"./a.xml": consoles}, "./a.xml")
	r := results[0]
	r.InBaseline, r.Findings = r.Findings[:1], r.Findings[1:]
	r.Findings[0].Drift = audit.UntilRestart
	got = readGitLab(t, render(t, "gitlab", options(), results, nil, nil))
	if len(got) != len(r.Findings) || got[0].Location.Path != "a.xml" || !strings.Contains(got[0].Content.Body, audit.UntilRestart.Explain()) {
		t.Errorf("%d entries, the first %+v", len(got), got[0])
	}
	got = readGitLab(t, render(t, "gitlab", shown(), results, nil, nil))[len(r.Findings):]
	if len(got) != 2 || got[0].Severity != "info" || got[1].Severity != "info" ||
		!strings.HasPrefix(got[0].Description, "waived: ") || !strings.HasSuffix(got[0].Description, ", because after the {0} gate (until 2030-01-31)") || !strings.HasPrefix(got[1].Description, "in the baseline: ") {
		t.Errorf("%+v", got)
	}
}

// TestGitLabUncounted checks the entry that counts what has no entry. Its fingerprint must not
// change.
func TestGitLabUncounted(t *testing.T) {
	results := run(t, map[string]string{"sub/a.xml": consoles, "b.xml": consoles}, "sub/a.xml", "b.xml")
	lacking := audit.Unevaluated{Rule: baselineRules()[0], Missing: audit.NeedMAC}
	results[0].Unevaluated, results[1].Unevaluated = nil, nil
	var fingerprints []string
	for _, want := range []string{
		"2 findings are waived", "2 findings are waived, 1 finding is in the baseline", "2 findings are waived, 1 finding is in the baseline, 1 check not evaluated",
	} {
		all := decodeGitLab(t, render(t, "gitlab", options(), results, nil, nil))
		e := all[len(all)-1]
		if e.Description != want || e.Severity != "info" || e.Location.Path != "sub/a.xml" || e.Location.Lines.Begin != 1 {
			t.Errorf("%+v, want %s", e, want)
		}
		if strings.Contains(want, "check") != strings.Contains(e.Content.Body, audit.NeedMAC.String()) {
			t.Errorf("the missing input: %s", e.Content.Body)
		}
		fingerprints = append(fingerprints, e.Fingerprint)
		if len(results[0].InBaseline) == 0 {
			results[0].InBaseline = results[0].Findings[:1]
		} else {
			results[0].Unevaluated = []audit.Unevaluated{lacking}
		}
	}
	if len(slices.Compact(fingerprints)) != 1 {
		t.Errorf("the fingerprints change: %v", fingerprints)
	}
	results[0].Waived, results[1].Waived, results[0].InBaseline, results[0].Unevaluated = nil, nil, nil, nil
	if out := render(t, "gitlab", options(), results, nil, nil); strings.Contains(out, "not-counted") {
		t.Error("there is an entry although nothing was omitted")
	}
}

// TestGitLabFingerprints moves findings. Their fingerprints must not change, and must differ.
func TestGitLabFingerprints(t *testing.T) {
	lines := strings.SplitAfter(consoles, "\n")
	lines[7], lines[8] = lines[8], lines[7]
	var all [3][]string
	for i, document := range []string{consoles, "<!-- a line above -->\n" + consoles, strings.Join(lines, "")} {
		results := run(t, map[string]string{"a.xml": document}, "a.xml")
		results[0].Findings = append(results[0].Findings, results[0].Findings...)
		for _, e := range readGitLab(t, render(t, "gitlab", options(), results, nil, nil)) {
			all[i] = append(all[i], e.Fingerprint)
		}
		slices.Sort(all[i])
	}
	if len(all[0]) < 5 || !slices.Equal(all[0], all[1]) || !slices.Equal(all[0], all[2]) {
		t.Errorf("the fingerprints change:\n%q\n%q\n%q", all[0], all[1], all[2])
	}

	one := run(t, map[string]string{"a.xml": consoles, "b.xml": consoles}, "a.xml", "b.xml")
	running := *one[0]
	running.Origin.Kind = audit.Running
	readGitLab(t, render(t, "gitlab", options(), append(one, &running), nil, nil))
}
