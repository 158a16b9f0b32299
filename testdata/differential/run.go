package differential

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/audit/source"
)

// run is one comparison over many documents.
type run struct {
	sync.Mutex
	daemons []*daemon
	version uint64
	seeds   []*seed
	own     map[string]int // differences of the seeds' own pairs, by kind

	documents   int
	libvirtOnly map[string]int // taken by libvirt, refused by virt-audit, by reason
	oursOnly    int
	both        int
	neither     int
	crashed     []mutant
	kinds       map[string]*kind
	accepted    map[*acceptance]int
	mutations   map[string]*mutationCount
	elapsed     time.Duration
}

// kind is the record of one kind of difference.
type kind struct {
	name      string
	dim       dimension
	count     int
	mutations map[string]int
	example   mutant // with as few mutations as any, the first of those
	minimal   string
}

type mutationCount struct{ documents, libvirt, both, differ int }

func newRun() *run {
	return &run{
		own: map[string]int{}, libvirtOnly: map[string]int{}, kinds: map[string]*kind{}, accepted: map[*acceptance]int{}, mutations: map[string]*mutationCount{},
	}
}

// each distributes the numbers from 0 to n-1 to the daemons.
func (r *run) each(tb testing.TB, n int, f func(d *daemon, i int) error) {
	tb.Helper()
	var wg sync.WaitGroup
	var next atomic.Int64
	for _, d := range r.daemons {
		wg.Go(func() {
			for i := int(next.Add(1) - 1); i < n; i = int(next.Add(1) - 1) {
				if err := f(d, i); err != nil {
					tb.Errorf("libvirtd: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	if tb.Failed() {
		tb.FailNow()
	}
}

// load finds the seeds that libvirt and virt-audit accept, and records the differences of the
// unchanged seeds.
func (r *run) load(tb testing.TB, files []string) {
	tb.Helper()
	lists := make([][]*seed, len(files))
	r.each(tb, len(files), func(d *daemon, i int) error {
		list, err := d.loadSeed(files[i])
		if err != nil {
			return err
		}
		for _, s := range list {
			if usable, err := d.ownDifferences(s); err != nil {
				return err
			} else if usable {
				lists[i] = append(lists[i], s)
			}
		}
		return nil
	})
	r.seeds = slices.Concat(lists...)
	for _, s := range r.seeds {
		for x := range s.own {
			r.own[x.kind()]++
		}
	}
}

// ownDifferences records the differences between an unchanged seed and libvirt's dump of it.
func (d *daemon) ownDifferences(s *seed) (usable bool, err error) {
	dump, refusal, err := d.define(s.text)
	if errors.Is(err, errDaemon) {
		return false, nil
	}
	if refusal != nil || err != nil {
		return false, err
	}
	ours, _, list := d.compare(s.text, dump)
	s.own = map[difference]bool{}
	for _, x := range list {
		s.own[x] = true
	}
	return ours.err == nil, nil
}

// compare runs n documents of the generator.
func (r *run) compare(tb testing.TB, g *generator, n int) {
	tb.Helper()
	start := time.Now()
	r.each(tb, n, func(d *daemon, i int) error { return r.document(d, g.document(i)) })
	r.elapsed, r.documents = time.Since(start), n
}

// document compares one document.
func (r *run) document(d *daemon, m mutant) error {
	dump, refusal, err := d.define(m.text)
	if err != nil && !errors.Is(err, errDaemon) {
		return err
	}
	crashed := err != nil
	var ours, theirs reading
	var list []difference
	if refusal == nil && !crashed {
		ours, theirs, list = d.compare(m.text, dump)
	} else {
		ours = read("document", m.text)
		list = ours.ended(nil)
	}

	r.Lock()
	defer r.Unlock()
	libvirt := refusal == nil && !crashed
	switch {
	case crashed:
		r.crashed = append(r.crashed, m)
	case libvirt && ours.err == nil:
		r.both++
	case errors.As(ours.err, &panicked{}): // a difference of its own
	case libvirt:
		r.libvirtOnly[generalised(inputMessage(ours.err))]++
	case ours.err == nil:
		r.oursOnly++
	default:
		r.neither++
	}
	differs := false
	for _, x := range list {
		if m.seed.own[x] {
			continue
		}
		c := &occurrence{x, &ours, &theirs, m.text, dump}
		if a := explain(c, r.version); a != nil {
			r.accepted[a]++
			continue
		}
		differs = true
		r.note(&x, m)
	}
	for _, k := range m.kinds {
		c := r.mutations[k]
		if c == nil {
			c = &mutationCount{}
			r.mutations[k] = c
		}
		c.documents++
		count(&c.libvirt, libvirt)
		count(&c.both, libvirt && ours.err == nil)
		count(&c.differ, differs)
	}
	return nil
}

func count(n *int, yes bool) {
	if yes {
		*n++
	}
}

func inputMessage(err error) string {
	if input, ok := errors.AsType[*source.Error](err); ok {
		return input.Message
	}
	return err.Error()
}

func (r *run) note(x *difference, m mutant) {
	name := x.kind()
	k := r.kinds[name]
	if k == nil {
		k = &kind{name: name, dim: x.dim, mutations: map[string]int{}, example: m}
		r.kinds[name] = k
	}
	k.count++
	for _, by := range m.kinds {
		k.mutations[by]++
	}
	simpler := cmp.Compare(len(m.kinds), len(k.example.kinds))
	if cmp.Or(simpler, cmp.Compare(m.number, k.example.number)) < 0 {
		k.example = m
	}
}

// sorted returns the kinds, the gravest dimension and the most frequent ones first.
func (r *run) sorted() []*kind {
	return slices.SortedFunc(maps.Values(r.kinds), func(a, b *kind) int {
		return cmp.Or(cmp.Compare(slices.Index(gravest, a.dim), slices.Index(gravest, b.dim)),
			cmp.Compare(b.count, a.count), cmp.Compare(a.name, b.name))
	})
}

// minimise finds a small document for each of the kinds.
func (r *run) minimise(tb testing.TB, kinds []*kind, budget int) {
	tb.Helper()
	r.each(tb, len(kinds), func(d *daemon, i int) error {
		k := kinds[i]
		var failed error
		k.minimal = shrink(k.example.text, budget, func(text string) bool {
			if failed != nil {
				return false
			}
			dump, refusal, err := d.define(text)
			if err != nil && !errors.Is(err, errDaemon) {
				failed = err
			}
			if err != nil || refusal != nil {
				return false
			}
			ours, theirs, list := d.compare(text, dump)
			return slices.ContainsFunc(list, func(x difference) bool {
				c := &occurrence{x, &ours, &theirs, text, dump}
				return x.kind() == k.name && explain(c, r.version) == nil
			})
		})
		return failed
	})
}
