// Package factscmd is 'virt-audit facts': it collects what is known of a host, to judge its guests
// elsewhere.
package factscmd

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/virt-audit/virt-audit/audit/collect/live"
	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
)

// collection is where facts come from, and where they are written.
type collection struct {
	*options.HostFiles
	output, uri string
}

// New returns the command.
func New() *command.Command {
	c := &collection{HostFiles: options.NewHostFiles()}
	return &command.Command{
		Name:    "facts",
		Usage:   "write the facts about this host, to judge its guests elsewhere with --facts",
		Example: "'virt-audit facts -o FILE' writes to a file",
		Description: "Reads files; with --connect it asks libvirt for capabilities and versions, which can also be given as\n" +
			"--capabilities FILE, as 'virsh capabilities' prints them. The facts contain no password.",
		Flags: slices.Concat([]*command.Flag{
			{
				Name:     "output",
				Short:    "o",
				Metavar:  "FILE",
				Usage:    "write to FILE, whole or not at all",
				Category: options.AboutOutput,
				Complete: command.AnyFile,
				Variable: options.NoVariable, Value: command.Text(&c.output), // VIRT_AUDIT_OUTPUT is the report's
			},
			{
				Name:     "connect",
				Short:    "c",
				Metavar:  "URI",
				Usage:    "ask libvirt at URI too",
				Category: options.AboutConnection,
				Complete: options.LocalURIs,
				Value:    command.Text(&c.uri),
			},
		}, c.Flags()),
		Run: c.run,
	}
}

// noGuest is a UUID that no guest has: libvirt refuses it.
const noGuest = "00000000-0000-0000-0000-000000000000"

// run writes the facts. What cannot be read is an error: guests would be judged by half of the
// facts.
func (c *collection) run(inv *command.Invocation) error {
	f, errs := c.find(inv.Streams)
	f, err := c.Add(f)
	if err != nil {
		return err
	}
	for _, err := range errs {
		inv.Errorf("%v", err)
	}
	if len(errs) > 0 {
		return cmdutil.Exit(cmdutil.ExitInput)
	}
	out, done, err := inv.Output(c.output)
	if err != nil {
		return err
	}
	if err := host.WriteFacts(out, f); err != nil {
		return errors.Join(fmt.Errorf("write the facts: %w", err), done(false))
	}
	if err := done(true); err != nil {
		return fmt.Errorf("write the facts: %w", err)
	}
	return nil
}

// find collects the facts of the host's files, and of libvirt if it is asked.
func (c *collection) find(s *cmdutil.Streams) (*host.Facts, []error) {
	root := c.Root
	if root == "" {
		root = "/"
	}
	f, errs := host.Find(host.Places{Root: root, Getenv: os.Getenv})
	if c.uri == "" {
		return f, errs
	}
	// A guest that does not exist is asked for, so that no other is fetched: its absence is the one
	// problem that may remain.
	h := live.Fetch(c.uri, live.Options{ReadOnly: true, Guests: []string{noGuest}})
	if h.Capabilities == "" {
		for _, p := range h.Problems {
			errs = append(errs, p)
		}
	}
	found := options.LiveFacts(s, h)
	found.Add(f)
	return found, errs
}
