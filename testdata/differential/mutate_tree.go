package differential

import (
	"slices"
	"strings"
)

// beside inserts a node before or after an element.
func (m *mutator) beside(e, other *node) {
	if e.parent == nil {
		return
	}
	if m.maybe(50) {
		e.before(other)
	} else {
		e.after(other)
	}
}

// changed gives an element, or one below it, another text or attribute.
func (m *mutator) changed(e *node) {
	list := e.elements()
	for range 5 {
		o := list[m.IntN(len(list))]
		if t := o.text(); t != "" && m.maybe(60) {
			o.setText(m.otherValue(t))
			return
		}
		if len(o.attrs) > 0 {
			a := &o.attrs[m.IntN(len(o.attrs))]
			if a.raw == "" && !strings.HasPrefix(a.name, "xmlns") {
				a.value = m.otherValue(a.value)
				return
			}
		}
	}
}

// container is an element with element children.
func (m *mutator) container() *node {
	return m.elem(func(e *node) bool { return len(e.kids) > 0 && e.text() == "" })
}

var treeMutations = []mutation{
	{name: "element: twice", tree: on((*mutator).inner, func(m *mutator, e *node) {
		m.beside(e, e.clone())
	})},
	{name: "element: twice, changed", tree: on((*mutator).inner, func(m *mutator, e *node) {
		c := e.clone()
		m.changed(c)
		m.beside(e, c)
	})},
	{name: "element: twice, one without children", tree: on((*mutator).inner, func(m *mutator, e *node) {
		c := e.clone()
		c.kids = nil
		m.beside(e, c)
	})},
	{name: "element: twice, one without attributes", tree: on((*mutator).inner, func(m *mutator, e *node) {
		c := e.clone()
		c.attrs = nil
		m.beside(e, c)
	})},
	{name: "element: twice, at the end", tree: on((*mutator).inner, func(m *mutator, e *node) {
		c := e.clone()
		m.changed(c)
		if m.maybe(50) {
			e.parent.add(c)
		} else {
			e.parent.insert(0, c)
		}
	})},
	{name: "element: deleted", tree: on((*mutator).inner, func(_ *mutator, e *node) {
		e.remove()
	})},
	{name: "element: emptied", tree: on((*mutator).container, func(_ *mutator, e *node) {
		e.kids = nil
	})},
	{name: "element: moved", tree: on((*mutator).inner, func(m *mutator, e *node) {
		to := m.container()
		if to == nil {
			return
		}
		for p := to; p != nil; p = p.parent {
			if p == e {
				return
			}
		}
		e.remove()
		to.insert(m.IntN(len(to.kids)+1), e)
	})},
	{name: "element: moved up", tree: on(func(m *mutator) *node {
		return m.elem(func(e *node) bool { return below(e) && below(e.parent) })
	}, func(m *mutator, e *node) {
		p := e.parent
		e.remove()
		m.beside(p, e)
	})},
	{name: "element: moved into its neighbour", tree: on((*mutator).inner, func(_ *mutator, e *node) {
		for _, k := range e.parent.kids {
			if k != e && k.name != "" {
				e.remove()
				k.add(e)
				return
			}
		}
	})},
	{name: "element: copied elsewhere", tree: on((*mutator).inner, func(m *mutator, e *node) {
		if to := m.container(); to != nil {
			to.insert(m.IntN(len(to.kids)+1), e.clone())
		}
	})},
	{name: "element: wrapped", tree: on((*mutator).inner, func(m *mutator, e *node) {
		w := &node{name: m.pick("x", e.name, e.parent.name, "domain", "devices", "metadata",
			"source", "group")}
		e.before(w)
		e.remove()
		w.add(e)
	})},
	{name: "element: unwrapped", tree: on(func(m *mutator) *node {
		return m.elem(func(e *node) bool { return below(e) && len(e.kids) > 0 })
	}, func(_ *mutator, e *node) {
		kids := e.kids
		e.kids = nil
		e.after(kids...)
		e.remove()
	})},
	{name: "element: order of siblings", tree: on((*mutator).inner, func(m *mutator, e *node) {
		p := e.parent
		e.remove()
		p.insert(m.IntN(len(p.kids)+1), e)
	})},
	{name: "element: siblings reversed", tree: on((*mutator).container, func(_ *mutator, e *node) {
		slices.Reverse(e.kids)
	})},
	{name: "element: split in two", tree: on((*mutator).container, func(m *mutator, e *node) {
		if e.parent == m.doc {
			return
		}
		c := e.clone()
		if m.maybe(30) {
			c.attrs = nil
		}
		at := m.IntN(len(e.kids) + 1)
		e.kids, c.kids = e.kids[:at:at], c.kids[at:]
		if m.maybe(70) {
			e.after(c)
		} else {
			e.parent.add(c)
		}
	})},
	{name: "element: another name", tree: on((*mutator).inner, func(m *mutator, e *node) {
		e.rename(m.pick(strings.ToUpper(e.name), strings.ToUpper(e.name[:1])+e.name[1:], e.name+"s",
			"x"+e.name, e.name+"2", "x"))
	})},
	{name: "element: name of another", tree: on((*mutator).inner, func(m *mutator, e *node) {
		e.rename(m.inner().name)
	})},
	{name: "element: empty or a pair", tree: on(func(m *mutator) *node {
		return m.elem(func(e *node) bool { return below(e) && len(e.kids) == 0 })
	}, func(_ *mutator, e *node) { e.pair = !e.pair })},
	{name: "element: of another guest", tree: func(m *mutator) bool {
		theirs, ours := m.donor.root(), m.doc.root()
		if theirs == nil || len(theirs.elements()) < 2 {
			return false
		}
		list := theirs.elements()[1:]
		e := list[m.IntN(len(list))]
		to := ours
		if e.parent != theirs {
			for _, o := range ours.elements() {
				if o.name == e.parent.name {
					to = o
				}
			}
			if to == ours {
				return false
			}
		}
		to.insert(m.IntN(len(to.kids)+1), e.clone())
		return true
	}},
	{name: "element: replaced by another guest's", tree: func(m *mutator) bool {
		e := m.inner()
		if e == nil {
			return false
		}
		for _, o := range m.donor.elements() {
			if o.name == e.name && o.parent.name == e.parent.name && o.String() != e.String() {
				e.after(o.clone())
				e.remove()
				return true
			}
		}
		return false
	}},
	{name: "element: unknown", tree: on((*mutator).container, func(m *mutator, e *node) {
		e.insert(m.IntN(len(e.kids)+1), fragment(m.pick("<x/>", "<x>text</x>", "<x a='1'/>",
			"<passwd>p</passwd>", "<é/>", "<x><type>hvm</type></x>"))...)
	})},
	{name: "element: nested deep", tree: on((*mutator).inner, func(m *mutator, e *node) {
		n := m.oneOf(20, 250, 256, 260, 2000)
		e.after(&node{raw: strings.Repeat("<x>", n) + strings.Repeat("</x>", n)})
	})},
	{name: "root: nested", tree: func(m *mutator) bool {
		r := m.doc.root()
		c := r.clone()
		c.kids = nil
		r.remove()
		c.add(r)
		m.doc.add(c)
		return true
	}},
	{name: "root: another name", tree: on(func(m *mutator) *node { return m.doc.root() },
		func(m *mutator, e *node) {
			e.rename(m.word("Domain DOMAIN domains x domain:domain domstatus domainsnapshot domain1"))
		})},
	{name: "text: into a child", tree: onText(func(m *mutator, e *node, t string) {
		at := m.oneOf(0, 0, len(t)/2, len(t))
		if insideReference(t, at) {
			at = 0
		}
		e.setText(t[:at], "<x>"+t[at:]+"</x>")
	})},
	{name: "text: a child in it", tree: onText(func(m *mutator, e *node, t string) {
		c := m.pick("<x/>", "<x> </x>", "<x>y</x>", "<"+e.name+"/>",
			"<"+e.name+">"+t+"</"+e.name+">", "<x><!-- c --></x>")
		at := m.oneOf(0, len(t)/2, len(t))
		if insideReference(t, at) {
			at = 0
		}
		e.setText(t[:at], c, t[at:])
	})},
	{name: "text: from an attribute", tree: onAttr(nil, func(m *mutator, e *node, a *attr) {
		name, value := a.name, a.value
		e.attrs = slices.DeleteFunc(e.attrs, func(b attr) bool { return b.name == name })
		if m.maybe(50) {
			e.add(&node{raw: value})
		} else {
			e.add(&node{raw: "<" + name + ">" + value + "</" + name + ">"})
		}
	})},
	{name: "text: into an attribute", tree: onText(func(m *mutator, e *node, t string) {
		e.set(m.word("value name path file type"), strings.ReplaceAll(t, "'", "&apos;"))
		if m.maybe(50) {
			e.kids = nil
		}
	})},
	{name: "attribute: deleted", tree: onAttr(nil, func(_ *mutator, e *node, a *attr) {
		name := a.name
		e.attrs = slices.DeleteFunc(e.attrs, func(b attr) bool { return b.name == name })
	})},
	{name: "attribute: doubled", tree: onAttr(nil, func(m *mutator, e *node, a *attr) {
		c := *a
		if m.maybe(50) {
			c.value = m.otherValue(c.value)
		}
		e.attrs = append(e.attrs, c)
	})},
	{name: "attribute: name in other case", tree: onAttr(nil, func(m *mutator, _ *node, a *attr) {
		a.name = m.pick(strings.ToUpper(a.name), strings.ToUpper(a.name[:1])+a.name[1:], a.name+"_",
			"x"+a.name)
	})},
	{name: "attribute: moved", tree: onAttr(nil, func(m *mutator, e *node, a *attr) {
		c := *a
		e.attrs = slices.DeleteFunc(e.attrs, func(b attr) bool { return b.name == c.name })
		if to := m.inner(); to != nil && to.attr(c.name) == nil {
			to.attrs = append(to.attrs, c)
		}
	})},
	{name: "attribute: copied", tree: onAttr(nil, func(m *mutator, _ *node, a *attr) {
		c := *a
		if to := m.inner(); to != nil && to.attr(c.name) == nil {
			to.attrs = append(to.attrs, c)
		}
	})},
	{name: "attribute: order", tree: on(func(m *mutator) *node {
		return m.elem(func(e *node) bool { return len(e.attrs) > 1 })
	}, func(_ *mutator, e *node) { slices.Reverse(e.attrs) })},
	{name: "attribute: added", tree: on((*mutator).inner, func(m *mutator, e *node) {
		name := m.word(`type model name mode machine arch dev file dir path bus relabel secure readonly trusted access listen port tlsPort autoport
			passwd passwdValidTo websocket socket cache io format template managed rawio sgio shared value id index check match policy state enabled
			unit placement snapshot startupPolicy driver ats iommu rombar`)
		if e.attr(name) == nil {
			e.set(name, m.otherValue(""))
		}
	})},
}
