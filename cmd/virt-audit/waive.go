package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/collect/live"
	"github.com/virt-audit/virt-audit/audit/report"
)

func (s *streams) waiveCommand() *cli.Command {
	return &cli.Command{
		Name:      "waive",
		Usage:     "accept what a rule finds at a guest, with a reason",
		ArgsUsage: "FILE|GUEST RULE",
		Description: "Writes a waiver into the metadata of a file, where libvirt keeps it, and touches nothing else of it;\n" +
			"'-' reads standard input and writes the document to standard output. For a guest that libvirt knows,\n" +
			"and for files that are libvirt's own, it prints the command that has libvirt store the waiver.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "reason", Usage: "`WHY` this is acceptable here; always wanted"},
			&cli.StringFlag{Name: "until", Usage: "last `DAY` of the waiver, such as 2027-06-30"},
			&cli.StringFlag{Name: "device", Usage: "only at the `DEVICE` of this target (vda), MAC address, alias, address or type"},
			&cli.BoolFlag{Name: "force", Usage: "write it though the rule finds nothing to waive now"},
			&cli.StringFlag{Name: "connect", Aliases: []string{"c"}, Usage: "the guest is known to libvirt at `URI`", EnvVars: env("connect")},
			&cli.StringFlag{Name: "host-root", Value: "/", Usage: "the host's files are in `FOLDER`", EnvVars: env("host-root")},
			siteFlags()[0], siteFlags()[1],
		},
		Action: s.waive,
	}
}

func (s *streams) waive(c *cli.Context) error {
	if c.NArg() != 2 {
		return &usageError{"waive wants a file or a guest, and a rule", "virt-audit waive web.xml if-vnc-public --reason 'behind a firewall'"}
	}
	operand, id := c.Args().Get(0), c.Args().Get(1)
	w := &audit.Waiver{Rule: id, Device: c.String("device"), Reason: c.String("reason")}
	x, err := siteOption(c, ".")
	if err != nil {
		return err
	}
	rule, err := x.rule(id)
	if err != nil {
		return err
	}
	e := &waiving{w, rule, x, c.Bool("force")}
	if strings.TrimSpace(w.Reason) == "" {
		return &usageError{"a waiver wants a reason", "--reason 'why this is acceptable here'"}
	}
	if strings.ContainsFunc(w.Reason+w.Device, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }) {
		return usagef("option --reason: it has a control character in it")
	}
	if day := c.String("until"); day != "" {
		var err error
		if w.Until, err = audit.ParseDay(day); err != nil {
			return usagef("option --until: %v", err)
		}
		if w.Expired(time.Now()) {
			return usagef("option --until: %s is past", day)
		}
	}
	if operand == "-" {
		data, err := io.ReadAll(s.in)
		if err != nil {
			return fmt.Errorf("read standard input: %w", err)
		}
		out, err := e.edit("<stdin>", data)
		if err != nil {
			return err
		}
		_, err = s.out.Write(out)
		return err
	}
	if _, err := os.Stat(operand); err == nil && c.String("connect") == "" {
		return s.waiveFile(c, operand, e)
	} else if strings.ContainsRune(operand, '/') || strings.HasSuffix(operand, ".xml") {
		return usagef("%s", strings.TrimPrefix(err.Error(), "stat "))
	}
	return s.waiveGuest(c, operand, e)
}

// waiving is a waiver on its way into a guest.
type waiving struct {
	*audit.Waiver
	rule  *audit.Rule
	site  *site
	force bool
}

// edit returns the document with the waiver in it, if it does what its author means.
func (e *waiving) edit(source string, data []byte) ([]byte, error) {
	d, err := audit.Load(source, data)
	if err != nil {
		return nil, usagef("%v", err)
	}
	if err := e.effective(d); err != nil {
		return nil, err
	}
	out, err := d.Waive(e.Waiver)
	if err != nil {
		return nil, usagef("%s: %v", source, err)
	}
	return out, nil
}

// effective asks the engine whether there is something that the waiver would take out of the count.
func (e *waiving) effective(d *audit.Domain) error {
	if e.force {
		return nil
	}
	cfg := &audit.Config{}
	e.site.apply(cfg)
	if why := cfg.DomainWaivers.Allows(e.Rule); why != "" {
		return &usageError{why, "waive it in the site's configuration, .virt-audit.yaml, instead; or --force"}
	}
	cfg.Rules, cfg.Today = []*audit.Rule{e.rule}, time.Now()
	cfg.Waivers, cfg.DomainWaivers = []*audit.Waiver{e.Waiver}, audit.DomainWaivers{Ignore: true}
	res := audit.Run(d, cfg)
	switch {
	case len(res.Waived) > 0 || !e.Unused():
		return nil // or the rule needs more than the document to answer
	case e.Device != "" && len(res.Findings) > 0:
		var devices []string
		for _, f := range res.Findings {
			devices = append(devices, d.DeviceNames(f.Path)...)
		}
		slices.Sort(devices)
		hint := "it finds something outside of any device: leave --device away"
		if len(devices) > 0 {
			hint = "it finds something at: " + strings.Join(slices.Compact(devices), ", ")
		}
		return &usageError{fmt.Sprintf("%s finds nothing at device %s of %s", e.Rule, e.Device, d.Source), report.Printable(hint)}
	}
	return &usageError{fmt.Sprintf("%s finds nothing to waive in %s", e.Rule, d.Source), "--force writes the waiver all the same"}
}

// waiveFile edits a file in place, unless it is libvirt's own: there an edit is lost, or worse.
func (s *streams) waiveFile(c *cli.Context, name string, e *waiving) error {
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return usagef("%v", err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return usagef("%v", err)
	}
	if !info.Mode().IsRegular() {
		return usagef("%s is no file", name)
	}
	data, err := os.ReadFile(real)
	if err != nil {
		return usagef("%s", strings.TrimPrefix(err.Error(), "open "))
	}
	if libvirtsOwn(c, real) {
		d, err := audit.Load(name, data)
		if err != nil {
			return usagef("%v", err)
		}
		fmt.Fprintf(s.err, "virt-audit: %s is libvirt's own file, which it does not read again: let it store the waiver\n", report.Printable(name))
		return s.virsh(c, d, d.Name, e)
	}
	out, err := e.edit(name, data)
	if err != nil {
		return err
	}
	if err := replaceFile(real, info, out); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Fprintf(s.err, "virt-audit: %s: waived %s\n", report.Printable(name), e.Rule)
	return nil
}

// replaceFile puts new content in the place of a file, whole, and leaves mode and owner as they are.
func replaceFile(name string, info os.FileInfo, data []byte) error {
	p, err := renameio.NewPendingFile(name, renameio.WithPermissions(info.Mode().Perm()), renameio.WithExistingPermissions())
	if err != nil {
		return err
	}
	defer func() { _ = p.Cleanup() }() // after the replacement it does nothing
	if _, err := p.Write(data); err != nil {
		return err
	}
	if err := keepOwner(p.File, info); err != nil {
		return err
	}
	return p.CloseAtomicallyReplace()
}

// libvirtsOwn reports whether a file is in one of the folders that libvirt writes definitions to.
func libvirtsOwn(c *cli.Context, name string) bool {
	absolute, err := filepath.Abs(name)
	if err != nil {
		return false
	}
	for _, folder := range hostFolders(c) {
		if rest, ok := strings.CutPrefix(absolute, strings.TrimSuffix(folder, "/")+"/"); ok && rest != "" {
			return true
		}
	}
	return false
}

// waiveGuest prints the command for a guest that goes by its name. Its definition is looked for, since
// the command replaces all waivers that the guest has.
func (s *streams) waiveGuest(c *cli.Context, name string, e *waiving) error {
	d, err := s.definition(c, name)
	if err != nil {
		return err
	}
	if d == nil {
		fmt.Fprintf(s.err, "virt-audit: no definition of guest %s can be read here: the command replaces the waivers that it may have\n", report.Printable(name))
	}
	return s.virsh(c, d, name, e)
}

// definition returns what libvirt has stored of a guest, or nil when that cannot be had.
func (s *streams) definition(c *cli.Context, name string) (*audit.Domain, error) {
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
		domains, err := audit.LoadAll(document.Source, data)
		if err != nil {
			continue
		}
		for _, d := range domains {
			if d.Name == name && d.Origin.Kind == audit.Stored {
				return d, nil
			}
		}
	}
	return nil, nil
}

// virsh prints the command that has libvirt store the waiver together with those that the guest has.
func (s *streams) virsh(c *cli.Context, d *audit.Domain, name string, e *waiving) error {
	var old []*audit.Waiver
	if d != nil {
		if err := e.effective(d); err != nil {
			return err
		}
		old = d.Waivers
	}
	command := []string{"virsh"}
	if uri := c.String("connect"); uri != "" {
		command = append(command, "-c", report.ShellQuote(uri))
	}
	command = append(command, "metadata", report.ShellQuote(name), report.ShellQuote(audit.WaiverNamespace), "--key", "va", "--set", report.ShellQuote(audit.WaiverText(old, e.Waiver)), "--config")
	if _, err := fmt.Fprintln(s.out, report.Printable(strings.Join(command, " "))); err != nil {
		return err
	}
	fmt.Fprintln(s.err, "virt-audit: a guest that runs has the waiver from its next start on; with --live too it has it at once")
	return nil
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
			d, err := audit.Load(document.Source, data)
			if err != nil {
				return nil, usagef("%v", err)
			}
			return d, nil
		}
	}
	return nil, usagef("%s has no definition of a guest %q", uri, name)
}

// keepOwner gives a new file the owner of the old one, where that is somebody else.
func keepOwner(f *os.File, old os.FileInfo) error {
	was, ok := old.Sys().(*syscall.Stat_t)
	if !ok || int(was.Uid) == os.Geteuid() && int(was.Gid) == os.Getegid() {
		return nil
	}
	return f.Chown(int(was.Uid), int(was.Gid))
}
