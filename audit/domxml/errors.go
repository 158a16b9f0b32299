package domxml

import (
	"fmt"
	"slices"
	"strings"
)

// NotDomainError means that a document contains no domain. It is well-formed up to its root
// element, and that element never contains a domain; or it is a well-formed snapshot or checkpoint
// without one. Root is the name of the element as written.
type NotDomainError struct {
	Source, Root string
}

// Error returns the source and the root element.
func (e *NotDomainError) Error() string {
	if e.Root == "domain" { // see foreignDomain
		return e.Source + ": holds no domain of libvirt: the root element <domain> belongs to another application"
	}
	return fmt.Sprintf("%s: holds no domain: the root element is <%s>", e.Source, e.Root)
}

// libvirtRoots lists the root elements of the documents without a domain that libvirt keeps in the
// directories that an administrator may pass as arguments (source: the load functions of libvirt's
// drivers).
var libvirtRoots = strings.Fields(`network networkstatus networkport filter filterbinding filterbindingstatus
	pool poolstate volume secret device interface capabilities domainCapabilities qemuCaps storagepoolCapabilities
	cpu cpudata nodedev hookData domainbackup domainsnapshot domaincheckpoint`)

// Libvirt reports whether the document is one that libvirt writes.
func (e *NotDomainError) Libvirt() bool {
	return slices.Contains(libvirtRoots, e.Root)
}
