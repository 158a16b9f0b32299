package yamldoc

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/virt-audit/virt-audit/audit/source"
	"github.com/virt-audit/virt-audit/audit/suggest"
)

// Node is a value of a document. Its methods note a problem in the document if the value is not what they
// read.
type Node struct {
	doc  *Document
	node ast.Node
}

// Entry is one entry of a mapping. Path is the path of the value: "waivers[0].rule".
type Entry struct {
	Key, Path string
	At        source.Position // of the key
	KeyNode   Node
	Value     Node
}

// Errorf notes a problem at the node.
func (n Node) Errorf(hint, format string, args ...any) {
	n.doc.Errorf(n.Position(), hint, format, args...)
}

// Position returns where the node begins.
func (n Node) Position() source.Position {
	node, lines := n.node, n.doc.lines
	// The token of a mapping without braces is its first colon.
	if m, ok := node.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		node = m.Values[0].Key
	}
	at := start(node.GetToken())
	if before := node.GetToken().Prev; before != nil && isMultiline(node) {
		at = start(before) // the parser loses where such a string begins
	}
	// For a string after a comment the parser's column is too small.
	if at.Line >= 1 && at.Line <= len(lines) && at.Column >= 1 {
		if line := []rune(lines[at.Line-1]); at.Column <= len(line) {
			rest := string(line[at.Column-1:])
			if word := strings.TrimLeft(rest, " "); word != "" {
				at.Column += len(rest) - len(word)
			}
		}
	}
	return at
}

// Note records the place of the node under a path, and returns it.
func (n Node) Note(path string) Span {
	s := Span{n.Position(), 1}
	if text, ok := n.node.(*ast.StringNode); ok {
		s.Width = max(1, utf8.RuneCountInString(text.Value))
	}
	n.doc.places[path] = s
	return s
}

// Fields calls visit for each known key of a mapping. A key that is not known, and a required one that is
// missing, is a problem; the YAML parser has refused keys that occur twice. Path is the path of the
// mapping: "" for the root, "waivers[0]".
func (n Node) Fields(path string, known, required []string, visit func(Entry)) {
	if n.Kind() != Mapping {
		n.Errorf("", "%s must be a mapping of keys to values, not %s", path, n.describe())
		return
	}
	n.Entries(path, func(e Entry) {
		if !slices.Contains(known, e.Key) {
			n.doc.Errorf(e.At, suggest.Hint(e.Key, known), "unknown key %q", e.Key)
			return
		}
		visit(e)
	})
	for _, key := range required {
		if _, ok := n.Get(key); !ok {
			n.Errorf("", "missing %s", key)
		}
	}
}

// Get returns the value of a key of a mapping. It is not ok if there is no such key.
func (n Node) Get(key string) (value Node, ok bool) {
	m, ok := n.node.(*ast.MappingNode)
	if !ok {
		return Node{}, false
	}
	for _, v := range m.Values {
		if k, ok := v.Key.(*ast.StringNode); ok && k.Value == key {
			return Node{n.doc, v.Value}, true
		}
	}
	return Node{}, false
}

// Entries calls visit for each entry of a mapping that has a valid key and a value, and notes its place.
func (n Node) Entries(path string, visit func(Entry)) {
	m, ok := n.node.(*ast.MappingNode)
	if !ok {
		return
	}
	if path != "" {
		path += "."
	}
	for _, v := range m.Values {
		k := Node{n.doc, v.Key}
		key, ok := k.Text()
		if !ok {
			continue
		}
		e := Entry{Key: key, Path: path + key, At: k.Position(), KeyNode: k, Value: Node{n.doc, v.Value}}
		if n.valid(v, e, m.IsFlowStyle) {
			k.Note(e.Path)
			visit(e)
		}
	}
}

// valid checks that an entry has a value that belongs to it.
func (n Node) valid(v *ast.MappingValueNode, e Entry, flow bool) bool {
	switch {
	case e.Value.Kind() == Null:
		n.doc.Errorf(e.At, "give it a value or remove the key", "%s has no value", e.Key)
		return false
	case flow && glued(v):
		n.doc.Errorf(e.At, "put a space after the colon", "%q is one word in YAML", e.Key+":"+v.Value.GetToken().Value)
		return false
	case flow:
		return true
	}
	below := e.Value.Position()
	if below.Line > e.At.Line && below.Column <= e.At.Column && !isBlockList(v.Value) {
		n.doc.Errorf(below, "", "the value of %s is not indented", e.Key)
		return false
	}
	return true
}

// isBlockList reports whether a list is written with dashes, which can be below the first letter of its
// key. The parser accepts other values there too, and with them a key that lacks its colon.
func isBlockList(n ast.Node) bool {
	s, ok := n.(*ast.SequenceNode)
	return ok && !s.IsFlowStyle
}

// glued reports whether a value follows its colon without a space. The parser splits {a:b}, while other
// YAML readers see one word; after a quoted key it is valid.
func glued(v *ast.MappingValueNode) bool {
	key, colon, next := v.Key.GetToken(), v.Start, v.Value.GetToken()
	return key.Type == token.StringType && next.Position.Line == colon.Position.Line && next.Position.Column == colon.Position.Column+1
}

// Items calls visit for each item of a list, with the path of the item: "waivers[0]".
func (n Node) Items(path string, visit func(path string, item Node)) {
	s, ok := n.node.(*ast.SequenceNode)
	if !ok {
		n.Errorf("", "%s must be a list, not %s", path, n.describe())
		return
	}
	for i, item := range s.Values {
		visit(fmt.Sprintf("%s[%d]", path, i), Node{n.doc, item})
	}
}

// Len returns the number of items of a list or entries of a mapping; it is 0 for another node.
func (n Node) Len() int {
	switch node := n.node.(type) {
	case *ast.SequenceNode:
		return len(node.Values)
	case *ast.MappingNode:
		return len(node.Values)
	}
	return 0
}

// Words calls visit for each string of a list, and notes its place. None may occur twice.
func (n Node) Words(path string, visit func(item Node, word string)) {
	seen := map[string]bool{}
	n.Items(path, func(here string, item Node) {
		word, ok := item.Text()
		switch {
		case !ok:
		case seen[word]:
			item.Errorf("", "%q is in %s twice", word, path)
		default:
			seen[word] = true
			item.Note(here)
			visit(item, word)
		}
	})
}
