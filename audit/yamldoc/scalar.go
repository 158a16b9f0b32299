package yamldoc

import (
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/virt-audit/virt-audit/audit/source"
	"github.com/virt-audit/virt-audit/audit/suggest"
)

// Kind is what a node is to YAML.
type Kind int

// The kinds of nodes.
const (
	Other Kind = iota // an anchor, alias, tag or merge key
	Null
	String
	Number
	Boolean
	List
	Mapping
)

// Kind returns what the node is.
func (n Node) Kind() Kind {
	switch n.node.(type) {
	case *ast.NullNode:
		return Null
	case *ast.StringNode, *ast.LiteralNode:
		return String
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return Number
	case *ast.BoolNode:
		return Boolean
	case *ast.SequenceNode:
		return List
	case *ast.MappingNode:
		return Mapping
	default:
		return Other
	}
}

// describe returns the kind for messages.
func (n Node) describe() string {
	if k := n.Kind(); k != Other {
		return [...]string{Null: "null", String: "a string", Number: "a number", Boolean: "a boolean", List: "a list", Mapping: "a mapping"}[k]
	}
	return "a YAML " + strings.ToLower(n.node.Type().String())
}

// Text returns a string of one line. What YAML reads as a number or a boolean must be quoted, since it is
// not always the text that was written: 10.10 is 10.1.
func (n Node) Text() (text string, ok bool) { return n.string(unicode.IsPrint) }

// Line returns a string that may be written over several lines, as one line; "" after an error.
func (n Node) Line() string { return strings.Join(strings.Fields(n.Prose()), " ") }

// Prose returns a string of several lines, without the newlines at its end; "" after an error.
func (n Node) Prose() string {
	s, _ := n.string(func(c rune) bool { return c == '\n' || unicode.IsPrint(c) })
	return strings.TrimRight(s, "\n")
}

// Bool returns a boolean. Path is for the message.
func (n Node) Bool(path string) bool {
	b, ok := n.node.(*ast.BoolNode)
	if !ok {
		n.Errorf("", "%s must be true or false, not %s", path, n.describe())
		return false
	}
	return b.Value
}

// Integer returns an integer as it is written. It is not ok for another node, and notes no problem.
func (n Node) Integer() (text string, ok bool) {
	if _, ok := n.node.(*ast.IntegerNode); !ok {
		return "", false
	}
	return n.node.GetToken().Value, true
}

// NotString notes that a string is expected, with what to do about it.
func (n Node) NotString(hint string) { n.Errorf(hint, "must be a string, not %s", n.describe()) }

// OneOf checks a word that the node holds, and names the nearest of the words that are known, or all if
// they are few. What describes the word: "severity".
func (n Node) OneOf(what, word string, words []string) bool {
	if slices.Contains(words, word) {
		return true
	}
	hint := suggest.Hint(word, words)
	if hint == "" && len(words) <= maxListed {
		hint = "one of " + strings.Join(words, ", ")
	}
	n.Errorf(hint, "unknown %s %q", what, word)
	return false
}

// maxListed is the number of words that a message lists.
const maxListed = 20

func (n Node) string(allowed func(rune) bool) (string, bool) {
	var s string
	switch node := n.node.(type) {
	case *ast.StringNode:
		s = node.Value
		if node.Token.Type == token.StringType && !n.validPlain(node) {
			return "", false
		}
	case *ast.LiteralNode:
		s = node.Value.Value
	case *ast.NullNode:
		n.Errorf("", "missing string")
		return "", false
	default:
		hint := ""
		if k := n.Kind(); k == Number || k == Boolean {
			hint = "put it in quotes"
		}
		n.NotString(hint)
		return "", false
	}
	switch {
	case strings.TrimSpace(s) == "":
		n.Errorf("", "empty string")
	case strings.Contains(s, "\n") && !allowed('\n'):
		n.Errorf("", "a string of several lines; one line is expected")
	case strings.ContainsFunc(s, func(c rune) bool { return !allowed(c) }):
		n.Errorf("", "the string contains a character that cannot be printed")
	default:
		return s, true
	}
	return "", false
}

// validPlain checks a string without quotes. The parser accepts more as such than YAML does: keys and
// whole lists that are indented wrongly become the end of the string before them, and would be lost.
func (n Node) validPlain(node *ast.StringNode) bool {
	hint := "put it in quotes, or write it after | or >"
	switch {
	case isMultiline(node):
		n.Errorf(hint+", or indent what follows", "an unquoted string continues on the next line")
	case strings.Contains(node.Value+" ", ": ") || strings.Contains(node.Value, " #"):
		n.Errorf(hint, "an unquoted string contains %q or %q", ": ", " #")
	case strings.IndexAny(node.Value, ",]}%@`") == 0:
		n.Errorf(hint, "an unquoted string begins with %q", node.Value[:1])
	default:
		return true
	}
	return false
}

// isMultiline reports whether a string without quotes continues after the end of its line.
func isMultiline(n ast.Node) bool {
	s, ok := n.(*ast.StringNode)
	return ok && s.Token.Type == token.StringType && strings.Contains(strings.TrimSpace(s.Token.Origin), "\n")
}

// Characters returns the place in the file of each character of a string that the node holds, and of its
// end. Text is the string as Prose returns it. White space may differ between string and file, since YAML
// removes indentation and folds lines, and in quotes a character may be written as an escape.
func (n Node) Characters(text string) []source.Position {
	at := n.Position()
	style := n.node.GetToken().Type
	switch style {
	case token.LiteralType, token.FoldedType:
		at = source.Position{Line: at.Line + 1, Column: 1} // below the | or >
	case token.SingleQuoteType, token.DoubleQuoteType:
		at.Column++
	default:
	}
	w := walker{lines: n.doc.lines}
	w.moveTo(at)
	out := make([]source.Position, 0, len(text)+1)
	for _, c := range text {
		for w.skips(c, style) && w.advance(1) {
			continue
		}
		out = append(out, w.at)
		switch {
		case style == token.DoubleQuoteType && w.char() == '\\':
			w.advance(w.escape())
		case style == token.SingleQuoteType && c == '\'':
			w.advance(2)
		case unicode.IsSpace(c) && !unicode.IsSpace(w.char()): // the string has a space that the file lacks
		default:
			w.advance(1)
		}
	}
	return append(out, w.at)
}
