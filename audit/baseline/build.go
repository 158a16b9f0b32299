package baseline

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// Builder collects the entries of a new baseline. The zero value is ready to use.
type Builder struct {
	entries   map[string]*Entry
	counts    map[string]perKind // of the entries, by fingerprint
	documents map[guest]perKind
}

// Add adds the findings of a result, including those of an older baseline. Waived findings need no
// entry.
func (b *Builder) Add(r *audit.Result) {
	if b.entries == nil {
		b.entries, b.counts, b.documents = map[string]*Entry{}, map[string]perKind{}, map[guest]perKind{}
	}
	g, kind := guestOf(r).clone(), r.Origin.Kind
	if b.documents[g] == nil {
		b.documents[g] = perKind{}
	}
	b.documents[g][kind]++
	for _, list := range [][]audit.Finding{r.Findings, r.InBaseline} {
		for i := range list {
			f := &list[i]
			id := r.Fingerprint(f)
			if b.entries[id] == nil {
				b.entries[id], b.counts[id] = &Entry{
					Rule: f.Rule.ID, Severity: f.Severity.String(), Domain: g.name, Path: f.Path.String(), Message: strings.Clone(f.Message), Fingerprint: id,
					UUID: strings.Clone(r.UUID), Host: g.host, Kind: g.kind, Label: g.label, DependsOn: f.DependsOn.HostWords(),
				}, perKind{}
			}
			b.counts[id][kind]++
			b.entries[id].Count = b.counts[id].most()
		}
	}
}

// Keep adds entries of an older baseline that the run could not judge. All results must have been
// added.
func (b *Builder) Keep(entries []Entry) {
	if b.entries == nil {
		b.entries = map[string]*Entry{}
	}
	for _, e := range entries {
		if own := b.entries[e.Fingerprint]; own != nil {
			own.Count += e.Count
			own.Documents = max(own.Documents, e.Documents)
			continue
		}
		b.entries[e.Fingerprint] = &e
	}
}

// Len returns how many findings there are.
func (b *Builder) Len() int {
	n := 0
	for _, e := range b.entries {
		n += e.Count
	}
	return n
}

// Entries returns the entries in a stable order, as suits a repository.
func (b *Builder) Entries() []*Entry {
	for _, e := range b.entries {
		if n := b.documents[e.guest()].most(); n > 1 {
			e.Documents = max(e.Documents, n)
		}
	}
	return slices.SortedFunc(maps.Values(b.entries), func(x, y *Entry) int {
		return cmp.Or(cmp.Compare(x.Domain, y.Domain), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Path, y.Path), cmp.Compare(x.Fingerprint, y.Fingerprint))
	})
}
