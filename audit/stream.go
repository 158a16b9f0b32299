package audit

import (
	"iter"
	"sync"
)

// Ordered applies do to every value of in, jobs at a time, and yields the results in the order of
// the values. At most a few results per job are pending at any moment, so memory does not grow with
// the length of in. A loop that ends early stops the work.
func Ordered[In, Out any](jobs int, in iter.Seq[In], do func(In) Out) iter.Seq[Out] {
	if jobs <= 1 {
		return func(yield func(Out) bool) {
			for v := range in {
				if !yield(do(v)) {
					return
				}
			}
		}
	}
	type job struct {
		in   In
		done chan Out
	}
	return func(yield func(Out) bool) {
		stop := make(chan struct{})
		work := make(chan job)
		order := make(chan chan Out, 4*jobs)
		var workers sync.WaitGroup
		defer workers.Wait()
		defer close(stop)
		workers.Go(func() {
			defer close(order)
			defer close(work)
			for v := range in {
				j := job{v, make(chan Out, 1)}
				select {
				case order <- j.done:
				case <-stop:
					return
				}
				select {
				case work <- j:
				case <-stop:
					return
				}
			}
		})
		for range jobs {
			workers.Go(func() {
				for j := range work {
					j.done <- do(j.in)
				}
			})
		}
		for done := range order {
			if !yield(<-done) {
				return
			}
		}
	}
}
