// Package source describes places in files, and problems at such places. It is the only package that
// formats a place, so that editors, terminals and tests see one form everywhere.
package source

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Position is a place in a file. Lines and columns count from one, columns in code points. A part that
// is not known is zero.
type Position struct{ Line, Column int }

// Compare orders positions as they are in a file. It returns a negative number if p comes first.
func (p Position) Compare(q Position) int {
	if p.Line != q.Line {
		return p.Line - q.Line
	}
	return p.Column - q.Column
}

// Location returns "FILE:LINE:COLUMN", the form that editors and terminals can jump to. A part that is
// empty or zero is omitted; without a line there is no column. The file is printed as it is given.
func Location(file string, line, column int) string {
	parts := make([]string, 0, 3)
	if file != "" {
		parts = append(parts, file)
	}
	if line > 0 {
		parts = append(parts, strconv.Itoa(line))
		if column > 0 {
			parts = append(parts, strconv.Itoa(column))
		}
	}
	return strings.Join(parts, ":")
}

// Error is a problem at a place of a file.
type Error struct {
	File string // or what stands for a file: a field of a rule, the name given to standard input
	Position
	Message string
	Hint    string // what the user may have meant, or can do; "" if there is nothing to suggest
	Err     error  // the cause, if callers may ask for it with errors.Is or errors.As
}

// Error returns "FILE:LINE:COLUMN: message; hint", without the parts that are empty or zero. The
// file name is Printable.
func (e *Error) Error() string {
	text := e.Message
	if place := Location(Printable(e.File), e.Line, e.Column); place != "" {
		text = place + ": " + text
	}
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.Err }

// Printable returns a text for one line of a message. Control characters, marks that change the
// direction of writing and other characters that do not print become escapes, as do bytes that are not
// UTF-8.
func Printable(s string) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)) {
			fmt.Fprintf(&b, `\x%02x`, s[i]) // to a terminal of eight bits it may be a control character
			continue
		}
		b.WriteString(visible(r))
	}
	return b.String()
}

func unprintable(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }

// visible returns a character, or the escape that stands for one that does not print.
func visible(r rune) string {
	switch {
	case !unprintable(r):
		return string(r)
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	default:
		return fmt.Sprintf(`\U%08x`, r)
	}
}
