package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// Tally counts the results of a run.
type Tally struct {
	Domains     int
	Verdicts    map[policy.Word]int
	Severities  [audit.Critical + 1]int // of findings and notices
	Unreadable  int
	Waived      int // findings that a waiver takes out of the count
	InBaseline  int // findings that a baseline takes out of the count
	Unevaluated int // pairs of rule and domain
	Missing     map[audit.Inputs]int
}

// Add counts one domain's result.
func (t *Tally) Add(r *audit.Result) {
	if t.Verdicts == nil {
		t.Verdicts = map[policy.Word]int{}
		t.Missing = map[audit.Inputs]int{}
	}
	t.Domains++
	t.Verdicts[r.Boundary.Verdict]++
	for _, f := range r.Findings {
		t.Severities[f.Severity]++
	}
	t.Waived += len(r.Waived)
	t.InBaseline += len(r.InBaseline)
	t.Unevaluated += len(r.Unevaluated)
	for _, u := range r.Unevaluated {
		t.Missing[u.Missing]++
	}
}

// AddNotice counts a notice.
func (t *Tally) AddNotice(n *audit.Notice) { t.Severities[n.Severity]++ }

// nothing reports whether the run had no guest and no unreadable input.
func (t *Tally) nothing() bool { return t.Domains == 0 && t.Unreadable == 0 }

// AtLeast returns the number of findings of a severity or a higher one.
func (t *Tally) AtLeast(s audit.Severity) int {
	n := 0
	for ; s <= audit.Critical; s++ {
		n += t.Severities[s]
	}
	return n
}

// lines summarize the run; edition is the name of the policy.
func (t *Tally) lines(edition string) []string {
	var verdicts, found []string
	for _, w := range policy.Words() {
		if n := t.Verdicts[w]; n > 0 {
			verdicts = append(verdicts, fmt.Sprintf("%d %s", n, w))
		}
	}
	for _, s := range audit.Severities() {
		if n := t.Severities[s]; n > 0 {
			found = append(found, fmt.Sprintf("%d %s", n, s))
		}
	}
	with := func(head string, parts []string) string {
		if len(parts) == 0 {
			return head
		}
		return head + ": " + strings.Join(parts, ", ")
	}
	out := []string{
		with(plural(t.Domains, "guest"), verdicts) + " (policy " + edition + ")",
		with(plural(t.AtLeast(audit.Info), "finding"), found),
	}
	if t.Domains == 0 {
		out[0] = noGuest
	}
	if t.Waived+t.InBaseline > 0 {
		out = append(out, fmt.Sprintf("not counted: %d waived, %d in the baseline", t.Waived, t.InBaseline))
	}
	for _, need := range slices.Sorted(maps.Keys(t.Missing)) {
		out = append(out, fmt.Sprintf("not evaluated: %s, because %s", plural(t.Missing[need], "check"), need))
	}
	if t.Unreadable > 0 {
		out = append(out, "unreadable: "+plural(t.Unreadable, "input"))
	}
	return out
}
