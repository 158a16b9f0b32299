package report

import (
	"html/template"
	"strings"
)

// htmlAdvice is what a finding shows of its fix.
type htmlAdvice struct {
	Manager string
	Text    []htmlText
	Diff    template.HTML
	Command string
}

// newHTMLAdvice returns an advice without what is in shown already: the texts and commands of the
// findings of the same rule above.
func newHTMLAdvice(a *Advice, shown map[string]bool) *htmlAdvice {
	once := func(text string) bool {
		first := text != "" && !shown[text]
		shown[text] = true
		return first
	}
	h := &htmlAdvice{Manager: a.Manager, Diff: htmlDiff(a.shownDiff())}
	if text := a.words(); once(text) {
		h.Text = htmlProse(printable(text))
	}
	if once(a.Command) {
		h.Command = printable(a.Command)
	}
	if h.Text == nil && h.Diff == "" && h.Command == "" {
		return nil
	}
	return h
}

// htmlDiff returns a difference as the content of an element. What is removed and added is in
// elements that screen readers announce, and has its mark.
func htmlDiff(lines []string) template.HTML {
	if len(lines) == 0 {
		return ""
	}
	elements := map[byte]string{'-': "del", '+': "ins", ' ': "span"}
	var b strings.Builder
	for _, l := range lines {
		element := elements[l[0]]
		b.WriteString("<" + element + ">" + htmlElement(l) + "</" + element + ">\n")
	}
	return template.HTML(b.String())
}
