package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// The data of the templates. Foreign text has gone through printable.

type htmlPage struct {
	CSP, Version, Answer, Docs string
	Style                      template.CSS
	Script                     template.JS
	About                      []string
	Problems, Notices, Hidden  string
	Verdicts                   []htmlVerdict
	Severities                 []htmlCount
	Missing                    *htmlMissing
	Caption                    string
	RuleGroups                 []htmlRuleGroup
	Rules                      []*htmlRule
	Guests                     int
}

// htmlWord is one of the policy's words as the page shows it: in words, by a sign, and in a colour.
type htmlWord struct {
	Word               policy.Word
	Short, Sign, Class string
}

var htmlVerdicts = map[policy.Word]htmlWord{
	policy.Outside:      {policy.Outside, string(policy.Outside), "✕", "outside"},
	policy.Undetermined: {policy.Undetermined, string(policy.Undetermined), "?", "open"},
	policy.NotQEMU:      {policy.NotQEMU, string(policy.NotQEMU), "–", "none"},
	policy.Inside:       {policy.Inside, string(policy.Inside), "✓", "inside"},
}

// htmlVerdictOrder is the order of verdicts on the page, the worst first.
var htmlVerdictOrder = []policy.Word{policy.Outside, policy.Undetermined, policy.NotQEMU, policy.Inside}

type htmlVerdict struct {
	htmlWord
	N int
}

type htmlCount struct {
	Severity string
	N        int
}

type htmlNotice struct{ Rule, Severity, Message, Place string }

type htmlFact struct{ Name, Text string }

// htmlMissing is what was not evaluated, by the missing fact.
type htmlMissing struct {
	Title string
	Needs []htmlNeed
}

type htmlNeed struct {
	Text  string
	Rules []htmlRuleCount
}

type htmlRuleCount struct {
	ID string
	N  int
}

// htmlGuest is one guest, its findings by severity.
type htmlGuest struct {
	Name, What, Explain, Data  string
	Verdict                    htmlWord
	Counts                     []htmlCount
	Lead, More, Hidden         string // what is worst, and how much else there is
	Facts                      []htmlFact
	Groups, Waived, InBaseline []htmlGroup
	Missing                    []htmlNeed
}

// htmlGroup are findings of one rule and severity in one guest.
type htmlGroup struct {
	*htmlFrame
	Places []htmlPlace
	shown  map[string]bool // texts and commands of fixes
}

type htmlKey struct {
	rule     *audit.Rule
	severity audit.Severity
}

// htmlFrame surrounds the findings of a group. It is the same for all guests and rendered once.
type htmlFrame struct {
	Key, Severity, ID, Title string
	Head, Tail               template.HTML // the parts of those names
}

type htmlPlace struct {
	Message, Drift, Waiver, Place, Path string
	Excerpt                             *htmlExcerpt
	Fix                                 template.HTML
}

type htmlExcerpt struct {
	Line                  int
	Before, Marked, After string
}

func (h *htmlReporter) guest(r *audit.Result) (g *htmlGuest, err error) {
	b := r.Boundary
	g = &htmlGuest{
		Name: printable(r.Name), What: printable(htmlWhat(r)), Explain: printable(b.Explain()), Verdict: htmlVerdicts[b.Verdict],
		Hidden: htmlNotCounted(len(r.Waived), len(r.InBaseline)), Missing: htmlMissingIn(r), Facts: htmlFacts(r),
	}
	var n [audit.Critical + 1]int
	sorted := make([]*audit.Finding, 0, len(r.Findings))
	for i := range r.Findings {
		n[r.Findings[i].Severity]++
		sorted = append(sorted, &r.Findings[i])
	}
	slices.SortStableFunc(sorted, func(a, b *audit.Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	for _, s := range audit.Severities() {
		g.Counts = append(g.Counts, htmlCount{s.String(), n[s]})
	}
	g.Data = htmlData(sorted)
	for i, f := range sorted {
		if g.Groups, err = h.group(g.Groups, r, f, ""); err != nil {
			return nil, err
		}
		switch i {
		case 0:
			g.Lead = printable(f.Message)
		default:
			g.More = fmt.Sprintf("and %d more", i)
		}
	}
	for _, u := range h.opt.uncounted(r) {
		groups, waiver := &g.InBaseline, ""
		if w := u.Waiver; w != nil {
			groups = &g.Waived
			waiver = fmt.Sprintf("“%s”%s (%s)", printable(w.Reason), htmlUntil(w.Until), htmlAt(w.Source, w.Pos.Line, w.Pos.Column))
		}
		if *groups, err = h.group(*groups, r, u.Finding, waiver); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// htmlMissingIn is what was not evaluated of one guest.
func htmlMissingIn(r *audit.Result) (out []htmlNeed) {
	for _, u := range r.Unevaluated {
		text := u.Missing.String()
		i := slices.IndexFunc(out, func(n htmlNeed) bool { return n.Text == text })
		if i < 0 {
			i = len(out)
			out = append(out, htmlNeed{Text: text})
		}
		out[i].Rules = append(out[i].Rules, htmlRuleCount{u.Rule.ID, 1})
	}
	return out
}

// htmlData lists findings for the page's script: the number of the severity and the rule's ID.
func htmlData(findings []*audit.Finding) string {
	var b strings.Builder
	for i, f := range findings {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d%s", f.Severity, f.Rule.ID)
	}
	return b.String()
}

func htmlFacts(r *audit.Result) (facts []htmlFact) {
	origin := ""
	if showsOrigin(r.Origin) {
		origin = r.Origin.String()
	}
	for _, f := range []htmlFact{
		{"Source", r.Source},
		{"Document", origin},
		{"UUID", r.UUID},
		{"Type", strings.TrimSpace(r.Target.Type + " " + r.Target.OS)},
		{"Architecture", r.Target.Arch},
		{"Machine", r.Target.Machine},
		{"Accelerator", r.Boundary.Accelerator},
		{"QEMU target", r.Boundary.Target},
		{"Machine family", r.Boundary.Family},
		{"Machine set by qemu:commandline", r.Boundary.Machine},
		{"Note", strings.Join(r.Notes, "; ")},
		{"Tainted according to libvirt", strings.Join(r.Origin.Taints, ", ")},
	} {
		if f.Text != "" {
			f.Text = printable(f.Text)
			facts = append(facts, f)
		}
	}
	return facts
}

// htmlWhat describes a guest in a few words.
func htmlWhat(r *audit.Result) string {
	var words []string
	for _, s := range []string{r.Target.Type, r.Target.Arch, r.Target.Machine} {
		if s != "" {
			words = append(words, s)
		}
	}
	if showsOrigin(r.Origin) {
		words = append(words, "("+r.Origin.String()+")")
	}
	return strings.Join(words, " ")
}

// group adds a finding to those of its rule and severity.
func (h *htmlReporter) group(groups []htmlGroup, r *audit.Result, f *audit.Finding, waiver string) ([]htmlGroup, error) {
	frame, err := h.frame(htmlKey{f.Rule, f.Severity})
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(groups, func(g htmlGroup) bool { return g.htmlFrame == frame })
	if i < 0 {
		i = len(groups)
		groups = append(groups, htmlGroup{htmlFrame: frame, shown: map[string]bool{}})
	}
	a := h.opt.advice(r, f)
	groups[i].Places = append(groups[i].Places, htmlPlace{
		Message: printable(f.Message), Drift: f.Drift.Explain(), Waiver: waiver,
		Place: htmlAt(r.Source, f.Pos.Line, f.Pos.Column), Path: printable(f.Path.String()),
		Excerpt: newHTMLExcerpt(f), Fix: newHTMLFix(&a, groups[i].shown),
	})
	h.findings++
	return groups, nil
}

func (h *htmlReporter) frame(key htmlKey) (*htmlFrame, error) {
	if f := h.frames[key]; f != nil {
		return f, nil
	}
	rule := h.rule(key.rule)
	f := &htmlFrame{Key: fmt.Sprintf("%d%s", key.severity, rule.ID), Severity: key.severity.String(), ID: rule.ID, Title: rule.Title}
	for part, to := range map[string]*template.HTML{"head-of-group": &f.Head, "tail-of-group": &f.Tail} {
		h.buf.Reset()
		if err := h.parts.ExecuteTemplate(&h.buf, part, f); err != nil {
			return nil, err
		}
		*to = template.HTML(h.buf.String())
	}
	h.frames[key] = f
	return f, nil
}

// newHTMLExcerpt splits an excerpt at its mark and drops the indentation of the line.
func newHTMLExcerpt(f *audit.Finding) *htmlExcerpt {
	line := []rune(f.Excerpt.Line)
	start := min(f.Excerpt.Start, len(line))
	end := max(start, min(f.Excerpt.End, len(line)))
	show := func(part []rune) string { return printable(strings.ReplaceAll(string(part), "\t", "  ")) }
	x := &htmlExcerpt{f.Pos.Line, strings.TrimLeft(show(line[:start]), " "), show(line[start:end]), show(line[end:])}
	if x.Before+x.Marked+x.After == "" {
		return nil
	}
	return x
}
