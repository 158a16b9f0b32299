// Package live fetches guests from libvirt's daemons: over their sockets, TCP,
// TLS or ssh.
//
// It speaks libvirt's protocol by way of go-libvirt, which trusts the daemon.
// We do not: between the two stands a guard that lets through only replies that
// were asked for and are what they should be, and every call is bounded in
// time. A daemon that is silent, slow, broken or hostile costs its own host's
// guests and nothing else.
//
// Nothing is changed on any host, and no daemon is started.
package live

import (
	"fmt"
	"iter"
	"os"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
)

// DefaultTimeout is how long one call may take when [Options] does not say.
const DefaultTimeout = 30 * time.Second

// maxHosts is how many hosts are asked at a time.
const maxHosts = 16

// Options are the parts of a collection that its URIs do not say.
type Options struct {
	// ReadOnly uses the read-only socket, or tells the daemon where there is no
	// such socket. Passwords are then not to be had, nor what a managed save
	// holds.
	ReadOnly bool
	// Timeout bounds each call, and the making of a connection. Zero means
	// [DefaultTimeout].
	Timeout time.Duration
	// Guests names the guests that are wanted, by name, UUID or id, as virsh
	// does. None means all.
	Guests []string
	// Getenv is os.Getenv, or what a test has instead.
	Getenv func(string) string
}

// Host is what one connection has given.
type Host struct {
	// URI is the connection as the user typed it, without a password.
	URI string
	// Local: it is this host, by the socket that is its own.
	Local bool
	// Documents are the guests', in the order of their names: of each what
	// runs, what is stored, and what could be brought back.
	Documents []*collect.Document
	// Problems are guests, or the whole host, that could not be fetched.
	Problems []*collect.Problem
	// Notes are what the user should know without its being a problem: guests
	// that went away meanwhile, things that a read-only connection hides.
	Notes []string

	// Facts of the host, as text of libvirt's; empty where the connection may
	// not ask, or the driver does not know.
	Capabilities       string
	DomainCapabilities string
	Hostname           string
	LibvirtVersion     string // "9.0.0"
	HypervisorVersion  string
}

// Hosts fetches from all URIs, several at a time, and yields each host in the
// order of the URIs. A host that cannot be reached is one with a problem.
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
