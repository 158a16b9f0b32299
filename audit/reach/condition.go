package reach

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// place names an attribute, a text or an element from where a row is: "../@type", "^disk/readonly",
// "/@type".
type place struct {
	root, self bool
	up         int
	around     string // the nearest element of that name, the row's own included
	steps      []string
	attr       string
	text       bool
}

func parsePlace(s string) place {
	var p place
	if rest, ok := strings.CutPrefix(s, "/"); ok {
		p.root, s = true, rest
	}
	if rest, ok := strings.CutSuffix(s, "#"); ok {
		p.text, s = true, rest
	} else if head, attr, ok := strings.Cut(s, "@"); ok {
		p.attr, s = attr, head
	}
	for step := range strings.SplitSeq(strings.TrimSuffix(s, "/"), "/") {
		switch {
		case step == "" || step == ".":
		case step == "..":
			p.up++
		case step[0] == '^':
			p.around = step[1:]
		default:
			p.steps = append(p.steps, step)
		}
	}
	p.self = !p.root && p.around == "" && p.up == 0 && len(p.steps) == 0
	return p
}

// find returns the element of a place; stack holds the elements from the root to the row's own.
func (p *place) find(stack []domxml.Element) (domxml.Element, bool) {
	last := len(stack) - 1
	switch {
	case p.self:
		return stack[last], true
	case p.root:
		last = 0
	case p.around != "":
		for stack[last].Name != p.around {
			if last--; last < 0 {
				return domxml.Element{}, false
			}
		}
	default:
		last -= p.up
		if last < 0 {
			return domxml.Element{}, false
		}
	}
	at := stack[last]
next:
	for _, step := range p.steps {
		for child := range at.Children(step) {
			at = child
			continue next
		}
		return domxml.Element{}, false
	}
	return at, true
}

// value returns what the document has at a place; a text that is empty counts as absent.
func (p *place) value(stack []domxml.Element) (string, bool) {
	at, ok := p.find(stack)
	switch {
	case !ok:
		return "", false
	case p.attr != "":
		return at.Attr(p.attr)
	case p.text:
		text := at.Text()
		return text, text != ""
	}
	return "", true
}

// test compares a place with values.
type test struct {
	place  place
	not    bool
	values []string // "-" is for absence; none: the place exists
}

// condition is a choice of conjunctions. The empty one holds.
type condition [][]test

func parseCondition(s string, named map[string]condition) condition {
	if s == "-" {
		return nil
	}
	var out condition
	for choice := range strings.SplitSeq(s, "|") {
		alternatives := condition{nil}
		for part := range strings.SplitSeq(choice, "&") {
			var more condition
			if name, ok := strings.CutPrefix(part, "$"); ok {
				if more = named[name]; more == nil {
					panic("reach: no condition " + part)
				}
			} else {
				more = condition{{parseTest(part)}}
			}
			var product condition
			for _, a := range alternatives {
				for _, b := range more {
					product = append(product, slices.Concat(a, b))
				}
			}
			alternatives = product
		}
		out = append(out, alternatives...)
	}
	return out
}

func parseTest(s string) test {
	if rest, ok := strings.CutPrefix(s, "!"); ok {
		return test{place: parsePlace(rest), not: true}
	}
	where, values, ok := strings.Cut(s, "=")
	if !ok {
		return test{place: parsePlace(s)}
	}
	where, not := strings.CutSuffix(where, "!")
	return test{parsePlace(where), not, strings.Split(values, ",")}
}

// holds reports whether the condition is true of the row's place.
func (c condition) holds(stack []domxml.Element) bool {
	if len(c) == 0 {
		return true
	}
next:
	for _, tests := range c {
		for i := range tests {
			if !tests[i].holds(stack) {
				continue next
			}
		}
		return true
	}
	return false
}

func (t *test) holds(stack []domxml.Element) bool {
	value, ok := t.place.value(stack)
	switch {
	case len(t.values) == 0:
		return ok != t.not
	case !ok:
		return slices.Contains(t.values, "-") != t.not
	}
	return slices.Contains(t.values, value) != t.not
}
