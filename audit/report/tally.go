package report

import (
	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// Tally counts what a run came to.
type Tally struct {
	Domains     int
	Verdicts    map[policy.Word]int
	Severities  [audit.Critical + 1]int // of findings and notices
	Errors      int
	Waived      int // findings that a waiver takes out of the count
	Known       int // findings that a baseline takes out of the count
	Unevaluated int // pairs of rule and domain
	Missing     map[audit.Needs]int
}

// Add counts one domain's result.
func (t *Tally) Add(r *audit.Result) {
	if t.Verdicts == nil {
		t.Verdicts = map[policy.Word]int{}
		t.Missing = map[audit.Needs]int{}
	}
	t.Domains++
	t.Verdicts[r.Boundary.Word]++
	for _, f := range r.Findings {
		t.Severities[f.Severity]++
	}
	t.Waived += len(r.Waived)
	t.Known += len(r.Known)
	t.Unevaluated += len(r.Unevaluated)
	for _, u := range r.Unevaluated {
		t.Missing[u.Needs]++
	}
}

// AddNotice counts a notice.
func (t *Tally) AddNotice(n *audit.Notice) { t.Severities[n.Severity]++ }

// nothing reports whether the run came to nothing: no guest, and no input that could not be read.
func (t *Tally) nothing() bool { return t.Domains == 0 && t.Errors == 0 }

// AtLeast returns how many findings are of a severity or a worse one.
func (t *Tally) AtLeast(s audit.Severity) int {
	n := 0
	for ; s <= audit.Critical; s++ {
		n += t.Severities[s]
	}
	return n
}
