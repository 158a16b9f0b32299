package differential

import "strings"

// node is an element of a document, or a piece of it that is written verbatim: text, a comment,
// a processing instruction, CDATA. The document itself is a node without a name that has the root
// element and what surrounds it as children.
type node struct {
	name   string // of an element, with its prefix; "" for a piece and for the document
	end    string // the name in the end tag, when it is another
	raw    string // of a piece
	attrs  []attr
	kids   []*node
	parent *node
	pair   bool // an end tag is written although nothing is between
}

// attr is an attribute. raw, when set, is written instead of the other fields.
type attr struct {
	name, value string // the value as the document spells it, with its references
	quote       byte
	raw         string
}

// parse parses a document into a tree. It accepts everything that libvirt accepts, and more; ok is
// false if tags do not match.
func parse(text string) (doc *node, ok bool) {
	doc = &node{}
	at := doc
	for text != "" {
		open := strings.IndexByte(text, '<')
		if open != 0 {
			if open < 0 {
				open = len(text)
			}
			at.add(&node{raw: text[:open]})
			text = text[open:]
			continue
		}
		if n := markup(text); n > 0 {
			at.add(&node{raw: text[:n]})
			text = text[n:]
			continue
		}
		n := tagEnd(text)
		if n < 0 {
			return nil, false
		}
		tag := text[:n]
		text = text[n:]
		if strings.HasPrefix(tag, "</") {
			if at == doc || strings.TrimSpace(tag[2:n-1]) != at.name {
				return nil, false
			}
			at.pair = true
			at = at.parent
			continue
		}
		e := element(tag)
		if e.name == "" {
			return nil, false
		}
		at.add(e)
		if !strings.HasSuffix(tag, "/>") {
			at = e
		}
	}
	return doc, at == doc
}

// markup returns the length of the comment, CDATA section, processing instruction or declaration
// that text begins with, 0 when it begins with none.
func markup(text string) int {
	for _, m := range []struct{ open, close string }{
		{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}, {"<!DOCTYPE", "]>"}, {"<!", ">"},
	} {
		if !strings.HasPrefix(text, m.open) {
			continue
		}
		n := strings.Index(text[len(m.open):], m.close)
		if n < 0 {
			continue
		}
		return len(m.open) + n + len(m.close)
	}
	return 0
}

// tagEnd returns where the tag that text begins with ends, -1 when it does not.
func tagEnd(text string) int {
	quote := byte(0)
	for i := range len(text) {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return -1
}

const blanks = " \t\r\n"

// element reads a start tag.
func element(tag string) *node {
	rest := strings.TrimSuffix(strings.TrimSuffix(tag[1:], ">"), "/")
	n := strings.IndexAny(rest, blanks)
	if n < 0 {
		n = len(rest)
	}
	e := &node{name: rest[:n]}
	for rest = strings.Trim(rest[n:], blanks); rest != ""; rest = strings.TrimLeft(rest, blanks) {
		name, value, found := strings.Cut(rest, "=")
		value = strings.TrimLeft(value, blanks)
		if !found || value == "" || value[0] != '"' && value[0] != '\'' {
			e.attrs = append(e.attrs, attr{raw: rest})
			break
		}
		quote := value[0]
		inner, after, _ := strings.Cut(value[1:], string(quote))
		e.attrs = append(e.attrs, attr{
			name: strings.TrimRight(name, blanks), value: inner,
			quote: quote,
		})
		rest = after
	}
	return e
}

func (n *node) add(kids ...*node) {
	for _, k := range kids {
		k.parent = n
		n.kids = append(n.kids, k)
	}
}

// String writes the document, or the element.
func (n *node) String() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func (n *node) write(b *strings.Builder) {
	if n.name == "" {
		b.WriteString(n.raw)
		for _, k := range n.kids {
			k.write(b)
		}
		return
	}
	b.WriteString("<" + n.name)
	for _, a := range n.attrs {
		b.WriteByte(' ')
		b.WriteString(a.String())
	}
	if len(n.kids) == 0 && !n.pair {
		b.WriteString("/>")
		return
	}
	b.WriteByte('>')
	for _, k := range n.kids {
		k.write(b)
	}
	end := n.end
	if end == "" {
		end = n.name
	}
	b.WriteString("</" + end + ">")
}

func (a attr) String() string {
	if a.raw != "" {
		return a.raw
	}
	q := string(a.quote)
	if a.quote == 0 {
		q = "'"
	}
	return a.name + "=" + q + a.value + q
}

// clone copies a subtree; the copy has no parent.
func (n *node) clone() *node {
	c := *n
	c.parent = nil
	c.attrs = append([]attr(nil), n.attrs...)
	c.kids = nil
	for _, k := range n.kids {
		c.add(k.clone())
	}
	return &c
}

// index returns the place of the node among its parent's children.
func (n *node) index() int {
	for i, k := range n.parent.kids {
		if k == n {
			return i
		}
	}
	return -1
}

// insert puts nodes before the child at that place.
func (n *node) insert(at int, kids ...*node) {
	for _, k := range kids {
		k.parent = n
	}
	n.kids = append(n.kids[:at:at], append(kids, n.kids[at:]...)...)
}

// before and after put nodes beside this one.
func (n *node) before(kids ...*node) { n.parent.insert(n.index(), kids...) }
func (n *node) after(kids ...*node)  { n.parent.insert(n.index()+1, kids...) }

// remove takes the node out of its parent.
func (n *node) remove() {
	at := n.index()
	n.parent.kids = append(n.parent.kids[:at:at], n.parent.kids[at+1:]...)
	n.parent = nil
}

// elements returns all elements below n and n itself, in the order of the document.
func (n *node) elements() []*node {
	var list []*node
	n.walk(func(e *node) {
		if e.name != "" {
			list = append(list, e)
		}
	})
	return list
}

func (n *node) walk(f func(*node)) {
	f(n)
	for _, k := range n.kids {
		k.walk(f)
	}
}

// root is the document's root element.
func (n *node) root() *node {
	for _, k := range n.kids {
		if k.name != "" {
			return k
		}
	}
	return nil
}

// child returns the first child element of that name, nil when there is none.
func (n *node) child(name string) *node {
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// text is what the element contains when it contains text and nothing else; "" otherwise.
func (n *node) text() string {
	if n.name == "" || len(n.kids) == 0 {
		return ""
	}
	var b strings.Builder
	for _, k := range n.kids {
		if k.name != "" || strings.HasPrefix(k.raw, "<") {
			return ""
		}
		b.WriteString(k.raw)
	}
	if strings.TrimSpace(b.String()) == "" {
		return ""
	}
	return b.String()
}

// setText replaces the content by pieces of raw text.
func (n *node) setText(pieces ...string) {
	n.kids = nil
	for _, p := range pieces {
		n.add(&node{raw: p})
	}
}

// attr returns an attribute, nil when there is none of that name.
func (n *node) attr(name string) *attr {
	for i := range n.attrs {
		if n.attrs[i].name == name {
			return &n.attrs[i]
		}
	}
	return nil
}

// set sets an attribute, or adds it.
func (n *node) set(name, value string) {
	if a := n.attr(name); a != nil {
		a.value = value
		return
	}
	n.attrs = append(n.attrs, attr{name: name, value: value})
}

// within reports whether the node is inside an element of that name, or is one.
func (n *node) within(name string) bool {
	for ; n != nil; n = n.parent {
		if n.name == name {
			return true
		}
	}
	return false
}
