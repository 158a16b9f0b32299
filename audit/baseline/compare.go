package baseline

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/virt-audit/virt-audit/audit/policy"
)

// Report is what a comparison reads of a JSON report.
type Report struct {
	Version int      `json:"version"`
	Policy  string   `json:"policy"`
	Domains []Domain `json:"domains"`
	Errors  []struct {
		Source  string `json:"source"`
		Message string `json:"message"`
	} `json:"errors"`
}

// Domain is a guest of a report, by one of its documents.
type Domain struct {
	Source string `json:"source"`
	Name   string `json:"name"`
	Origin struct {
		Kind  string `json:"kind"`
		Label string `json:"label"`
		Host  string `json:"host"`
	} `json:"origin"`
	Boundary struct {
		Verdict policy.Word `json:"verdict"`
		Reason  string      `json:"reason"`
	} `json:"boundary"`
	Findings     []Finding `json:"findings"`
	NotEvaluated []struct {
		Rule string `json:"rule"`
	} `json:"not_evaluated"`
}

// Finding is one of a report's findings.
type Finding struct {
	Rule        string `json:"rule"`
	Severity    string `json:"severity"`
	Message     string `json:"message"`
	Path        string `json:"path"`
	Line        int    `json:"line"`
	Column      int    `json:"column"`
	Fix         string `json:"fix"`
	URL         string `json:"url"`
	Fingerprint string `json:"fingerprint"`
}

// ParseReport reads a report of the format json. source is the name of the file; errors begin with it.
func ParseReport(source string, data []byte) (*Report, error) {
	r := &Report{}
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("%s: not a report of the format json: %w", source, place(data, err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: not a report of the format json: there is something behind its end", source)
	}
	if r.Version != 1 || r.Policy == "" {
		return nil, fmt.Errorf("%s: not a report of the format json, version 1", source)
	}
	for _, domain := range r.Domains {
		for _, f := range domain.Findings {
			if f.Fingerprint == "" {
				return nil, fmt.Errorf("%s: the report is of a virt-audit that wrote no fingerprints yet: make it anew", source)
			}
		}
	}
	return r, nil
}

// Item is a finding with the guest that it is about.
type Item struct {
	Domain, Source string
	Finding
}

// Turn is a guest whose verdict changed.
type Turn struct {
	Domain   string
	Old, New policy.Word
}

// Difference is what one report says and another does not. Findings that are the same in all but their
// place are counted, and the last of them are those that are new.
type Difference struct {
	New       []Item
	Fixed     []Item // the guest is there, the rule has answered, and finds it no more
	Open      []Item // the rule did not answer this time: it may be there still
	Gone      []Item // with the guest
	Unchanged int
	Turns     []Turn

	Unread, UnreadBefore int // inputs that could not be read; what is said of their guests is not the last word
}

// Worse reports whether something is new, or a guest is no longer inside the boundary.
func (d *Difference) Worse() bool {
	return len(d.New) > 0 || slices.ContainsFunc(d.Turns, func(t Turn) bool { return t.Old == policy.Virtualization })
}

// guest tells guests apart by what outlives a change of files.
type guest struct{ host, name, kind, label string }

func (d *Domain) guest() guest {
	g := guest{host: d.Origin.Host, name: d.Name, label: d.Origin.Label}
	if d.Origin.Kind != "definition" {
		g.kind = d.Origin.Kind
	}
	return g
}

func (g guest) String() string {
	text := g.name
	if g.kind != "" {
		text += " (" + g.kind
		if g.label != "" {
			text += " " + g.label
		}
		text += ")"
	}
	return text
}

// Compare tells two reports apart.
func Compare(before, after *Report) *Difference {
	out := &Difference{Unread: len(after.Errors), UnreadBefore: len(before.Errors)}
	had := map[guest]map[string]int{} // how often each finding was there
	was := map[guest]policy.Word{}
	for i := range before.Domains {
		d := &before.Domains[i]
		g := d.guest()
		was[g] = d.Boundary.Verdict
		if had[g] == nil {
			had[g] = map[string]int{}
		}
		for _, f := range d.Findings {
			had[g][f.Fingerprint]++
		}
	}
	is := map[guest]bool{}
	unanswered := map[guest]map[string]bool{}
	for i := range after.Domains {
		d := &after.Domains[i]
		g := d.guest()
		if old, ok := was[g]; ok && old != d.Boundary.Verdict && !is[g] {
			out.Turns = append(out.Turns, Turn{g.String(), old, d.Boundary.Verdict})
		}
		is[g] = true
		for _, f := range d.Findings {
			if had[g][f.Fingerprint] > 0 {
				had[g][f.Fingerprint]--
				out.Unchanged++
				continue
			}
			out.New = append(out.New, Item{g.String(), d.Source, f})
		}
		for _, u := range d.NotEvaluated {
			if unanswered[g] == nil {
				unanswered[g] = map[string]bool{}
			}
			unanswered[g][u.Rule] = true
		}
	}
	for i := range before.Domains {
		d := &before.Domains[i]
		g := d.guest()
		for _, f := range d.Findings {
			if had[g][f.Fingerprint] == 0 {
				continue
			}
			had[g][f.Fingerprint]--
			item := Item{g.String(), d.Source, f}
			switch {
			case !is[g]:
				out.Gone = append(out.Gone, item)
			case unanswered[g][f.Rule]:
				out.Open = append(out.Open, item)
			default:
				out.Fixed = append(out.Fixed, item)
			}
		}
	}
	for _, list := range [][]Item{out.New, out.Fixed, out.Open, out.Gone} {
		slices.SortStableFunc(list, func(a, b Item) int {
			return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Rule, b.Rule))
		})
	}
	return out
}
