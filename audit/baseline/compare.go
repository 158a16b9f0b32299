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

// VerdictChange is a guest whose verdict changed.
type VerdictChange struct {
	Domain   string
	Old, New policy.Word
}

// Setting is an option that differs between two runs.
type Setting struct{ Name, Old, New string }

// Difference is how a newer report differs from an older one. Findings with the same fingerprint
// are counted, and the last of them are the new ones.
type Difference struct {
	New          []Item
	Fixed        []Item // the guest was audited, the rule was evaluated, and no longer finds it
	NotCounted   []Item // still found, but now waived or in the baseline
	NotEvaluated []Item // the rule did not run or was not evaluated, or lacked guests or the host: it may still be there
	Gone         []Item // the guest is not in the new report
	Unchanged    int
	Verdicts     []VerdictChange
	Settings     []Setting // that differ between the runs

	Unreadable, UnreadableBefore int // numbers of unreadable inputs, whose guests are missing
}

// Worse reports whether something is new, or a guest is no longer inside the boundary.
func (d *Difference) Worse() bool {
	return len(d.New) > 0 || slices.ContainsFunc(d.Verdicts, func(t VerdictChange) bool { return t.Old == policy.Inside })
}

// guest identifies a guest independently of its file.
type guest struct{ host, name, kind, label string }

// guest returns the identity of the guest: as in a baseline, its running, stored and saved
// documents share one.
func (d *Domain) guest() guest {
	g := guest{host: d.Origin.Host, name: d.Name}
	if kind := d.kind(); !kind.Present() {
		g.kind, g.label = string(kind), d.Origin.Label
	}
	return g
}

func (d *Domain) kind() audit.Kind {
	if d.Origin.Kind == "" {
		return audit.Stored
	}
	return audit.Kind(d.Origin.Kind)
}

// title names the guest for people, and which of its documents it is.
func (d *Domain) title() string {
	g := guest{name: d.Name, label: d.Origin.Label}
	if kind := d.kind(); kind != audit.Stored {
		g.kind = string(kind)
	}
	return g.String()
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

// seenOf is what a report contains about a guest.
type seenOf struct {
	verdicts   map[audit.Kind][]policy.Word // of its documents
	findings   map[string]perKind           // how often each is there
	all        map[string]perKind           // the same, with those that do not count
	unanswered map[string]bool
	known      map[string]int // for how many documents what is known of the host
	read       int            // documents
}

// once counts a finding.
func once(of map[string]perKind, fingerprint string, kind audit.Kind) {
	if of[fingerprint] == nil {
		of[fingerprint] = perKind{}
	}
	of[fingerprint][kind]++
}

// paired counts the findings of one report that were found in the other one.
type paired map[pair]int

type pair struct {
	guest       guest
	kind        audit.Kind
	fingerprint string
}

// take returns how often a finding of the document was taken before.
func (p paired) take(d *Domain, f *Finding) int {
	at := pair{d.guest(), d.kind(), f.Fingerprint}
	p[at]++
	return p[at] - 1
}

// guests collects what a report contains about each guest.
func (r *Report) guests() map[guest]*seenOf {
	out := map[guest]*seenOf{}
	for i := range r.Domains {
		d := &r.Domains[i]
		g := out[d.guest()]
		if g == nil {
			g = &seenOf{map[audit.Kind][]policy.Word{}, map[string]perKind{}, map[string]perKind{}, map[string]bool{}, map[string]int{}, 0}
			out[d.guest()] = g
		}
		g.verdicts[d.kind()] = append(g.verdicts[d.kind()], d.Boundary.Verdict)
		for _, f := range d.Findings {
			once(g.findings, f.Fingerprint, d.kind())
			once(g.all, f.Fingerprint, d.kind())
		}
		for _, a := range d.NotCounted {
			once(g.all, a.Fingerprint, d.kind())
		}
		g.read++
		for _, word := range d.hostKnown() {
			g.known[word]++
		}
		for _, u := range d.NotEvaluated {
			g.unanswered[u.Rule] = true
		}
	}
	return out
}

// sawAll reports whether a run had no unreadable input and audited all guests of an older report.
func (r *Report) sawAll(is, was map[guest]*seenOf) bool {
	for g, had := range was {
		if g.kind == "" && (is[g] == nil || is[g].documents() < had.documents()) {
			return false
		}
	}
	return len(r.Unreadable) == 0
}

// knows reports whether all facts were known on which a finding may depend.
func (s *seenOf) knows(host []string) bool {
	return !slices.ContainsFunc(host, func(word string) bool { return s.known[word] < s.read })
}

// documents returns how many namesakes there may be.
func (s *seenOf) documents() int {
	n := 0
	for _, list := range s.verdicts {
		n = max(n, len(list))
	}
	return n
}

// Compare compares two reports. across reports whether a rule compares guests: a finding of such a
// rule is fixed only if all guests were audited, since any of them may be involved.
func Compare(before, after *Report, across func(rule string) bool) *Difference {
	out := &Difference{Unreadable: len(after.Unreadable), UnreadableBefore: len(before.Unreadable), Settings: settings(before, after)}
	was, is := before.guests(), after.guests()
	all := after.sawAll(is, was)
	turned := map[pair]bool{}
	pairs := paired{}
	for i := range after.Domains {
		d := &after.Domains[i]
		g, kind := d.guest(), d.kind()
		had := was[g]
		if had == nil {
			had = &seenOf{}
		}
		if at := (pair{guest: g, kind: kind}); !turned[at] {
			turned[at] = true
			out.Verdicts = append(out.Verdicts, verdictChanges(d.title(), had.verdicts[kind], is[g].verdicts[kind])...)
		}
		for _, f := range d.Findings {
			if pairs.take(d, &f) < had.findings[f.Fingerprint].most() {
				out.Unchanged++
				continue
			}
			out.New = append(out.New, Item{d.title(), d.Source, f})
		}
	}
	pairs = paired{}
	for i := range before.Domains {
		d := &before.Domains[i]
		now := is[d.guest()]
		for _, f := range d.Findings {
			item := Item{d.title(), d.Source, f}
			if now == nil {
				out.Gone = append(out.Gone, item)
				continue
			}
			switch n := pairs.take(d, &f); {
			case n < now.findings[f.Fingerprint].most(): // it is unchanged
			case n < now.all[f.Fingerprint].most():
				out.NotCounted = append(out.NotCounted, item)
			case now.unanswered[f.Rule], !after.looked(&f), !all && across(f.Rule), !now.knows(f.Inherits):
				out.NotEvaluated = append(out.NotEvaluated, item)
			default:
				out.Fixed = append(out.Fixed, item)
			}
		}
	}
	for _, list := range [][]Item{out.New, out.Fixed, out.NotCounted, out.NotEvaluated, out.Gone} {
		slices.SortStableFunc(list, func(a, b Item) int {
			return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Rule, b.Rule))
		})
	}
	return out
}

// turns pairs the verdicts of a guest's documents of one kind that are not in both reports.
// Namesakes may have several.
func verdictChanges(domain string, was, is []policy.Word) []VerdictChange {
	was, is = slices.Clone(was), slices.Clone(is)
	is = slices.DeleteFunc(is, func(w policy.Word) bool {
		i := slices.Index(was, w)
		if i >= 0 {
			was = slices.Delete(was, i, i+1)
		}
		return i >= 0
	})
	var out []VerdictChange
	for i := range min(len(was), len(is)) {
		out = append(out, VerdictChange{domain, was[i], is[i]})
	}
	return out
}

// looked reports whether the run of the report would have reported a finding.
func (r *Report) looked(f *Finding) bool {
	if r.Rules != nil && !r.rules()[f.Rule] {
		return false
	}
	severity, err := audit.ParseSeverity(f.Severity)
	minimum, none := audit.ParseSeverity(r.Minimum)
	return err != nil || none != nil || severity >= minimum
}

// settings returns the options that differ. An option that a report does not state is not compared.
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
	note("known of the host", before.hostKnown(), after.hostKnown())
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
			out = append(out, Setting{"rules in one run only", some(was), some(is)})
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
