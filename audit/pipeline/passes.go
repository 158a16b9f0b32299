package pipeline

import (
	"errors"
	"fmt"
	"hash/maphash"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/fleet"
)

// maxKept is how many bytes of documents stay loaded between the two passes; a loaded document
// takes some ten times its size. The guests of a usual host fit, so that each is read once. Of a
// fleet, most documents are read twice, and memory does not grow with the fleet.
const maxKept = 1 << 20

// keptDomains counts the bytes of the documents that stay loaded.
type keptDomains struct{ bytes atomic.Int64 }

// keep reports whether a document of that size may stay loaded. The first always may.
func (k *keptDomains) keep(size int) bool {
	return k.bytes.Add(int64(size)) <= max(maxKept, int64(size))
}

// input is the state of a document between the passes. Only one goroutine uses it at a time.
type input struct {
	document     *collect.Document // nil if the domains were passed without a document
	domains      []*audit.Domain   // loaded; nil if they were not kept from the first pass
	sum          uint64            // of the bytes that the first pass read
	firstResults []*audit.Result   // of the first pass, one for each domain
	asked        []fleet.Questions // by the rules across guests, one element for each domain
	settled      *Outcome          // set if the first pass found no domain: there is no second pass
}

// judged is an outcome of the second pass, with what the stages need from the first.
type judged struct {
	Outcome
	// firstResults are those of the first pass, one for each of Results; nil for domains that are new.
	firstResults []*audit.Result
	settledFirst bool // the outcome is that of the first pass
}

// PanicError is a panic while a document was judged. It is a defect of virt-audit, and does not
// affect other documents.
type PanicError struct {
	Source string // of the document
	Value  any    // the value passed to panic
	Stack  []byte
}

// Error includes the stack, so that users can report the defect.
func (e *PanicError) Error() string {
	return fmt.Sprintf("%s: internal error: %v\n%s", e.Source, e.Value, e.Stack)
}

var errChanged = fmt.Errorf("%w: findings about what it shares with other guests may be missing; repeat the audit", collect.ErrChanged)

var seed = maphash.MakeSeed()

// source returns the name of the document.
func (in *input) source() string {
	if in.document == nil {
		return in.domains[0].Source
	}
	return in.document.Source
}

// recovered calls settle with an outcome if the deferring function panics.
func recovered(source string, settle func(Outcome)) {
	if v := recover(); v != nil {
		settle(Outcome{Kind: Unreadable, Err: &PanicError{source, v, debug.Stack()}})
	}
}

// load reads and loads the document. failed is the outcome if that fails. size is in bytes.
func (in *input) load() (domains []*audit.Domain, sum uint64, size int, failed *Outcome) {
	if in.document == nil {
		return in.domains, 0, 0, nil
	}
	data, err := in.document.Read()
	if err != nil {
		return nil, 0, 0, &Outcome{Kind: Unreadable, Err: err}
	}
	domains, err = domxml.LoadPart(in.document.Source, domxml.Part{Data: data, Start: in.document.Start})
	for _, d := range domains {
		d.Origin = in.document.Origin.Merge(d.Origin)
	}
	return domains, maphash.Bytes(seed, data), len(data), failure(err)
}

// failure returns the outcome of a document that cannot be loaded, or nil.
func failure(err error) *Outcome {
	if err == nil {
		return nil
	}
	if other, ok := errors.AsType[*audit.NotDomainError](err); ok {
		return &Outcome{Kind: Skipped, NotDomain: other}
	}
	return &Outcome{Kind: Unreadable, Err: err}
}

// first runs the first pass. A document that fails here is not read again: the second pass yields
// its outcome in order.
func (in *input) first(r *Run, kept *keptDomains) {
	if in.settled != nil {
		return
	}
	defer recovered(in.source(), func(o Outcome) { in.settled, in.firstResults = &o, nil })
	domains, sum, size, failed := in.load()
	if in.settled = failed; failed != nil {
		return
	}
	in.sum = sum
	for _, d := range domains {
		prepared := r.opt.Settings.Prepare(d)
		var asked fleet.Questions // empty: a document of the past shares nothing with other guests
		if r.opt.Indexers != nil && d.Origin.Kind.Present() {
			asked = prepared.Collect(r.index, r.opt.Indexers...)
		}
		in.asked = append(in.asked, asked)
		res := prepared.Run()
		r.drifts.Add(res)
		in.firstResults = append(in.firstResults, res)
	}
	if kept.keep(size) {
		in.domains = domains
	}
}

// second runs the second pass. settings are those of the run, with its index.
func (in *input) second(r *Run, settings *audit.Settings) (out judged) {
	if in.settled != nil {
		return judged{Outcome: *in.settled, settledFirst: true}
	}
	defer recovered(in.source(), func(o Outcome) { out = judged{Outcome: o} })
	domains, first := in.domains, in.firstResults
	in.domains, in.firstResults = nil, nil // so that the caller can free them
	for _, res := range first {
		settings.Confirm(res)
	}
	if !slices.ContainsFunc(in.asked, r.index.HasAnswer) {
		return judged{Outcome: Outcome{Results: first}, firstResults: first}
	}
	sum := in.sum
	if domains == nil {
		var failed *Outcome
		if domains, sum, _, failed = in.load(); failed != nil && failed.Kind == Unreadable {
			return judged{Outcome: *failed}
		}
	}
	for i, d := range domains {
		if sum == in.sum && !r.index.HasAnswer(in.asked[i]) {
			out.Results = append(out.Results, first[i])
		} else {
			out.Results = append(out.Results, audit.Run(d, settings))
		}
	}
	if sum != in.sum {
		// The findings are correct, but the index contains the earlier version of the guest.
		out.Kind, out.Err = Changed, &collect.Problem{Source: in.document.Source, Err: errChanged}
	}
	added := max(0, len(out.Results)-len(first))
	out.firstResults = slices.Concat(first, make([]*audit.Result, added))
	return out
}
