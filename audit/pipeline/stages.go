package pipeline

import (
	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/baseline"
)

// A finding passes these stages after its rule has reported it. The first four look at one document and
// are audit.Run's, since they need the document; the last two need the whole run, and are here.
//
//	waivers        the findings that a waiver covers do not count
//	site severity  the severity that the configuration gives to the rule
//	minimum        those below the minimum severity are omitted
//	order          by line, column, rule and message
//	drift          whether it is in another document of the guest, too
//	baseline       those that the baseline knows do not count

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

// markDrift marks the findings that are in one of a guest's documents alone, and reports whether there are any.
func (r *Run) markDrift(res *audit.Result) bool { return r.drifts.Mark(res) }

// markBaseline takes the findings that the baseline knows out of those that count.
func (r *Run) markBaseline(res *audit.Result) {
	if r.opt.Baseline != nil {
		r.opt.Baseline.Mark(res)
	}
}

// markBaselineOnce is baseline for a result that may have passed that stage in the first pass, or in whose
// place another one has.
func (r *Run) markBaselineOnce(res, early *audit.Result) {
	switch {
	case !r.opt.Early || early == nil:
		r.markBaseline(res)
	case early != res && r.opt.Baseline != nil:
		r.opt.Baseline.Release(early)
		r.markBaseline(res)
	}
}

// record notes a result that is complete for what is said of the baseline at the end of the run.
func (r *Run) record(res *audit.Result) {
	if r.opt.Baseline != nil {
		r.opt.Baseline.See(res)
	}
	if r.opt.Found != nil {
		r.opt.Found.Add(res)
	}
}

// countWaivers adds up what became of the site's waivers. The results hold it no longer: a run may have
// as many waivers as guests.
func (r *Run) countWaivers(results []*audit.Result) {
	for _, res := range results {
		for _, use := range res.WaiverUses {
			r.waivers[use.Waiver] = r.waivers[use.Waiver].Plus(use)
		}
		res.WaiverUses = nil
	}
}

// WaiverUse returns what became of a waiver of the configuration in the whole run. It must be called after
// the last outcome.
func (r *Run) WaiverUse(w *audit.Waiver) audit.WaiverUse { return r.waivers[w] }

// Missing returns the entries of the baseline that the run has not found: those of gone are fixed, and of
// those of open nothing can be said. It must be called after the last outcome.
func (r *Run) Missing() (gone, open []baseline.Entry) {
	if r.opt.Baseline == nil {
		return nil, nil
	}
	return r.opt.Baseline.Missing(baseline.Run{
		Rules: r.opt.Settings.Rules, Minimum: r.opt.Settings.Minimum, Unreadable: r.errors > 0,
	})
}
