// Package edit changes domain documents without changing any other byte: the layout, comments,
// quotes and order of a document stay as they are.
//
// A fix is a list of edits. Each edit names its place with the path that a rule judged, and so
// changes the element that libvirt reads.
package edit

import "github.com/virt-audit/virt-audit/audit/domxml"

// Op is what an edit does.
type Op string

// The operations.
const (
	OpSet     Op = "set"     // At gets the value Text: an attribute, or the text of an element
	OpInsert  Op = "insert"  // the element Text is added below the element At
	OpReplace Op = "replace" // the element At becomes the element Text
	OpRemove  Op = "remove"  // the attribute or element At is removed
)

// Edit is one change of a document. Elements are written as XML, with the prefixes that domxml uses
// ("qemu:arg"); a document may have other prefixes, quotes and indentation, which the edit adopts.
type Edit struct {
	Op   Op
	At   domxml.Path
	Text string
}

// Set returns the edit that sets an attribute, or the text of an element if the path has no
// attribute. Elements of the path that do not exist are created, unless libvirt reads them as a
// list.
func Set(at domxml.Path, value string) Edit { return Edit{OpSet, at, value} }

// Insert returns the edit that adds an element below another, where libvirt writes it among its
// siblings: after those of its own name. Parents that do not exist are created.
func Insert(below domxml.Path, element string) Edit { return Edit{OpInsert, below, element} }

// Replace returns the edit that puts an element in the place of another.
func Replace(at domxml.Path, element string) Edit { return Edit{OpReplace, at, element} }

// Remove returns the edit that removes an attribute, or an element with the line that it is on. The
// passthrough command line goes with the last of its arguments and variables; any other parent
// stays.
func Remove(at domxml.Path) Edit { return Edit{OpRemove, at, ""} }

// RemoveOption returns the edits that remove an option of the passthrough command line: the
// arguments with its name and its value.
func RemoveOption(o domxml.Option) []Edit {
	edits := []Edit{Remove(o.Path.Attr(""))}
	if o.At != o.Path {
		edits = append(edits, Remove(o.At.Attr("")))
	}
	return edits
}

// String describes the edit without its text, which may be a secret.
func (e Edit) String() string {
	if e.Op == OpInsert {
		return "insert below " + e.At.String()
	}
	return string(e.Op) + " " + e.At.String()
}

// Replacement is a range of bytes of a document, and what takes its place.
type Replacement struct {
	domxml.Span
	Text string
}
