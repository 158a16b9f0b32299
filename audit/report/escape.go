package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/virt-audit/virt-audit/audit/source"
)

// This file and escape_markdown.go have one function for each context that a text is printed into.
// Names of guests and files, and all that documents contain, may have been chosen by an attacker:
// formats print no such text without one of these functions. HTML is escaped by html/template, by
// context, and XML attributes by encoding/xml; both receive printable text.

// Printable escapes text for a terminal: control characters, marks that change the direction of
// writing and other characters that do not print become escapes, as do bytes that are not UTF-8. It
// also breaks up the old form of GitHub's workflow commands, which the runner accepts anywhere in a
// line.
func Printable(s string) string { return printable(s) }

func printable(s string) string {
	return strings.ReplaceAll(source.Printable(s), runnerMark, `##\x5b`)
}

// runnerMark begins a command in the old form (actions/runner, ActionCommand.TryParse). The viewer
// of logs interprets it too.
const runnerMark = "##["

// printableLines is printable for a text of several lines.
func printableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = printable(l)
	}
	return strings.Join(lines, "\n")
}

// LogLine is [Printable] for a line that may begin with foreign text and is not part of a report.
func LogLine(s string) string { return inert(printable(s)) }

// clean is printable for readers that reject text that is not UTF-8, which names of files may be.
func clean(text string) string { return printable(strings.ToValidUTF8(text, "\ufffd")) }

// inert escapes lines that the log of a job on GitHub would execute as a workflow command: those
// that begin with "::" after white space (actions/runner, ActionCommand.TryParseV2).
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

// writeLines writes whole lines that may begin with foreign text, see inert: a job may print any
// report to its log.
func writeLines(w io.Writer, text string) error {
	_, err := io.WriteString(w, inert(text))
	return err
}

// ShellQuote returns a word that a POSIX shell expands to exactly the text.
func ShellQuote(s string) string { return shellQuote(s) }

func shellQuote(s string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+:@%/"
	if s != "" && strings.Trim(s, safe) == "" && !strings.HasPrefix(s, "-") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// jsonVisible escapes characters that do not print and that encoding/json leaves as they are: a
// mark that changes the direction of writing must not deceive a reader of the file. Only strings
// can contain such characters, or the mark of a command.
func jsonVisible(text []byte) []byte {
	if mark := []byte(runnerMark); bytes.Contains(text, mark) {
		text = bytes.ReplaceAll(text, mark, []byte(`##\u005b`))
	}
	invisible := func(r rune) bool { return r >= utf8.RuneSelf && !unicode.IsPrint(r) || r == 0x7f }
	if bytes.IndexFunc(text, invisible) < 0 {
		return text
	}
	var b bytes.Buffer
	for _, r := range string(text) {
		switch {
		case !invisible(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

// csvFormula are the characters that begin a formula in a spreadsheet. The wide forms are accepted
// where people write with such; tab and line feed, which OWASP lists too, are escapes by then.
const csvFormula = "=+-@＝＋－＠"

// csvCell puts an apostrophe before what a spreadsheet would take for a formula, as OWASP advises
// (https://owasp.org/www-community/attacks/CSV_Injection), and makes the text one printable line.
// Spreadsheets of many countries also split cells at semicolons.
func csvCell(text string) string {
	text = printable(strings.ReplaceAll(text, "\n", " "))
	if !strings.ContainsAny(text, csvFormula) {
		return text
	}
	var b strings.Builder
	start := true
	for _, r := range text {
		if start && strings.ContainsRune(csvFormula, r) {
			b.WriteByte('\'')
		}
		start = r == ';' || start && (r == ' ' || r == '"')
		b.WriteRune(r)
	}
	return b.String()
}

var (
	githubDataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubPropertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// githubData escapes the message of a workflow command (actions/toolkit,
// packages/core/src/command.ts).
func githubData(text string) string { return githubDataEscapes.Replace(text) }

// githubProperty escapes the value of a property of a workflow command.
func githubProperty(text string) string { return githubPropertyEscapes.Replace(text) }

var metricEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// metricLabel escapes the value of a label in the Prometheus text format.
func metricLabel(text string) string { return metricEscapes.Replace(text) }

// sarifMessage escapes a message of SARIF: "{0}" would be a placeholder (3.11.5) and
// "[text](address)" a link (3.11.6).
func sarifMessage(text string) string { return sarifEscapes.Replace(printable(text)) }

var sarifEscapes = strings.NewReplacer("{", "{{", "}", "}}", "](", "] (")

// uriPath escapes a path for a URI reference. net/url leaves colons, which would end a scheme.
func uriPath(path string) string {
	return strings.ReplaceAll((&url.URL{Path: path}).EscapedPath(), ":", "%3A")
}

// xmlText escapes one line of the content of an element in a JUnit report. Plugins of Jenkins and
// GitLab fetch the file that a mark "[[ATTACHMENT|…]]" names.
func xmlText(line string) string {
	line = strings.ReplaceAll(printable(line), "[[ATTACHMENT", `[\x5bATTACHMENT`)
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(line)) // a buffer returns no error
	return b.String()
}

// validateCheck escapes the name of a check in the format of virt-host-validate, where ": "
// separates it from the result.
func validateCheck(text string) string { return strings.ReplaceAll(clean(text), ": ", `:\x20`) }

// htmlElement escapes text for an HTML element inside Markdown.
func htmlElement(text string) string { return html.EscapeString(clean(text)) }
