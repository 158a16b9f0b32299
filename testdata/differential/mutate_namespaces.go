package differential

import (
	"slices"
	"strings"
)

const (
	qemuURI  = "http://libvirt.org/schemas/domain/qemu/1.0"
	xmlURI   = "http://www.w3.org/XML/1998/namespace"
	xmlnsURI = "http://www.w3.org/2000/xmlns/"
)

// uri returns a value for a namespace declaration.
func (m *mutator) uri() string {
	return m.pick("urn:x", "urn:x", "", "", xmlURI, xmlnsURI, qemuURI, "not a uri", "relative",
		"http://[", " ", "&#117;rn:x", "http://libvirt.org/schemas/domain/lxc/1.0",
		"http://libvirt.org/schemas/domain/xen/1.0")
}

// declare adds a declaration, before or after the other attributes.
func (m *mutator) declare(e *node, name, uri string) {
	a := attr{name: name, value: uri}
	if m.maybe(50) {
		e.attrs = append(e.attrs, a)
	} else {
		e.attrs = slices.Insert(e.attrs, 0, a)
	}
}

// local is a name without its prefix.
func local(name string) string { return name[strings.LastIndexByte(name, ':')+1:] }

// rename gives the element another name, in both tags.
func (n *node) rename(name string) { n.name, n.end = name, "" }

func hasPrefix(e *node) bool { return strings.Contains(e.name, ":") }

// qemuPart picks an element of libvirt's QEMU namespace.
func qemuPart(m *mutator) *node {
	return m.elem(func(e *node) bool { return strings.HasPrefix(e.name, "qemu:") })
}

var namespaceMutations = []mutation{
	{name: "namespace: default declared", tree: on((*mutator).inner, func(m *mutator, e *node) {
		m.declare(e, "xmlns", m.uri())
	})},
	{
		name: "namespace: default declared on the root",
		tree: on(func(m *mutator) *node { return m.doc.root() }, func(m *mutator, e *node) {
			m.declare(e, "xmlns", m.uri())
		}),
	},
	{name: "namespace: prefix declared", tree: on((*mutator).inner, func(m *mutator, e *node) {
		m.declare(e, "xmlns:"+m.word("f f xml xmlns qemu libosinfo"), m.uri())
	})},
	{
		name: "namespace: prefix declared on the root",
		tree: on(func(m *mutator) *node { return m.doc.root() }, func(m *mutator, e *node) {
			m.declare(e, "xmlns:"+m.word("f xml xmlns lxc XML"), m.uri())
		}),
	},
	{name: "namespace: element unbound", tree: on((*mutator).inner, func(m *mutator, e *node) {
		e.rename(m.word("f g domain q") + ":" + local(e.name))
	})},
	{name: "namespace: element foreign", tree: on((*mutator).inner, func(m *mutator, e *node) {
		e.rename("f:" + local(e.name))
		m.declare(e, "xmlns:f", m.uri())
	})},
	{name: "namespace: element foreign, declared above", tree: on((*mutator).inner, func(m *mutator, e *node) {
		e.rename("f:" + local(e.name))
		m.declare(m.doc.root(), "xmlns:f", m.uri())
	})},
	{name: "namespace: element with the empty prefix", tree: on((*mutator).inner, func(m *mutator, e *node) {
		e.rename("f:" + local(e.name))
		m.declare(e, "xmlns:f", "")
	})},
	{name: "namespace: element as QEMU's", tree: on((*mutator).inner, func(m *mutator, e *node) {
		e.rename("qemu:" + local(e.name))
		if m.doc.root().attr("xmlns:qemu") == nil {
			m.declare(m.doc.root(), "xmlns:qemu", qemuURI)
		}
	})},
	{name: "namespace: element with prefix xml", tree: on((*mutator).inner, func(m *mutator, e *node) {
		e.rename(m.word("xml xmlns") + ":" + local(e.name))
	})},
	{name: "namespace: form of a name", tree: on((*mutator).inner, func(m *mutator, e *node) {
		e.rename(m.pick(":"+e.name, e.name+":", "a:b:"+e.name, "f::"+local(e.name),
			"f:1"+local(e.name), "é:"+local(e.name)))
	})},
	{name: "namespace: twin in a foreign namespace", tree: on((*mutator).inner, func(m *mutator, e *node) {
		c := e.clone()
		c.rename("f:" + local(e.name))
		m.changed(c)
		m.declare(c, "xmlns:f", m.uri())
		m.beside(e, c)
	})},
	{name: "namespace: twin by default namespace", tree: on((*mutator).inner, func(m *mutator, e *node) {
		c := e.clone()
		m.changed(c)
		m.declare(c, "xmlns", m.uri())
		m.beside(e, c)
	})},
	{name: "namespace: attribute unbound", tree: onAttr(nil, func(m *mutator, _ *node, a *attr) {
		a.name = m.word("f qemu xmlnsx") + ":" + local(a.name)
	})},
	{name: "namespace: attribute foreign", tree: onAttr(nil, func(m *mutator, e *node, a *attr) {
		a.name = "f:" + local(a.name)
		m.declare(e, "xmlns:f", m.uri())
	})},
	{name: "namespace: attribute beside its foreign twin", tree: onAttr(nil, func(m *mutator, e *node, a *attr) {
		twin := attr{name: "f:" + local(a.name), value: m.otherValue(a.value)}
		if m.maybe(70) {
			m.declare(e, "xmlns:f", m.uri())
		}
		if m.maybe(50) {
			e.attrs = append(e.attrs, twin)
		} else {
			e.attrs = slices.Insert(e.attrs, 0, twin)
		}
	})},
	{name: "namespace: attribute of an unbound prefix twice", tree: on((*mutator).inner,
		func(_ *mutator, e *node) {
			e.attrs = append(e.attrs, attr{name: "f:a", value: "1"}, attr{name: "f:a", value: "2"})
		})},
	{name: "namespace: attribute with prefix xml", tree: on((*mutator).inner, func(m *mutator, e *node) {
		e.set(m.word("xml:id xml:lang xml:space xml:base xml:type"), m.pick("1 2", "a", "preserve",
			"default", "en"))
	})},
	{name: "namespace: other prefix for QEMU's", tree: on(qemuPart, func(m *mutator, _ *node) {
		prefix := m.word("q qemu2 f QEMU libvirt")
		for _, e := range m.doc.elements() {
			if strings.HasPrefix(e.name, "qemu:") {
				e.rename(prefix + e.name[4:])
			}
			if a := e.attr("xmlns:qemu"); a != nil {
				a.name = "xmlns:" + prefix
			}
		}
	})},
	{name: "namespace: QEMU's in another spelling", tree: on(func(m *mutator) *node {
		return m.elem(func(e *node) bool { return e.attr("xmlns:qemu") != nil })
	}, func(m *mutator, e *node) {
		e.set("xmlns:qemu", m.pick(qemuURI+"/", "HTTP://libvirt.org/schemas/domain/qemu/1.0",
			strings.ReplaceAll(qemuURI, "/", "&#47;"), " "+qemuURI, qemuURI+" ",
			"&#x68;ttp://libvirt.org/schemas/domain/qemu/1.0",
			"http://libvirt.org/schemas/domain/QEMU/1.0",
			"http://libvirt.org/schemas/domain/qemu/1.1", "urn:x", "", xmlURI, xmlnsURI))
	})},
	{name: "namespace: QEMU's prefix redeclared", tree: on(qemuPart, func(m *mutator, e *node) {
		m.declare(e, "xmlns:qemu", m.uri())
	})},
	{name: "namespace: QEMU's declared on its element only", tree: on(func(m *mutator) *node {
		return m.elem(func(e *node) bool {
			return strings.HasPrefix(e.name, "qemu:") && e.parent == m.doc.root()
		})
	}, func(m *mutator, e *node) {
		for _, o := range m.doc.elements() {
			o.attrs = slices.DeleteFunc(o.attrs, func(a attr) bool {
				return a.name == "xmlns:qemu"
			})
		}
		m.declare(e, "xmlns:qemu", qemuURI)
	})},
	{name: "namespace: QEMU's as the default", tree: on(func(m *mutator) *node {
		return m.elem(func(e *node) bool {
			return strings.HasPrefix(e.name, "qemu:") && e.parent == m.doc.root()
		})
	}, func(m *mutator, e *node) {
		some := m.maybe(30) // and only some of the names without the prefix
		for _, o := range e.elements() {
			if o == e || !some || m.maybe(50) {
				o.rename(local(o.name))
			}
		}
		m.declare(e, "xmlns", qemuURI)
	})},
	{
		name: "namespace: QEMU's child without one",
		tree: on(func(m *mutator) *node {
			return m.named("qemu:arg qemu:env qemu:property qemu:add qemu:del")
		},
			func(m *mutator, e *node) {
				e.rename(local(e.name))
				if m.maybe(40) {
					m.declare(e, "xmlns", m.uri())
				}
			}),
	},
	{
		name: "namespace: prefix of the end tag",
		tree: on(func(m *mutator) *node { return m.elem(hasPrefix) }, func(m *mutator, e *node) {
			e.pair, e.end = true, m.pick(local(e.name), "f:"+local(e.name))
		}),
	},
}
