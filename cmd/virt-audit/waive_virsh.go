package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/collect/live"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/report"
)

// waiveGuest prints the command for a guest that goes by its name.
func (s *streams) waiveGuest(c *cli.Context, name string, e *waiving) error {
	d, err := s.definition(c, name, "")
	if err != nil {
		return err
	}
	if d != nil {
		if err := e.effective(d); err != nil {
			return err
		}
	}
	return s.virsh(c, d, guestID{name: name}, e)
}

// waiveOwn prints the command for the guest of a file of libvirt's. The waivers that it has already are those
// of its definition; the file may be about the guest as it runs, or was.
func (s *streams) waiveOwn(c *cli.Context, d *audit.Domain, e *waiving) error {
	if err := e.effective(d); err != nil {
		return err
	}
	stored := d
	if d.Origin.Kind != audit.Stored {
		var err error
		if stored, err = s.definition(c, d.Name, d.UUID); err != nil {
			return err
		}
	}
	return s.virsh(c, stored, guestID{d.Name, d.UUID}, e)
}

// guestID is what a guest goes by.
type guestID struct{ name, uuid string }

// word returns the word of virsh's command line that means the guest and no other: virsh takes it for a
// number first, then for a UUID, then for a name, and "--all" for an option of its own.
func (g guestID) word() (string, error) {
	if dashedUUID.MatchString(g.uuid) {
		return g.uuid, nil
	}
	switch {
	case number.MatchString(g.name), dashedUUID.MatchString(g.name):
		return "", &usageError{fmt.Sprintf("the name %q may mean another guest to virsh, by its number or UUID", g.name), "give the UUID of the guest to virsh, or the file of its definition here"}
	case report.Printable(g.name) != g.name:
		return "", &usageError{fmt.Sprintf("the name %s has characters that do not print, and cannot be typed", report.Printable(g.name)), "give the UUID of the guest to virsh, or the file of its definition here"}
	}
	return "--domain=" + report.ShellQuote(g.name), nil
}

var (
	dashedUUID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	number     = regexp.MustCompile(`^\s*[+-]?[0-9]+$`)
)

// virsh prints the command that has libvirt store the waiver together with those that the guest has: it
// replaces them all. d is the definition, or nil when that is not known.
func (s *streams) virsh(c *cli.Context, d *audit.Domain, g guestID, e *waiving) error {
	var old []*audit.Waiver
	if d != nil {
		old, g = d.Waivers, guestID{d.Name, d.UUID}
	}
	guest, err := g.word()
	if err != nil {
		return err
	}
	command := []string{"virsh"}
	if uri := c.String("connect"); uri != "" {
		command = append(command, "-c", report.ShellQuote(uri))
	}
	command = append(command, "metadata", guest, report.ShellQuote(domxml.WaiverNamespace), "--key", "va", "--set", report.ShellQuote(domxml.WaiverText(old, e.Waiver)), "--config")
	line := strings.Join(command, " ")
	if report.Printable(line) != line {
		return usagef("the command has characters that do not print: %s", report.Printable(line))
	}
	name := report.Printable(g.name)
	if guest == g.uuid {
		fmt.Fprintf(s.err, "virt-audit: %s is guest %s\n", guest, name)
	}
	if d == nil {
		fmt.Fprintf(s.err, "virt-audit: no definition of guest %s can be read here: the command replaces the waivers that it may have\n", name)
	}
	for _, w := range old {
		if !w.Kept() {
			fmt.Fprintf(s.err, "virt-audit: line %d of %s has a waiver that is none, and is not in the command: %s\n", w.Pos.Line, report.Printable(w.Source), report.Printable(w.Wrong()))
		}
	}
	if _, err := fmt.Fprintln(s.out, line); err != nil {
		return err
	}
	fmt.Fprintln(s.err, "virt-audit: a guest that runs has the waiver from its next start on; with --live too it has it at once")
	return nil
}

// definition returns what libvirt has stored of a guest, or nil when that cannot be had. Of namesakes, such as
// a container and a virtual machine, the UUID tells which is meant; "" is any.
func (s *streams) definition(c *cli.Context, name, uuid string) (*audit.Domain, error) {
	if uri := c.String("connect"); uri != "" {
		return s.defined(uri, name)
	}
	for document, err := range collect.Operands(hostFolders(c), collect.Options{}) {
		if err != nil {
			continue
		}
		data, err := document.Read()
		if err != nil {
			continue
		}
		domains, err := domxml.LoadAll(document.Source, data)
		if err != nil {
			continue
		}
		for _, d := range domains {
			if d.Name == name && d.Origin.Kind == audit.Stored && (uuid == "" || strings.EqualFold(d.UUID, uuid)) {
				return d, nil
			}
		}
	}
	return nil, nil
}

// defined asks libvirt for the stored definition of a guest.
func (s *streams) defined(uri, name string) (*audit.Domain, error) {
	for h := range live.Hosts([]string{uri}, live.Options{ReadOnly: true, Guests: []string{name}, Timeout: live.DefaultTimeout}) {
		for _, p := range h.Problems {
			return nil, usagef("%v", p)
		}
		for _, document := range h.Documents {
			if document.Origin.Kind != audit.Stored {
				continue
			}
			data, err := document.Read()
			if err != nil {
				return nil, usagef("%v", err)
			}
			d, err := domxml.Load(document.Source, data)
			if err != nil {
				return nil, usagef("%v", err)
			}
			return d, nil
		}
	}
	return nil, usagef("%s has no definition of a guest %q", uri, name)
}
