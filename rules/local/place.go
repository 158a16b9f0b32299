package local

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit/suggest"
)

// elementsAt returns the fields that lead to the elements that a text names, and their shape. The text is
// what the configuration gives for the field of.
func elementsAt(from *shape, of, text string) ([]*field, *shape, error) {
	var out []*field
	for step := range strings.SplitSeq(text, "/") {
		f, err := from.step(of, step, false)
		if err != nil {
			return nil, nil, err
		}
		out, from = append(out, f), f.of
	}
	return out, from, nil
}

// placeIn checks the place of findings, from an element of that shape, and takes it apart.
func placeIn(from *shape, text string) (steps, attr string, err error) {
	steps, attr, hasAttr := strings.Cut(text, "@")
	if steps != "" {
		if _, from, err = elementsAt(from, "path", steps); err != nil {
			return "", "", err
		}
	}
	if hasAttr {
		if _, err := from.step("path", attr, true); err != nil {
			return "", "", err
		}
	}
	return steps, attr, nil
}

// step returns the field of a child, or of an attribute, by its name in the document.
func (s *shape) step(of, name string, attr bool) (*field, error) {
	var known []string
	for _, n := range s.names() {
		f := s.fields[n]
		if f.role == text || (f.role == attribute) != attr {
			continue
		}
		if f.step == name {
			return f, nil
		}
		known = append(known, f.step)
	}
	e := problem(of, "libvirt knows no <"+name+"> in "+s.tag())
	if attr {
		e.Message = "libvirt knows no attribute " + name + " of " + s.tag()
	}
	e.Hint = suggest.Hint(name, known)
	return nil, e
}

// tag returns how people call elements of the shape: "<disk>".
func (s *shape) tag() string { return "<" + s.name[strings.LastIndexByte(s.name, '/')+1:] + ">" }
