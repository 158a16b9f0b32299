// Package source describes places in files, and problems at such places. It is the only package that
// formats a place, so that editors, terminals and tests see one form everywhere.
package source

import (
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

// Error returns "FILE:LINE:COLUMN: message; hint", without the parts that are empty or zero. Characters
// of the file name that cannot be printed are replaced.
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

// Printable returns a text for one line of a message: characters that cannot be printed are replaced.
func Printable(text string) string { return strings.Map(printable, text) }

func printable(c rune) rune {
	if unicode.IsPrint(c) {
		return c
	}
	return utf8.RuneError
}
