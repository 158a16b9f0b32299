package edit

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// renderer writes a plan as changes of bytes.
type renderer struct {
	*plan
	src    []byte
	layout domxml.Layout
	style  style

	tags    map[domxml.Element]*tag
	created map[place]*element            // the new elements, by parent and steps below it
	below   map[domxml.Element][]*element // the new elements by their parent, if that exists
	removed map[domxml.Element]bool       // not those that are replaced
	pruned  map[domxml.Element]bool       // of removed: command lines; true if that was written
	gone    []domxml.Span                 // the elements that are removed or replaced
	changes []change
}

// change is a replacement, with the new elements in it.
type change struct {
	Replacement
	added   []*element
	removes bool // it does nothing but remove an element
}

// render returns the changes of a plan, sorted and without overlaps.
func render(p *plan) (*renderer, error) {
	r := &renderer{
		plan: p, src: p.d.Document(), layout: p.d.Layout(),
		tags: map[domxml.Element]*tag{}, created: map[place]*element{}, below: map[domxml.Element][]*element{},
		removed: map[domxml.Element]bool{}, pruned: map[domxml.Element]bool{},
	}
	r.style = style{unit: r.layout.Unit, quote: "'"}
	for _, at := range p.d.Root().AttributeSpans() {
		r.style.quote = string(r.src[at.End-1])
		break
	}
	var tags, parents []domxml.Element
	for _, s := range p.steps {
		name := s.At.Attribute()
		switch {
		case len(s.missing) > 0 || s.Op == OpInsert:
			if len(r.below[s.at]) == 0 {
				parents = append(parents, s.at)
			}
			r.create(s)
		case name != "":
			t := r.tag(s.at)
			if r.editAttribute(s); len(t.added) == 1 && t.added[0].name == name {
				tags = append(tags, s.at)
			}
		case s.Op == OpSet:
			r.editText(s)
		case s.Op == OpRemove:
			r.removed[s.at] = true
		}
	}
	for _, e := range tags {
		r.addAttributes(e)
	}
	r.pruneCommandlines()
	for _, s := range p.steps {
		if s.claims[0].part == whole {
			r.editWhole(s)
		}
	}
	for _, e := range r.created {
		sortChildren(e.name, e.children)
	}
	for _, e := range parents {
		r.insertBelow(e)
	}
	return r, r.sort()
}

func (r *renderer) change(start, end int, text string, added ...*element) {
	at := Replacement{domxml.Span{Start: start, End: end}, text}
	r.changes = append(r.changes, change{Replacement: at, added: added})
}

// create adds what a step creates to the new elements.
func (r *renderer) create(s *step) {
	var parent *element
	for i, name := range s.missing {
		key := place{at: s.at, below: strings.Join(s.missing[:i+1], "/")}
		e := r.created[key]
		if e == nil {
			e = &element{name: name}
			r.created[key] = e
			r.addChild(s.at, parent, e)
		}
		parent = e
	}
	switch name := s.At.Attribute(); {
	case s.Op == OpInsert:
		r.addChild(s.at, parent, s.element)
	case name != "":
		parent.attrs = append(parent.attrs, attr{name, s.Text})
	default:
		parent.text = &s.Text
	}
}

// addChild adds a new element below a new parent, or, if that is nil, below one that exists.
func (r *renderer) addChild(at domxml.Element, parent, e *element) {
	if parent == nil {
		r.below[at] = append(r.below[at], e)
		return
	}
	parent.children = append(parent.children, e)
}

// pruneCommandlines removes the passthrough command lines of which nothing remains.
func (r *renderer) pruneCommandlines() {
	var lines []domxml.Element
	seen := map[domxml.Element]bool{}
	for e := range r.removed {
		if parent, _ := e.Parent(); strings.HasSuffix(parent.Name, ":commandline") && !seen[parent] {
			seen[parent] = true
			lines = append(lines, parent)
		}
	}
	for _, e := range lines {
		if r.tags[e] == nil && len(r.below[e]) == 0 && !e.Merged() && r.empties(e) {
			r.removed[e], r.pruned[e] = true, false
		}
	}
}

// empties reports whether nothing but white space remains in an element.
func (r *renderer) empties(e domxml.Element) bool {
	from := e.Inside().Start
	for c := range e.All() {
		at := c.Whole()
		if !r.removed[c] || len(bytes.TrimSpace(r.src[from:at.Start])) > 0 {
			return false
		}
		from = at.End
	}
	return len(bytes.TrimSpace(r.src[from:e.Inside().End])) == 0
}

// editWhole removes or replaces an element.
func (r *renderer) editWhole(s *step) {
	e := s.at
	if s.Op == OpReplace {
		at := e.Whole()
		line := ""
		if indent, ok := r.d.Indent(at.Start); ok {
			line = r.layout.Newline + indent
		}
		parent, _ := e.Parent()
		s.element.adopt(parent)
		var b strings.Builder
		s.element.write(&b, line, r.style)
		r.change(at.Start, at.End, b.String(), s.element)
		r.gone = append(r.gone, at)
		return
	}
	if parent, _ := e.Parent(); r.removed[parent] { // it was pruned
		if r.pruned[parent] {
			return
		}
		e, r.pruned[parent] = parent, true
	}
	at := r.removal(e)
	r.change(at.Start, at.End, "")
	r.changes[len(r.changes)-1].removes = true
	r.gone = append(r.gone, e.Whole())
}

// removal returns the range of an element with the white space that is its own: its line if it is
// alone on it.
func (r *renderer) removal(e domxml.Element) domxml.Span {
	at := e.Whole()
	from, to := at.Start, at.End
	for from > 0 && (r.src[from-1] == ' ' || r.src[from-1] == '\t') {
		from--
	}
	for to < len(r.src) && (r.src[to] == ' ' || r.src[to] == '\t') {
		to++
	}
	first := from > 0 && r.src[from-1] == '\n'
	last := bytes.HasPrefix(r.src[to:], []byte("\n")) || bytes.HasPrefix(r.src[to:], []byte("\r\n"))
	closes := bytes.HasPrefix(r.src[at.End:], []byte("</"))
	switch {
	case first && (last || closes):
		from--
		if from > 0 && r.src[from-1] == '\r' {
			from--
		}
		return domxml.Span{Start: from, End: to}
	case first:
		return domxml.Span{Start: at.Start, End: to}
	case last:
		return domxml.Span{Start: from, End: to}
	}
	return domxml.Span{Start: from, End: at.End}
}

// sort puts the changes in the order of the document.
func (r *renderer) sort() error {
	slices.SortStableFunc(r.changes, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
	slices.SortFunc(r.gone, func(a, b domxml.Span) int { return cmp.Compare(a.Start, b.Start) })
	end := 0
	for i := range r.changes {
		c := &r.changes[i]
		if c.removes && c.Start < end && c.End >= end && r.changes[i-1].removes {
			c.Start = end // the white space between two elements that are both removed
		}
		if c.Start < end {
			return fmt.Errorf("two edits change the same bytes, from offset %d on", c.Start)
		}
		end = c.End
	}
	return nil
}
