package options

import (
	"bytes"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/collect/live"
	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
)

// Connection is which libvirt is asked for guests.
type Connection struct {
	URIs     []string
	ReadOnly bool
	Timeout  time.Duration

	connect, readOnly, timeout *command.Flag
}

// NewConnection returns the group.
func NewConnection() *Connection {
	c := &Connection{Timeout: live.DefaultTimeout}
	c.connect = &command.Flag{
		Name:     "connect",
		Short:    "c",
		Metavar:  "URI",
		Repeated: true,
		Usage:    "audit the guests of libvirt at URI, repeatable; arguments then name guests",
		Category: AboutConnection, Complete: LocalURIs, Value: command.List(&c.URIs),
	}
	c.readOnly = &command.Flag{
		Name:     "readonly",
		Short:    "r",
		Usage:    "connect for reading only: no passwords are fetched",
		Category: AboutConnection,
		Value:    command.Switch(&c.ReadOnly),
	}
	c.timeout = &command.Flag{
		Name:     "timeout",
		Metavar:  "DURATION",
		Usage:    "stop waiting for an answer after this DURATION",
		Category: AboutConnection,
		Value:    command.Duration(&c.Timeout),
	}
	return c
}

// LocalURIs completes the URIs of drivers that have daemons on this host; others name a host that
// only the user knows.
var LocalURIs = command.OneOf("qemu:///system", "qemu:///session", "xen:///system", "lxc:///system", "bhyve:///system", "ch:///system")

// Flags returns the rows of the group.
func (c *Connection) Flags() []*command.Flag {
	return []*command.Flag{c.connect, c.readOnly, c.timeout}
}

// ConnectFlag returns the row of --connect.
func (c *Connection) ConnectFlag() *command.Flag { return c.connect }

// Resolve returns the URIs to connect to; there are none if files are audited. libvirt's own
// variable applies only if the command line has no argument: 'virt-audit web.xml' reads a file,
// whatever is exported.
func (c *Connection) Resolve(args []string) ([]string, error) {
	var uris []string
	for _, value := range c.URIs {
		if uris = append(uris, strings.Fields(value)...); strings.TrimSpace(value) == "" {
			uris = append(uris, "") // an error later: a variable that is not set must not mean something else
		}
	}
	if len(uris) == 0 && len(args) == 0 {
		if uri := os.Getenv("LIBVIRT_DEFAULT_URI"); uri != "" {
			uris = []string{uri}
		}
	}
	if len(uris) > 0 && c.Timeout <= 0 {
		return nil, cmdutil.Usagef("--timeout: must be positive")
	}
	return uris, nil
}

// Fetch fetches the guests of hosts; names selects some of them. It prints the notes of the hosts. All
// hosts have answered, or failed to, when it returns.
func (c *Connection) Fetch(s *cmdutil.Streams, uris, names []string) []*live.Host {
	hosts := slices.Collect(live.Hosts(uris, live.Options{ReadOnly: c.ReadOnly, Timeout: c.Timeout, Guests: names}))
	for _, h := range hosts {
		for _, note := range h.Notes {
			s.Errorf("%s", note)
		}
	}
	return hosts
}

// Documents yields the documents of hosts, host by host, and what could not be fetched.
func Documents(hosts []*live.Host) iter.Seq2[*collect.Document, error] {
	return func(yield func(*collect.Document, error) bool) {
		for _, h := range hosts {
			for _, d := range h.Documents {
				if !yield(d, nil) {
					return
				}
			}
			for _, p := range h.Problems {
				if !yield(nil, p) {
					return
				}
			}
		}
	}
}

// LiveFacts returns the facts about a host from what libvirt origin, and from its files if it is
// this host. Texts that cannot be parsed are reported on standard error, and not among the facts.
func LiveFacts(s *cmdutil.Streams, h *live.Host) *host.Facts {
	warn := func(err error) {
		if err != nil {
			s.Errorf("%v", err)
		}
	}
	f := &host.Facts{Version: host.FactsVersion}
	if h.Local {
		var errs []error
		f, errs = host.Find(host.Places{Root: "/", Getenv: os.Getenv})
		for _, err := range errs {
			warn(err)
		}
	}
	f.LibvirtVersion, f.QEMUVersion = h.LibvirtVersion, h.HypervisorVersion
	if h.Capabilities != "" {
		caps, err := host.ParseCapabilities(h.URI+" (capabilities)", []byte(h.Capabilities))
		warn(err)
		if caps != nil {
			f.Capabilities = caps
		}
	}
	if text := []byte(h.DomainCapabilities); len(bytes.TrimSpace(text)) > 0 {
		caps, err := host.ParseDomainCapabilities(h.URI+" (domain capabilities)", text)
		warn(err)
		if caps != nil {
			f.DomainCapabilities = append(f.DomainCapabilities, *caps)
		}
	}
	return f
}
