// Package live fetches guests from libvirt's daemons: over their sockets, TCP, TLS or ssh.
//
// It uses go-libvirt for libvirt's protocol. go-libvirt trusts the daemon; this package does not. A
// guard between the two passes on only well-formed replies to calls that were made, and every call
// has a time limit. If a daemon is silent, slow, broken or hostile, only the guests of its own host
// cannot be audited.
//
// The package starts no daemon, and changes nothing on any host but by Define. Connections for
// anything else cannot make that call.
package live

import (
	"fmt"
	"iter"
	"os"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
)

// DefaultTimeout is the time limit of one call if [Options] sets none.
const DefaultTimeout = 30 * time.Second

// maxHosts is the largest number of hosts that are queried at the same time.
const maxHosts = 16

// Options are the settings of a collection, apart from its URIs.
type Options struct {
	// ReadOnly uses the read-only socket and opens the connection with the read-only flag.
	// Passwords and the contents of managed saves are not available then.
	ReadOnly bool
	// Timeout limits each call, and the opening of a connection. Zero means [DefaultTimeout].
	Timeout time.Duration
	// Guests selects guests by name, UUID or id, as virsh does. If it is empty, all are fetched.
	Guests []string
	// Getenv is os.Getenv, or its replacement in a test.
	Getenv func(string) string
}

// Host is the result of one connection.
type Host struct {
	// URI is the connection as the user typed it, without a password.
	URI string
	// Local is set if the connection uses a default socket of this host.
	Local bool
	// Documents are those of the guests, in the order of the guests' names. Each guest's are the
	// running document, the definition, and what could be restored: managed save, snapshots and
	// checkpoints.
	Documents []*collect.Document
	// Problems are guests, or the whole host, that could not be fetched.
	Problems []*collect.Problem
	// Notes are messages for the user that are not problems: guests that vanished meanwhile, and
	// content that a read-only connection does not return.
	Notes []string

	// Facts of the host, as libvirt prints them. A fact is empty if the connection lacks the
	// permission, or if the driver does not support the call.
	Capabilities       string
	DomainCapabilities string
	Hostname           string
	LibvirtVersion     string // "9.0.0"
	HypervisorVersion  string
}

// Hosts fetches from all URIs, several at a time, and yields each host in the order of the URIs. A
// host that cannot be reached is yielded with a problem.
func Hosts(uris []string, o Options) iter.Seq[*Host] {
	return audit.Ordered(min(len(uris), maxHosts), func(yield func(string) bool) {
		for _, uri := range uris {
			if !yield(uri) {
				return
			}
		}
	}, func(uri string) *Host { return Fetch(uri, o) })
}

// Fetch fetches the guests of one host. The result is never nil.
func Fetch(uri string, o Options) *Host {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	h := &Host{URI: uri}
	t, err := parseURI(uri)
	if err != nil {
		h.URI = withoutPassword(uri)
		if uri == "" {
			h.URI = `""`
		}
		h.problem(h.URI, err)
		return h
	}
	h.URI = t.shown
	h.Local = t.transport == "unix" && !t.params.Has("socket")
	s, err := connect(t, o)
	if err != nil {
		h.problem(h.URI, err)
		return h
	}
	defer s.close()
	f := &fetcher{Host: h, session: s, secure: !o.ReadOnly}
	f.host()
	f.guests(o.Guests)
	return h
}

func (h *Host) problem(source string, err error) {
	h.Problems = append(h.Problems, &collect.Problem{Source: source, Err: err})
}

func (h *Host) notef(format string, args ...any) {
	h.Notes = append(h.Notes, h.URI+": "+fmt.Sprintf(format, args...))
}
