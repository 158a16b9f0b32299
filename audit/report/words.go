package report

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/virt-audit/virt-audit/audit"
)

// Printable returns text from outside in a form that cannot steer a terminal: control characters,
// marks that turn the direction of writing and everything else that does not print become escapes. Nor
// can it steer GitHub Actions, whose runner takes "##[name]" for a command wherever it stands in a log.
func Printable(s string) string { return printable(s) }

func printable(s string) string { return strings.ReplaceAll(escaped(s), runnerMark, `##\x5b`) }

// runnerMark begins a command in the old form (actions/runner, ActionCommand.TryParse). The log's viewer
// goes by it, too.
const runnerMark = "##["

// inert returns lines none of which is a command in the form of today: the runner takes for one what
// begins with "::", blanks apart (actions/runner, ActionCommand.TryParseV2).
func inert(text string) string {
	if !strings.Contains(text, "::") {
		return text
	}
	lines := strings.SplitAfter(text, "\n")
	for i, l := range lines {
		if rest := strings.TrimLeftFunc(l, unicode.IsSpace); strings.HasPrefix(rest, "::") {
			lines[i] = l[:len(l)-len(rest)] + `\x3a` + rest[1:]
		}
	}
	return strings.Join(lines, "")
}

// writeLines writes whole lines of a report that a job may print to its log. All lines which can begin with
// text from outside go through here.
func writeLines(w io.Writer, text string) error {
	_, err := io.WriteString(w, inert(text))
	return err
}

func escaped(s string) string {
	clean := utf8.ValidString(s)
	for _, r := range s {
		if r < ' ' || r >= 0x7f && !unicode.IsPrint(r) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)) {
			fmt.Fprintf(&b, `\x%02x`, s[i]) // no UTF-8: to a terminal of eight bits it may be a command
			continue
		}
		b.WriteString(visible(r))
	}
	return b.String()
}

func visible(r rune) string {
	switch {
	case unicode.IsPrint(r) || r == ' ':
		return string(r)
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	default:
		return fmt.Sprintf(`\U%08x`, r)
	}
}

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
		text := visible(r)
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

// wrap breaks prose into lines of at most width columns; words that are longer stay whole. No line begins
// with a "$" by itself: what follows would look like a command that we advise.
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

// Fix returns a rule's fix with the domain's name in the commands. The name is made printable before the
// text is taken for lines: one with an end of line in it would be a command of its own.
func Fix(r *audit.Rule, domain string) string {
	domain = printable(domain)
	lines := strings.Split(r.Fix, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "$ ") && domain != "" {
			lines[i] = strings.ReplaceAll(l, "DOMAIN", shellQuote(domain))
		}
	}
	return strings.Join(lines, "\n")
}

// ShellQuote returns a word that a shell takes for the text, and nothing else.
func ShellQuote(s string) string { return shellQuote(s) }

// shellQuote returns a word that a shell takes for the text, and nothing else.
func shellQuote(s string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+:@%"
	if s != "" && strings.Trim(s, safe) == "" && !strings.HasPrefix(s, "-") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// waivedBy says why a finding does not count, and how long.
func waivedBy(w *audit.Waiver) string { return "waived: " + w.Reason + until(w) }

// until says when a waiver ends, behind its reason; "" where it does not.
func until(w *audit.Waiver) string {
	if w.Until.IsZero() {
		return ""
	}
	return " (until " + w.Until.Format(time.DateOnly) + ")"
}

// firstSentence returns the beginning of a rule's Doc: why it matters, in short.
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

// told reports whether an origin is worth a word: of a plain file, the document itself is all there is.
func told(o audit.Origin) bool { return o.Stated }
