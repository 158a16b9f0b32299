package report

import (
	"errors"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/source"
)

// TestHidden requires every format to print the same parts of a finding that is waived or in the
// baseline as of others, and the end of the waiver.
func TestHidden(t *testing.T) {
	for _, f := range Formats() {
		if f.Counts {
			continue
		}
		format := f.Name
		results := run(t, map[string]string{"a.xml": consoles}, "a.xml")
		r := results[0]
		r.Findings, r.InBaseline = nil, r.Findings[:1]
		r.Waived[0].Fixes, r.InBaseline[0].Fixes = someFixes("wordA"), someFixes("wordB")
		out := render(t, format, shown(), results, nil, nil)
		for _, f := range []*audit.Finding{&r.Waived[0].Finding, &r.InBaseline[0]} {
			for _, want := range []string{f.Rule.ID, f.Rule.URL(), f.Fixes[0].Text, "virt-audit fix a.xml --rule " + f.Rule.ID, "a.xml"} {
				if !strings.Contains(out, want) {
					t.Errorf("%s: of %s no %q: %.3000s", format, f.Rule.ID, want, out)
				}
			}
		}
		if !strings.Contains(out, "2030-01-31") {
			t.Errorf("%s: the end of the waiver is missing", format)
		}
	}
}

// TestTextNotice requires the fix and the address of a notice, once for all notices of a rule.
func TestTextNotice(t *testing.T) {
	r := baselineRules()[0]
	out := render(t, "text", options(), nil, []*audit.Notice{{Rule: r, Source: "a.yaml"}, {Rule: r, Source: "b.yaml"}}, nil)
	if strings.Count(out, "\n    see  "+r.URL()+"\n") != 1 || strings.Count(out, "\n    fix  ") != 1 {
		t.Error(out)
	}
}

// TestTextUnread lists unreadable inputs in the report, one a line. The lines have a maximum
// length, and their number is limited.
func TestTextUnread(t *testing.T) {
	good := []*audit.Result{{Name: "web", Source: "web.xml", Boundary: audit.Boundary{Verdict: policy.Inside}}}
	broken := &source.Error{File: "a\nb.xml", Position: source.Position{Line: 2, Column: 7}, Message: "bad"}
	for name, c := range map[string]struct {
		quiet    bool
		results  []*audit.Result
		problems []error
		want     string
	}{
		"among others": {false, good, []error{broken, errors.New("no such host")}, "\n\nunreadable\n  a\\x0ab.xml:2:7: bad\n  no such host\n\n1 guest: "},
		"alone":        {false, nil, []error{broken}, "unreadable\n  a\\x0ab.xml:2:7: bad\n\nno guest was audited\n1 unreadable input\n"},
		"quiet":        {true, good, []error{broken}, "\nunreadable\n  a\\x0ab.xml:2:7: bad\n"},
		"nothing":      {false, nil, nil, "no guest was audited\n"},
	} {
		o := options()
		o.Quiet = c.quiet
		out := render(t, "text", o, c.results, nil, c.problems)
		if !strings.Contains(out, c.want) || (c.quiet || c.results == nil) && out != c.want {
			t.Errorf("%s: %q, want %q", name, out, c.want)
		}
	}

	var many []error
	for range textProblems + 3 {
		many = append(many, &source.Error{File: strings.Repeat("é", 4000), Message: "bad"})
	}
	out := render(t, "text", options(), nil, nil, many)
	if n := strings.Count(out, "\n"); n != textProblems+5 || len(out) > (textProblems+5)*(textProblem+10) || !strings.Contains(out, "\n  and 3 more: see standard error\n") {
		t.Errorf("%d lines, %d bytes: %.300s", n, len(out), out)
	}
}
