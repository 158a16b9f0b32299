package audit

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// Index says which domains of a run use which things: disks, host devices, sockets, labels. It is
// filled in one pass over all domains, before any rule runs, and holds keys and places but no
// document, so that its memory grows with what domains name of the world, not with them.
type Index struct {
	mu       sync.Mutex
	domains  []indexed
	guests   map[[2]string]int32       // different ones, by name and UUID
	keys     map[string]map[string]int // of a kind, the number of each key
	count    int                       // how many keys there are
	uses     []use                     // once frozen, in order of key, source, line and column
	starts   []int32                   // once frozen, where the uses of a key begin; one more at the end
	guestsOf []int32                   // once frozen, how many different guests use a key
	details  map[string]int32          // few different ones, kept once
	words    []string
	sorted   map[string][]string // keys of a kind, in order; made when first asked for
}

type indexed struct {
	name, uuid, source string
	guest              int32
	live               bool
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
	return name + " (" + (&InputError{Source: u.Source, Line: u.Line, Column: u.Column}).Place() + ")"
}

// NewIndex returns an empty index.
func NewIndex() *Index {
	return &Index{guests: map[[2]string]int32{}, keys: map[string]map[string]int{}, details: map[string]int32{}}
}

// Indexer notes what one domain uses, with Pass.Use. It reports nothing.
type Indexer func(*Pass)

// Add runs indexers over a domain, and finds out what the rules across guests will ask about it. It
// may be called from several goroutines, but not together with the queries of Pass.
func (x *Index) Add(d *Domain, c *Config, indexers ...Indexer) Questions {
	var notes []noted
	var q asked
	p := Pass{Domain: d, Boundary: c.Judge(d), Host: c.facts(d), notes: &notes, home: c.home(d)}
	for _, f := range indexers {
		f(&p)
	}
	p = Pass{Domain: d, Boundary: p.Boundary, QEMU: c.EffectiveQEMU(), Host: p.Host, home: p.home, asked: &q, result: &Result{}}
	for _, r := range c.Rules {
		if r.Needs&NeedDomains != 0 {
			p.rule = r
			r.Check(&p)
		}
	}
	questions := Questions{
		name: strings.Clone(domxml.ShortName(d.Name)), uuid: domxml.UUIDKey(domxml.ShortName(d.UUID)), source: d.Source,
		under: distinct(q.under), answered: p.lacked != 0 || len(p.result.Findings) > 0 || c.waivesAcross(d),
	}
	// Copies, lest a few bytes of a name keep a whole document in memory.
	of := indexed{name: questions.name, uuid: questions.uuid, source: d.Source, live: d.Live()}
	guest := [2]string{of.name, of.uuid}
	if of.name == "" && of.uuid == "" {
		guest[1] = of.source
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	number, ok := x.guests[guest]
	if !ok {
		number = int32(len(x.guests))
		x.guests[guest] = number
	}
	of.guest = number
	n := int32(len(x.domains))
	x.domains = append(x.domains, of)
	for _, u := range distinct(notes) {
		x.uses = append(x.uses, use{x.number(u.kind, u.key), n, int32(u.pos.Line), int32(u.pos.Column), x.word(u.detail)})
	}
	for _, k := range distinct(q.keys) {
		questions.numbers = append(questions.numbers, x.number(k[0], k[1]))
	}
	return questions
}

// distinct returns each element of a list once, in order, where the list is long: a document can name one thing
// any number of times.
func distinct[T interface{ same() any }](list []T) []T {
	const few = 32
	if len(list) <= few {
		return list
	}
	seen := make(map[any]bool, len(list))
	return slices.DeleteFunc(list, func(e T) bool {
		key := e.same()
		was := seen[key]
		seen[key] = true
		return was
	})
}

// Questions are what the rules across guests asked about one domain when nothing was known of the
// others: every rule asks about the things that the domain uses before it says anything. Where none
// of the answers names another guest, none of them has anything to say.
type Questions struct {
	name, uuid, source string
	numbers            []int32    // of keys
	under              []question // kinds and folders
	answered           bool       // there was something to say without an answer
}

// asked collects questions while there is no index to answer them.
type asked struct{ keys, under []question }

// question is a kind and a key.
type question [2]string

func (q question) same() any { return q }

// Concerns reports whether one of the questions has an answer that names another guest, so that the
// rules have to look at the domain again. The index must be frozen.
func (x *Index) Concerns(q Questions) bool {
	if q.answered {
		return true
	}
	uuid := q.uuid
	anybody := func(n int) bool {
		for _, u := range x.uses[x.starts[n]:x.starts[n+1]] {
			if g := &x.domains[u.domain]; !g.is(q.name, uuid, q.source) {
				return true
			}
		}
		return false
	}
	for _, n := range q.numbers {
		if anybody(int(n)) {
			return true
		}
	}
	for _, k := range q.under {
		keys := x.inOrder(k[0])
		i, _ := slices.BinarySearch(keys, k[1])
		for ; i < len(keys) && strings.HasPrefix(keys[i], k[1]); i++ {
			if anybody(x.keys[k[0]][keys[i]]) {
				return true
			}
		}
	}
	return false
}

func (x *Index) number(kind, key string) int32 {
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

func (x *Index) word(detail string) int32 {
	n, ok := x.details[detail]
	if !ok {
		n = int32(len(x.words))
		detail = strings.Clone(detail)
		x.words = append(x.words, detail)
		x.details[detail] = n
	}
	return n
}

type noted struct {
	kind, key, detail string
	pos               Pos
}

func (n noted) same() any { return [3]string{n.kind, n.key, n.detail} }

// is reports whether the domain is the guest that the index knows as g. The same guest may be seen
// twice: running and stored, or in a file and its copy. A document without a UUID gets one when it is
// defined, so its name must do; one with neither is a guest of its own.
func (g *indexed) is(name, uuid, source string) bool {
	switch {
	case g.name != name:
		return false
	case g.uuid == "" && uuid == "" && g.name == "":
		return g.source == source
	case g.uuid == "" || uuid == "":
		return g.name != ""
	}
	return g.uuid == uuid
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
	x.begin()
	x.guestsOf = make([]int32, x.count)
	seen := make([]int32, len(x.guests)) // the last key, plus one, that was seen with the guest
	for _, u := range x.uses {
		if g := x.domains[u.domain].guest; seen[g] != u.key+1 {
			seen[g] = u.key + 1
			x.guestsOf[u.key]++
		}
	}
	x.thin()
	x.sorted = map[string][]string{}
}

// enough is how many guests that use a key in the same way are kept: rules name a few and count no further.
const enough = 102

// thin drops the uses that no answer depends on: those of a guest that uses the key in the same way in an earlier
// document, and those of more guests than rules count. Each rule asks for each guest: where all use one thing,
// the work would be the square of their number.
func (x *Index) thin() {
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
		o := one{w, d.guest}
		if seen[o] == key+1 || count[w] >= enough {
			continue
		}
		seen[o] = key + 1
		count[w]++
		kept = append(kept, u)
	}
	clear(x.uses[len(kept):])
	x.uses = kept
	x.begin()
}

// begin notes where the uses of each key begin.
func (x *Index) begin() {
	x.starts = make([]int32, x.count+1)
	for _, u := range x.uses {
		x.starts[u.key+1]++
	}
	for n := range x.count {
		x.starts[n+1] += x.starts[n]
	}
}

// Use notes, for an indexer, that the domain uses a thing. The kind keeps different sorts of things
// apart; the key is the thing's name in normal form; what is secret must be hashed, see Hashed.
func (p *Pass) Use(kind, key string, at Path, detail string) {
	if p.notes != nil && key != "" {
		*p.notes = append(*p.notes, noted{kind, key, detail, p.Pos(at)})
	}
}

// Others walks how other guests use the thing, in the order of their documents. The document of a
// guest that is given twice counts twice.
func (p *Pass) Others(kind, key string) iter.Seq[Use] {
	return func(yield func(Use) bool) {
		if p.asked != nil && key != "" {
			p.asked.keys = append(p.asked.keys, question{kind, key})
		}
		if p.set != nil && key != "" {
			p.set.others(p.known(), kind, key, "", yield)
		}
	}
}

// Guests returns how many different guests use the thing, this one included.
//
// A rule that compares two counts asks for the one that makes it report first, and for the other only
// if the first is not zero: it is called for every domain of a run, and read again if an answer counts.
func (p *Pass) Guests(kind, key string) int {
	if p.asked != nil && key != "" {
		p.asked.keys = append(p.asked.keys, question{kind, key})
	}
	if p.set == nil {
		return 0
	}
	n, ok := p.set.keys[kind][key]
	if !ok {
		return 0
	}
	return int(p.set.guestsOf[n])
}

// OthersUnder walks how other guests use things whose key is the path dir or lies below it.
func (p *Pass) OthersUnder(kind, dir string) iter.Seq[Use] {
	return func(yield func(Use) bool) {
		if p.asked != nil && dir != "" {
			p.asked.under = append(p.asked.under, question{kind, strings.TrimSuffix(dir, "/")})
		}
		if p.set == nil || dir == "" {
			return
		}
		keys := p.set.inOrder(kind)
		below := strings.TrimSuffix(dir, "/") + "/"
		if dir != "/" && !p.set.others(p.known(), kind, dir, dir, yield) {
			return
		}
		i, _ := slices.BinarySearch(keys, below)
		for ; i < len(keys) && strings.HasPrefix(keys[i], below); i++ {
			if !p.set.others(p.known(), kind, keys[i], keys[i], yield) {
				return
			}
		}
	}
}

// known returns the domain as the index knows it.
func (p *Pass) known() *indexed {
	if p.self == nil {
		p.self = &indexed{name: domxml.ShortName(p.Name), uuid: domxml.UUIDKey(domxml.ShortName(p.UUID)), source: p.Source}
	}
	return p.self
}

func (x *Index) others(self *indexed, kind, key, name string, yield func(Use) bool) bool {
	n, ok := x.keys[kind][key]
	if !ok {
		return true
	}
	for _, u := range x.uses[x.starts[n]:x.starts[n+1]] {
		g := &x.domains[u.domain]
		if !g.is(self.name, self.uuid, self.source) && !yield(Use{g.name, g.source, int(u.line), int(u.column), int(g.guest), g.live, name, x.words[u.detail]}) {
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

// salt is new for each run, so that what Hashed returns is worth nothing outside of it.
var salt = sync.OnceValue(func() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: the runtime ends the program where it would
	return b
})

// Hashed returns a key for something secret, good for comparing within this run and nothing else.
func Hashed(secret string) string {
	if secret == "" {
		return ""
	}
	h := sha256.New()
	h.Write(salt())
	h.Write([]byte(secret))
	return hex.EncodeToString(h.Sum(nil)[:16])
}
