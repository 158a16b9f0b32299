package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/source"
)

// quoteExpression is what to do if YAML does not accept an expression: CEL and YAML both use !, ?, : and
// quotes.
const quoteExpression = "put it in quotes, or write it after |"

// firstKey matches a line that begins with a key.
var firstKey = regexp.MustCompile(`^ *(- +)*[a-z][a-z-]*:( |$)`)

// syntaxHint returns what to do about a YAML error in an expression. It guesses from the lines, since the
// file cannot be parsed.
func syntaxHint(lines []string, line int) string {
	for i := min(line, len(lines)) - 1; i >= 0; i-- {
		if begins := firstKey.MatchString(lines[i]); begins || i == 0 {
			if strings.Contains(lines[i], "expression:") {
				return quoteExpression
			}
			break
		}
	}
	return ""
}

// cutComment returns the index of the first comment of an expression that continues over a folded line,
// or -1. YAML makes one line of several, and the comment would hide the lines after its own.
func cutComment(expression string, characters []source.Position) int {
	text := []rune(expression)
	for i := 0; i < len(text); {
		end := lexeme(text[i:])
		if end == 0 {
			return -1 // a literal without an end is reported when the expression is compiled
		}
		if isComment(text[i:]) && characters[i].Line != characters[i+end-1].Line {
			return i
		}
		i += end
	}
	return -1
}

func isComment(text []rune) bool { return len(text) > 1 && text[0] == '/' && text[1] == '/' }

// lexeme returns the length of the comment, literal or quoted name that a CEL text begins with, or 1 for
// anything else. It is 0 if the end is missing.
func lexeme(text []rune) int {
	if isComment(text) {
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
