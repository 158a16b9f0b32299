package edit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// step is an edit whose place was found in a document.
type step struct {
	Edit
	at      domxml.Element // the element, or its nearest existing ancestor
	missing []string       // the steps below it that do not exist
	element *element       // what Text describes; for OpInsert and OpReplace
	claims  []claim
}

// claim is a part of a document that an edit decides, and what it decides. Two edits agree if they
// make the same of every part that both claim.
type claim struct {
	place
	value string
}

// place is a part of a document.
type place struct {
	at    domxml.Element
	below string // the steps below the element that do not exist yet: "memoryBacking/access"
	part  part
	name  string // of an attribute or a child
}

type part uint8

const (
	whole     part = iota // the element with everything in it
	attribute             // one attribute
	content               // whether the element contains text, and which, or elements
	child                 // a new element
)

// children is the value of a place that contains elements.
const children = "elements"

// resolveEdit finds the place of an edit. It returns an error if the edit cannot be made.
func resolveEdit(d *domxml.Domain, e Edit) (*step, error) {
	s := &step{Edit: e}
	if s.at, s.missing = d.Find(e.At); s.at.Name == "metadata" && len(s.missing) > 0 {
		return nil, errors.New("the content of <metadata> belongs to others")
	}
	name := e.At.Attribute()
	var err error
	switch {
	case e.Op == OpSet && name != "":
		err = s.setAttribute(name)
	case e.Op == OpSet:
		err = s.setText(d)
	case e.Op == OpRemove && name != "":
		if _, ok := s.at.Attr(name); !ok || len(s.missing) > 0 {
			return nil, errors.New("there is no such attribute")
		}
		s.claim("", attribute, name, "")
	case name != "":
		return nil, errors.New("the path is that of an attribute")
	case e.Op == OpInsert:
		err = s.insert()
	case e.Op == OpReplace || e.Op == OpRemove:
		err = s.takeWhole()
	default:
		return nil, fmt.Errorf("unknown operation %q", e.Op)
	}
	return s, err
}

func (s *step) claim(below string, p part, name, value string) {
	s.claims = append(s.claims, claim{place{s.at, below, p, name}, value})
}

// create claims the steps that do not exist, and returns them as one path.
func (s *step) create() (below string, err error) {
	parent := s.at.Name
	for i, name := range s.missing {
		switch {
		case s.at.Depth+i+1 >= domxml.MaxDepth:
			return "", errors.New("the path is too long")
		case !validName(name):
			return "", fmt.Errorf("there is no %s", name)
		case domxml.Repeats(parent, name):
			return "", fmt.Errorf("there is no %s in <%s>: one of several must be inserted", name, parent)
		}
		below = strings.Join(s.missing[:i], "/")
		s.claim(below, content, "", children)
		s.claim(below, child, name, "")
		parent = name
	}
	return strings.Join(s.missing, "/"), nil
}

func (s *step) setAttribute(name string) error {
	if !validName(name) || strings.Contains(name, ":") || name == "xmlns" {
		return fmt.Errorf("%q is not the name of an attribute", name)
	}
	if err := checkText(s.Text); err != nil {
		return err
	}
	below, err := s.create()
	s.claim(below, attribute, name, "="+s.Text)
	return err
}

func (s *step) setText(d *domxml.Domain) error {
	if err := checkText(s.Text); err != nil {
		return err
	}
	if len(s.missing) == 0 {
		for range s.at.All() {
			return errors.New("the element contains elements")
		}
		if s.at.Merged() {
			return errors.New("libvirt reads several elements of the document as this one")
		}
		if _, ok := textSpan(d.Document(), s.at.Inside()); !ok {
			return errors.New("the text is in pieces")
		}
	}
	below, err := s.create()
	s.claim(below, content, "", "="+s.Text)
	return err
}

func (s *step) insert() (err error) {
	if s.element, err = parseElement(s.Text); err != nil {
		return err
	}
	below, err := s.create()
	if err != nil {
		return err
	}
	name, parent := s.element.name, s.at.Name
	if len(s.missing) > 0 {
		parent = s.missing[len(s.missing)-1]
	}
	s.claim(below, content, "", children)
	if domxml.Repeats(parent, name) {
		// Two of them are different edits unless they are the same in every byte.
		s.claim(below, child, name+" "+s.Text, s.Text)
		return nil
	}
	s.claim(below, child, name, "="+s.Text)
	if len(s.missing) == 0 {
		for range s.at.Children(name) {
			return fmt.Errorf("there already is a <%s>, and libvirt reads one", name)
		}
	}
	return nil
}

// takeWhole claims an element for its removal or replacement.
func (s *step) takeWhole() (err error) {
	switch {
	case len(s.missing) > 0:
		return errors.New("there is no such element")
	case s.at.Depth == 0:
		return errors.New("the root element cannot be removed or replaced")
	case s.at.Merged():
		return errors.New("libvirt reads several elements of the document as this one")
	case s.Op == OpReplace:
		s.element, err = parseElement(s.Text)
	}
	s.claim("", whole, "", string(s.Op)+" "+s.Text)
	return err
}

// checkText refuses a value that XML cannot hold.
func checkText(s string) error {
	for i, c := range s {
		switch {
		case c == '\uFFFD' && !strings.HasPrefix(s[i:], "\uFFFD"):
			return errors.New("the value is not UTF-8 text")
		case c < ' ' && c != '\t' && c != '\n' && c != '\r', c == 0xFFFE, c == 0xFFFF:
			return fmt.Errorf("XML cannot hold the character U+%04X", c)
		}
	}
	return nil
}

// validName reports whether an element or attribute can have the name. Names that libvirt uses are
// ASCII.
func validName(name string) bool {
	letter := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
	if name == "" || !letter(name[0]) {
		return false
	}
	return !slices.ContainsFunc([]byte(name), func(c byte) bool {
		return !letter(c) && (c < '0' || c > '9') && c != '-' && c != '.' && c != ':'
	})
}
