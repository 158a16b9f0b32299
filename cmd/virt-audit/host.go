package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/collect/live"
	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/audit/report"
)

const aboutHost = "The host:"

func hostRootFlag() cli.Flag {
	return &cli.StringFlag{Name: "host-root", Usage: "the host is in `FOLDER`: an image that is mounted there, or an unpacked sos archive; without operands, its guests are audited", EnvVars: env("host-root"), Category: aboutHost}
}

func qemuConfFlag() cli.Flag {
	return &cli.StringFlag{Name: "qemu-conf", Usage: "`FILE` is the host's qemu.conf", EnvVars: env("qemu-conf"), Category: aboutHost}
}

func capabilitiesFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "capabilities", Usage: "`FILE` holds what 'virsh capabilities', 'virsh domcapabilities' or 'virsh version' printed there, repeatable", EnvVars: env("capabilities"), Category: aboutHost}
}

func hostFlags() []cli.Flag {
	return []cli.Flag{
		hostRootFlag(),
		qemuConfFlag(),
		capabilitiesFlag(),
		&cli.BoolFlag{Name: "one-host", Usage: "the documents are of guests of one host", EnvVars: env("one-host"), Category: aboutHost},
		&cli.StringFlag{Name: "facts", Usage: "`FILE` holds facts of the host, made there by 'virt-audit facts'", EnvVars: env("facts"), Category: aboutHost},
	}
}

// hostFile reads a file that an option names.
func hostFile(option, name string) ([]byte, error) {
	data, err := readFile(name, maxFacts)
	if err != nil {
		return nil, usagef("option --%s: %v", option, err)
	}
	return data, nil
}

// hostFacts gathers what the options tell of the host, or nil where they tell nothing. own says that
// the host's own guests are audited: its own files then tell too.
func (s *streams) hostFacts(c *cli.Context, own bool) (*host.Facts, error) {
	root, bundle := c.String("host-root"), c.String("facts")
	var f *host.Facts
	switch {
	case root != "" && bundle != "":
		return nil, usagef("options --host-root and --facts: each describes a host, and only one is wanted")
	case root != "":
		var errs []error
		if f, errs = host.Find(host.Places{Root: root, Getenv: os.Getenv}); len(errs) > 0 {
			return nil, usagef("option --host-root: %s", joined(errs))
		}
	case bundle != "":
		data, err := hostFile("facts", bundle)
		if err != nil {
			return nil, err
		}
		if f, err = host.ReadFacts(bundle, data); err != nil {
			return nil, usagef("option --facts: %v", err)
		}
	case own:
		var errs []error
		f, errs = host.Find(host.Places{Root: "/", Getenv: os.Getenv})
		for _, err := range errs {
			fmt.Fprintf(s.err, "virt-audit: not used: %s\n", report.Printable(err.Error()))
		}
	}
	return givenFacts(c, f)
}

// givenFacts adds the files that options name one by one.
func givenFacts(c *cli.Context, f *host.Facts) (*host.Facts, error) {
	if f == nil && (c.String("qemu-conf") != "" || len(c.StringSlice("capabilities")) > 0) {
		f = &host.Facts{}
	}
	if name := c.String("qemu-conf"); name != "" {
		data, err := hostFile("qemu-conf", name)
		if err != nil {
			return nil, err
		}
		if f.QEMUConf, err = host.ParseQEMUConf(name, data); err != nil {
			return nil, usagef("option --qemu-conf: %v", err)
		}
	}
	for _, name := range c.StringSlice("capabilities") {
		data, err := hostFile("capabilities", name)
		if err != nil {
			return nil, err
		}
		if err := f.AddCapabilities(name, data); err != nil {
			return nil, usagef("option --capabilities: %v", err)
		}
	}
	return f, nil
}

func joined(errs []error) string {
	texts := make([]string, len(errs))
	for i, err := range errs {
		texts[i] = report.Printable(err.Error())
	}
	return strings.Join(texts, "; ")
}

// hostFolders returns where the guests of the host are.
func hostFolders(c *cli.Context) []string {
	if root := c.String("host-root"); root != "" && filepath.Clean(root) != "/" {
		return collect.HostFoldersIn(root)
	}
	return collect.HostFolders(os.Getenv)
}

// fileMode returns the permissions of the file that a document came from.
func fileMode(stdinName string) func(source string) (host.Mode, bool) {
	return func(source string) (host.Mode, bool) {
		if source == stdinName {
			return 0, false
		}
		info, err := os.Stat(source)
		if err != nil || !info.Mode().IsRegular() {
			return 0, false
		}
		return host.Mode(info.Mode().Perm()), true
	}
}

func (s *streams) factsCommand() *cli.Command {
	return &cli.Command{
		Name:  "facts",
		Usage: "write down what is known of this host, to judge its guests elsewhere with --facts",
		Description: "Reads files; with --connect it asks libvirt for capabilities and versions, which can also be given as\n" +
			"--capabilities FILE, as 'virsh capabilities' prints them. The bundle holds no password.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, whole or not at all", Category: aboutOutput}, // VIRT_AUDIT_OUTPUT is the report's
			&cli.StringFlag{Name: "connect", Aliases: []string{"c"}, Usage: "ask libvirt at `URI` too", EnvVars: env("connect"), Category: aboutConnecting},
			hostRootFlag(), qemuConfFlag(), capabilitiesFlag(),
		},
		Action: s.writeFacts,
	}
}

// noGuest is the UUID of no guest: libvirt does not take it for one.
const noGuest = "00000000-0000-0000-0000-000000000000"

// writeFacts writes a bundle. What cannot be read is an error: half of the facts would be judged by.
func (s *streams) writeFacts(c *cli.Context) (err error) {
	if c.NArg() > 0 {
		return &usageError{"facts takes no operand", "'virt-audit facts -o FILE' writes to a file"}
	}
	root := c.String("host-root")
	if root == "" {
		root = "/"
	}
	f, errs := host.Find(host.Places{Root: root, Getenv: os.Getenv})
	if uri := c.String("connect"); uri != "" {
		// A guest that does not exist is asked for, so that no other is fetched: its absence is the one
		// problem that may remain.
		h := live.Fetch(uri, live.Options{ReadOnly: true, Guests: []string{noGuest}})
		if h.Capabilities == "" {
			for _, p := range h.Problems {
				errs = append(errs, p)
			}
		}
		found := s.facts(h)
		found.Add(f)
		f = found
	}
	if f, err = givenFacts(c, f); err != nil {
		return err
	}
	for _, err := range errs {
		fmt.Fprintf(s.err, "virt-audit: %s\n", report.Printable(err.Error()))
	}
	if len(errs) > 0 {
		return status(exitInput)
	}
	out, done, err := s.output(c.String("output"))
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
