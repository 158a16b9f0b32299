package domxml

import (
	"fmt"
	"slices"
	"strings"
)

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
