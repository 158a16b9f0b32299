package report

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

var markdownEscapes = strings.NewReplacer("<", "&lt;", ">", "&gt;", "|", `\|`, "*", `\*`, "_", `\_`)

// escapeMarkdown escapes prose of rules for Markdown: XML in it is not HTML, and a bar ends no cell.
func escapeMarkdown(s string) string { return markdownEscapes.Replace(s) }

// markdownParagraph returns a text as a paragraph of Markdown without links.
func markdownParagraph(text string) string {
	return strings.ReplaceAll(escapeMarkdown(printable(text)), "](", "] (") + "\n\n"
}

// notProse finds what Markdown, or GitHub after it, may take for more than words: @names, addresses of
// mail and the web, :emoji:, numbers of issues, names of commits, formulas.
var notProse = regexp.MustCompile("[`\\\\|@#$~]|:/|:[0-9A-Za-z_+-]+:|[wW][wW][wW]|[gG][hH]-[0-9]|[0-9a-fA-F]{7}")

var proseEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`)

// prose returns text that means itself, behind something else on its line: as words where it is sure to
// be nothing else, and as code where it is not.
func prose(text string) string {
	text = clean(strings.Join(strings.Fields(text), " "))
	if notProse.MatchString(text) {
		return codeSpan(text)
	}
	return proseEscapes.Replace(text)
}

// codeSpan returns text as code, which means itself whatever it is.
func codeSpan(text string) string {
	text = clean(text)
	if text == "" {
		return "–" // there is no empty code
	}
	ticks := strings.Repeat("`", longestRun(text)+1)
	// One space at both ends is taken away; backticks at an end would be part of the fence.
	if text[0] == '`' || text[len(text)-1] == '`' || text[0] == ' ' && text[len(text)-1] == ' ' {
		text = " " + text + " "
	}
	return ticks + text + ticks
}

// cellCode is codeSpan for a cell of a table. A bar ends a cell in code too, and whether the backslash
// before it is escaped itself is seen differently by different readers, so text with bars is spelt
// in references. Those are resolved before GitHub's reader looks for addresses of mail, and
// code that is an element does not stop it: the comment parts what it would find.
func cellCode(text string) string {
	if !strings.Contains(text, "|") {
		return codeSpan(text)
	}
	var b strings.Builder
	b.WriteString("<code>")
	for _, r := range clean(text) {
		switch {
		case r == '@':
			b.WriteString("<!---->&#64;")
		case r < utf8.RuneSelf && !strings.ContainsRune(" 0123456789", r) && (r|0x20 < 'a' || r|0x20 > 'z'):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteString("</code>")
	return b.String()
}

// fenced returns a fix as a block of code, its commands on lines of their own.
func fenced(fix string) string {
	if strings.TrimSpace(fix) == "" {
		return ""
	}
	fence := strings.Repeat("`", max(3, longestRun(fix)+1))
	var b strings.Builder
	b.WriteString("\n" + fence + "\n")
	for line := range strings.SplitSeq(fix, "\n") {
		if strings.HasPrefix(line, "$ ") { // a command stays on one line, to be copied
			b.WriteString(clean(line) + "\n")
			continue
		}
		for _, l := range wrap(clean(strings.Join(strings.Fields(line), " ")), 80) {
			b.WriteString(l + "\n")
		}
	}
	b.WriteString(fence + "\n")
	return b.String()
}

// longestRun returns the length of the longest run of backticks.
func longestRun(text string) int {
	longest, run := 0, 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
