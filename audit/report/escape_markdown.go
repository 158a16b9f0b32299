package report

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

var markdownEscapes = strings.NewReplacer("<", "&lt;", ">", "&gt;", "|", `\|`, "*", `\*`, "_", `\_`)

// escapeMarkdown escapes prose of rules for Markdown: XML in it is not HTML, and a bar ends no
// cell.
func escapeMarkdown(s string) string { return markdownEscapes.Replace(s) }

// markdownParagraph returns a text as a paragraph of Markdown without links.
func markdownParagraph(text string) string {
	return strings.ReplaceAll(escapeMarkdown(printable(text)), "](", "] (") + "\n\n"
}

// notProse matches what Markdown, or GitHub after it, may interpret: @names, addresses of mail and
// the web, :emoji:, numbers of issues, hashes of commits, formulas.
var notProse = regexp.MustCompile("[`\\\\|@#$~]|:/|:[0-9A-Za-z_+-]+:|[wW][wW][wW]|[gG][hH]-[0-9]|[0-9a-fA-F]{7}")

var proseEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`)

// prose escapes text that follows something else on its line: as words if nothing in it can be
// interpreted, and otherwise as code.
func prose(text string) string {
	text = clean(strings.Join(strings.Fields(text), " "))
	if notProse.MatchString(text) {
		return codeSpan(text)
	}
	return proseEscapes.Replace(text)
}

// codeSpan returns text as inline code, in which nothing is interpreted.
func codeSpan(text string) string {
	text = clean(text)
	if text == "" {
		return "–" // there is no empty code
	}
	ticks := strings.Repeat("`", longestRun(text)+1)
	// A space at both ends is removed by the reader; a backtick at an end would be part of the
	// fence.
	if text[0] == '`' || text[len(text)-1] == '`' || text[0] == ' ' && text[len(text)-1] == ' ' {
		text = " " + text + " "
	}
	return ticks + text + ticks
}

// cellCode is codeSpan for a cell of a table. A bar ends a cell inside code too, and readers
// disagree about a backslash before it, so text with bars is written in character references.
// GitHub resolves those before it searches for mail addresses, inside a <code> element too: the
// comment splits what it would find.
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
