package baseline

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
)

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

// Setting is something that two runs were told differently.
type Setting struct{ Name, Old, New string }

// Difference is what one report says and another does not. Findings that are the same in all but their
// place are counted, and the last of them are those that are new.
type Difference struct {
	New       []Item
	Fixed     []Item // the guest is there, the rule has answered, and finds it no more
	Accepted  []Item // it is there, and a waiver or the baseline takes it out of the count now
	Open      []Item // the rule did not run, or did not answer, this time: it may be there still
	Gone      []Item // with the guest
	Unchanged int
	Turns     []Turn
	Settings  []Setting // that the two runs had not in common

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

// seenOf is what a report says of a guest.
type seenOf struct {
	verdicts   []policy.Word  // of its documents
	findings   map[string]int // how often each is there
	accepted   map[string]int // how often each is there and does not count
	unanswered map[string]bool
}

// guests gathers what a report says of each guest.
func (r *Report) guests() map[guest]*seenOf {
	out := map[guest]*seenOf{}
	for i := range r.Domains {
		d := &r.Domains[i]
		g := out[d.guest()]
		if g == nil {
			g = &seenOf{findings: map[string]int{}, accepted: map[string]int{}, unanswered: map[string]bool{}}
			out[d.guest()] = g
		}
		g.verdicts = append(g.verdicts, d.Boundary.Verdict)
		for _, f := range d.Findings {
			g.findings[f.Fingerprint]++
		}
		for _, a := range d.Accepted {
			g.accepted[a.Fingerprint]++
		}
		for _, u := range d.NotEvaluated {
			g.unanswered[u.Rule] = true
		}
	}
	return out
}

// Compare tells two reports apart.
func Compare(before, after *Report) *Difference {
	out := &Difference{Unread: len(after.Errors), UnreadBefore: len(before.Errors), Settings: settings(before, after)}
	was, is := before.guests(), after.guests()
	turned := map[guest]bool{}
	for i := range after.Domains {
		d := &after.Domains[i]
		g := d.guest()
		had := was[g]
		if had == nil {
			had = &seenOf{}
		}
		if !turned[g] {
			turned[g] = true
			out.Turns = append(out.Turns, turns(g, had.verdicts, is[g].verdicts)...)
		}
		for _, f := range d.Findings {
			if had.findings[f.Fingerprint] > 0 {
				had.findings[f.Fingerprint]--
				out.Unchanged++
				continue
			}
			out.New = append(out.New, Item{g.String(), d.Source, f})
		}
	}
	for i := range before.Domains {
		d := &before.Domains[i]
		g := d.guest()
		had, now := was[g], is[g]
		for _, f := range d.Findings {
			if had.findings[f.Fingerprint] == 0 {
				continue
			}
			had.findings[f.Fingerprint]--
			item := Item{g.String(), d.Source, f}
			switch {
			case now == nil:
				out.Gone = append(out.Gone, item)
			case now.accepted[f.Fingerprint] > 0:
				now.accepted[f.Fingerprint]--
				out.Accepted = append(out.Accepted, item)
			case now.unanswered[f.Rule], !after.looked(&f):
				out.Open = append(out.Open, item)
			default:
				out.Fixed = append(out.Fixed, item)
			}
		}
	}
	for _, list := range [][]Item{out.New, out.Fixed, out.Accepted, out.Open, out.Gone} {
		slices.SortStableFunc(list, func(a, b Item) int {
			return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Rule, b.Rule))
		})
	}
	return out
}

// turns pairs the verdicts of a guest's documents that are not in both reports. Namesakes may have several.
func turns(g guest, was, is []policy.Word) []Turn {
	was, is = slices.Clone(was), slices.Clone(is)
	is = slices.DeleteFunc(is, func(w policy.Word) bool {
		i := slices.Index(was, w)
		if i >= 0 {
			was = slices.Delete(was, i, i+1)
		}
		return i >= 0
	})
	var out []Turn
	for i := range min(len(was), len(is)) {
		out = append(out, Turn{g.String(), was[i], is[i]})
	}
	return out
}

// looked reports whether the run of the report would have told of a finding.
func (r *Report) looked(f *Finding) bool {
	if r.Rules != nil && !r.rules()[f.Rule] {
		return false
	}
	severity, err := audit.ParseSeverity(f.Severity)
	minimum, none := audit.ParseSeverity(r.Minimum)
	return err != nil || none != nil || severity >= minimum
}

// settings returns what two runs were told differently. What a report does not tell is not compared.
func settings(before, after *Report) []Setting {
	var out []Setting
	note := func(name, was, is string) {
		if was != "" && is != "" && was != is {
			out = append(out, Setting{name, was, is})
		}
	}
	note("policy", before.Policy, after.Policy)
	note("profiles", strings.Join(before.Profiles, ", "), strings.Join(after.Profiles, ", "))
	note("min-severity", before.Minimum, after.Minimum)
	if before.Rules != nil && after.Rules != nil {
		only := func(a, b *Report) (list []string) {
			for _, id := range *a.Rules {
				if !b.rules()[id] {
					list = append(list, id)
				}
			}
			return list
		}
		if was, is := only(before, after), only(after, before); len(was)+len(is) > 0 {
			out = append(out, Setting{"rules of one run alone", some(was), some(is)})
		}
	}
	return out
}

// some names the rules that one run alone had, or counts them where they are many.
func some(rules []string) string {
	const few = 5
	switch {
	case len(rules) == 0:
		return "none"
	case len(rules) > few:
		return strconv.Itoa(len(rules)) + " rules"
	}
	return strings.Join(rules, ", ")
}
