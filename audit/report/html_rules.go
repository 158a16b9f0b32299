package report

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

type htmlRuleGroup struct {
	Group string
	N     int
	Rules []*htmlRule
}

// htmlRule is a rule's text, which is in the page once.
type htmlRule struct {
	ID, Title, Severity, URL string
	Why, Rest                []htmlText
	Fix                      []htmlFix
	Refs                     []htmlRef
	N                        int // findings

	severity audit.Severity
	group    string
}

// htmlText is a part of a rule's prose; XML in it is set as code.
type htmlText struct {
	Code bool
	Text string
}

// htmlFix is prose, or a command in the parts that the guest's name joins.
type htmlFix struct {
	Command []string
	Prose   []htmlText

	text string
}

type htmlRef struct {
	Text string
	Link bool
}

func newHTMLRule(r *audit.Rule) *htmlRule {
	doc := printable(strings.Join(strings.Fields(r.Doc), " "))
	why := firstSentence(doc)
	h := &htmlRule{
		ID: r.ID, Title: printable(r.Title), Severity: r.Severity.String(), URL: r.URL(), severity: r.Severity, group: r.Group(),
		Why: htmlProse(why), Rest: htmlProse(strings.TrimSpace(strings.TrimPrefix(doc, why))),
	}
	for line := range strings.SplitSeq(r.Fix, "\n") {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			h.Fix = append(h.Fix, htmlFix{Command: strings.Split(printable(command), "DOMAIN")})
			continue
		}
		h.Fix = addHTMLLine(h.Fix, printable(line))
	}
	for i := range h.Fix {
		h.Fix[i].Prose = htmlProse(h.Fix[i].text)
	}
	for _, ref := range r.Refs {
		h.Refs = append(h.Refs, htmlRef{printable(ref), strings.HasPrefix(ref, "https://") || strings.HasPrefix(ref, "http://")})
	}
	return h
}

// addHTMLLine adds a line of prose. One that goes on with the sentence of the line before joins it.
func addHTMLLine(fix []htmlFix, line string) []htmlFix {
	if n := len(fix); n > 0 && fix[n-1].Command == nil {
		glue := "\n"
		if line != "" && 'a' <= line[0] && line[0] <= 'z' && !strings.HasSuffix(fix[n-1].text, ":") {
			glue = " "
		}
		fix[n-1].text += glue + line
		return fix
	}
	return append(fix, htmlFix{text: line})
}

// htmlProse splits prose into text and XML, which is shown as code.
func htmlProse(text string) []htmlText {
	var out []htmlText
	at := 0
	for _, m := range xmlInProse.FindAllStringIndex(text, -1) {
		if m[0] > at {
			out = append(out, htmlText{false, text[at:m[0]]})
		}
		out = append(out, htmlText{true, text[m[0]:m[1]]})
		at = m[1]
	}
	if at < len(text) {
		out = append(out, htmlText{false, text[at:]})
	}
	return out
}

var xmlInProse = regexp.MustCompile(`</?[a-zA-Z][^<>]*>(?:[^<>\s]*</?[a-zA-Z][^<>]*>)*`)

// htmlRuleGroups sorts the rules that found something by their topic.
func htmlRuleGroups(rules []*htmlRule) []htmlRuleGroup {
	var out []htmlRuleGroup
	for _, r := range rules {
		if r.N == 0 {
			continue
		}
		i := slices.IndexFunc(out, func(g htmlRuleGroup) bool { return g.Group == r.group })
		if i < 0 {
			i = len(out)
			out = append(out, htmlRuleGroup{Group: r.group})
		}
		out[i].N += r.N
		out[i].Rules = append(out[i].Rules, r)
	}
	slices.SortFunc(out, func(a, b htmlRuleGroup) int { return cmp.Compare(a.Group, b.Group) })
	for _, g := range out {
		slices.SortFunc(g.Rules, func(a, b *htmlRule) int { return cmp.Compare(a.ID, b.ID) })
	}
	return out
}
