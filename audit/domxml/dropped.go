package domxml

// Dropped is an element that was left out because libvirt does not read it either, while other
// readers do: a way to show an auditor something else than what will run.
type Dropped struct {
	Name   string // as written
	Reason DropReason
	Span   Span
}

// DropReason says why libvirt does not read an element.
type DropReason string

// The reasons for which an element is dropped.
const (
	Repeated         DropReason = "repeated"          // an earlier one of the same name counts
	ForeignNamespace DropReason = "foreign namespace" // libvirt looks in its own namespaces only
	StrayText        DropReason = "stray text"        // libvirt looks for elements there; Name is that around the text
)
