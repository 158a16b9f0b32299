// Package baseline recognizes findings again: a baseline lists findings that a site has accepted
// for now, so that only new ones fail a run, and a comparison shows how two reports differ. Both
// use the fingerprints of findings, which depend on rule, guest and content and not on lines.
package baseline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/source"
)

// Entry is one finding of a baseline, or several that are the same in all but their place.
type Entry struct {
	Rule        string `json:"rule"`
	Severity    string `json:"severity"`
	Domain      string `json:"domain"`
	Path        string `json:"path"`
	Message     string `json:"message"`
	Fingerprint string `json:"fingerprint"`
	Count       int    `json:"count"`

	// What distinguishes guests of the same name. There is no path: files may move.
	UUID      string `json:"uuid,omitempty"`
	Host      string `json:"host,omitempty"`  // see audit.Origin
	Kind      string `json:"kind,omitempty"`  // of a document that describes a past state
	Label     string `json:"label,omitempty"` // of that document
	Documents int    `json:"documents,omitempty"`

	DependsOn []string `json:"inherits,omitempty"` // what of the host it may rest on

	Line int `json:"-"` // of the file, from one
}

func (e *Entry) guest() guest { return guest{e.Host, e.Domain, e.Kind, e.Label} }

// guestOf returns the identity of a guest, as far as fingerprints distinguish guests: its current
// documents share one, and each past state has its own.
func guestOf(r *audit.Result) guest {
	g := guest{host: r.Origin.Host, name: r.Name}
	if !r.Origin.Kind.Present() {
		g.kind, g.label = string(r.Origin.Kind), r.Origin.Label
	}
	return g
}

func (g guest) clone() guest {
	return guest{strings.Clone(g.host), strings.Clone(g.name), strings.Clone(g.kind), strings.Clone(g.label)}
}

// Baseline is what a site lives with. It is not safe for use by several goroutines.
type Baseline struct {
	Source  string
	entries []*Entry
	known   map[string]*seen
	guests  map[guest]*documents // that the run has audited
	open    map[question]bool    // where the rule was not evaluated
}

// perKind counts by the kind of document. The running, the stored and the saved document of a guest
// describe one guest: a finding in all of them is one finding, whether the guest runs or not.
type perKind map[audit.Kind]int

// most is the count of the kind that has most.
func (p perKind) most() int {
	n := 0
	for _, count := range p {
		n = max(n, count)
	}
	return n
}

// documents counts those of a guest.
type documents struct {
	count   perKind
	uuids   map[string]bool
	leftOut audit.Inputs // see audit.Result
	unknown audit.Inputs // of the host
}

type question struct {
	guest guest
	rule  string
}

// seen is what a run has found of an entry.
type seen struct {
	entry *Entry
	count perKind
}

// Version is the version of the file format: within it, members are added, never renamed or
// removed.
const Version = 1

// Parse reads a baseline. source is the name of the file; errors begin with it.
func Parse(source string, data []byte) (*Baseline, error) {
	var file struct {
		Version int `json:"version"`
		Tool    struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"tool"`
		Findings *[]json.RawMessage `json:"findings"`
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields() // a report would be taken for a baseline without entries
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("%s: not a baseline: %w", source, place(data, err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: not a baseline: unexpected data after its end", source)
	}
	switch {
	case file.Version == 0:
		return nil, fmt.Errorf("%s: not a baseline: it states no version (--write-baseline makes one)", source)
	case file.Version != Version:
		return nil, fmt.Errorf("%s: unsupported version %d of a baseline, this virt-audit reads version %d", source, file.Version, Version)
	case file.Findings == nil:
		return nil, fmt.Errorf("%s: not a baseline: it has no list of findings", source)
	}
	b := &Baseline{Source: source, known: map[string]*seen{}, guests: map[guest]*documents{}, open: map[question]bool{}}
	from := 0
	for i, raw := range *file.Findings {
		e := &Entry{}
		strict := json.NewDecoder(bytes.NewReader(raw))
		strict.DisallowUnknownFields()
		at := from + max(0, bytes.Index(data[from:], raw))
		from, e.Line = at+len(raw), bytes.Count(data[:at], []byte{'\n'})+1
		if err := strict.Decode(e); err != nil {
			return nil, entryError(source, e.Line, i, err)
		}
		if _, err := audit.ParseSeverity(e.Severity); err != nil || e.Rule == "" || len(e.Fingerprint) != 32 || e.Count < 1 {
			return nil, entryError(source, e.Line, i, errors.New("rule, severity, fingerprint and count are required"))
		}
		if b.known[e.Fingerprint] != nil {
			return nil, entryError(source, e.Line, i, errors.New("its fingerprint occurred before"))
		}
		b.entries = append(b.entries, e)
		b.known[e.Fingerprint] = &seen{e, perKind{}}
	}
	return b, nil
}

// entryError places an error of the entry with that index.
func entryError(file string, line, index int, err error) error {
	return &source.Error{File: file, Position: source.Position{Line: line}, Message: fmt.Sprintf("entry %d: %v", index+1, err), Err: err}
}

// place puts the line into an error of the decoder that has a position.
func place(data []byte, err error) error {
	offset := int64(-1)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset
	} else if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = wrong.Offset
	}
	if offset < 0 {
		return err
	}
	return fmt.Errorf("line %d: %w", bytes.Count(data[:min(int(offset), len(data))], []byte{'\n'})+1, err)
}

// Len returns how many entries there are.
func (b *Baseline) Len() int { return len(b.entries) }

// Mark moves findings that are in the baseline from r.Findings to r.InBaseline. Of findings with
// the same fingerprint it moves as many as the baseline counted, for each kind of document.
func (b *Baseline) Mark(r *audit.Result) {
	kind := r.Origin.Kind
	for i := range r.Waived {
		if s := b.known[r.Fingerprint(&r.Waived[i].Finding)]; s != nil {
			s.count[kind]++
		}
	}
	kept := r.Findings[:0]
	for i := range r.Findings {
		f := r.Findings[i]
		s := b.known[r.Fingerprint(&f)]
		if s == nil || s.count[kind] >= s.entry.Count {
			kept = append(kept, f)
			continue
		}
		s.count[kind]++
		r.InBaseline = append(r.InBaseline, f)
	}
	clear(r.Findings[len(kept):])
	r.Findings = kept
}

// See records that a guest was audited, and which rules were not evaluated for it. The result must
// be the final one: what guests have in common is not known before.
func (b *Baseline) See(r *audit.Result) {
	g := guestOf(r)
	if b.guests[g] == nil {
		g = g.clone() // it is kept, and must not keep the document
		b.guests[g] = &documents{count: perKind{}, uuids: map[string]bool{}}
	}
	d := b.guests[g]
	d.count[r.Origin.Kind]++
	d.uuids[strings.Clone(r.UUID)] = true
	d.leftOut |= r.Skipped
	d.unknown |= ^r.Host
	for _, u := range r.Unevaluated {
		b.open[question{g, u.Rule.ID}] = true
	}
}

// Release undoes Mark for a guest that is audited again. It does not change the result.
func (b *Baseline) Release(r *audit.Result) {
	kind := r.Origin.Kind
	for i := range r.Waived {
		if s := b.known[r.Fingerprint(&r.Waived[i].Finding)]; s != nil {
			s.count[kind]--
		}
	}
	for i := range r.InBaseline {
		b.known[r.Fingerprint(&r.InBaseline[i])].count[kind]--
	}
}

// Run describes a run, to distinguish findings that are gone from those that were not looked for.
type Run struct {
	Rules      []*audit.Rule
	Minimum    audit.Severity // findings below were not looked at
	Unreadable bool           // some input could not be read
}

func (r *Run) rule(id string) *audit.Rule {
	if i := slices.IndexFunc(r.Rules, func(r *audit.Rule) bool { return r.ID == id }); i >= 0 {
		return r.Rules[i]
	}
	return nil
}

// Missing returns the entries that a run has not found, with the number of missing findings. The
// findings in gone do not exist any more: their guests were part of the run, with as many documents
// as when the baseline was written, and their rules were evaluated. For those in open this is not
// known.
func (b *Baseline) Missing(run Run) (gone, open []Entry) {
	all := !run.Unreadable && !slices.ContainsFunc(b.entries, func(e *Entry) bool { return e.Kind == "" && !b.seen(e) })
	for _, e := range b.entries {
		missing := e.Count - b.known[e.Fingerprint].count.most()
		if missing <= 0 {
			continue
		}
		entry := *e
		entry.Count = missing
		if severity, _ := audit.ParseSeverity(e.Severity); severity >= run.Minimum && b.judged(e, run.rule(e.Rule), all) {
			gone = append(gone, entry)
		} else {
			open = append(open, entry)
		}
	}
	return gone, open
}

// judged reports whether the guest of an entry was part of the run and its rule was evaluated
// there. A finding across guests may concern a guest outside of the run, unless the run audited
// all.
func (b *Baseline) judged(e *Entry, rule *audit.Rule, all bool) bool {
	switch g := e.guest(); {
	case rule == nil, !b.seen(e), b.open[question{g, e.Rule}], rule.Required()&b.guests[g].leftOut != 0, common(e.DependsOn, b.guests[g].unknown.HostWords()):
		return false
	default:
		return all || rule.Requires&audit.NeedDomains == 0
	}
}

func common(a, b []string) bool {
	return slices.ContainsFunc(a, func(word string) bool { return slices.Contains(b, word) })
}

// seen reports whether the guest of an entry was part of the run. Guests of the same name are
// distinguished by UUID, else by their number.
func (b *Baseline) seen(e *Entry) bool {
	d := b.guests[e.guest()]
	return d != nil && d.count.most() >= max(1, e.Documents) && (e.UUID == "" || d.uuids[e.UUID])
}

// Lacking returns the number of findings of the baseline that are not in a new one.
func (b *Baseline) Lacking(written *Builder) int {
	n := 0
	for _, e := range b.entries {
		count := 0
		if w := written.entries[e.Fingerprint]; w != nil {
			count = w.Count
		}
		n += max(0, e.Count-count)
	}
	return n
}
