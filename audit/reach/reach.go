// Package reach lists what of its host a guest touches: every file, device, socket, network
// address, executable, libvirt object and setting that a domain document names, wherever in the
// document, with how it is used and which process opens it. It judges nothing; Sensitive only
// returns what kind of place a resource is in.
//
// Three tables drive it: positions.txt (places of a document), options.txt (places of QEMU's
// command line) and sensitive.txt (places of a host). Tests compare the first two with libvirt's
// schema and with QEMU's own lists, so that a new place fails the build.
package reach

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// Resource is one thing of the host that a domain names.
type Resource struct {
	Kind    Kind
	Access  Access
	Opener  Opener
	Relabel bool // libvirt changes the owner (and the label) of the file for the guest

	Role      Role // what the guest has it for
	Shareable bool // the document marks the disk or SCSI device as <shareable/>

	Name    string // in normal form, see hostpath.Opened, ParseHost and the kinds
	Written string // as in the document; "" if it is implied
	At      domxml.Path
	ID      string // of the row of the table: "disk-file", "qemu-chardev-socket-path"

	Implied bool // the document does not name it: libvirt's or QEMU's default

	Endpoint *Endpoint // of a network address; nil for other kinds
}

// Endpoint is a network address that is listened on or connected to.
type Endpoint struct {
	Host      Host
	Port      string // a number, a range "5900-5910" or the name of a service; "" if it is chosen later
	Transport Transport
	TLS       TLS
}

// TLS is whether a connection is encrypted.
type TLS int

// What is known of a connection's encryption.
const (
	TLSUnknown TLS = iota // the host's configuration decides
	TLSOff
	TLSOn
)

// Transport is how an endpoint is reached.
type Transport string

// The transports.
const (
	TCP       Transport = "tcp"
	UDP       Transport = "udp"
	Multicast Transport = "mcast"
	RDMA      Transport = "rdma"
	VSOCK     Transport = "vsock"
	L2TP      Transport = "l2tpv3"
)

// String returns the endpoint as a URL without a path: "tcp://[::1]:5900".
func (e Endpoint) String() string {
	host := e.Host.String()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if e.Port != "" {
		host += ":" + e.Port
	}
	return string(e.Transport) + "://" + host
}

// Of returns what a domain reaches, in the order of the document. What the document implies comes at
// the element that implies it. The time is linear in the size of the document.
func Of(d *domxml.Domain) []Resource {
	w := newWalker(d)
	w.walk()
	return w.out
}
