package report

import (
	"errors"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// TestTextUnread names in the report what could not be read: a line for each, of which none is too long, and not
// more than somebody reads.
func TestTextUnread(t *testing.T) {
	good := []*audit.Result{{Name: "web", Source: "web.xml", Boundary: audit.Boundary{Word: policy.Virtualization}}}
	broken := &audit.InputError{Source: "a\nb.xml", Line: 2, Column: 7, Message: "bad"}
	for name, c := range map[string]struct {
		quiet    bool
		results  []*audit.Result
		problems []error
		want     string
	}{
		"among others": {false, good, []error{broken, errors.New("no such host")}, "\n\nnot audited\n  a\\x0ab.xml:2:7: bad\n  no such host\n\n1 guest: "},
		"alone":        {false, nil, []error{broken}, "not audited\n  a\\x0ab.xml:2:7: bad\n\nno guest was audited\n1 input could not be read\n"},
		"quiet":        {true, good, []error{broken}, "\nnot audited\n  a\\x0ab.xml:2:7: bad\n"},
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
		many = append(many, &audit.InputError{Source: strings.Repeat("é", 4000), Message: "bad"})
	}
	out := render(t, "text", options(), nil, nil, many)
	if n := strings.Count(out, "\n"); n != textProblems+5 || len(out) > (textProblems+5)*(textProblem+10) || !strings.Contains(out, "\n  and 3 more: standard error names them\n") {
		t.Errorf("%d lines, %d bytes: %.300s", n, len(out), out)
	}
}
