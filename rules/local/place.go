package local

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit/suggest"
)

// elementsAt parses a path of elements. It returns the fields that lead to the elements, and their
// shape. of is the field of the configuration that contains the path, for errors.
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

// placeIn checks and splits the path of findings, relative to an element of a shape.
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
	e := problem(of, "libvirt does not know <"+name+"> in "+s.tag())
	if attr {
		e.Message = "libvirt does not know attribute " + name + " of " + s.tag()
	}
	e.Hint = suggest.Hint(name, known)
	return nil, e
}

// tag returns the tag of elements of the shape, for messages: "<disk>".
func (s *shape) tag() string { return "<" + s.name[strings.LastIndexByte(s.name, '/')+1:] + ">" }
