// Package pipeline audits many documents as one run: it reads and loads them, several at a time, applies
// the rules, and puts every result through the stages that need the whole run. The order of the stages is
// in stages.go. What it yields is complete: a report has only to print it.
package pipeline

import (
	"iter"
	"slices"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/baseline"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/fleet"
)

// Options are what a run needs to know besides the documents.
type Options struct {
	// Settings hold the rules and all that the engine judges by. The run does not change them.
	Settings *audit.Settings
	// Indexers note what guests have in common, for the rules that compare them. Without, these are not applied.
	Indexers []audit.Indexer
	// Jobs is the number of CPUs to use; 0 means 1.
	Jobs int
	// LimitMemory adjusts the limit that LimitProcess has set as the run grows.
	LimitMemory bool
	// Early also yields the results of the first pass, as soon as each document has been read.
	Early bool
	// Baseline moves the findings that it knows to Result.InBaseline. It counts them: one serves one run.
	Baseline *baseline.Baseline
	// Found collects all findings of the run, for a baseline that is to be written; nil: nothing does.
	Found *baseline.Builder
}

// Kind says what an outcome is.
type Kind int

// The kinds of outcomes. A run yields one for each document; with Options.Early, an Early one for each
// document that holds guests, and later another of its other kinds.
const (
	Final      Kind = iota // Results, and nothing can be added to them
	Early                  // Results of a document by itself: what guests have in common is not known yet
	Changed                // Results of a document that changed during the run, and Err, which says so
	Unreadable             // Err
	Skipped                // NotDomain: the document is of another kind
)

// Outcome is what became of one document. Kind says which of the other fields are set.
type Outcome struct {
	Kind    Kind
	Results []*audit.Result // one for each domain in the document; the caller must not change them
	// Revised has an element for each of Results. It reports whether the result differs from the Early one;
	// without Options.Early it reports whether other guests have a part in it.
	Revised   []bool
	Err       error
	NotDomain *audit.NotDomainError
}

// Run is one audit. It is good for one call of Outcomes or Domains.
type Run struct {
	opt     Options
	index   *fleet.Index
	drifts  *audit.Drifts
	waivers map[*audit.Waiver]audit.WaiverUse
	errors  int
}

// New returns a run that has seen nothing.
func New(o Options) *Run {
	return &Run{
		opt: o, index: fleet.NewIndex(), drifts: audit.NewDrifts(),
		waivers: map[*audit.Waiver]audit.WaiverUse{},
	}
}

// Outcomes audits the documents and yields what became of each, in their order. A loop that stops early
// ends the work.
//
// Rules that compare guests need all of them before the first is judged, and so does the comparison of
// what runs with what is stored. The first pass fills the index, judges each document by itself, and keeps
// the result. The second pass judges again only the documents that have something in common with others.
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

// Domains audits domains that are loaded already, in place of Outcomes. It returns one result for each; the
// error is a *[PanicError].
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
		for out := range audit.Ordered(r.readers(), slices.Values(all), func(in *input) judged { return in.second(r, &together) }) {
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

// readers returns how many documents are in hand at a time: one, or twice the jobs, so that no CPU waits
// for a disk or for the report.
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
