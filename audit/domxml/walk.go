package domxml

import (
	"bytes"
	"iter"
	"slices"
	"strconv"
)

// Element is one element of the document that libvirt reads. It is a small value; its path and its
// attributes are computed on request.
type Element struct {
	Name  string // "disk"; those of a hypervisor's namespace carry libvirt's prefix: "qemu:arg"
	Depth int    // 0 is the root

	index *index
	at    int32
}

// Elements yields the elements that libvirt reads, each before its children. It omits the content
// of <metadata>. Blocks that libvirt merges, such as two <devices>, count as one.
func (x *index) Elements() iter.Seq[Element] {
	return func(yield func(Element) bool) {
		if len(x.nodes) == 0 {
			return
		}
		for at, depth := int32(0), 0; ; {
			n := &x.nodes[at]
			if !yield(Element{n.name, depth, x, at}) {
				return
			}
			next := n.first
			if next != 0 {
				depth++
			}
			for ; next == 0; depth-- {
				if at == 0 {
					return
				}
				next, at = x.nodes[at].next, x.nodes[at].parent
				if next != 0 {
					break
				}
			}
			at = next
		}
	}
}

// Attributes yields the names of the element's attributes as written, without namespace
// declarations. A name is valid until the next iteration, and must not be changed.
func (e Element) Attributes(yield func(name []byte) bool) {
	for name := range e.AttributeSpans() {
		if rest, ok := bytes.CutPrefix(name, []byte("xmlns")); ok && (len(rest) == 0 || rest[0] == ':') {
			continue
		}
		if !yield(name) {
			return
		}
	}
}

// Path returns the path of the element. Elements that may be repeated have an index.
func (e Element) Path() Path {
	x := e.index
	above := make([]int32, 0, 16)
	for at := e.at; at != 0; at = x.nodes[at].parent {
		above = append(above, at)
	}
	text := make([]byte, 0, 96)
	for _, at := range slices.Backward(above) {
		n := &x.nodes[at]
		if len(text) > 0 {
			text = append(text, '/')
		}
		text = append(text, n.name...)
		if repeats(x.nodes[n.parent].name, n.name) {
			text = append(strconv.AppendInt(append(text, '['), int64(x.nth(at)), 10), ']')
		}
	}
	return Path{base: string(text)}
}

// nth returns the number of a node, from one, among its parent's children of the same name.
func (x *index) nth(at int32) int {
	n := &x.nodes[at]
	if x.nodes[n.parent].children > manyChildren {
		i, _ := slices.BinarySearch(x.byName(n.parent)[n.name], at)
		return i + 1
	}
	nth := 1
	for i := x.nodes[n.parent].first; i != at; i = x.nodes[i].next {
		if x.nodes[i].name == n.name {
			nth++
		}
	}
	return nth
}
