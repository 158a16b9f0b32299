package domxml

import (
	"bytes"
	"strconv"
	"strings"
)

// node is one element of the document as libvirt sees it: elements that the reader dropped have no
// node, and blocks that libvirt merges (two <devices>) share one. Offsets are bytes into the
// document.
type node struct {
	// "disk"; elements of a hypervisor's namespace carry libvirt's prefix: "qemu:arg"
	name                 string
	parent, first, last  int32 // indices into the nodes; in first and last, 0 (the root) means none
	next, children       int32
	start, tagEnd, close int32 // offsets of "<", after the ">" of the start tag, of the "<" of the end tag
}

// lastPart is the start tag of the last of several elements that libvirt merges.
type lastPart struct{ start, tagEnd int32 }

// index finds the position of a Path. The reader fills it in document order.
type index struct {
	src            []byte
	begin          Start // where src begins in the user's input
	nodes          []node
	childrenByName map[int32]map[string][]int32 // the children of parents with many, by name; see child
	lines          lines

	merged map[int32]lastPart // elements that libvirt reads as one, by the node of the first

	longTags map[int32]map[string]attribute // the attributes of long start tags, by node

	kindsByName map[string][]string // the kinds of the devices that have a name

	// Data about the places of findings, cached: one place can have any number of findings.
	identities  map[int32]string // see identity; by the device's node
	contents    map[contentKey]Content
	deviceNames map[int32]namedDevice // by the device's node

	shownArgs       map[int]bool // the numbers of the passthrough arguments that are not secret
	secretIntervals []interval   // the secrets of the document, in order; see allSecrets
	secretsFound    bool
}

// manyChildren is the number of children from which a map is faster than a search through their
// list. It keeps a document of a hundred thousand disks, each with a finding, from taking quadratic
// time.
const manyChildren = 64

func (x *index) add(parent int32, name string, start, tagEnd int) int32 {
	i := int32(len(x.nodes))
	x.nodes = append(x.nodes, node{name: name, parent: parent, start: int32(start), tagEnd: int32(tagEnd), close: int32(tagEnd)})
	if i == 0 {
		return 0
	}
	p := &x.nodes[parent]
	if p.first == 0 {
		p.first = i
	} else {
		x.nodes[p.last].next = i
	}
	p.last = i
	p.children++
	if m, ok := x.childrenByName[parent]; ok {
		m[name] = append(m[name], i)
	}
	return i
}

// child returns the nth child (from one) with that name, or 0.
func (x *index) child(parent int32, name string, nth int) int32 {
	if x.nodes[parent].children > manyChildren {
		list := x.byName(parent)[name]
		if nth > len(list) {
			return 0
		}
		return list[nth-1]
	}
	for i := x.nodes[parent].first; i != 0; i = x.nodes[i].next {
		if x.nodes[i].name == name {
			if nth--; nth == 0 {
				return i
			}
		}
	}
	return 0
}

func (x *index) byName(parent int32) map[string][]int32 {
	if m, ok := x.childrenByName[parent]; ok {
		return m
	}
	m := map[string][]int32{}
	for i := x.nodes[parent].first; i != 0; i = x.nodes[i].next {
		m[x.nodes[i].name] = append(m[x.nodes[i].name], i)
	}
	if x.childrenByName == nil {
		x.childrenByName = map[int32]map[string][]int32{}
	}
	x.childrenByName[parent] = m
	return m
}

// find returns the node of a path. If it does not exist, exact is false and at is its nearest
// existing ancestor.
func (x *index) find(p Path) (at int32, exact bool) {
	at, exact = x.walk(0, p.base)
	if !exact {
		return at, false
	}
	if p.index > 0 {
		// The index belongs to the last step of base: find the sibling with that number.
		if p.index > 1 {
			n := x.child(x.nodes[at].parent, x.nodes[at].name, p.index)
			if n == 0 {
				return x.nodes[at].parent, false
			}
			at = n
		}
		return x.walk(at, p.tail)
	}
	return at, true
}

// walk follows steps such as "a/b[2]/c" from a node.
func (x *index) walk(at int32, steps string) (int32, bool) {
	for steps != "" {
		var step string
		step, steps, _ = strings.Cut(steps, "/")
		nth := 1
		if name, n, ok := strings.Cut(step, "["); ok {
			step = name
			nth, _ = strconv.Atoi(strings.TrimSuffix(n, "]"))
		}
		next := int32(0)
		if len(x.nodes) > 0 && nth > 0 {
			next = x.child(at, step, nth)
		}
		if next == 0 {
			return at, false
		}
		at = next
	}
	return at, true
}

// Has reports whether the element or attribute exists in the document.
func (x *index) Has(p Path) bool {
	at, ok := x.find(p)
	if !ok || p.attr == "" {
		return ok
	}
	_, ok = x.attribute(at, p.attr)
	return ok
}

// Attr returns the value of an attribute as libvirt reads it. It is for attributes that libvirtxml
// has no field for; everything else is decoded in the embedded Domain.
func (x *index) Attr(p Path) (value string, ok bool) {
	at, ok := x.find(p)
	if !ok {
		return "", false
	}
	a, ok := x.attribute(at, p.attr)
	if !ok {
		return "", false
	}
	return unescape(a.value, true), true
}

// Text returns the text directly inside an element, as libvirt reads it.
func (x *index) Text(p Path) (text string, ok bool) {
	at, ok := x.find(p)
	if !ok {
		return "", false
	}
	n := x.nodes[at]
	return textOf(x.src[n.tagEnd:n.close]), true
}

// Count returns the number of elements with that name below the parent.
func (x *index) Count(parent Path, name string) int {
	at, ok := x.find(parent)
	if !ok {
		return 0
	}
	n := 0
	for i := x.nodes[at].first; i != 0; i = x.nodes[i].next {
		if x.nodes[i].name == name {
			n++
		}
	}
	return n
}

// SpanOf returns the bytes that a finding at the path is about: the attribute if the path names one
// that exists, else the start tag of the element or of its nearest existing ancestor.
func (x *index) SpanOf(p Path) Span {
	at, exact := x.find(p)
	n := x.nodes[at]
	if exact && p.attr != "" {
		if a, ok := x.attribute(at, p.attr); ok {
			return Span{a.start, a.end}
		}
	}
	if exact && p.attr == "" && n.first == 0 && !bytes.ContainsAny(x.src[n.tagEnd:n.close], "<\n") && n.close > n.tagEnd {
		// For an element that contains only text, the text is part of the span.
		return Span{int(n.start), int(n.close)}
	}
	return Span{int(n.start), int(n.tagEnd)}
}

// Pos returns the position of a path.
func (x *index) Pos(p Path) Pos {
	return x.PosOf(x.SpanOf(p))
}

// PosOf returns the position of a range of bytes.
func (x *index) PosOf(at Span) Pos {
	var pos Pos
	pos.Line, pos.Column = x.begin.shift(x.lines.at(x.src, at.Start))
	pos.EndLine, pos.EndColumn = x.begin.shift(x.lines.at(x.src, at.End))
	return pos
}
