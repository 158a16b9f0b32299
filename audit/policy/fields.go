package policy

import (
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
)

// The keys of an edition's file.
var keys = []string{"name", "title", "source", "evidence", "targets", "undecided", "scope"}

func (r *reader) edition(body *ast.MappingNode) *Edition {
	e := &Edition{families: map[string][]string{}}
	known := make(map[string]ast.Node, len(keys))
	r.fields(body, func(key string, at, value ast.Node) {
		if !slices.Contains(keys, key) {
			r.errorf(at, "unknown key %q%s", key, didYouMean(nearest(key, keys)))
			return
		}
		known[key] = at
		switch key {
		case "name":
			e.Name = r.name(value)
		case "title":
			e.Title = r.text(value)
		case "source":
			e.Source = r.text(value)
		case "evidence":
			r.list(value, "evidence", func(_ ast.Node, s string) { e.Evidence = append(e.Evidence, s) })
		case "targets":
			r.targets(value, at, e)
		case "undecided":
			r.undecided(value, e)
		case "scope":
			r.scope(value, e)
		}
	})
	for _, key := range []string{"name", "targets"} {
		if known[key] == nil {
			r.errorf(body, "missing %s", key)
		}
	}
	for i, t := range e.undecided {
		if _, listed := e.families[t]; listed {
			r.errorf(r.open[i], "target %s is both listed and undecided", t)
		}
	}
	return e
}

func (r *reader) name(value ast.Node) string {
	name := r.text(value)
	switch {
	case name == "":
	case !plainName(name):
		r.errorf(value, "name %q: letters, digits, '.', '_' and '-' only, beginning with a letter or digit", name)
	case slices.Contains(r.taken, name):
		r.errorf(value, "name %q belongs to a built-in policy", name)
	}
	return name
}

// targets reads the mapping of targets to their families.
func (r *reader) targets(value, at ast.Node, e *Edition) {
	m, ok := value.(*ast.MappingNode)
	if !ok || len(m.Values) == 0 {
		if _, null := value.(*ast.NullNode); ok || null {
			r.errorf(at, "targets lists nothing")
		} else {
			r.errorf(value, "targets is not a mapping of targets to machine families")
		}
		return
	}
	r.fields(m, func(target string, at, value ast.Node) {
		if !r.target(at, target) {
			return
		}
		e.families[target] = nil // keeps the entry, so that one mistake is reported once
		if _, null := value.(*ast.NullNode); null {
			r.errorf(at, "target %s lists no machine family", target)
			return
		}
		if s, ok := value.(*ast.SequenceNode); ok && len(s.Values) == 0 {
			r.errorf(value, "target %s lists no machine family", target)
			return
		}
		r.list(value, target, func(at ast.Node, name string) {
			if r.family(at, target, name) {
				e.families[target] = append(e.families[target], name)
			}
		})
	})
}

// family checks one name in the list of a target. A name that is in no known family is a board.
func (r *reader) family(at ast.Node, target, name string) bool {
	m := ParseMachine(target, name)
	switch {
	case !plainName(name):
		r.errorf(at, "machine family %q: letters, digits, '.', '_' and '-' only, beginning with a letter or digit", name)
	case m.Family != "" && m.Family != name:
		r.errorf(at, "%q is a member of machine family %s; only whole families can be listed", name, m.Family)
	default:
		return true
	}
	return false
}

func (r *reader) undecided(value ast.Node, e *Edition) {
	r.list(value, "undecided", func(at ast.Node, target string) {
		if r.target(at, target) {
			e.undecided, r.open = append(e.undecided, target), append(r.open, at)
		}
	})
}

// scope reads the mapping of what is left out to a sentence about it.
func (r *reader) scope(value ast.Node, e *Edition) {
	m, ok := value.(*ast.MappingNode)
	if !ok {
		r.errorf(value, "scope is not a mapping of names to sentences")
		return
	}
	r.fields(m, func(id string, at, value ast.Node) {
		if !plainName(id) {
			r.errorf(at, "scope %q: letters, digits, '.', '_' and '-' only, beginning with a letter or digit", id)
			return
		}
		if text := r.text(value); text != "" {
			e.scope = append(e.scope, Exclusion{id, text})
		}
	})
}

// target checks the name of a target. People know the names of libvirt and of distributions better.
func (r *reader) target(at ast.Node, name string) bool {
	known := targets()
	if slices.Contains(known, name) {
		return true
	}
	var hint string
	switch {
	case KnownArch(name):
		hint = TargetOf(name)
	case name == "amd64" || name == "x86-64":
		hint = "x86_64"
	case name == "arm64":
		hint = "aarch64"
	case name == "x86" || name == "i486" || name == "i586":
		hint = "i386"
	default:
		hint = nearest(name, known)
	}
	r.errorf(at, "unknown architecture %q%s", name, didYouMean(hint))
	return false
}

// fields calls a function for each entry of a mapping whose key is text. The YAML parser has refused
// keys that come twice.
func (r *reader) fields(m *ast.MappingNode, visit func(key string, at, value ast.Node)) {
	for _, v := range m.Values {
		if key := r.text(v.Key); key != "" {
			visit(key, v.Key, v.Value)
		}
	}
}

// list calls a function for each text of a sequence that comes for the first time.
func (r *reader) list(value ast.Node, what string, visit func(at ast.Node, s string)) {
	s, ok := value.(*ast.SequenceNode)
	if !ok {
		r.errorf(value, "%s is not a list", what)
		return
	}
	var seen []string
	for _, item := range s.Values {
		text := r.text(item)
		switch {
		case text == "": // reported
		case slices.Contains(seen, text):
			r.errorf(item, "duplicate %q in %s", text, what)
		default:
			seen = append(seen, text)
			visit(item, text)
		}
	}
}

// text returns the text of a node, or "" after an error. Only plain and quoted text is taken: what
// YAML reads as a number or a boolean, and anchors, tags and blocks, have no use in this file.
func (r *reader) text(n ast.Node) string {
	s, ok := n.(*ast.StringNode)
	_, null := n.(*ast.NullNode)
	switch {
	case null:
		r.errorf(n, "a text is missing")
	case !ok:
		r.errorf(n, "not a plain text but %s; quote it if it is meant as text", kind(n))
	case strings.TrimSpace(s.Value) == "":
		r.errorf(n, "empty text")
	case strings.ContainsFunc(s.Value, func(c rune) bool { return !unicode.IsPrint(c) }):
		r.errorf(n, "a character in the text cannot be printed")
	default:
		return s.Value
	}
	return ""
}

func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "a boolean"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	default:
		return "YAML's " + strings.ToLower(n.Type().String())
	}
}

// plainName reports whether a name is safe to print and has the form of QEMU's machine names.
func plainName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return s != ""
}

func didYouMean(word string) string {
	if word == "" {
		return ""
	}
	return "; did you mean " + word + "?"
}

// nearest returns the word at the smallest edit distance, or "" where none is near.
func nearest(word string, words []string) string {
	best, least := "", 3
	for _, w := range words {
		if d := distance(word, w); d < least && 2*d < len(word) {
			best, least = w, d
		}
	}
	return best
}

// distance counts the bytes to insert, delete, replace or swap with their neighbour.
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			switch {
			case i == 0 || j == 0:
				d[i][j] = i + j
				continue
			case a[i-1] == b[j-1]:
				d[i][j] = d[i-1][j-1]
			default:
				d[i][j] = 1 + min(d[i-1][j-1], d[i-1][j], d[i][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
