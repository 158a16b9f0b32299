package domxml

import (
	"encoding/xml"
)

// checkAttributes checks the attributes of a start tag and records the namespaces that it declares.
// It returns the attributes that the decoder is to see.
func (r *reader) checkAttributes(t xml.StartElement, start int) ([]xml.Attr, error) {
	if len(t.Attr) == 0 {
		return nil, nil
	}
	if at := duplicate(t.Attr); at >= 0 {
		return nil, r.refuse(start, "<%s> has the attribute %s twice", t.Name.Local, t.Attr[at].Name.Local)
	}
	kept := t.Attr[:0]
	for _, a := range t.Attr {
		prefix := a.Name.Local
		switch {
		case a.Name.Space == "xmlns":
		case a.Name.Space == "" && prefix == "xmlns":
			prefix = ""
		default:
			kept = append(kept, a)
			continue
		}
		if forbiddenBinding(prefix, a.Value) {
			return nil, r.refuse(start, "<%s> has a namespace declaration that XML forbids (libvirt ignores the declaration, other readers obey it)", t.Name.Local)
		}
		r.bind(prefix, a.Value)
	}
	return kept, nil
}

// refusePrefixed refuses attributes with a prefix. libvirt reads some of them by their local name,
// whichever comes first, and ignores others, depending on the function that asks.
func (r *reader) refusePrefixed(attrs []xml.Attr, start int) error {
	for _, a := range attrs {
		if a.Name.Space != "" {
			return r.refuse(start, "the attribute %s:%s is in a namespace (libvirt reads or ignores such attributes, depending on the place)", a.Name.Space, a.Name.Local)
		}
	}
	return nil
}

// duplicate returns the index of an attribute whose name occurred before, or -1.
func duplicate(attrs []xml.Attr) int {
	if len(attrs) <= 16 {
		for i := range attrs {
			for j := range i {
				if attrs[i].Name == attrs[j].Name {
					return i
				}
			}
		}
		return -1
	}
	seen := make(map[xml.Name]bool, len(attrs))
	for i, a := range attrs {
		if seen[a.Name] {
			return i
		}
		seen[a.Name] = true
	}
	return -1
}
