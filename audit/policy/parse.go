package policy

import (
	"slices"
	"time"

	"github.com/virt-audit/virt-audit/audit/source"
	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/audit/yamldoc"
)

// format describes the file of an edition. It is a short list.
var format = yamldoc.Format{Holds: "one policy", MaxBytes: 16 << 10}

// keys are the keys of the file.
var keys = []string{"name", "title", "date", "source", "evidence", "targets", "undecided", "scope"}

// Parse reads a custom edition: a YAML mapping of
//   - name and title,
//   - date: the day on which the policy was published, as 2025-12-23,
//   - source, and evidence (a list),
//   - targets: for each of QEMU's targets a list of machine families, or of boards by their exact name,
//   - undecided: a list of targets,
//   - scope: what is not a security bug for a guest inside, a mapping of names to sentences.
//
// Name and targets are required. The built-in editions are examples. The file name is for messages. The
// error joins a *source.Error for every problem, in the order of the file.
func Parse(file string, data []byte) (*Edition, error) {
	// Reports name the edition. A custom list must not pass for QEMU's.
	return parse(file, data, Names())
}

func parse(file string, data []byte, reserved []string) (*Edition, error) {
	r := &reader{doc: yamldoc.Parse(file, data, format), reserved: reserved, out: &Edition{families: map[string][]string{}}}
	if root, ok := r.doc.Root(); ok {
		root.Fields("", keys, []string{"name", "targets"}, r.field)
		r.checkUndecided()
	} else if r.doc.Err() == nil {
		r.doc.Errorf(source.Position{Line: 1, Column: 1}, "", "the file is empty")
	}
	if err := r.doc.Err(); err != nil {
		return nil, err
	}
	return r.out, nil
}

// reader reads the values of one file.
type reader struct {
	doc      *yamldoc.Document
	reserved []string // names that the edition must not have
	out      *Edition
	open     []yamldoc.Node // the items of undecided, in the order of the edition's list
}

func (r *reader) field(e yamldoc.Entry) {
	switch n := e.Value; e.Key {
	case "name":
		r.out.Name = r.name(n)
	case "title":
		r.out.Title, _ = n.Text()
	case "date":
		r.out.Date = date(n)
	case "source":
		r.out.Source, _ = n.Text()
	case "evidence":
		n.Words(e.Path, func(_ yamldoc.Node, s string) { r.out.Evidence = append(r.out.Evidence, s) })
	case "targets":
		r.targets(e)
	case "undecided":
		n.Words(e.Path, func(item yamldoc.Node, target string) {
			if r.target(item, target) {
				r.out.undecided, r.open = append(r.out.undecided, target), append(r.open, item)
			}
		})
	case "scope":
		r.scope(e)
	}
}

func (r *reader) name(n yamldoc.Node) string {
	name, ok := n.Text()
	switch {
	case !ok:
	case !plainName(name):
		n.Errorf(allowedCharacters, "invalid name %q", name)
	case slices.Contains(r.reserved, name):
		n.Errorf("", "the name %q is that of a built-in policy", name)
	}
	return name
}

// allowedCharacters are those of plainName.
const allowedCharacters = "use letters, digits, '.', '_' and '-', and begin with a letter or digit"

func date(n yamldoc.Node) string {
	day, ok := n.Text()
	if _, err := time.Parse(time.DateOnly, day); ok && err != nil {
		n.Errorf("", "%q is not a date such as 2025-12-23", day)
	}
	return day
}

// targets reads the mapping of targets to their families.
func (r *reader) targets(e yamldoc.Entry) {
	if e.Value.Kind() != yamldoc.Mapping {
		e.Value.Errorf("", "targets must be a mapping of targets to machine families")
		return
	}
	if e.Value.Len() == 0 {
		r.doc.Errorf(e.At, "", "targets is empty")
	}
	e.Value.Entries(e.Path, func(of yamldoc.Entry) {
		if !r.target(of.KeyNode, of.Key) {
			return
		}
		r.out.families[of.Key] = nil // keeps the entry, so that one mistake is reported once
		if of.Value.Kind() == yamldoc.List && of.Value.Len() == 0 {
			of.Value.Errorf("", "target %s has no machine family", of.Key)
			return
		}
		of.Value.Words(of.Key, func(item yamldoc.Node, name string) {
			if r.family(item, of.Key, name) {
				r.out.families[of.Key] = append(r.out.families[of.Key], name)
			}
		})
	})
}

// family checks one name in the list of a target. A name that is in no known family is a board.
func (r *reader) family(n yamldoc.Node, target, name string) bool {
	m := ParseMachine(target, name)
	switch {
	case !plainName(name):
		n.Errorf(allowedCharacters, "invalid machine family %q", name)
	case m.Family != "" && m.Family != name:
		n.Errorf("list the family", "%q is a member of machine family %s", name, m.Family)
	default:
		return true
	}
	return false
}

// scope reads the mapping of what is excluded to a sentence about it.
func (r *reader) scope(e yamldoc.Entry) {
	if e.Value.Kind() != yamldoc.Mapping {
		e.Value.Errorf("", "scope must be a mapping of names to sentences")
		return
	}
	e.Value.Entries(e.Path, func(of yamldoc.Entry) {
		if !plainName(of.Key) {
			of.KeyNode.Errorf(allowedCharacters, "invalid name %q", of.Key)
			return
		}
		if text, ok := of.Value.Text(); ok {
			r.out.scope = append(r.out.scope, Exclusion{of.Key, text})
		}
	})
}

// checkUndecided checks that no target is both listed and undecided.
func (r *reader) checkUndecided() {
	for i, t := range r.out.undecided {
		if _, listed := r.out.families[t]; listed {
			r.open[i].Errorf("", "target %s is both listed and undecided", t)
		}
	}
}

// target checks the name of a target. Names of libvirt and of distributions are known better than QEMU's.
func (r *reader) target(n yamldoc.Node, name string) bool {
	known := targets()
	if slices.Contains(known, name) {
		return true
	}
	meant := name
	switch {
	case KnownArch(name):
		meant = TargetOf(name)
	case name == "amd64" || name == "x86-64":
		meant = "x86_64"
	case name == "arm64":
		meant = "aarch64"
	case name == "x86" || name == "i486" || name == "i586":
		meant = "i386"
	}
	n.Errorf(suggest.Hint(meant, known), "unknown architecture %q", name)
	return false
}

// plainName reports whether a name is safe to print and has the form of QEMU's machine names.
func plainName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return s != ""
}
