package domxml

import (
	"iter"
	"strconv"
	"strings"
)

// Path names a place in a domain document in the document's own words, relative to the root:
// "devices/disk[2]/driver@cache". Indices count from one among the elements of that name under the
// same parent, as in XPath. The zero Path is the root element.
//
// It is a small value that is put together without allocating, since rules build many paths and
// report few; the text is made by String.
type Path struct {
	base  string
	index int // 1-based; 0 means the base carries no index
	tail  string
	attr  string
}

// At returns the path that text spells.
func At(text string) Path {
	base, attr, _ := strings.Cut(text, "@")
	return Path{base: base, attr: attr}
}

// Elem returns the path of the child element that tag names; the tag may be several steps.
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

// element returns the path without its attribute, as text.
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

// String returns the path as text; the root element is ".".
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

// Each walks the elements that tag names (several steps from the root, the last of which repeats)
// together with the list that the decoder made of them: the decoder keeps one list for each name.
func Each[T any](tag string, list []T) iter.Seq2[Path, *T] {
	return func(yield func(Path, *T) bool) {
		for i := range list {
			if !yield(Path{base: tag, index: i + 1}, &list[i]) {
				return
			}
		}
	}
}

// EachIn is Each for elements below another one.
func EachIn[T any](parent Path, tag string, list []T) iter.Seq2[Path, *T] {
	if len(list) == 0 {
		return func(func(Path, *T) bool) {}
	}
	return Each(parent.Elem(tag).element(), list)
}

// Unnumbered returns the path without the numbers of its elements, which change as others come and go.
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
