// Package pipeline audits many documents as one run: it reads and loads them, several at a time,
// applies the rules, and puts every result through the stages that need the whole run. stages.go
// defines the order of the stages. The results are complete: a report only prints them.
package pipeline

import (
	"iter"
	"slices"
	"sync"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/baseline"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/fleet"
)

// Options are the parameters of a run besides the documents.
type Options struct {
	// Settings contains the rules and the settings of the engine. The run does not change them.
	Settings *audit.Settings
	// Indexers record what guests use, for the rules that compare guests. Without indexers, these
	// rules are not applied.
	Indexers []audit.Indexer
	// Jobs is the number of CPUs to use; 0 means 1.
	Jobs int
	// LimitMemory adjusts the limit set by LimitProcess as the run grows.
	LimitMemory bool
	// Early also yields the results of the first pass, as soon as each document has been read.
	Early bool
	// Baseline moves the findings that it contains to Result.InBaseline. It counts them, so each
	// run needs its own.
	Baseline *baseline.Baseline
	// Found collects all findings of the run for a new baseline; nil: none is written.
	Found *baseline.Builder
}

// Kind is the kind of an outcome.
type Kind int

// The kinds of outcomes. A run yields one outcome for each document. With Options.Early it yields
// an Early outcome for each document that contains guests, and later another of another kind.
const (
	Final      Kind = iota // Results is complete
	Early                  // Results of the document by itself, without what guests have in common
	Changed                // Results of a document that changed during the run, and Err with the reason
	Unreadable             // Err is set
	Skipped                // NotDomain is set: the document is of another kind
)

// Outcome is the result for one document. Kind determines which of the other fields are set.
type Outcome struct {
	Kind    Kind
	Results []*audit.Result // one for each domain in the document; the caller must not change them
	// Revised has an element for each of Results. It reports whether the result differs from the
	// Early one; without Options.Early, whether it depends on other guests.
	Revised   []bool
	Err       error
	NotDomain *audit.NotDomainError

	in *input // see Document and Reload
}

// Run is one audit. Outcomes or Domains may be called once.
type Run struct {
	opt     Options
	index   *fleet.Index
	drifts  *audit.Drifts
	waivers map[*audit.Waiver]audit.WaiverUse
	errors  int
	again   sync.Mutex // of the baseline, see Again
}

// New returns a run.
func New(o Options) *Run {
	return &Run{
		opt: o, index: fleet.NewIndex(), drifts: audit.NewDrifts(),
		waivers: map[*audit.Waiver]audit.WaiverUse{},
	}
}

// Outcomes audits the documents and yields the outcome of each, in their order. A loop that ends
// early stops the work.
//
// Rules that compare guests need all guests before the first is judged, and so does the comparison
// of running and stored documents. The first pass fills the index, judges each document by itself,
// and keeps the result. The second pass judges again only the documents that have something in
// common with others.
func (r *Run) Outcomes(documents iter.Seq2[*collect.Document, error]) iter.Seq[Outcome] {
	return r.outcomes(func(yield func(*input) bool) {
		for d, err := range collect.Parts(documents) {
			in := &input{document: d}
			if err != nil {
				in.settled = &Outcome{Kind: Unreadable, Err: err}
			}
			if !yield(in) {
				return
			}
		}
	})
}

// Domains audits domains that are already loaded, instead of Outcomes. It returns one result for
// each domain; the error is a *[PanicError].
func (r *Run) Domains(domains ...*audit.Domain) ([]*audit.Result, error) {
	inputs := func(yield func(*input) bool) {
		for _, d := range domains {
			if !yield(&input{domains: []*audit.Domain{d}}) {
				return
			}
		}
	}
	r.opt.Early = false
	results := make([]*audit.Result, 0, len(domains))
	for out := range r.outcomes(inputs) {
		if out.Err != nil {
			return nil, out.Err
		}
		results = append(results, out.Results...)
	}
	return results, nil
}

func (r *Run) outcomes(inputs iter.Seq[*input]) iter.Seq[Outcome] {
	return func(yield func(Outcome) bool) {
		var all []*input
		kept := &keptDomains{}
		for in := range audit.Ordered(r.readers(), inputs, func(in *input) *input { in.first(r, kept); return in }) {
			r.countWaivers(in.firstResults)
			if all = append(all, in); r.opt.LimitMemory && len(all)%documentsPerCheck == 0 {
				adjustMemoryLimit()
			}
			if r.opt.Early && !yield(r.early(in)) {
				return
			}
		}
		r.index.Freeze()
		r.drifts.Freeze()
		together := *r.opt.Settings
		together.Index = r.index
		for out := range audit.Ordered(r.readers(), slices.Values(all), func(in *input) judged {
			out := in.second(r, &together)
			out.in = in
			return out
		}) {
			if r.opt.Early && out.settledFirst {
				continue
			}
			r.finish(&out)
			if !yield(out.Outcome) {
				return
			}
		}
	}
}

// readers returns how many documents are processed at a time: one, or twice the jobs, so that no
// CPU waits for a disk or for the report.
func (r *Run) readers() int {
	if r.opt.Jobs <= 1 {
		return 1
	}
	return 2 * r.opt.Jobs
}

// early returns the outcome of the first pass.
func (r *Run) early(in *input) Outcome {
	if in.settled != nil {
		r.countError(in.settled)
		return *in.settled
	}
	for _, res := range in.firstResults {
		r.markBaseline(res)
	}
	return Outcome{Kind: Early, Results: in.firstResults}
}

// countError counts the documents that could not be read or judged.
func (r *Run) countError(o *Outcome) {
	if o.Err != nil {
		r.errors++
	}
}
