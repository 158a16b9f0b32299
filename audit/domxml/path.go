package domxml

import (
	"iter"
	"strconv"
	"strings"
)

// Path identifies an element or attribute of a domain document relative to the root:
// "devices/disk[2]/driver@cache". Indices count from one among the elements of that name under the
// same parent, as in XPath. The zero Path is the root element.
//
// It is a small value that is built without allocation, because rules build many paths and report
// few; String formats it.
type Path struct {
	base  string
	index int // from one; 0 means that the base has no index
	tail  string
	attr  string
}

// At parses a path without an index, such as "os/type@machine".
func At(text string) Path {
	base, attr, _ := strings.Cut(text, "@")
	return Path{base: base, attr: attr}
}

// Elem returns the path of a child element; tag may consist of several steps.
func (p Path) Elem(tag string) Path {
	p.attr = ""
	switch {
	case p.index == 0 && p.base == "":
		p.base = tag
	case p.index == 0:
		p.base += "/" + tag
	case p.tail == "":
		p.tail = tag
	default:
		p.tail += "/" + tag
	}
	return p
}

// Attr returns the path of an attribute of the element.
func (p Path) Attr(name string) Path {
	p.attr = name
	return p
}

// Attribute returns the name of the attribute, or "" for the path of an element.
func (p Path) Attribute() string { return p.attr }

// element formats the path without its attribute.
func (p Path) element() string {
	if p.index == 0 {
		return p.base
	}
	s := p.base + "[" + strconv.Itoa(p.index) + "]"
	if p.tail != "" {
		s += "/" + p.tail
	}
	return s
}

// String formats the path; the root element is ".".
func (p Path) String() string {
	s := p.element()
	if p.attr != "" {
		return s + "@" + p.attr
	}
	if s == "" {
		return "."
	}
	return s
}

// Each yields the path of each element of the list that the decoder made of the elements with a
// tag, and the element. The tag is a path from the root whose last step repeats: the decoder keeps
// one list for each name.
func Each[T any](tag string, list []T) iter.Seq2[Path, *T] {
	return func(yield func(Path, *T) bool) {
		for i := range list {
			if !yield(Path{base: tag, index: i + 1}, &list[i]) {
				return
			}
		}
	}
}

// EachIn is Each for elements below parent.
func EachIn[T any](parent Path, tag string, list []T) iter.Seq2[Path, *T] {
	if len(list) == 0 {
		return func(func(Path, *T) bool) {}
	}
	return Each(parent.Elem(tag).element(), list)
}

// Unnumbered formats the path without the indices of its elements, which change when other elements
// are added or removed.
func (p Path) Unnumbered() string {
	var b strings.Builder
	inside := false
	for _, c := range p.String() {
		switch {
		case c == '[':
			inside = true
		case c == ']':
			inside = false
		case !inside:
			b.WriteRune(c)
		}
	}
	return b.String()
}
