package waive

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/collect/live"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
)

// waiveGuest prints the command for a guest that is given by its name.
func (r *run) waiveGuest(name string, e *waiving) error {
	d, err := r.definition(name, "")
	if err != nil {
		return err
	}
	if d != nil {
		if err := e.effective(d); err != nil {
			return err
		}
	}
	return r.virsh(d, guestID{name: name}, e)
}

// waiveOwn prints the command for the guest of a file of libvirt's. The waivers that the guest has
// are in its definition; the file may describe the guest as it runs, or as it was.
func (r *run) waiveOwn(d *audit.Domain, e *waiving) error {
	if err := e.effective(d); err != nil {
		return err
	}
	stored := d
	if d.Origin.Kind != audit.Stored {
		var err error
		if stored, err = r.definition(d.Name, d.UUID); err != nil {
			return err
		}
	}
	return r.virsh(stored, guestID{d.Name, d.UUID}, e)
}

// guestID identifies a guest.
type guestID struct{ name, uuid string }

// word returns the word of virsh's command line that names the guest and no other: virsh reads it
// as a number first, then as a UUID, then as a name, and "--all" as an option.
func (g guestID) word() (string, error) {
	if dashedUUID.MatchString(g.uuid) {
		return g.uuid, nil
	}
	switch {
	case number.MatchString(g.name), dashedUUID.MatchString(g.name):
		return "", &cmdutil.UsageError{
			Message: fmt.Sprintf("the name %q may mean another guest to virsh, by its number or UUID", g.name),
			Hint:    "give the UUID of the guest to virsh, or the file of its definition here",
		}
	case report.Printable(g.name) != g.name:
		return "", &cmdutil.UsageError{
			Message: fmt.Sprintf("the name %s has characters that do not print, and cannot be typed", report.Printable(g.name)),
			Hint:    "give the UUID of the guest to virsh, or the file of its definition here",
		}
	}
	return "--domain=" + report.ShellQuote(g.name), nil
}

var (
	dashedUUID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	number     = regexp.MustCompile(`^\s*[+-]?[0-9]+$`)
)

// virsh prints the command that makes libvirt store the waiver together with those that the guest
// has: it replaces them all. d is the definition, or nil if it is not known.
func (r *run) virsh(d *audit.Domain, g guestID, e *waiving) error {
	var old []*audit.Waiver
	if d != nil {
		old, g = d.Waivers, guestID{d.Name, d.UUID}
	}
	guest, err := g.word()
	if err != nil {
		return err
	}
	command := []string{"virsh"}
	if uri := r.uri; uri != "" {
		command = append(command, "-c", report.ShellQuote(uri))
	}
	command = append(command, "metadata", guest, report.ShellQuote(domxml.WaiverNamespace), "--key", "va", "--set", report.ShellQuote(domxml.WaiverText(old, e.Waiver)), "--config")
	line := strings.Join(command, " ")
	if report.Printable(line) != line {
		return cmdutil.Usagef("the command has characters that do not print: %s", report.Printable(line))
	}
	name := report.Printable(g.name)
	if guest == g.uuid {
		r.Errorf("%s is guest %s", guest, name)
	}
	if d == nil {
		r.Errorf("no definition of guest %s can be read here: the command replaces any waivers that it has", name)
	}
	for _, w := range old {
		if !w.Kept() {
			r.Errorf("line %d of %s has a waiver that is not valid, and is not in the command: %s", w.Pos.Line, report.Printable(w.Source), report.Printable(w.Wrong()))
		}
	}
	if _, err := fmt.Fprintln(r.Out, line); err != nil {
		return err
	}
	r.Errorf("a guest that runs has the waiver from its next start on; add --live to apply it at once")
	return nil
}

// definition returns the stored definition of a guest, or nil if it cannot be read. A container and
// a virtual machine may have one name: the UUID decides; "" is any.
func (r *run) definition(name, uuid string) (*audit.Domain, error) {
	if uri := r.uri; uri != "" {
		return r.defined(uri, name)
	}
	for document, err := range collect.Find(options.GuestDirectories(r.hostRoot), collect.Options{}) {
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
func (r *run) defined(uri, name string) (*audit.Domain, error) {
	for h := range live.Hosts([]string{uri}, live.Options{
		ReadOnly: true,
		Guests:   []string{name},
		Timeout:  live.DefaultTimeout,
	}) {
		for _, p := range h.Problems {
			return nil, cmdutil.Usagef("%v", p)
		}
		for _, document := range h.Documents {
			if document.Origin.Kind != audit.Stored {
				continue
			}
			data, err := document.Read()
			if err != nil {
				return nil, cmdutil.Usagef("%v", err)
			}
			d, err := domxml.Load(document.Source, data)
			if err != nil {
				return nil, cmdutil.Usagef("%v", err)
			}
			return d, nil
		}
	}
	return nil, cmdutil.Usagef("%s has no definition of a guest %q", uri, name)
}
