package report

import (
	"slices"

	"github.com/virt-audit/virt-audit/audit"
)

// What a format prints is complete before the format receives it: severities, waivers, baseline,
// order and drift are decided. The functions of this file answer the questions that remain, which
// depend on the options of the report alone, the same way for every format.

// uncounted is a finding that does not count.
type uncounted struct {
	*audit.Finding
	Waiver *audit.Waiver // nil: the finding is in the baseline
}

// word is why the finding does not count: "waived" or "in the baseline".
func (u uncounted) word() string {
	if u.Waiver != nil {
		return "waived"
	}
	return "in the baseline"
}

// why is word with the reason of the waiver and its last day.
func (u uncounted) why() string {
	if u.Waiver != nil {
		return waivedBy(u.Waiver)
	}
	return u.word()
}

// uncounted returns the findings about a guest that do not count, the waived ones first. It returns
// none unless the report lists them; they are counted in any case, see Tally.
func (o *Options) uncounted(r *audit.Result) []uncounted {
	if !o.ShowWaived {
		return nil
	}
	return allUncounted(r)
}

// allUncounted returns the findings about a guest that do not count, the waived ones first.
func allUncounted(r *audit.Result) []uncounted {
	out := make([]uncounted, 0, len(r.Waived)+len(r.InBaseline))
	for i := range r.Waived {
		out = append(out, uncounted{&r.Waived[i].Finding, r.Waived[i].Waiver})
	}
	for i := range r.InBaseline {
		out = append(out, uncounted{&r.InBaseline[i], nil})
	}
	return out
}

// fails reports whether a finding of a severity makes the run fail.
func (o *Options) fails(s audit.Severity) bool { return s >= o.FailOn }

// boundaryFailures returns the IDs of the rules about the boundary whose findings about a guest
// make the run fail. A guest that is inside may have some, as for a device that is outside.
func (o *Options) boundaryFailures(r *audit.Result) []string {
	var ids []string
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Rule.Group() == "boundary" && o.fails(f.Severity) && !slices.Contains(ids, f.Rule.ID) {
			ids = append(ids, f.Rule.ID)
		}
	}
	return ids
}
