package domxml

import (
	"fmt"
	"slices"
	"strings"
)

// InputError is an input that cannot be read or understood. Its text names the place first, so that
// editors and terminals can jump there. It holds no value from the document that could be a secret.
type InputError struct {
	Source       string // what the user is shown: a file, or the name given to standard input
	Line, Column int    // from one, columns in code points; 0 when the input as a whole is meant
	Message      string // what was wrong, and what libvirt does with it
	Err          error  // the cause, when there is one that callers may ask for
}

// Error returns "source:line:column: message".
func (e *InputError) Error() string {
	return e.Place() + ": " + e.Message
}

// Place returns "source:line:column", or the source alone.
func (e *InputError) Place() string {
	if e.Line == 0 {
		return e.Source
	}
	return fmt.Sprintf("%s:%d:%d", e.Source, e.Line, e.Column)
}

// Unwrap returns the cause, if any.
func (e *InputError) Unwrap() error { return e.Err }

// NotDomainError says that a document holds no domain: it is well-formed up to its root element, and
// that is none that holds one; or it is a snapshot or checkpoint, well-formed, that states none. Root is
// the element's name as written.
type NotDomainError struct {
	Source, Root string
}

// Error says which root element was found.
func (e *NotDomainError) Error() string {
	if e.Root == "domain" { // see foreignDomain
		return e.Source + ": holds no domain of libvirt: the root element <domain> is that of another program"
	}
	return fmt.Sprintf("%s: holds no domain: the root element is <%s>", e.Source, e.Root)
}

// libvirtRoots are the root elements of the documents without a domain that libvirt keeps in the
// folders which an administrator would give us (source: the load functions of libvirt's drivers).
var libvirtRoots = strings.Fields(`network networkstatus networkport filter filterbinding filterbindingstatus
	pool poolstate volume secret device interface capabilities domainCapabilities qemuCaps storagepoolCapabilities
	cpu cpudata nodedev hookData domainbackup domainsnapshot domaincheckpoint`)

// Libvirt reports whether the document is one of libvirt's own.
func (e *NotDomainError) Libvirt() bool {
	return slices.Contains(libvirtRoots, e.Root)
}
