package pipeline

import (
	"iter"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
)

// Reading is what Read found in one document. Kind determines which of the other fields are set:
// it is Final, Unreadable or Skipped.
type Reading[T any] struct {
	Kind      Kind
	Values    []T // one for each domain in the document
	Err       error
	NotDomain *audit.NotDomainError
}

// Read applies a function to every domain of the documents, as many documents at a time as there
// are jobs, and yields one reading for each document, in their order. It is for commands that judge
// nothing. Documents are read once and not kept. A panic of the function is an *[PanicError], and
// does not affect other documents. A loop that ends early stops the work.
func Read[T any](documents iter.Seq2[*collect.Document, error], jobs int, do func(*audit.Domain) T) iter.Seq[Reading[T]] {
	inputs := func(yield func(*input) bool) {
		for d, err := range collect.Parts(documents) {
			in := &input{document: d}
			if err != nil {
				in.settled = &Outcome{Kind: Unreadable, Err: err}
			}
			if !yield(in) {
				return
			}
		}
	}
	return audit.Ordered(max(1, jobs), inputs, func(in *input) Reading[T] { return read(in, do) })
}

func read[T any](in *input, do func(*audit.Domain) T) (out Reading[T]) {
	failed := in.settled
	if failed == nil {
		defer recovered(in.source(), func(o Outcome) { out = Reading[T]{Kind: o.Kind, Err: o.Err} })
		var domains []*audit.Domain
		if domains, _, _, failed = in.load(); failed == nil {
			out.Kind = Final
			for _, d := range domains {
				out.Values = append(out.Values, do(d))
			}
			return out
		}
	}
	return Reading[T]{Kind: failed.Kind, Err: failed.Err, NotDomain: failed.NotDomain}
}
