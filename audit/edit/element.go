package edit

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// element is an element to write.
type element struct {
	name     string // with libvirt's prefix: "qemu:arg"
	attrs    []attr
	text     *string
	children []*element

	written string // the name with the document's prefix
	declare []attr // the declaration of that prefix, if the document has none
	offset  int    // of the element in the text that was written last
}

type attr struct{ name, value string }

// parseElement reads the text of an edit: one element, in which each element has either elements or
// text. White space between elements does not count.
func parseElement(text string) (*element, error) {
	in := xml.NewDecoder(strings.NewReader(text))
	var root *element
	var open []*element
	for {
		t, err := in.RawToken()
		if errors.Is(err, io.EOF) && root != nil && len(open) == 0 {
			return root, nil
		}
		if err != nil {
			return nil, fmt.Errorf("the new element is not well-formed XML: %w", err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			e := &element{name: joined(t.Name)}
			for _, a := range t.Attr {
				e.attrs = append(e.attrs, attr{joined(a.Name), a.Value})
			}
			switch {
			case len(open) > 0:
				parent := open[len(open)-1]
				parent.children = append(parent.children, e)
			case root == nil:
				root = e
			default:
				return nil, errors.New("there is more than one new element")
			}
			open = append(open, e)
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1].name != joined(t.Name) {
				return nil, errors.New("the new element is not well-formed XML: a stray end tag")
			}
			e := open[len(open)-1]
			open = open[:len(open)-1]
			if e.text != nil && (len(e.children) > 0 || strings.TrimSpace(*e.text) == "") {
				if strings.TrimSpace(*e.text) != "" {
					return nil, fmt.Errorf("the new <%s> contains both text and elements", e.name)
				}
				e.text = nil
			}
		case xml.CharData:
			if len(open) == 0 {
				if strings.TrimSpace(string(t)) != "" {
					return nil, errors.New("there is text around the new element")
				}
				continue
			}
			e, s := open[len(open)-1], string(t)
			if e.text != nil {
				s = *e.text + s
			}
			e.text = &s
		default:
			return nil, errors.New("the new element contains a comment or an instruction")
		}
	}
}

func joined(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// style is how new elements are written.
type style struct {
	unit  string // the indentation of each level; only for documents with lines
	quote string
}

// write appends the element. line is what begins a line at its depth; "" writes all on one line.
func (e *element) write(b *strings.Builder, line string, s style) {
	e.offset = b.Len()
	b.WriteString("<" + e.written)
	for _, list := range [][]attr{e.declare, e.attrs} {
		for _, a := range list {
			b.WriteString(" " + a.name + "=" + s.quote + domxml.Escape(a.value, s.quote) + s.quote)
		}
	}
	switch {
	case len(e.children) > 0:
		inner := line
		if line != "" {
			inner += s.unit
		}
		b.WriteString(">")
		for _, c := range e.children {
			b.WriteString(inner)
			c.write(b, inner, s)
		}
		b.WriteString(line + "</" + e.written + ">")
	case e.text != nil:
		b.WriteString(">" + domxml.Escape(*e.text, "") + "</" + e.written + ">")
	default:
		b.WriteString("/>")
	}
}

// adopt sets the names that the element and those inside it have in the document. parent is the
// element of the document around it.
func (e *element) adopt(parent domxml.Element) {
	e.declare = nil
	prefix, _, prefixed := strings.Cut(e.name, ":")
	uri, known := domxml.Namespace(prefix)
	if !prefixed || !known || e.attribute("xmlns:"+prefix) != nil {
		e.rename(prefix, prefix)
		return
	}
	if strings.HasPrefix(parent.Name, prefix+":") {
		// There it is the namespace of the parent, under whatever prefix or by default.
		own, _, ok := strings.Cut(parent.Written(), ":")
		if !ok {
			own = ""
		}
		e.rename(prefix, own)
		return
	}
	for name := range parent.AttributeSpans() {
		if own, ok := strings.CutPrefix(string(name), "xmlns:"); ok {
			if bound, _ := parent.Attr(string(name)); bound == uri {
				e.rename(prefix, own)
				return
			}
		}
	}
	e.declare = []attr{{"xmlns:" + prefix, uri}}
	e.rename(prefix, prefix)
}

// rename writes the names that have a prefix with another, or without one if it is "".
func (e *element) rename(prefix, own string) {
	e.written = e.name
	if local, ok := strings.CutPrefix(e.name, prefix+":"); ok && own != prefix {
		e.written = strings.TrimPrefix(own+":"+local, ":")
	}
	for _, c := range e.children {
		c.rename(prefix, own)
	}
}

// attribute returns the attribute with a name, or nil.
func (e *element) attribute(name string) *attr {
	for i := range e.attrs {
		if e.attrs[i].name == name {
			return &e.attrs[i]
		}
	}
	return nil
}
