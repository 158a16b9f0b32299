package pipeline

import (
	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
)

// Document returns the document that the outcome is about, or nil if it could not be found or if the
// domains were passed without a document.
func (o *Outcome) Document() *collect.Document {
	if o.in == nil {
		return nil
	}
	return o.in.document
}

// Reload reads and loads the document of a final outcome again. It returns one domain for each of
// Results, and an error if the content is not the one that was judged: paths of the findings would
// lead to other elements.
func (o *Outcome) Reload() ([]*audit.Domain, error) {
	domains, sum, _, failed := o.in.load()
	switch {
	case failed != nil && failed.Err != nil:
		return nil, failed.Err
	case failed != nil || sum != o.in.sum || len(domains) != len(o.Results):
		return nil, &collect.Problem{Source: o.in.source(), Err: collect.ErrChanged}
	}
	return domains, nil
}

// Again judges another version of a domain of the run, and returns its result in place of the
// earlier one, with waivers, drift and baseline applied. It must be called after the last outcome,
// and is safe for concurrent use. The error is a *[PanicError].
//
// The domain is compared with all guests of the run. What they have in common with it is judged as
// of the versions that the run has read: a fix of one guest does not change the findings about
// another.
func (r *Run) Again(d *audit.Domain, earlier *audit.Result) (res *audit.Result, err error) {
	defer recovered(d.Source, func(o Outcome) { res, err = nil, o.Err })
	settings := *r.opt.Settings
	settings.Index = r.index
	res = audit.Run(d, &settings)
	res.WaiverUses = nil // counted for the earlier version
	r.markDrift(res)
	if r.opt.Baseline != nil {
		r.again.Lock()
		defer r.again.Unlock()
		r.opt.Baseline.Release(earlier)
		r.markBaseline(res)
	}
	return res, nil
}
