package report

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/source"
)

// caret returns the line of an excerpt made printable, and the columns of the screen to underline.
func caret(e audit.Excerpt) (line string, start, width int) {
	var b strings.Builder
	end, column := 0, 0
	runes := []rune(e.Line)
	for i, r := range runes {
		if i == e.Start {
			start = column
		}
		if i < e.End {
			end = -1
		}
		text := source.Printable(string(r))
		switch {
		case r == '\t':
			text = "  "
		case i > 1 && string(runes[i-2:i+1]) == runnerMark:
			text = `\x5b`
		}
		b.WriteString(text)
		column += uniseg.StringWidth(text)
		if i+1 == e.End {
			end = column
		}
	}
	if end <= start {
		end = column
	}
	trimmed := strings.TrimLeft(b.String(), " ")
	indent := len(b.String()) - len(trimmed)
	indent = min(indent, start)
	return b.String()[indent:], start - indent, max(end-start, 1)
}

// wrap breaks prose into lines of at most width columns; longer words stay whole. No line begins
// with a single "$": it would look like a command that the report advises.
func wrap(text string, width int) []string {
	var lines []string
	var line strings.Builder
	used := 0
	for word := range strings.FieldsSeq(text) {
		w := uniseg.StringWidth(word)
		if used > 0 && used+1+w > width && word != "$" {
			lines = append(lines, line.String())
			line.Reset()
			used = 0
		}
		if used > 0 {
			line.WriteByte(' ')
			used++
		}
		line.WriteString(word)
		used += w
	}
	return append(lines, line.String())
}

// truncated shortens a text to n bytes.
func truncated(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}

// pad fills text up to a width in columns.
func pad(text string, width int) string {
	if n := width - uniseg.StringWidth(text); n > 0 {
		return text + strings.Repeat(" ", n)
	}
	return text
}

// oneLine returns a fix on one line, with a semicolon before each command.
func oneLine(fix string) string {
	fix = strings.NewReplacer(".\n$ ", ". $ ", "\n$ ", "; $ ").Replace(fix)
	return strings.Join(strings.Fields(fix), " ")
}

// waivedBy returns the reason of a waiver and its last day.
func waivedBy(w *audit.Waiver) string { return "waived: " + w.Reason + until(w) }

// until returns the last day of a waiver, to follow its reason; "" if it does not expire.
func until(w *audit.Waiver) string {
	if w.Until.IsZero() {
		return ""
	}
	return " (until " + w.Until.Format(time.DateOnly) + ")"
}

// firstSentence returns the first sentence of a rule's Doc.
func firstSentence(doc string) string {
	doc = strings.Join(strings.Fields(doc), " ")
	for i := 0; i+1 < len(doc); i++ {
		if doc[i] == '.' && doc[i+1] == ' ' {
			return doc[:i+1]
		}
	}
	return doc
}

// plural returns "1 guest" or "3 guests".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// showsOrigin reports whether an origin is printed: that of a plain file adds nothing.
func showsOrigin(o audit.Origin) bool { return o.Stated }
