package domxml

import "iter"

// Root returns the root element of the domain. The Domain must come from Load.
func (x *index) Root() Element { return Element{x.nodes[0].name, 0, x, 0} }

// Children yields the children with a name, in document order. Elements are comparable: two are
// equal if they are the same element of the same domain.
func (e Element) Children(name string) iter.Seq[Element] {
	return func(yield func(Element) bool) {
		x := e.index
		if x.nodes[e.at].children > manyChildren {
			for _, at := range x.byName(e.at)[name] {
				if !yield(Element{name, e.Depth + 1, x, at}) {
					return
				}
			}
			return
		}
		for at := x.nodes[e.at].first; at != 0; at = x.nodes[at].next {
			if x.nodes[at].name == name && !yield(Element{name, e.Depth + 1, x, at}) {
				return
			}
		}
	}
}

// Attr returns the value of an attribute as libvirt reads it.
func (e Element) Attr(name string) (value string, ok bool) {
	a, ok := e.index.attribute(e.at, name)
	if !ok {
		return "", false
	}
	return unescape(a.value, true), true
}

// Text returns the text directly inside the element, as libvirt reads it.
func (e Element) Text() string {
	n := &e.index.nodes[e.at]
	return textOf(e.index.src[n.tagEnd:n.close])
}

// Size returns the number of bytes of the document that Attr and Text may have to read: the length
// of the start tag, and of the content of the element.
func (e Element) Size() (tag, content int) {
	n := &e.index.nodes[e.at]
	return int(n.tagEnd - n.start), int(n.close - n.tagEnd)
}

// Repeats reports whether libvirt reads all elements of that name below the parent as a list. Of
// any other element it reads one, and a domain has at most one.
func Repeats(parent, name string) bool { return repeats(parent, name) }
