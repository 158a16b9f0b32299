package report

import (
	"html/template"
	"strings"
)

// newHTMLFix returns an advice as an element, without what is in shown already: the texts and commands
// of the findings of the same rule above. It is not a template, which would take most of the time of
// a report.
func newHTMLFix(a *Advice, shown map[string]bool) template.HTML {
	once := func(text string) bool {
		first := text != "" && !shown[text]
		shown[text] = true
		return first
	}
	var b strings.Builder
	if text := a.words(); once(text) {
		b.WriteString(`<p class="lines"><b>Fix`)
		if a.Manager != "" {
			b.WriteString(" (" + htmlElement(a.Manager) + ")")
		}
		b.WriteString(":</b> ")
		for _, part := range htmlProse(printable(text)) {
			if part.Code {
				b.WriteString("<code>" + htmlElement(part.Text) + "</code>")
				continue
			}
			b.WriteString(htmlElement(part.Text))
		}
		b.WriteString("</p>")
	}
	if diff := a.shownDiff(); len(diff) > 0 {
		b.WriteString(`<pre class="diff" role="group" aria-label="Change of the document">` + htmlDiff(diff) + "</pre>")
	}
	if once(a.Command) {
		b.WriteString(`<div class="command"><code><span class="prompt" aria-hidden="true">$ </span><span class="line">` + htmlElement(a.Command) + "</span></code></div>")
	}
	if b.Len() == 0 {
		return ""
	}
	return template.HTML(`<div class="own">` + b.String() + "</div>")
}

// htmlDiff returns a difference as the content of an element. What is removed and added is in
// elements that screen readers announce, and has its mark.
func htmlDiff(lines []string) string {
	elements := map[byte]string{'-': "del", '+': "ins", ' ': "span"}
	var b strings.Builder
	for _, l := range lines {
		element := elements[l[0]]
		b.WriteString("<" + element + ">" + htmlElement(l) + "</" + element + ">\n")
	}
	return b.String()
}
