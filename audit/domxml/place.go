package domxml

import (
	"bytes"
	"iter"
	"strings"
)

// Document returns the bytes that the domain was read from. The caller must not change them.
func (x *index) Document() []byte { return x.src }

// Find returns the element that a path resolves to, without its attribute. If there is no such
// element, it returns the nearest existing ancestor and the steps that are missing below it, such
// as "disk[2]" and "driver".
func (x *index) Find(p Path) (e Element, missing []string) {
	at, exact := x.find(p)
	e = x.element(at)
	if !exact {
		missing = strings.Split(p.element(), "/")[e.Depth:]
	}
	return e, missing
}

func (x *index) element(at int32) Element {
	depth := 0
	for i := at; i != 0; i = x.nodes[i].parent {
		depth++
	}
	return Element{x.nodes[at].name, depth, x, at}
}

// Parent returns the parent. ok is false for the root.
func (e Element) Parent() (parent Element, ok bool) {
	if e.at == 0 {
		return Element{}, false
	}
	at := e.index.nodes[e.at].parent
	return Element{e.index.nodes[at].name, e.Depth - 1, e.index, at}, true
}

// All yields the children, in document order.
func (e Element) All() iter.Seq[Element] {
	return func(yield func(Element) bool) {
		x := e.index
		for at := x.nodes[e.at].first; at != 0; at = x.nodes[at].next {
			if !yield(Element{x.nodes[at].name, e.Depth + 1, x, at}) {
				return
			}
		}
	}
}

// Written returns the name as the document has it, with the document's prefix.
func (e Element) Written() string {
	tag := e.index.src[e.index.nodes[e.at].start:e.index.nodes[e.at].tagEnd]
	return string(tag[1:afterName(tag)])
}

// Merged reports whether libvirt reads several elements of the document as this one. The range of
// the element is then from the first to the last, with everything between them.
func (e Element) Merged() bool {
	_, ok := e.index.merged[e.at]
	return ok
}

// Tag returns the range of the start tag.
func (e Element) Tag() Span {
	n := &e.index.nodes[e.at]
	return Span{int(n.start), int(n.tagEnd)}
}

// Inside returns the range between the tags: of the last element if it is Merged, and an empty
// range after the tag if there is no end tag.
func (e Element) Inside() Span {
	last := e.lastTag()
	return Span{last.End, max(last.End, int(e.index.nodes[e.at].close))}
}

// Whole returns the range of the element with its tags and content.
func (e Element) Whole() Span {
	x, n, last := e.index, &e.index.nodes[e.at], e.lastTag()
	end := last.End
	if !emptyTag(x.src[last.Start:last.End]) {
		end = int(n.close) + bytes.IndexByte(x.src[n.close:], '>') + 1
	}
	return Span{int(n.start), end}
}

// lastTag returns the start tag, of the last element if it is Merged.
func (e Element) lastTag() Span {
	if last, ok := e.index.merged[e.at]; ok {
		return Span{int(last.start), int(last.tagEnd)}
	}
	return e.Tag()
}

// emptyTag reports whether a start tag is also the end of its element.
func emptyTag(tag []byte) bool { return bytes.HasSuffix(tag, []byte("/>")) }

// AttributeSpans yields the attributes in their order, declarations of namespaces included: each
// name as written, and the range from the name to the closing quote. A name must not be changed.
func (e Element) AttributeSpans() iter.Seq2[[]byte, Span] {
	return func(yield func([]byte, Span) bool) {
		n := &e.index.nodes[e.at]
		tag := e.index.src[n.start:n.tagEnd]
		for i := afterName(tag); ; {
			name, _, start, end, ok := nextAttribute(tag, i)
			if !ok || !yield(name, Span{int(n.start) + start, int(n.start) + end}) {
				return
			}
			i = end
		}
	}
}
