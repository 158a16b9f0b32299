package domxml

import "iter"

// Root returns the domain's own element. Domain must have been loaded.
func (x *index) Root() Element { return Element{x.nodes[0].name, 0, x, 0} }

// Children walks the children of that name, in the order of the document. An element is comparable:
// two are equal if they are the same element of the same domain.
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

// Size returns how many bytes of the document Attr and Text have to look at: the length of the start
// tag, and of all that is inside the element.
func (e Element) Size() (tag, content int) {
	n := &e.index.nodes[e.at]
	return int(n.tagEnd - n.start), int(n.close - n.tagEnd)
}

// Repeats reports whether libvirt reads all elements of that name below the parent as a list. Of
// others it reads one, and a domain has no more than one.
func Repeats(parent, name string) bool { return repeats(parent, name) }
