package pipeline

import (
	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/baseline"
)

// After a rule has reported a finding, it passes these stages. The first four need one document and
// are in audit.Run; the last two need the whole run and are here.
//
//	waivers        the findings that a waiver covers do not count
//	site severity  the severity that the configuration sets for the rule
//	minimum        those below the minimum severity are omitted
//	order          by line, column, rule and message
//	drift          whether it is also in another document of the guest
//	baseline       those that are in the baseline do not count

// finish puts the results of the second pass through the stages that need the whole run.
func (r *Run) finish(out *judged) {
	r.countError(&out.Outcome)
	for i, res := range out.Results {
		revised := res != out.firstResults[i]
		if revised {
			r.countWaivers([]*audit.Result{res})
		}
		marked := r.markDrift(res)
		out.Revised = append(out.Revised, revised || marked)
		r.markBaselineOnce(res, out.firstResults[i])
		r.record(res)
	}
}

// markDrift marks the findings that are in only one of a guest's documents, and reports whether
// there are any.
func (r *Run) markDrift(res *audit.Result) bool { return r.drifts.Mark(res) }

// markBaseline moves the findings that are in the baseline to Result.InBaseline.
func (r *Run) markBaseline(res *audit.Result) {
	if r.opt.Baseline != nil {
		r.opt.Baseline.Mark(res)
	}
}

// markBaselineOnce is markBaseline for a result that may have passed that stage in the first pass,
// or that replaces one that has.
func (r *Run) markBaselineOnce(res, early *audit.Result) {
	switch {
	case !r.opt.Early || early == nil:
		r.markBaseline(res)
	case early != res && r.opt.Baseline != nil:
		r.opt.Baseline.Release(early)
		r.markBaseline(res)
	}
}

// record adds a complete result to the data about the baseline that is reported at the end of the
// run.
func (r *Run) record(res *audit.Result) {
	if r.opt.Baseline != nil {
		r.opt.Baseline.See(res)
	}
	if r.opt.Found != nil {
		r.opt.Found.Add(res)
	}
}

// countWaivers adds up the effects of the site's waivers. It removes them from the results: a run
// may have as many waivers as guests.
func (r *Run) countWaivers(results []*audit.Result) {
	for _, res := range results {
		for _, use := range res.WaiverUses {
			r.waivers[use.Waiver] = r.waivers[use.Waiver].Plus(use)
		}
		res.WaiverUses = nil
	}
}

// WaiverUse returns the effect of a waiver of the configuration on the whole run. It must be called
// after the last outcome.
func (r *Run) WaiverUse(w *audit.Waiver) audit.WaiverUse { return r.waivers[w] }

// Missing returns the entries of the baseline that the run has not found: the entries in gone are
// fixed; for those in open this is not known. It must be called after the last outcome.
func (r *Run) Missing() (gone, open []baseline.Entry) {
	if r.opt.Baseline == nil {
		return nil, nil
	}
	return r.opt.Baseline.Missing(baseline.Run{
		Rules: r.opt.Settings.Rules, Minimum: r.opt.Settings.Minimum, Unreadable: r.errors > 0,
	})
}
