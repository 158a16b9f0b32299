package audit

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// Explain returns a description of the drift for users.
func (d Drift) Explain() string {
	switch d {
	case UntilRestart:
		return "fixed on disk, still exposed until restart"
	case AtNextStart:
		return "not exposed yet, will appear at the next start"
	case InSavedState:
		return "fixed on disk, comes back when the saved state is restored"
	case WithoutSavedState:
		return "not in the saved state, will appear when the guest starts without it"
	}
	return ""
}

// Drifts compares the findings about the running, the stored and the saved document of each guest.
// All results of a run must be added before any is marked. It keeps a few words of memory for each
// finding, and after Freeze only for guests with more than one document.
type Drifts struct {
	mu     sync.Mutex
	guests map[driftKey]map[Kind][]driftDoc
}

// driftKey identifies a guest on a host. A guest without a UUID is identified by its name: libvirt
// generates a new UUID whenever it defines such a document.
type driftKey struct{ host, uuid, name string }

// driftDoc is what one document contributes to the comparison.
type driftDoc struct {
	findings []driftFinding
	unknown  []*Rule // rules that were not evaluated: their missing findings prove nothing
}

// driftFinding is a finding without its exact place, which changes when libvirt adds or sorts
// devices. Findings of a rule about elements of the same path are therefore counted, and
// distinguished by key and content.
type driftFinding struct {
	rule     *Rule
	place    uint64
	identity driftIdentity
}

// driftIdentity distinguishes the findings of a rule about elements of the same path.
type driftIdentity struct {
	key     string
	content domxml.Content
}

var driftSeed = maphash.MakeSeed()

// NewDrifts returns an empty Drifts.
func NewDrifts() *Drifts { return &Drifts{guests: map[driftKey]map[Kind][]driftDoc{}} }

// Add adds a result. It is safe for concurrent use.
func (x *Drifts) Add(r *Result) {
	if !r.Origin.Kind.Present() {
		return
	}
	doc := driftDoc{findings: make([]driftFinding, 0, len(r.Findings))}
	for _, f := range r.Findings {
		if f.Rule.Requires&NeedDomains == 0 {
			doc.findings = append(doc.findings, f.drift())
		}
	}
	for _, w := range r.Waived { // a waiver may be in only one of the documents, but both have the finding
		if w.Rule.Requires&NeedDomains == 0 {
			doc.findings = append(doc.findings, w.drift())
		}
	}
	for _, u := range r.Unevaluated {
		doc.unknown = append(doc.unknown, u.Rule)
	}
	key := r.driftKey()
	x.mu.Lock()
	defer x.mu.Unlock()
	of := x.guests[key]
	if of == nil {
		of = map[Kind][]driftDoc{}
		// so that they do not keep the document in memory
		key.name, key.uuid = strings.Clone(key.name), strings.Clone(key.uuid)
		x.guests[key] = of
	}
	of[r.Origin.Kind] = append(of[r.Origin.Kind], doc)
}

func (r *Result) driftKey() driftKey {
	if uuid := domxml.UUIDKey(r.UUID); uuid != "" {
		return driftKey{r.Origin.Host, uuid, ""}
	}
	return driftKey{r.Origin.Host, "", r.Name}
}

// drift reduces a finding to what is compared.
func (f *Finding) drift() driftFinding {
	return driftFinding{f.Rule, maphash.String(driftSeed, f.Path.Unnumbered()), driftIdentity{f.Key, f.content}}
}

// Freeze discards guests with only one kind of document. After it, Mark is safe for concurrent use.
func (x *Drifts) Freeze() {
	for key, kinds := range x.guests {
		if len(kinds) < 2 {
			delete(x.guests, key)
		}
	}
}

// Mark sets the drift of the findings of a result, and reports whether any finding has one.
func (x *Drifts) Mark(r *Result) (marked bool) {
	if x == nil || !r.Origin.Kind.Present() {
		return false
	}
	kinds := x.guests[r.driftKey()]
	against, drift := comparedKind(r.Origin.Kind, kinds)
	if drift == "" {
		return false
	}
	// If this document has more findings at elements of one path than the other documents, the
	// surplus is marked: first the findings whose key and content the others lack.
	type sort struct {
		rule  *Rule
		place uint64
	}
	here := map[sort][]*Finding{}
	for _, f := range r.reported() {
		if f.Rule.Requires&NeedDomains == 0 {
			d := f.drift()
			here[sort{d.rule, d.place}] = append(here[sort{d.rule, d.place}], f)
		}
	}
	for s, at := range here {
		there, known := 0, true
		abouts := map[driftIdentity]bool{}
		for _, doc := range kinds[against] {
			known = known && !slices.Contains(doc.unknown, s.rule)
			n := 0
			for _, f := range doc.findings {
				if f.rule == s.rule && f.place == s.place {
					n++
					abouts[f.identity] = true
				}
			}
			there = max(there, n)
		}
		if !known {
			continue
		}
		gone := len(at) - there
		for _, unseen := range []bool{true, false} {
			for _, f := range at {
				if gone > 0 && f.Drift == "" && abouts[f.drift().identity] != unseen {
					f.Drift, marked = drift, true
					gone--
				}
			}
		}
	}
	return marked
}

// reported returns the findings and those that are in the baseline, in the order of a report.
// Findings may have passed the baseline stage before all documents were known.
func (r *Result) reported() []*Finding {
	out := make([]*Finding, 0, len(r.Findings)+len(r.InBaseline))
	for i := range r.Findings {
		out = append(out, &r.Findings[i])
	}
	for i := range r.InBaseline {
		out = append(out, &r.InBaseline[i])
	}
	if len(r.InBaseline) > 0 {
		slices.SortStableFunc(out, func(a, b *Finding) int { return compareFindings(*a, *b) })
	}
	return out
}

// comparedKind returns the kind of document that kind k is compared with, and the drift of a
// finding that only k has. The drift is "" if there is nothing to compare.
func comparedKind(k Kind, kinds map[Kind][]driftDoc) (Kind, Drift) {
	has := func(k Kind) bool { return len(kinds[k]) > 0 }
	switch {
	case k == Running && has(Stored):
		return Stored, UntilRestart
	case k == Saved && has(Stored):
		return Stored, InSavedState
	case k == Stored && has(Running): // the saved state of a running guest is not waiting to be restored
		return Running, AtNextStart
	case k == Stored && has(Saved):
		return Saved, WithoutSavedState
	}
	return "", ""
}
