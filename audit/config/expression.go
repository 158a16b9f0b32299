package config

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// asExpression is what to do where YAML does not take what is CEL: both have words for !, ?, : and quotes.
const asExpression = "put it into quotes, or write it after |"

// expression reads an expression.
func (r *reader) expression(n ast.Node) string {
	before := len(r.errs)
	text := r.prose(n)
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
	default:
		for _, e := range r.errs[before:] {
			e.Hint = asExpression
		}
	}
	return text
}

// firstKey is the key that a line begins with.
var firstKey = regexp.MustCompile(`^ *(- +)*[a-z][a-z-]*:( |$)`)

// inExpression reports whether a line of the file belongs to an expression, as far as can be told of a file
// that is no YAML.
func (r *reader) inExpression(line int) bool {
	for i := min(line, len(r.lines)) - 1; i >= 0; i-- {
		if begins := firstKey.MatchString(r.lines[i]); begins || i == 0 {
			return strings.Contains(r.lines[i], "expression:")
		}
	}
	return false
}

// comments refuses an expression that a comment runs through: where YAML makes one line of several, the
// comment ends with that line, and what was written below it would be lost.
func (r *reader) comments(l *LocalRule) {
	text := []rune(l.Expression)
	for i := 0; i < len(text); {
		end := lexeme(text[i:])
		if end == 0 {
			return // in a literal without an end, which is told where the expression is compiled
		}
		if comment(text[i:]) && l.places[i].line != l.places[i+end-1].line {
			r.fail(l.places[i], "write the expression after |", "a comment runs to the end of what is folded here")
			return
		}
		i += end
	}
}

func comment(text []rune) bool { return len(text) > 1 && text[0] == '/' && text[1] == '/' }

// lexeme returns the length of the comment, literal or name in quotes that a text of CEL begins with, or 1
// for anything else. It is 0 where the end is missing.
func lexeme(text []rune) int {
	if comment(text) {
		if i := slices.Index(text, '\n'); i >= 0 {
			return i
		}
		return len(text)
	}
	raw := 0
	if text[0] == 'r' || text[0] == 'R' {
		raw = 1
	}
	if len(text) == raw || !strings.ContainsRune("'\"`", text[raw]) || raw > 0 && text[raw] == '`' {
		return 1
	}
	quote := text[raw : raw+1]
	if triple := text[raw:]; len(triple) > 2 && triple[1] == triple[0] && triple[2] == triple[0] && triple[0] != '`' {
		quote = triple[:3]
	}
	for i := raw + len(quote); i < len(text); i++ {
		switch {
		case text[i] == '\\' && raw == 0 && quote[0] != '`':
			i++
		case len(text)-i >= len(quote) && slices.Equal(text[i:i+len(quote)], quote):
			return i + len(quote)
		}
	}
	return 0
}

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
