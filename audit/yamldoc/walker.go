package yamldoc

import (
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/token"

	"github.com/virt-audit/virt-audit/audit/source"
)

// walker moves through a file character by character.
type walker struct {
	lines []string
	at    source.Position
	line  []rune // the current line
}

func (w *walker) moveTo(at source.Position) {
	at.Line = min(at.Line, len(w.lines))
	w.at, w.line = at, []rune(w.lines[at.Line-1])
}

// char returns the current character. Every line ends with a newline, the last one too.
func (w *walker) char() rune {
	if w.at.Column <= len(w.line) {
		return w.line[w.at.Column-1]
	}
	return '\n'
}

// skips reports whether the current character is not in the string, whose next character is c: it is
// indentation, the end of a line that was folded, or a backslash that removes that end.
func (w *walker) skips(c rune, style token.Type) bool {
	switch here := w.char(); {
	case unicode.IsSpace(c):
		return c == '\n' && here == ' '
	case style == token.DoubleQuoteType && here == '\\':
		return w.at.Column == len(w.line)
	default:
		return unicode.IsSpace(here)
	}
}

// advance moves over n characters. It returns false at the end of the file.
func (w *walker) advance(n int) bool {
	for ; n > 0; n-- {
		switch {
		case w.at.Column <= len(w.line):
			w.at.Column++
		case w.at.Line < len(w.lines):
			w.moveTo(source.Position{Line: w.at.Line + 1, Column: 1})
		default:
			return false
		}
	}
	return true
}

// escape returns the length of the current escape sequence in double quotes.
func (w *walker) escape() int {
	if w.at.Column < len(w.line) {
		if i := strings.IndexRune("xuU", w.line[w.at.Column]); i >= 0 {
			return 2 + 2<<i
		}
	}
	return 2
}
