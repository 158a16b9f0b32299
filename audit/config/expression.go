package config

import (
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// places tells for each character of a text where it stands in the file, and where the text ends. It
// goes through text and file side by side: white space may differ, since YAML takes indentation away and
// folds lines, and in quotes a character may be written as an escape.
func (r *reader) places(n ast.Node, text string) []place {
	at := r.place(n)
	style := n.GetToken().Type
	switch style {
	case token.LiteralType, token.FoldedType:
		at = place{at.line + 1, 1} // below the | or >
	case token.SingleQuoteType, token.DoubleQuoteType:
		at.column++
	default:
	}
	w := walk{lines: r.lines}
	w.goTo(at)
	out := make([]place, 0, len(text)+1)
	for _, c := range text {
		for w.skips(c, style) && w.next(1) {
			continue
		}
		out = append(out, w.at)
		switch {
		case style == token.DoubleQuoteType && w.char() == '\\':
			w.next(w.escape())
		case style == token.SingleQuoteType && c == '\'':
			w.next(2)
		case unicode.IsSpace(c) && !unicode.IsSpace(w.char()): // YAML has one more than the file
		default:
			w.next(1)
		}
	}
	return append(out, w.at)
}

// walk goes through the file character by character.
type walk struct {
	lines []string
	at    place
	line  []rune // that it is on
}

func (w *walk) goTo(at place) {
	at.line = min(at.line, len(w.lines))
	w.at, w.line = at, []rune(w.lines[at.line-1])
}

// char returns the character at hand. Every line ends with a newline, the last one too.
func (w *walk) char() rune {
	if w.at.column <= len(w.line) {
		return w.line[w.at.column-1]
	}
	return '\n'
}

// skips reports whether the character at hand is not in the text, of which c comes next: indentation, the
// end of a line that was folded, or a backslash that takes that away.
func (w *walk) skips(c rune, style token.Type) bool {
	switch here := w.char(); {
	case unicode.IsSpace(c):
		return c == '\n' && here == ' '
	case style == token.DoubleQuoteType && here == '\\':
		return w.at.column == len(w.line)
	default:
		return unicode.IsSpace(here)
	}
}

// next moves on, and reports whether there was anything to move over.
func (w *walk) next(n int) bool {
	for ; n > 0; n-- {
		switch {
		case w.at.column <= len(w.line):
			w.at.column++
		case w.at.line < len(w.lines):
			w.goTo(place{w.at.line + 1, 1})
		default:
			return false
		}
	}
	return true
}

// escape returns the length of the escape at hand, in double quotes.
func (w *walk) escape() int {
	if w.at.column < len(w.line) {
		if i := strings.IndexRune("xuU", w.line[w.at.column]); i >= 0 {
			return 2 + 2<<i
		}
	}
	return 2
}
