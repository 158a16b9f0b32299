package fleet

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/source"
)

// Index records which domains of a run use which resources: disks, host devices, sockets, labels.
// It is filled in one pass through all domains, before any rule runs. It stores keys and positions but
// no document, so that its memory grows with the number of resources that domains name, not with
// the documents.
type Index struct {
	mu          sync.Mutex
	domains     []indexed
	guests      map[[2]string]int32       // the number of each guest, by name and UUID
	keys        map[string]map[string]int // by kind: the number of each key
	count       int                       // number of keys
	uses        []use                     // after Freeze: sorted by key, source, line and column
	starts      []int32                   // after Freeze: where the uses of each key begin, and the total
	guestsOf    []int32                   // after Freeze: how many different guests use each key
	details     map[string]int32          // the number of each detail: there are few different ones
	detailTexts []string
	sorted      map[string][]string // by kind: the sorted keys; filled on demand
}

// indexed is one document of the index.
type indexed struct {
	Guest
	number int32 // of the guest: two documents of one guest have the same number
}

// Guest is one document of a guest, with the data that distinguishes guests.
type Guest struct {
	name, uuid, source string
	live               bool
}

// GuestOf returns the index's view of a domain. It shares no memory with the document.
func GuestOf(d *domxml.Domain) Guest {
	return Guest{
		name: strings.Clone(domxml.ShortName(d.Name)), uuid: domxml.UUIDKey(strings.Clone(domxml.ShortName(d.UUID))),
		source: d.Source, live: d.Live(),
	}
}

// Note is one resource that a domain uses. Kind separates resources of different types, Key is the
// resource's name in normal form (Hashed if it is secret), Detail is how it is used, such as "rw".
type Note struct {
	Kind, Key, Detail string
	Pos               domxml.Pos
}

// Question is what a rule asks about other guests: which of them use a resource or, with Under, a
// resource whose key is a path below Key.
type Question struct {
	Kind, Key string
	Under     bool
}

type use struct{ key, domain, line, column, detail int32 }

// Use is a use of a resource by another domain than the one that the question is about.
type Use struct {
	Domain string // the name of the domain
	Source string // the name of its document
	Line   int
	Column int
	Guest  int    // the number of the guest in the run: two documents of one guest have the same number
	Live   bool   // the document is of a running guest
	Key    string // set only by OthersUnder; otherwise it is the key of the question
	Detail string // the Detail of the Note, such as "rw"
}

// Place returns "NAME (file:line:column)", for messages.
func (u Use) Place() string {
	name := u.Domain
	if name == "" {
		name = "a guest without a name"
	}
	return name + " (" + source.Location(u.Source, u.Line, u.Column) + ")"
}

// NewIndex returns an empty index.
func NewIndex() *Index {
	return &Index{guests: map[[2]string]int32{}, keys: map[string]map[string]int{}, details: map[string]int32{}}
}

// Questions are the questions of the rules across guests about one domain, asked before any other
// guest was known: every rule asks about the resources that the domain uses before it reports
// anything. If no answer names another guest, none of these rules has anything to report.
type Questions struct {
	guest    Guest
	numbers  []int32 // of keys
	under    []Question
	answered bool // a rule reported something without an answer
}

// Add records what a domain uses, and returns the questions of its rules. answered means that the
// rules report something whatever the answers are. Add is safe for concurrent use, but must not run
// at the same time as the queries.
func (x *Index) Add(g Guest, notes []Note, questions []Question, answered bool) Questions {
	asked := Questions{guest: g, answered: answered}
	identity := [2]string{g.name, g.uuid}
	if g.name == "" && g.uuid == "" {
		identity[1] = g.source
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	number, ok := x.guests[identity]
	if !ok {
		number = int32(len(x.guests))
		x.guests[identity] = number
	}
	n := int32(len(x.domains))
	x.domains = append(x.domains, indexed{g, number})
	for _, u := range distinct(notes, func(u Note) any { return [3]string{u.Kind, u.Key, u.Detail} }) {
		x.uses = append(x.uses, use{x.keyNumber(u.Kind, u.Key), n, int32(u.Pos.Line), int32(u.Pos.Column), x.detailNumber(u.Detail)})
	}
	for _, q := range distinct(questions, func(q Question) any { return q }) {
		if q.Under {
			asked.under = append(asked.under, q)
		} else {
			asked.numbers = append(asked.numbers, x.keyNumber(q.Kind, q.Key))
		}
	}
	return asked
}

// distinct returns the first element for each key, in order, if the list is long: a document can
// name one resource any number of times.
func distinct[T any](list []T, key func(T) any) []T {
	const few = 32
	if len(list) <= few {
		return list
	}
	seen := make(map[any]bool, len(list))
	return slices.DeleteFunc(list, func(e T) bool {
		k := key(e)
		was := seen[k]
		seen[k] = true
		return was
	})
}

// HasAnswer reports whether one of the questions has an answer that names another guest, so that
// the rules must be applied again. The index must be frozen.
func (x *Index) HasAnswer(q Questions) bool {
	if q.answered {
		return true
	}
	another := func(n int) bool {
		for _, u := range x.uses[x.starts[n]:x.starts[n+1]] {
			if g := &x.domains[u.domain]; !g.sameGuest(&q.guest) {
				return true
			}
		}
		return false
	}
	for _, n := range q.numbers {
		if another(int(n)) {
			return true
		}
	}
	for _, k := range q.under {
		keys := x.inOrder(k.Kind)
		i, _ := slices.BinarySearch(keys, k.Key)
		for ; i < len(keys) && strings.HasPrefix(keys[i], k.Key); i++ {
			if another(x.keys[k.Kind][keys[i]]) {
				return true
			}
		}
	}
	return false
}

func (x *Index) keyNumber(kind, key string) int32 {
	keys := x.keys[kind]
	if keys == nil {
		keys = map[string]int{}
		x.keys[kind] = keys
	}
	n, ok := keys[key]
	if !ok {
		n = x.count
		keys[strings.Clone(key)] = n
		x.count++
	}
	return int32(n)
}

func (x *Index) detailNumber(detail string) int32 {
	n, ok := x.details[detail]
	if !ok {
		n = int32(len(x.detailTexts))
		detail = strings.Clone(detail)
		x.detailTexts = append(x.detailTexts, detail)
		x.details[detail] = n
	}
	return n
}

// sameGuest reports whether two documents are of one guest. The same guest may occur twice: running
// and stored, or in a file and its copy. libvirt generates the UUID of a document without one when
// it defines it, so the name alone identifies such a guest. A document with neither name nor UUID
// is a guest of its own.
func (g *Guest) sameGuest(other *Guest) bool {
	switch {
	case g.name != other.name:
		return false
	case g.uuid == "" && other.uuid == "" && g.name == "":
		return g.source == other.source
	case g.uuid == "" || other.uuid == "":
		return g.name != ""
	}
	return g.uuid == other.uuid
}

// Len returns the number of different guests in the index.
func (x *Index) Len() int {
	if x == nil {
		return 0
	}
	return len(x.guests)
}

// Freeze prepares the index for concurrent queries. Nothing can be added afterwards.
func (x *Index) Freeze() {
	// Domains are added in the order in which goroutines finish; findings must not depend on it.
	slices.SortFunc(x.uses, func(a, b use) int {
		return cmp.Or(
			cmp.Compare(a.key, b.key),
			strings.Compare(x.domains[a.domain].source, x.domains[b.domain].source),
			cmp.Compare(a.line, b.line),
			cmp.Compare(a.column, b.column),
		)
	})
	x.indexStarts()
	x.guestsOf = make([]int32, x.count)
	seen := make([]int32, len(x.guests)) // the last key, plus one, that the guest uses
	for _, u := range x.uses {
		if g := x.domains[u.domain].number; seen[g] != u.key+1 {
			seen[g] = u.key + 1
			x.guestsOf[u.key]++
		}
	}
	x.dropUnneeded()
	x.sorted = map[string][]string{}
}

// maxUsesPerWay is how many guests that use a key in the same way are kept: rules name a few and do
// not count further.
const maxUsesPerWay = 102

// dropUnneeded drops the uses that no answer depends on: further uses by a guest that uses the key
// in the same way in an earlier document, and uses by more guests than rules count. Each rule asks
// for each guest: if all guests use one resource, the work would otherwise be quadratic.
func (x *Index) dropUnneeded() {
	type way struct {
		detail int32
		live   bool
	}
	type one struct {
		way
		guest int32
	}
	const few = 8
	// seen: the last key, plus one, for which a use of the guest was kept
	count, seen := map[way]int{}, map[one]int32{}
	kept, key := x.uses[:0], int32(-1)
	for _, u := range x.uses {
		if x.starts[u.key+1]-x.starts[u.key] <= few {
			kept = append(kept, u)
			continue
		}
		if u.key != key {
			key, count = u.key, map[way]int{}
		}
		d := &x.domains[u.domain]
		w := way{u.detail, d.live}
		o := one{w, d.number}
		if seen[o] == key+1 || count[w] >= maxUsesPerWay {
			continue
		}
		seen[o] = key + 1
		count[w]++
		kept = append(kept, u)
	}
	clear(x.uses[len(kept):])
	x.uses = kept
	x.indexStarts()
}

// indexStarts records where the uses of each key begin.
func (x *Index) indexStarts() {
	x.starts = make([]int32, x.count+1)
	for _, u := range x.uses {
		x.starts[u.key+1]++
	}
	for n := range x.count {
		x.starts[n+1] += x.starts[n]
	}
}

// Others yields the uses of a resource by guests other than g, in the order of their documents. If
// a guest has two documents, both count.
func (x *Index) Others(g *Guest, kind, key string) iter.Seq[Use] {
	return func(yield func(Use) bool) { x.others(g, kind, key, "", yield) }
}

// OthersUnder yields the uses by guests other than g of resources whose key is the path dir or a
// path below it.
func (x *Index) OthersUnder(g *Guest, kind, dir string) iter.Seq[Use] {
	return func(yield func(Use) bool) {
		keys := x.inOrder(kind)
		below := strings.TrimSuffix(dir, "/") + "/"
		if dir != "/" && !x.others(g, kind, dir, dir, yield) {
			return
		}
		i, _ := slices.BinarySearch(keys, below)
		for ; i < len(keys) && strings.HasPrefix(keys[i], below); i++ {
			if !x.others(g, kind, keys[i], keys[i], yield) {
				return
			}
		}
	}
}

// Guests returns the number of different guests that use the resource.
func (x *Index) Guests(kind, key string) int {
	n, ok := x.keys[kind][key]
	if !ok {
		return 0
	}
	return int(x.guestsOf[n])
}

func (x *Index) others(self *Guest, kind, key, name string, yield func(Use) bool) bool {
	n, ok := x.keys[kind][key]
	if !ok {
		return true
	}
	for _, u := range x.uses[x.starts[n]:x.starts[n+1]] {
		g := &x.domains[u.domain]
		if !g.sameGuest(self) && !yield(Use{g.name, g.source, int(u.line), int(u.column), int(g.number), g.live, name, x.detailTexts[u.detail]}) {
			return false
		}
	}
	return true
}

// inOrder returns the sorted keys of a kind. It is safe for concurrent use.
func (x *Index) inOrder(kind string) []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	keys, ok := x.sorted[kind]
	if !ok {
		for k := range x.keys[kind] {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		x.sorted[kind] = keys
	}
	return keys
}
