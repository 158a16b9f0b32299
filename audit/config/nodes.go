package config

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/virt-audit/virt-audit/audit"
)

// fields calls a function for each known key of a mapping that has a value. The YAML parser has refused
// keys that come twice. Inside is the path of the mapping: "", "waivers[0]".
func (r *reader) fields(n ast.Node, inside string, keys, required []string, visit func(key string, value ast.Node)) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		r.fail(r.place(n), "", "%s is not a mapping of keys to values but %s", inside, kind(n))
		return
	}
	if inside != "" {
		inside += "."
	}
	r.entries(m, inside, func(key string, at place, value ast.Node) {
		if !slices.Contains(keys, key) {
			r.fail(at, didYouMean(nearest(key, keys)), "unknown key %q", key)
			return
		}
		visit(key, value)
	})
	for _, key := range required {
		if value(m, key) == nil {
			r.fail(r.place(m), "", "missing %s", key)
		}
	}
}

// value returns what a mapping has under a key, or nil.
func value(m *ast.MappingNode, key string) ast.Node {
	for _, v := range m.Values {
		if k, ok := v.Key.(*ast.StringNode); ok && k.Value == key {
			return v.Value
		}
	}
	return nil
}

// entries calls a function for each entry of a mapping that has a key and a value, and notes its place.
func (r *reader) entries(m *ast.MappingNode, inside string, visit func(key string, at place, value ast.Node)) {
	for _, v := range m.Values {
		key, ok := r.text(v.Key)
		if !ok {
			continue
		}
		at := r.place(v.Key)
		if _, null := v.Value.(*ast.NullNode); null {
			r.fail(at, "leave it out if it is to say nothing", "%s has no value", key)
			continue
		}
		if m.IsFlowStyle && glued(v) {
			r.fail(at, "put a space behind the colon", "%q is one word to YAML", key+":"+v.Value.GetToken().Value)
			continue
		}
		if below := r.place(v.Value); !m.IsFlowStyle && below.line > at.line && below.column <= at.column && !blockList(v.Value) {
			r.fail(below, "", "what belongs to %s is not indented", key)
			continue
		}
		r.note(inside+key, at, v.Key)
		visit(key, at, v.Value)
	}
}

// blockList reports whether a list is written with dashes, which may stand below the first letter of its
// key. The parser takes other values there, too, and with them a key that lacks its colon.
func blockList(n ast.Node) bool {
	s, ok := n.(*ast.SequenceNode)
	return ok && !s.IsFlowStyle
}

// glued reports whether a value follows its colon without a space. The parser takes {a:b} apart, where
// other readers of YAML see one word; behind a quoted key it is in order.
func glued(v *ast.MappingValueNode) bool {
	key, colon, next := v.Key.GetToken(), v.Start, v.Value.GetToken()
	return key.Type == token.StringType && next.Position.Line == colon.Position.Line && next.Position.Column == colon.Position.Column+1
}

// note remembers where something stands.
func (r *reader) note(path string, at place, n ast.Node) audit.Pos {
	width := 1
	if s, ok := n.(*ast.StringNode); ok {
		width = max(1, utf8.RuneCountInString(s.Value))
	}
	p := audit.Pos{Line: at.line, Column: at.column, EndLine: at.line, EndColumn: at.column + width}
	r.out.Places[path] = p
	return p
}

// items calls a function for each item of a list.
func (r *reader) items(n ast.Node, path string, visit func(path string, item ast.Node)) {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		r.fail(r.place(n), "", "%s is not a list but %s", path, kind(n))
		return
	}
	for i, item := range s.Values {
		visit(indexed(path, i), item)
	}
}

// words calls a function for each text of a list, none of which may come twice.
func (r *reader) words(n ast.Node, path string, visit func(at place, word string)) {
	seen := map[string]bool{}
	r.items(n, path, func(here string, item ast.Node) {
		word, ok := r.text(item)
		switch at := r.place(item); {
		case !ok:
		case seen[word]:
			r.fail(at, "", "%q is in %s twice", word, path)
		default:
			seen[word] = true
			r.note(here, at, item)
			visit(at, word)
		}
	})
}

// text returns a text of one line. What YAML reads as a number or a boolean must be quoted, since it
// would not always be the text that was written: 10.10 is 10.1.
func (r *reader) text(n ast.Node) (string, bool) {
	return r.string(n, unicode.IsPrint)
}

// line returns a text that may be written over several lines, as one.
func (r *reader) line(n ast.Node) string {
	return strings.Join(strings.Fields(r.prose(n)), " ")
}

// prose returns a text of several lines.
func (r *reader) prose(n ast.Node) string {
	s, _ := r.string(n, func(c rune) bool { return c == '\n' || unicode.IsPrint(c) })
	return strings.TrimRight(s, "\n")
}

func (r *reader) string(n ast.Node, allowed func(rune) bool) (string, bool) {
	var s string
	switch n := n.(type) {
	case *ast.StringNode:
		s = n.Value
		if n.Token.Type == token.StringType && !r.plain(n) {
			return "", false
		}
	case *ast.LiteralNode:
		s = n.Value.Value
	case *ast.NullNode:
		r.fail(r.place(n), "", "a text is missing")
		return "", false
	default:
		hint := ""
		switch n.(type) {
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
			hint = "quote it if it is meant as text"
		}
		r.fail(r.place(n), hint, "not a text but %s", kind(n))
		return "", false
	}
	switch {
	case strings.TrimSpace(s) == "":
		r.fail(r.place(n), "", "empty text")
	case strings.Contains(s, "\n") && !allowed('\n'):
		r.fail(r.place(n), "", "a text of several lines, where one line is wanted")
	case strings.ContainsFunc(s, func(c rune) bool { return !allowed(c) }):
		r.fail(r.place(n), "", "a character in the text cannot be printed")
	default:
		return s, true
	}
	return "", false
}

// plain checks a text without quotes. The parser takes more as such than YAML: keys and whole lists that
// are indented wrongly become the end of the text before them, and would be lost.
func (r *reader) plain(n *ast.StringNode) bool {
	hint := "put it into quotes, or write it after | or >"
	switch at := r.place(n); {
	case overLines(n):
		r.fail(at, hint+"; or is what follows not indented as it should be?", "a text over several lines without quotes")
	case strings.Contains(n.Value+" ", ": ") || strings.Contains(n.Value, " #"):
		r.fail(at, hint, "a text with %q or %q in it, without quotes", ": ", " #")
	case strings.IndexAny(n.Value, ",]}%@`") == 0:
		r.fail(at, hint, "a text that begins with %q, without quotes", n.Value[:1])
	default:
		return true
	}
	return false
}

// overLines reports whether a text without quotes goes on behind the end of its line.
func overLines(n ast.Node) bool {
	s, ok := n.(*ast.StringNode)
	return ok && s.Token.Type == token.StringType && strings.Contains(strings.TrimSpace(s.Token.Origin), "\n")
}

// flag reads a boolean.
func (r *reader) flag(n ast.Node, key string) bool {
	b, ok := n.(*ast.BoolNode)
	if !ok {
		r.fail(r.place(n), "", "%s is neither true nor false but %s", key, kind(n))
		return false
	}
	return b.Value
}

func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "a boolean"
	case *ast.MappingNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.NullNode:
		return "nothing"
	default:
		return "YAML's " + strings.ToLower(n.Type().String())
	}
}
