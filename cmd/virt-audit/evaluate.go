package main

import (
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/fleet"
	"github.com/virt-audit/virt-audit/rules"
)

// outcome is what became of one input: a result, or an error, or both for a document that changed
// under our hands, or neither for a document of another kind that is passed over.
type outcome struct {
	results []*audit.Result // one of each domain that the document holds
	err     error
	skip    *audit.NotDomainError
	early   bool            // not all guests are known yet: there may be more to say of these
	before  []*audit.Result // what was told early of each result; the same where that holds still
	more    []bool          // of each result, whether there is more than was told early
}

// keepLoaded is how many bytes of documents stay loaded between the two passes; loaded, a document is
// some ten times its size. The guests of a usual host fit, so that each is read once; of a fleet, most
// are read twice, and memory does not grow with it.
const keepLoaded = 1 << 20

// input is a document on its way through the passes.
type input struct {
	doc     *collect.Document
	domains []*audit.Domain // kept from the first pass
	sum     uint64          // of the bytes that the first pass has seen
	alone   []*audit.Result // what is to be said when no other guest matters
	asked   []fleet.Questions
	settled *outcome // what the first pass has found to be no domain
}

// evaluate reads, loads and judges documents, several at a time. Rules that compare guests want to
// know all of them before the first is judged, and so does the comparison of what runs with what is
// stored: a first pass fills the index, judges each document by itself, and keeps the result. A second
// reads again, and judges again, those documents alone that have something in common with another.
//
// With early, the outcome of the first pass is told as it comes, and the second tells of results alone,
// with a mark on those that are not what they were. Early results must not be changed.
func evaluate(jobs int, documents iter.Seq2[*collect.Document, error], cfg *audit.Config, early bool) iter.Seq[outcome] {
	inputs := func(yield func(*input) bool) {
		for d, err := range collect.Parts(documents) {
			in := &input{doc: d}
			if err != nil {
				in.settled = &outcome{err: err}
			}
			if !yield(in) {
				return
			}
		}
	}
	return func(yield func(outcome) bool) {
		index, drifts := fleet.NewIndex(), audit.NewDrifts()
		var loaded atomic.Int64
		var all []*input
		for in := range audit.Ordered(readers(jobs), inputs, func(in *input) *input { in.note(index, drifts, cfg, &loaded); return in }) {
			if all = append(all, in); len(all)%heapChecked == 0 {
				limitHeap()
			}
			if early && !yield(in.told()) {
				return
			}
		}
		index.Freeze()
		drifts.Freeze()
		together := *cfg
		together.Index = index
		for out := range audit.Ordered(readers(jobs), slices.Values(all), func(in *input) outcome { return in.judge(&together) }) {
			for i, r := range out.results {
				out.more[i] = drifts.Mark(r) || out.more[i]
			}
			if !early {
				out.before = nil
			}
			if early && out.results == nil && out.err == nil {
				continue // it was told
			}
			if !yield(out) {
				return
			}
		}
	}
}

// readers returns how many documents are in hand at a time: one, or twice the processors, so that
// none of these waits for a disk or for the report.
func readers(jobs int) int {
	if jobs == 1 {
		return 1
	}
	return 2 * jobs
}

var seed = maphash.MakeSeed()

// load reads and loads the document; where that fails, the outcome says so.
func (in *input) load() (domains []*audit.Domain, sum uint64, size int, failed *outcome) {
	data, err := in.doc.Read()
	if err != nil {
		return nil, 0, 0, &outcome{err: err}
	}
	domains, err = audit.LoadPart(in.doc.Source, audit.Part{Data: data, Start: in.doc.Start})
	for _, d := range domains {
		d.Origin = in.doc.Origin.On(d.Origin)
	}
	return domains, maphash.Bytes(seed, data), len(data), failure(err)
}

// failure is what becomes of a document that cannot be loaded, or nil.
func failure(err error) *outcome {
	var other *audit.NotDomainError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &other):
		return &outcome{skip: other}
	}
	return &outcome{err: err}
}

// note is the first pass. What fails here has failed: it is told in the second pass, in its turn.
func (in *input) note(index *fleet.Index, drifts *audit.Drifts, cfg *audit.Config, loaded *atomic.Int64) {
	if in.settled != nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			in.settled = &outcome{err: &internalError{in.doc.Source, r, debug.Stack()}}
		}
	}()
	domains, sum, size, failed := in.load()
	if in.settled = failed; failed != nil {
		return
	}
	in.sum = sum
	for _, d := range domains {
		var asked fleet.Questions // none: what is past has nothing in common with other guests
		if d.Origin.Kind.Present() {
			asked = cfg.Collect(index, d, rules.Indexers()...)
		}
		in.asked = append(in.asked, asked)
		r := audit.Run(d, cfg)
		drifts.Note(r)
		in.alone = append(in.alone, r)
	}
	if loaded.Add(int64(size)) <= max(keepLoaded, int64(size)) {
		in.domains = domains
	}
}

// told is the outcome of the first pass, which is not the last word.
func (in *input) told() outcome {
	if in.settled != nil {
		out := *in.settled
		out.early = true
		*in.settled = outcome{}
		return out
	}
	return outcome{results: in.alone, early: true}
}

// judge is the second pass.
func (in *input) judge(cfg *audit.Config) (out outcome) {
	if in.settled != nil {
		return *in.settled
	}
	defer func() {
		if r := recover(); r != nil {
			out = outcome{err: &internalError{in.doc.Source, r, debug.Stack()}}
		}
	}()
	domains, alone := in.domains, in.alone
	in.domains, in.alone = nil, nil // not needed any more
	defer func() {
		for i, r := range out.results {
			if i >= len(alone) { // the document has changed
				alone = append(alone, nil)
			}
			out.before, out.more = append(out.before, alone[i]), append(out.more, r != alone[i])
		}
	}()
	for _, r := range alone {
		cfg.Confirm(r)
	}
	if !slices.ContainsFunc(in.asked, cfg.Index.Concerns) {
		return outcome{results: alone}
	}
	sum := in.sum
	if domains == nil {
		var failed *outcome
		if domains, sum, _, failed = in.load(); failed != nil && failed.err != nil {
			return *failed
		}
	}
	for i, d := range domains {
		if sum == in.sum && !cfg.Index.Concerns(in.asked[i]) {
			out.results = append(out.results, alone[i])
			continue
		}
		out.results = append(out.results, audit.Run(d, cfg))
	}
	if sum != in.sum {
		// What is told of it is true, but what others have in common with it is that of before.
		out = outcome{results: out.results, err: &collect.Problem{Source: in.doc.Source, Err: errChanged}}
	}
	return out
}

var errChanged = fmt.Errorf("%w: what it has in common with other guests may be missing, audit again", collect.ErrChanged)

// internalError is a panic of ours, kept to the input that caused it.
type internalError struct {
	source string
	value  any
	stack  []byte
}

func (e *internalError) Error() string {
	return fmt.Sprintf("%s: internal error: %v\n%s", e.source, e.value, e.stack)
}
