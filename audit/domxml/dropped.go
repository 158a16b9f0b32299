package domxml

// Dropped is an element that libvirt does not read while other readers do. A document can use it to
// show an auditor something else than what will run.
type Dropped struct {
	Name   string // as written
	Reason DropReason
	Span   Span
}

// DropReason is the reason why libvirt does not read an element.
type DropReason string

// The reasons why an element is dropped.
const (
	Repeated         DropReason = "repeated"          // libvirt reads an earlier element of the same name
	ForeignNamespace DropReason = "foreign namespace" // libvirt reads only its own namespaces
	StrayText        DropReason = "stray text"        // text between elements; Name is the element around it
)
