// Package baseline remembers findings: a baseline holds those that a site lives with for now, so that
// only what is new makes a run fail, and a comparison tells two reports apart. Both go by a finding's
// fingerprint, which holds rule, guest and content and no line.
package baseline

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
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

	Line int `json:"-"` // of the file, from one
}

// Baseline is what a site lives with. It is not safe for use by several goroutines.
type Baseline struct {
	Source  string
	entries []*Entry
	known   map[string]*seen
	domains map[string]bool    // that the run has come by
	open    map[[2]string]bool // domain and rule, where the rule did not answer
}

// seen is what a run has found of an entry.
type seen struct {
	entry *Entry
	count int
}

// Version is that of the file's form: members are added, never renamed or taken away, while it is 1.
const Version = 1

// Parse reads a baseline. source is the name of the file; errors begin with it.
func Parse(source string, data []byte) (*Baseline, error) {
	var file struct {
		Version  int               `json:"version"`
		Findings []json.RawMessage `json:"findings"`
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("%s: not a baseline: %w", source, place(data, err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: not a baseline: there is something behind its end", source)
	}
	switch {
	case file.Version == 0:
		return nil, fmt.Errorf("%s: not a baseline: it states no version (--write-baseline makes one)", source)
	case file.Version != Version:
		return nil, fmt.Errorf("%s: a baseline of version %d, and this virt-audit reads version %d", source, file.Version, Version)
	}
	b := &Baseline{Source: source, known: map[string]*seen{}, domains: map[string]bool{}, open: map[[2]string]bool{}}
	from := 0
	for i, raw := range file.Findings {
		e := &Entry{}
		strict := json.NewDecoder(bytes.NewReader(raw))
		strict.DisallowUnknownFields()
		at := from + max(0, bytes.Index(data[from:], raw))
		from, e.Line = at+len(raw), bytes.Count(data[:at], []byte{'\n'})+1
		if err := strict.Decode(e); err != nil {
			return nil, fmt.Errorf("%s:%d: entry %d: %w", source, e.Line, i+1, err)
		}
		if _, err := audit.ParseSeverity(e.Severity); err != nil || e.Rule == "" || len(e.Fingerprint) != 32 || e.Count < 1 {
			return nil, fmt.Errorf("%s:%d: entry %d: rule, severity, fingerprint and count are wanted", source, e.Line, i+1)
		}
		if b.known[e.Fingerprint] != nil {
			return nil, fmt.Errorf("%s:%d: entry %d: its fingerprint occurred before", source, e.Line, i+1)
		}
		b.entries = append(b.entries, e)
		b.known[e.Fingerprint] = &seen{entry: e}
	}
	return b, nil
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

// Mark moves the findings that the baseline knows from r.Findings to r.Known. Of findings that are the
// same it knows as many as there were when it was written.
func (b *Baseline) Mark(r *audit.Result) {
	b.domains[r.Name] = true
	for _, u := range r.Unevaluated {
		b.open[[2]string{r.Name, u.Rule.ID}] = true
	}
	for i := range r.Waived {
		if s := b.known[r.Fingerprint(&r.Waived[i].Finding)]; s != nil {
			s.count++
		}
	}
	kept := r.Findings[:0]
	for i := range r.Findings {
		f := r.Findings[i]
		s := b.known[r.Fingerprint(&f)]
		if s == nil || s.count >= s.entry.Count {
			kept = append(kept, f)
			continue
		}
		s.count++
		r.Known = append(r.Known, f)
	}
	clear(r.Findings[len(kept):])
	r.Findings = kept
}

// Release takes Mark back, for a guest that is judged again. The result stays as it is.
func (b *Baseline) Release(r *audit.Result) {
	for i := range r.Waived {
		if s := b.known[r.Fingerprint(&r.Waived[i].Finding)]; s != nil {
			s.count--
		}
	}
	for i := range r.Known {
		b.known[r.Fingerprint(&r.Known[i])].count--
	}
}

// Gone returns the entries that a run has not found any more, with the count of how often: their guests
// were part of the run, and their rules, of which applied tells, have answered. Findings below minimum
// were not looked at.
func (b *Baseline) Gone(applied func(rule string) bool, minimum audit.Severity) []Entry {
	var out []Entry
	for _, e := range b.entries {
		severity, _ := audit.ParseSeverity(e.Severity)
		missing := e.Count - b.known[e.Fingerprint].count
		if missing <= 0 || severity < minimum || !b.domains[e.Domain] || b.open[[2]string{e.Domain, e.Rule}] || !applied(e.Rule) {
			continue
		}
		gone := *e
		gone.Count = missing
		out = append(out, gone)
	}
	return out
}

// Builder gathers what a new baseline is to hold. The zero value is ready.
type Builder struct {
	entries map[string]*Entry
}

// Add notes the findings of a result, those that an older baseline knows too. What is waived needs no
// baseline.
func (b *Builder) Add(r *audit.Result) {
	if b.entries == nil {
		b.entries = map[string]*Entry{}
	}
	for _, list := range [][]audit.Finding{r.Findings, r.Known} {
		for i := range list {
			f := &list[i]
			id := r.Fingerprint(f)
			if e := b.entries[id]; e != nil {
				e.Count++
				continue
			}
			b.entries[id] = &Entry{
				Rule: f.Rule.ID, Severity: f.Severity.String(), Domain: strings.Clone(r.Name), Path: f.Path.String(), Message: strings.Clone(f.Message), Fingerprint: id, Count: 1,
			}
		}
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

// Entries returns what is to be written, in an order that stays the same, as suits a repository.
func (b *Builder) Entries() []*Entry {
	return slices.SortedFunc(maps.Values(b.entries), func(x, y *Entry) int {
		return cmp.Or(cmp.Compare(x.Domain, y.Domain), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Path, y.Path), cmp.Compare(x.Fingerprint, y.Fingerprint))
	})
}
