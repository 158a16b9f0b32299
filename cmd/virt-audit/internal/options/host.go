package options

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
)

// HostFiles are files of a host, one by one.
type HostFiles struct {
	Root         string // "" is not set
	QEMUConf     string
	Capabilities []string

	root, qemuConf, capabilities *command.Flag
}

// NewHostFiles returns the group.
func NewHostFiles() *HostFiles {
	h := &HostFiles{}
	h.root = &command.Flag{
		Name:     "host-root",
		Metavar:  "DIR",
		Usage:    "the host is in DIR: a mounted image, or an unpacked sos archive; without arguments, its guests are audited",
		Category: AboutHost, Complete: command.Directories, Value: command.Text(&h.Root),
	}
	h.qemuConf = &command.Flag{
		Name:     "qemu-conf",
		Metavar:  "FILE",
		Usage:    "FILE is the host's qemu.conf",
		Category: AboutHost,
		Complete: command.AnyFile,
		Value:    command.Text(&h.QEMUConf),
	}
	h.capabilities = &command.Flag{
		Name:     "capabilities",
		Metavar:  "FILE",
		Repeated: true,
		Usage:    "FILE is the output of 'virsh capabilities', 'virsh domcapabilities' or 'virsh version' there, repeatable",
		Category: AboutHost, Complete: command.AnyFile, Value: command.List(&h.Capabilities),
	}
	return h
}

// Flags returns the rows of the group.
func (h *HostFiles) Flags() []*command.Flag {
	return []*command.Flag{h.root, h.qemuConf, h.capabilities}
}

// Add adds the files to facts, which may be nil. It returns nil if there are neither.
func (h *HostFiles) Add(f *host.Facts) (*host.Facts, error) {
	if f == nil && (h.QEMUConf != "" || len(h.Capabilities) > 0) {
		f = &host.Facts{}
	}
	if h.QEMUConf != "" {
		data, err := hostFile(h.qemuConf, h.QEMUConf)
		if err != nil {
			return nil, err
		}
		if f.QEMUConf, err = host.ParseQEMUConf(h.QEMUConf, data); err != nil {
			return nil, cmdutil.Usagef("--qemu-conf: %v", err)
		}
	}
	for _, name := range h.Capabilities {
		data, err := hostFile(h.capabilities, name)
		if err != nil {
			return nil, err
		}
		if err := f.AddCapabilities(name, data); err != nil {
			return nil, cmdutil.Usagef("--capabilities: %v", err)
		}
	}
	return f, nil
}

// hostFile reads a file that an option names.
func hostFile(f *command.Flag, name string) ([]byte, error) {
	data, err := cmdutil.ReadFile(name, cmdutil.MaxFacts)
	if err != nil {
		return nil, cmdutil.Usagef("--%s: %v", f.Name, err)
	}
	return data, nil
}

// Host is what is known of the host that guests run on.
type Host struct {
	*HostFiles
	FactsFile string
	One       bool   // all documents are of guests of one host
	Arch      string // of the host

	facts, one, arch *command.Flag
}

// NewHost returns the group.
func NewHost() *Host {
	h := &Host{HostFiles: NewHostFiles()}
	h.facts = &command.Flag{
		Name:     "facts",
		Metavar:  "FILE",
		Usage:    "FILE has the facts of the host, written there by 'virt-audit facts'",
		Category: AboutHost,
		Complete: command.AnyFile, Value: command.Text(&h.FactsFile),
	}
	h.one = &command.Flag{
		Name:     "one-host",
		Usage:    "the documents are of guests of one host",
		Category: AboutHost,
		Value:    command.Switch(&h.One),
	}
	h.arch = &command.Flag{
		Name:     "host-arch",
		Metavar:  "ARCH",
		Usage:    "ARCH of the host, for guests that do not state theirs",
		Category: AboutHost,
		Complete: command.OneOf(policy.Arches()...), Key: "host-arch", Value: command.Text(&h.Arch),
	}
	return h
}

// Flags returns the rows of the group.
func (h *Host) Flags() []*command.Flag { return append(h.HostFiles.Flags(), h.facts, h.one, h.arch) }

// PlaceFlags returns the rows that state where guests are, for commands that need nothing else of the
// host.
func (h *Host) PlaceFlags() []*command.Flag { return []*command.Flag{h.root, h.one} }

// CheckArch returns an error if --host-arch is not an architecture of libvirt's.
func (h *Host) CheckArch() error {
	if h.Arch == "" || policy.KnownArch(h.Arch) {
		return nil
	}
	return &cmdutil.UsageError{
		Message: fmt.Sprintf("%s: libvirt knows no architecture %q", h.arch.Origin(), h.Arch),
		Hint:    suggest.Hint(h.Arch, policy.Arches()),
	}
}

// Resolve returns the facts that the options name, or nil. If own is set, the guests of this host
// are audited, and its files are read too.
func (h *Host) Resolve(s *cmdutil.Streams, own bool) (*host.Facts, error) {
	f, err := h.find(s, own)
	if err != nil {
		return nil, err
	}
	return h.Add(f)
}

func (h *Host) find(s *cmdutil.Streams, own bool) (*host.Facts, error) {
	switch {
	case h.Root != "" && h.FactsFile != "":
		return nil, cmdutil.Usagef("--host-root and --facts exclude each other: each describes a host")
	case h.Root != "":
		f, errs := host.Find(host.Places{Root: h.Root, Getenv: os.Getenv})
		if len(errs) > 0 {
			return nil, cmdutil.Usagef("--host-root: %s", JoinErrors(errs))
		}
		return f, nil
	case h.FactsFile != "":
		data, err := hostFile(h.facts, h.FactsFile)
		if err != nil {
			return nil, err
		}
		f, err := host.ReadFacts(h.FactsFile, data)
		if err != nil {
			return nil, cmdutil.Usagef("--facts: %v", err)
		}
		return f, nil
	case own:
		f, errs := host.Find(host.Places{Root: "/", Getenv: os.Getenv})
		for _, err := range errs {
			s.Errorf("not used: %v", err)
		}
		return f, nil
	}
	return nil, nil //nolint:nilnil // nothing is known, which is not an error
}

// JoinErrors returns the texts of errors on one line.
func JoinErrors(errs []error) string {
	texts := make([]string, len(errs))
	for i, err := range errs {
		texts[i] = report.Printable(err.Error())
	}
	return strings.Join(texts, "; ")
}

// GuestDirectories returns the directories of a host that has its root there, in which libvirt
// stores guests.
func GuestDirectories(root string) []string {
	if root != "" && filepath.Clean(root) != "/" {
		return collect.HostDirsIn(root)
	}
	return collect.HostDirs(os.Getenv)
}

// LibvirtsOwn reports whether a file is in one of the directories that libvirt itself writes to, on
// a host that has its root there, by any path.
func LibvirtsOwn(file, root string) bool {
	if root == "" {
		root = "/"
	}
	dirs := GuestDirectories(root)
	for _, dir := range []string{"etc/libvirt", "run/libvirt", "var/lib/libvirt/qemu", "var/lib/libvirt/libxl", "var/lib/libvirt/ch"} {
		dirs = append(dirs, filepath.Join(root, dir))
	}
	for _, place := range [][2]string{{"XDG_CONFIG_HOME", "libvirt"}, {"XDG_RUNTIME_DIR", "libvirt"}, {"HOME", ".config/libvirt"}} {
		if dir := os.Getenv(place[0]); filepath.Clean(root) == "/" && filepath.IsAbs(dir) {
			dirs = append(dirs, filepath.Join(dir, place[1]))
		}
	}
	file = cmdutil.Resolved(file)
	return slices.ContainsFunc(dirs, func(dir string) bool {
		rest, ok := strings.CutPrefix(file, strings.TrimSuffix(cmdutil.Resolved(dir), "/")+"/")
		return ok && rest != ""
	})
}
