package main

import (
	"bytes"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/collect/live"
	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/audit/report"
)

const aboutConnecting = "Live guests:"

func connectFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "connect", Aliases: []string{"c"}, Usage: "audit the guests of libvirt at `URI`, repeatable; operands then name guests", EnvVars: env("connect"), Category: aboutConnecting},
		&cli.BoolFlag{Name: "readonly", Aliases: []string{"r"}, Usage: "connect for reading only: no passwords are fetched", EnvVars: env("readonly"), Category: aboutConnecting},
		&cli.DurationFlag{Name: "timeout", Value: live.DefaultTimeout, Usage: "give up waiting for an answer after this `DURATION`", EnvVars: env("timeout"), Category: aboutConnecting},
	}
}

// connections returns the URIs to connect to; none where files are to be audited. libvirt's own variable
// counts when nothing else is said: who exports it still wants 'virt-audit web.xml' to read a file.
func connections(c *cli.Context) []string {
	var uris []string
	for _, value := range c.StringSlice("connect") {
		if uris = append(uris, strings.Fields(value)...); strings.TrimSpace(value) == "" {
			uris = append(uris, "") // to be complained about: an unset variable must not mean something else
		}
	}
	if len(uris) == 0 && c.NArg() == 0 {
		if uri := os.Getenv("LIBVIRT_DEFAULT_URI"); uri != "" {
			uris = []string{uri}
		}
	}
	return uris
}

// connected fetches the guests of hosts, and the facts about those hosts, which it adds to the
// configuration. The documents come host by host.
func (s *streams) connected(c *cli.Context, uris []string, cfg *audit.Settings) (iter.Seq2[*collect.Document, error], error) {
	if c.Duration("timeout") <= 0 {
		return nil, usagef("option --timeout: must be positive")
	}
	options := live.Options{ReadOnly: c.Bool("readonly"), Timeout: c.Duration("timeout"), Guests: c.Args().Slice()}
	// Before the first guest is judged, all hosts have answered: what is known of them decides too.
	hosts := slices.Collect(live.Hosts(uris, options))
	for _, h := range hosts {
		for _, note := range h.Notes {
			fmt.Fprintf(s.err, "virt-audit: %s\n", report.Printable(note))
		}
		if cfg.Hosts == nil {
			cfg.Hosts = map[string]*host.Facts{}
		}
		cfg.Hosts[h.URI] = s.facts(h)
		cfg.Hosts[h.URI].Add(cfg.Host) // what was given goes before what was found
	}
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
	}, nil
}

// facts makes of libvirt's texts what rules ask about; of this host, its files tell more. A text that is
// not understood is told of, and then not among the facts.
func (s *streams) facts(h *live.Host) *host.Facts {
	complain := func(err error) {
		if err != nil {
			fmt.Fprintf(s.err, "virt-audit: %s\n", report.Printable(err.Error()))
		}
	}
	f := &host.Facts{Version: host.FactsVersion}
	if h.Local {
		var errs []error
		f, errs = host.Find(host.Places{Root: "/", Getenv: os.Getenv})
		for _, err := range errs {
			complain(err)
		}
	}
	f.LibvirtVersion, f.QEMUVersion = h.LibvirtVersion, h.HypervisorVersion
	if h.Capabilities != "" {
		caps, err := host.ParseCapabilities(h.URI+" (capabilities)", []byte(h.Capabilities))
		complain(err)
		if caps != nil {
			f.Capabilities = caps
		}
	}
	if text := []byte(h.DomainCapabilities); len(bytes.TrimSpace(text)) > 0 {
		caps, err := host.ParseDomainCapabilities(h.URI+" (domain capabilities)", text)
		complain(err)
		if caps != nil {
			f.DomainCapabilities = append(f.DomainCapabilities, *caps)
		}
	}
	return f
}
