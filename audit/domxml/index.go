package domxml

import (
	"bytes"
	"strconv"
	"strings"
)

// node is one element of the document as libvirt sees it: what the reader dropped has no node, and
// blocks that libvirt merges (two <devices>) share one. Offsets are bytes into the document.
type node struct {
	name                 string // "disk"; elements of a hypervisor's namespace carry libvirt's prefix: "qemu:arg"
	parent, first, last  int32  // indices into the list of nodes; 0, the root, stands for none in first and last
	next, children       int32
	start, tagEnd, close int32 // "<", behind the start tag's ">", the end tag's "<"
}

// index finds the place of a Path. It is filled by the reader in document order.
type index struct {
	src            []byte
	begin          Start // of src in what the user gave
	nodes          []node
	childrenByName map[int32]map[string][]int32 // children by name, for parents with many; see child
	lines          lines

	longTags map[int32]map[string]attribute // the attributes of long start tags, by node

	kindsByName map[string][]string // the kinds of devices that go by a name

	// What findings need of their places, once for each: a document can have any number of findings at one.
	identities  map[int32]string // what tells devices from others, by their node
	contents    map[contentKey]Content
	deviceNames map[int32]namedDevice // by the device's node

	shownArgs       map[int]bool // passthrough arguments, by number, that are no secret
	secretIntervals []interval   // secrets, in order; see allSecrets
	secretsFound    bool
}

// manyChildren is where a search through the list of children becomes slower than making a map. It
// keeps a document of a hundred thousand disks, each with a finding, from costing their square.
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

// child returns the nth child (from one) of that name, or 0.
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

// find walks to the element of a path. When it does not exist, exact is false and the node is its
// nearest existing ancestor.
func (x *index) find(p Path) (at int32, exact bool) {
	at, exact = x.walk(0, p.base)
	if !exact {
		return at, false
	}
	if p.index > 0 {
		// The last step of base carries the index: step back and take the right sibling.
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

// walk follows "a/b[2]/c" from a node.
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

// Has reports whether the element, or the attribute, exists in the document.
func (x *index) Has(p Path) bool {
	at, ok := x.find(p)
	if !ok || p.attr == "" {
		return ok
	}
	_, ok = x.attribute(at, p.attr)
	return ok
}

// Attr returns the value of an attribute as libvirt reads it. It is for what libvirtxml has no field
// for; everything else is at hand, decoded, in the embedded Domain.
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

// Count returns how many elements of that name are below the parent.
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

// SpanOf returns the bytes that a finding at the path is about: the attribute where the path names
// one that exists, else the start tag of the element or of its nearest existing ancestor.
func (x *index) SpanOf(p Path) Span {
	at, exact := x.find(p)
	n := x.nodes[at]
	if exact && p.attr != "" {
		if a, ok := x.attribute(at, p.attr); ok {
			return Span{a.start, a.end}
		}
	}
	if exact && p.attr == "" && n.first == 0 && !bytes.ContainsAny(x.src[n.tagEnd:n.close], "<\n") && n.close > n.tagEnd {
		// An element of text: the reader wants to see the text too.
		return Span{int(n.start), int(n.close)}
	}
	return Span{int(n.start), int(n.tagEnd)}
}

// Pos returns the line and column of a path.
func (x *index) Pos(p Path) Pos {
	return x.PosOf(x.SpanOf(p))
}

// PosOf returns the lines and columns of a stretch of the document.
func (x *index) PosOf(at Span) Pos {
	var pos Pos
	pos.Line, pos.Column = x.begin.shift(x.lines.at(x.src, at.Start))
	pos.EndLine, pos.EndColumn = x.begin.shift(x.lines.at(x.src, at.End))
	return pos
}
