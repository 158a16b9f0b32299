package audit

import (
	"slices"
	"sort"
	"strings"
	"sync"
)

// Index says which domains of a run use which things: disks, host devices, sockets, labels. It is
// filled in one pass over all domains, before any rule runs, and holds keys and places but no
// document, so that its memory grows with what domains have in common with the world, not with them.
type Index struct {
	mu      sync.Mutex
	domains []indexed
	uses    map[indexKey][]use
	sorted  map[string][]string // keys of a kind, in order; made when first asked for
}

type indexKey struct{ kind, key string }

type indexed struct{ name, source, identity string }

type use struct {
	domain       int32
	line, column int32
	detail       string
}

// Use is a use of a thing by another domain than the one at hand.
type Use struct {
	Domain string // its name
	Source string // the document
	Line   int
	Column int
	Key    string
	Detail string // what the indexer noted, such as "rw"
}

// Place returns "NAME (file:line:column)", for messages.
func (u Use) Place() string {
	return u.Domain + " (" + (&InputError{Source: u.Source, Line: u.Line, Column: u.Column}).place() + ")"
}

// NewIndex returns an empty index.
func NewIndex() *Index { return &Index{uses: map[indexKey][]use{}} }

// Indexer notes what one domain uses, with Pass.Use. It reports nothing.
type Indexer func(*Pass)

// Add runs an indexer over a domain. It may be called from several goroutines, but not together with
// the queries of Pass.
func (x *Index) Add(d *Domain, c *Config, indexers ...Indexer) {
	var noted []noted
	p := Pass{Domain: d, Boundary: c.Judge(d), notes: &noted}
	for _, f := range indexers {
		f(&p)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	n := int32(len(x.domains))
	x.domains = append(x.domains, indexed{d.Name, d.Source, d.identity()})
	for _, u := range noted {
		k := indexKey{u.kind, u.key}
		x.uses[k] = append(x.uses[k], use{n, int32(u.pos.Line), int32(u.pos.Column), u.detail})
	}
}

type noted struct {
	kind, key, detail string
	pos               Pos
}

// identity tells one guest from another. The same guest may be seen twice: running and stored, or in
// a file and its copy. A document without a UUID gets one when it is defined, so its name must do.
func (d *Domain) identity() string {
	if d.UUID != "" {
		return strings.ToLower(strings.ReplaceAll(d.UUID, "-", "")) + "/" + d.Name
	}
	return "/" + d.Name
}

// Len returns how many different guests the index has seen.
func (x *Index) Len() int {
	if x == nil {
		return 0
	}
	seen := map[string]bool{}
	for _, d := range x.domains {
		seen[d.identity] = true
	}
	return len(seen)
}

// Freeze makes the index ready to be asked from several goroutines.
func (x *Index) Freeze() {
	x.sorted = map[string][]string{}
	for k, uses := range x.uses {
		x.sorted[k.kind] = append(x.sorted[k.kind], k.key)
		// Domains come in the order in which goroutines finish: findings must not.
		slices.SortFunc(uses, func(a, b use) int {
			if c := strings.Compare(x.domains[a.domain].source, x.domains[b.domain].source); c != 0 {
				return c
			}
			return int(a.line-b.line)*4096 + int(a.column-b.column)
		})
	}
	for _, keys := range x.sorted {
		sort.Strings(keys)
	}
}

// Use notes, for an indexer, that the domain uses a thing. The kind keeps different sorts of things
// apart; the key is the thing's name in normal form; what is secret must be hashed.
func (p *Pass) Use(kind, key string, at Path, detail string) {
	if p.notes != nil && key != "" {
		*p.notes = append(*p.notes, noted{kind, key, detail, p.Pos(at)})
	}
}

// Others returns how other guests use the thing, in the order of their documents.
func (p *Pass) Others(kind, key string) []Use {
	if p.set == nil || key == "" {
		return nil
	}
	return p.set.others(p.identity(), kind, key)
}

// OthersUnder returns how other guests use things whose key is the path dir or lies below it.
func (p *Pass) OthersUnder(kind, dir string) []Use {
	if p.set == nil || dir == "" {
		return nil
	}
	keys := p.set.sorted[kind]
	var out []Use
	below := strings.TrimSuffix(dir, "/") + "/"
	if dir != "/" {
		out = p.set.others(p.identity(), kind, dir)
	}
	for i := sort.SearchStrings(keys, below); i < len(keys) && strings.HasPrefix(keys[i], below); i++ {
		out = append(out, p.set.others(p.identity(), kind, keys[i])...)
	}
	return out
}

func (x *Index) others(identity, kind, key string) []Use {
	var out []Use
	seen := map[string]bool{identity: true}
	for _, u := range x.uses[indexKey{kind, key}] {
		d := x.domains[u.domain]
		if seen[d.identity] {
			continue // the guest itself, or one that is listed already
		}
		seen[d.identity] = true
		out = append(out, Use{d.name, d.source, int(u.line), int(u.column), key, u.detail})
	}
	return out
}
