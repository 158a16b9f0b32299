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

// Index says which domains of a run use which things: disks, host devices, sockets, labels. It is
// filled in one pass over all domains, before any rule runs, and holds keys and places but no
// document, so that its memory grows with what domains name of the world, not with them.
type Index struct {
	mu          sync.Mutex
	domains     []indexed
	guests      map[[2]string]int32       // different ones, by name and UUID
	keys        map[string]map[string]int // of a kind, the number of each key
	count       int                       // how many keys there are
	uses        []use                     // once frozen, in order of key, source, line and column
	starts      []int32                   // once frozen, where the uses of a key begin; one more at the end
	guestsOf    []int32                   // once frozen, how many different guests use a key
	details     map[string]int32          // few different ones, kept once
	detailTexts []string
	sorted      map[string][]string // keys of a kind, in order; made when first asked for
}

// indexed is one document of the index.
type indexed struct {
	Guest
	number int32 // of the guest: two documents of one guest have the same
}

// Guest is one document of a guest, by what distinguishes guests.
type Guest struct {
	name, uuid, source string
	live               bool
}

// GuestOf returns what the index knows of a domain. It shares no memory with the document.
func GuestOf(d *domxml.Domain) Guest {
	return Guest{
		name: strings.Clone(domxml.ShortName(d.Name)), uuid: domxml.UUIDKey(strings.Clone(domxml.ShortName(d.UUID))),
		source: d.Source, live: d.Live(),
	}
}

// Note is one thing that a domain uses. Kind keeps different sorts of things apart, Key is the thing's
// name in normal form (Hashed, if it is secret), Detail is how it is used, such as "rw".
type Note struct {
	Kind, Key, Detail string
	Pos               domxml.Pos
}

// Question is what a rule asks about other guests: who uses a thing or, with Under, one whose key is
// a path below Key.
type Question struct {
	Kind, Key string
	Under     bool
}

type use struct{ key, domain, line, column, detail int32 }

// Use is a use of a thing by another domain than the one at hand.
type Use struct {
	Domain string // its name
	Source string // the document
	Line   int
	Column int
	Guest  int    // which of the run's guests it is: two documents of one guest have the same number
	Live   bool   // the document is of a running guest
	Key    string // only from OthersUnder; otherwise it is what was asked for
	Detail string // what the indexer noted, such as "rw"
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

// Questions are what the rules across guests asked about one domain when nothing was known of the
// others: every rule asks about the things that the domain uses before it reports anything. If none
// of the answers names another guest, none of them has anything to report.
type Questions struct {
	guest    Guest
	numbers  []int32 // of keys
	under    []Question
	answered bool // a rule reported something without an answer
}

// Add notes what a domain uses, and returns what its rules ask. answered means that the rules report
// something whatever the answers are. Add may be called from several goroutines, but not together with
// the queries.
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

// distinct returns the first of all elements with the same key, in order, if the list is long: a document
// can name one thing any number of times.
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

// HasAnswer reports whether one of the questions has an answer that names another guest, so that the
// rules have to look at the domain again. The index must be frozen.
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

// sameGuest reports whether the two are documents of one guest. The same guest may be seen
// twice: running and stored, or in a file and its copy. A document without a UUID gets one when it is
// defined, so its name must do; one with neither is a guest of its own.
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

// Len returns how many different guests the index has seen.
func (x *Index) Len() int {
	if x == nil {
		return 0
	}
	return len(x.guests)
}

// Freeze makes the index ready to be asked from several goroutines; nothing can be added any more.
func (x *Index) Freeze() {
	// Domains come in the order in which goroutines finish: findings must not.
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
	seen := make([]int32, len(x.guests)) // the last key, plus one, that was seen with the guest
	for _, u := range x.uses {
		if g := x.domains[u.domain].number; seen[g] != u.key+1 {
			seen[g] = u.key + 1
			x.guestsOf[u.key]++
		}
	}
	x.dropUnneeded()
	x.sorted = map[string][]string{}
}

// maxUsesPerWay is how many guests that use a key in the same way are kept: rules name a few and count no further.
const maxUsesPerWay = 102

// dropUnneeded drops the uses that no answer depends on: those of a guest that uses the key in the same way in an earlier
// document, and those of more guests than rules count. Each rule asks for each guest: where all use one thing,
// the work would be the square of their number.
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
	count, seen := map[way]int{}, map[one]int32{} // the last key, plus one, of which a guest was kept
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

// indexStarts notes where the uses of each key begin.
func (x *Index) indexStarts() {
	x.starts = make([]int32, x.count+1)
	for _, u := range x.uses {
		x.starts[u.key+1]++
	}
	for n := range x.count {
		x.starts[n+1] += x.starts[n]
	}
}

// Others walks how guests other than g use the thing, in the order of their documents. The document of a
// guest that is given twice counts twice.
func (x *Index) Others(g *Guest, kind, key string) iter.Seq[Use] {
	return func(yield func(Use) bool) { x.others(g, kind, key, "", yield) }
}

// OthersUnder walks how guests other than g use things whose key is the path dir or lies below it.
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

// Guests returns how many different guests use the thing.
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

// inOrder returns the keys of a kind, sorted. It may be called from several goroutines.
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
