package differential

import (
	"fmt"
	"strings"
)

// blank is white space as text may spell it.
func (m *mutator) blank() string {
	return m.pick(" ", "  ", "\t", "\n", "\r\n", "\r", "\n    ", "&#32;", "&#x9;", "&#10;", "&#13;",
		"\u00a0", "<![CDATA[ ]]>")
}

// aside is markup that contains no text.
func (m *mutator) aside() string {
	return m.pick("<!-- x -->", "<!---->", "<?p i?>", "<![CDATA[]]>", "<!-- <type>x</type> -->")
}

// piece returns one of the pieces of which content can consist. spent is set if it contains word.
func (m *mutator) piece(word string) (piece string, spent bool) {
	switch m.IntN(8) {
	case 0, 1:
		return m.blank(), false
	case 2, 3:
		return m.aside(), false
	case 4:
		return "<![CDATA[" + unescape(word) + "]]>", true
	case 5:
		return reference(m, word), true
	}
	return word, true
}

// reference writes one character of the text as a reference.
func reference(m *mutator, text string) string {
	var at []int
	for i := range len(text) {
		if c := text[i]; c < 0x80 && c != '&' && !insideReference(text, i) {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return text
	}
	i := at[m.IntN(len(at))]
	form := m.pick("&#%d;", "&#x%x;", "&#x%X;", "&#00%d;", "&#x000%x;")
	return text[:i] + fmt.Sprintf(form, text[i]) + text[i+1:]
}

func insideReference(text string, at int) bool {
	amp := strings.LastIndexByte(text[:at], '&')
	return amp >= 0 && !strings.Contains(text[amp:at], ";")
}

func unescape(text string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;",
		"&").Replace(text)
}

// onText makes a mutation of an element's text.
func onText(f func(m *mutator, e *node, text string)) func(*mutator) bool {
	return on((*mutator).textual, func(m *mutator, e *node) { f(m, e, e.text()) })
}

var blankMutations = []mutation{
	{name: "blank: before the text", tree: onText(func(m *mutator, e *node, t string) {
		e.setText(m.blank() + t)
	})},
	{name: "blank: after the text", tree: onText(func(m *mutator, e *node, t string) {
		e.setText(t + m.blank())
	})},
	{name: "blank: beside markup before the text", tree: onText(func(m *mutator, e *node, t string) {
		if m.maybe(50) {
			e.setText(m.blank()+m.aside(), t)
		} else {
			e.setText(m.aside()+m.blank(), t)
		}
	})},
	{name: "blank: beside markup after the text", tree: onText(func(m *mutator, e *node, t string) {
		if m.maybe(50) {
			e.setText(t, m.blank()+m.aside())
		} else {
			e.setText(t, m.aside()+m.blank())
		}
	})},
	{name: "blank: pieces", tree: onText(func(m *mutator, e *node, t string) {
		var pieces []string
		spent := false
		for range 2 + m.IntN(4) {
			p, s := m.piece(t)
			if s && spent {
				continue
			}
			spent = spent || s
			pieces = append(pieces, p)
		}
		if !spent {
			pieces = append(pieces, t)
		}
		e.setText(pieces...)
	})},
	{name: "blank: instead of the text", tree: onText(func(m *mutator, e *node, _ string) {
		e.setText(m.pick("", m.blank(), m.blank()+m.aside(), m.aside()+m.blank()))
	})},
	{name: "blank: in an element without text", tree: on(func(m *mutator) *node {
		return m.elem(func(e *node) bool { return below(e) && len(e.kids) == 0 })
	}, func(m *mutator, e *node) {
		e.setText(m.pick(m.blank(), m.aside(), m.blank()+m.aside(), m.aside()+m.blank()))
	})},
	{name: "blank: in an attribute", tree: onAttr(nil, func(m *mutator, _ *node, a *attr) {
		b := m.pick(" ", "\t", "\n", "&#32;", "&#9;", "&#10;", "&#13;", "\r\n", "\u00a0")
		if m.maybe(50) {
			a.value = b + a.value
		} else {
			a.value += b
		}
	})},
	{name: "blank: between attributes", tree: onAttr(nil, func(m *mutator, _ *node, a *attr) {
		text := a.String()
		a.raw = m.pick("\n\t", "\r\n", "", "  ") + strings.Replace(text, "=", m.pick("=", " = ",
			"\n=\t", " ="), 1) + m.pick("", " ", "\n", "/")
	})},
	{name: "blank: in tags", tree: on((*mutator).inner, func(m *mutator, e *node) {
		e.pair = true
		e.end = m.pick(e.name+" ", e.name+"\n", e.name+"\t\r\n", " "+e.name, e.name+" a='1'")
	})},
	{name: "text: CDATA", tree: onText(func(_ *mutator, e *node, t string) {
		e.setText("<![CDATA[" + unescape(t) + "]]>")
	})},
	{name: "text: CDATA in part", tree: onText(func(m *mutator, e *node, t string) {
		at := m.IntN(len(t) + 1)
		if insideReference(t, at) {
			at = 0
		}
		e.setText(t[:at], "<![CDATA["+unescape(t[at:])+"]]>")
	})},
	{name: "text: split by markup", tree: onText(func(m *mutator, e *node, t string) {
		at := m.IntN(len(t) + 1)
		if insideReference(t, at) {
			at = 0
		}
		e.setText(t[:at], m.aside(), t[at:])
	})},
	{name: "text: character reference", tree: onText(func(m *mutator, e *node, t string) {
		e.setText(reference(m, t))
	})},
	{name: "text: malformed reference", tree: onText(func(m *mutator, e *node, t string) {
		e.setText(m.pick("&#0;", "&#x110000;", "&#xD800;", "&#1;", "&nbsp;", "&lt", "&", "&#;",
			"&#xFFFE;") + t)
	})},
	{name: "attribute: character reference", tree: onAttr(func(_ *node, a *attr) bool {
		return a.value != ""
	}, func(m *mutator, _ *node, a *attr) {
		a.value = reference(m, a.value)
	})},
	{name: "attribute: other quotes", tree: onAttr(nil, func(_ *mutator, _ *node, a *attr) {
		if a.quote == '"' {
			a.quote, a.value = '\'', strings.ReplaceAll(a.value, "'", "&apos;")
		} else {
			a.quote, a.value = '"', strings.ReplaceAll(a.value, `"`, "&quot;")
		}
	})},
	{name: "attribute: without quotes or value", tree: onAttr(nil, func(m *mutator, _ *node, a *attr) {
		a.raw = m.pick(a.name, a.name+"="+a.value, a.name+"=", a.String()+a.String())
	})},
	{name: "between elements: text", tree: on((*mutator).inner, func(m *mutator, e *node) {
		n := &node{raw: m.pick("text", "// comment", "&#32;", "<![CDATA[ ]]>", "<![CDATA[x]]>",
			"-->", "0", "hvm", "kvm", "\u00a0", "&lt;type&gt;")}
		m.beside(e, n)
	})},
	{name: "between elements: markup", tree: on((*mutator).inner, func(m *mutator, e *node) {
		m.beside(e, &node{raw: m.pick("<!-- c -->", "<?p i?>", "<!-- a -- b -->",
			"<?xml version='1.0'?>", "<!-->", "<!DOCTYPE x>", "<!--- x --->", "<?p?>")})
	})},
	{name: "comment: an element in it", tree: on((*mutator).inner, func(_ *mutator, e *node) {
		e.after(&node{raw: "<!-- " + strings.ReplaceAll(e.String(), "--", "- -") + " -->"})
		e.remove()
	})},
	{name: "comment: opened", tree: func(m *mutator) bool {
		var list []*node
		m.doc.walk(func(n *node) {
			if strings.HasPrefix(n.raw, "<!--") && n.parent != nil {
				list = append(list, n)
			}
		})
		if len(list) == 0 {
			return false
		}
		n := list[m.IntN(len(list))]
		n.raw = strings.TrimSuffix(strings.TrimPrefix(n.raw, "<!--"), "-->")
		return true
	}},
}
