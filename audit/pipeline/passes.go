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

// maxKept is how many bytes of documents stay loaded between the two passes; loaded, a document is some
// ten times its size. The guests of a usual host fit, so that each is read once; of a fleet, most are read
// twice, and memory does not grow with it.
const maxKept = 1 << 20

// keptDomains counts the bytes of the documents that stay loaded.
type keptDomains struct{ bytes atomic.Int64 }

// keep reports whether a document of so many bytes may stay loaded. The first always may.
func (k *keptDomains) keep(size int) bool {
	return k.bytes.Add(int64(size)) <= max(maxKept, int64(size))
}

// input is a document on its way through the passes. Only one goroutine has it at a time.
type input struct {
	document     *collect.Document // nil where domains is all that there is
	domains      []*audit.Domain   // loaded; nil where they were not kept from the first pass
	sum          uint64            // of the bytes that the first pass has read
	firstResults []*audit.Result   // of the first pass, one for each domain
	asked        []fleet.Questions // of the rules across guests, about each domain
	settled      *Outcome          // set where the first pass has found no domain: there is no second
}

// judged is an outcome of the second pass with what the stages have to know of the first.
type judged struct {
	Outcome
	firstResults []*audit.Result // of the first pass, one for each of Results; nil elements for domains that are new
	settledFirst bool            // the first pass has settled it
}

// PanicError is a panic while a document was judged: a defect of the program, kept to that document.
type PanicError struct {
	Source string // of the document
	Value  any    // that the code panicked with
	Stack  []byte
}

// Error holds the stack: it is for a report of the defect.
func (e *PanicError) Error() string {
	return fmt.Sprintf("%s: internal error: %v\n%s", e.Source, e.Value, e.Stack)
}

var errChanged = fmt.Errorf("%w: what it has in common with other guests may be missing, audit again", collect.ErrChanged)

var seed = maphash.MakeSeed()

// source returns the name of the document.
func (in *input) source() string {
	if in.document == nil {
		return in.domains[0].Source
	}
	return in.document.Source
}

// recovered calls settle with an outcome if the code that it is deferred by panics.
func recovered(source string, settle func(Outcome)) {
	if v := recover(); v != nil {
		settle(Outcome{Kind: Unreadable, Err: &PanicError{source, v, debug.Stack()}})
	}
}

// load reads and loads the document; where that fails, the outcome says so. size is in bytes.
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

// first is the first pass. A document that fails here is not tried again: the second pass yields the
// outcome in its turn.
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
		var asked fleet.Questions // none: what is past has nothing in common with other guests
		if r.opt.Indexers != nil && d.Origin.Kind.Present() {
			asked = r.opt.Settings.Collect(r.index, d, r.opt.Indexers...)
		}
		in.asked = append(in.asked, asked)
		res := audit.Run(d, r.opt.Settings)
		r.drifts.Add(res)
		in.firstResults = append(in.firstResults, res)
	}
	if kept.keep(size) {
		in.domains = domains
	}
}

// second is the second pass. settings are those of the run with its index.
func (in *input) second(r *Run, settings *audit.Settings) (out judged) {
	if in.settled != nil {
		return judged{Outcome: *in.settled, settledFirst: true}
	}
	defer recovered(in.source(), func(o Outcome) { out = judged{Outcome: o} })
	domains, alone := in.domains, in.firstResults
	in.domains, in.firstResults = nil, nil // the caller may let go of them
	for _, res := range alone {
		settings.Confirm(res)
	}
	if !slices.ContainsFunc(in.asked, r.index.HasAnswer) {
		return judged{Outcome: Outcome{Results: alone}, firstResults: alone}
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
			out.Results = append(out.Results, alone[i])
		} else {
			out.Results = append(out.Results, audit.Run(d, settings))
		}
	}
	if sum != in.sum {
		// The findings are true, but the index knows the guest as it was before.
		out.Kind, out.Err = Changed, &collect.Problem{Source: in.document.Source, Err: errChanged}
	}
	out.firstResults = append(alone, make([]*audit.Result, max(0, len(out.Results)-len(alone)))...)
	return out
}
