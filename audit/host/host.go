// Package host holds what a domain's XML inherits from the machine that runs it: qemu.conf, what
// libvirt and QEMU there can do, and a few facts of its system. They are read from files, or from a
// bundle of facts that was made of them elsewhere; no daemon is asked and no program is run.
//
// The package prints nothing and imports nothing of this module. Everything that is asked of *Facts
// and *QEMUConf may be asked of nil, which knows nothing.
package host

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Facts is what is known of one host. What is not known is empty or nil: each query says so, and
// nothing is made up.
type Facts struct {
	Version int `json:"version"` // of the form: FactsVersion

	HostArch       string `json:"arch,omitempty"`            // libvirt's name
	LibvirtVersion string `json:"libvirt_version,omitempty"` // "9.0.0"
	QEMUVersion    string `json:"qemu_version,omitempty"`    // "7.2.22"

	Capabilities       *Capabilities        `json:"capabilities,omitempty"`
	DomainCapabilities []DomainCapabilities `json:"domain_capabilities,omitempty"`

	QEMUConf *QEMUConf `json:"qemu_conf,omitempty"` // nil: no such file was found
	Session  *Session  `json:"session,omitempty"`   // the user's own daemon, where there is one
	Kernel   *Kernel   `json:"kernel,omitempty"`

	// ManagementBridges are the bridges that the host's own default route leads over.
	ManagementBridges []string `json:"management_bridges"` // null: not known

	// Files are what a bundle says of the host's files, by absolute path. On the host itself they are
	// looked up as they are asked for.
	Files map[string]File `json:"files,omitempty"`

	files   func(name string) (File, bool)
	session bool // these are facts for a guest of the user's session
}

// Session is what differs for guests of an unprivileged user's daemon.
type Session struct {
	Folder   string    `json:"folder"` // where it keeps its definitions
	QEMUConf *QEMUConf `json:"qemu_conf,omitempty"`
}

// Kernel is which mandatory access control the running kernel has.
type Kernel struct {
	MAC       string `json:"mac"` // "selinux", "apparmor" or "none"
	Enforcing bool   `json:"enforcing"`
}

// For returns the facts that hold for the guest of a document, or for the guests of a connection: a
// path or a URI. Guests of a session have the user's own qemu.conf, or none.
func (f *Facts) For(source string) *Facts {
	if f == nil || f.session || !f.ofSession(source) {
		return f
	}
	own := *f
	own.QEMUConf, own.session = nil, true
	if f.Session != nil {
		own.QEMUConf = f.Session.QEMUConf
	}
	return &own
}

func (f *Facts) ofSession(source string) bool {
	if _, rest, ok := strings.Cut(source, "://"); ok {
		rest, _, _ = strings.Cut(rest, "?")
		_, driver, _ := strings.Cut(rest, "/")
		return driver == "session"
	}
	return f.Session != nil && strings.HasPrefix(path.Clean(source)+"/", path.Clean(f.Session.Folder)+"/")
}

// Add copies what another source knows of the same host. What it knows replaces what f knows.
func (f *Facts) Add(other *Facts) {
	if other == nil {
		return
	}
	to, from := reflect.ValueOf(f).Elem(), reflect.ValueOf(other).Elem()
	for _, fact := range reflect.VisibleFields(to.Type()) { // a new field is copied, too
		if value := from.FieldByIndex(fact.Index); fact.IsExported() && !value.IsZero() {
			to.FieldByIndex(fact.Index).Set(value)
		}
	}
	if other.Arch() != "" {
		f.HostArch = other.Arch()
	}
	if other.files != nil {
		f.files = other.files
	}
}

// InSession reports whether these facts are of a guest in an unprivileged user's session.
func (f *Facts) InSession() bool { return f != nil && f.session }

// Conf returns the qemu.conf that is in force, or nil where none is known. The methods of nil answer
// with libvirt's defaults.
func (f *Facts) Conf() *QEMUConf {
	if f == nil {
		return nil
	}
	return f.QEMUConf
}

// KnowsConf reports whether a qemu.conf was found.
func (f *Facts) KnowsConf() bool { return f.Conf() != nil }

// KnowsCapabilities reports whether libvirt's capabilities are known.
func (f *Facts) KnowsCapabilities() bool { return f != nil && f.Capabilities != nil }

// Arch returns libvirt's name of the host's architecture, or "".
func (f *Facts) Arch() string {
	switch {
	case f == nil:
		return ""
	case f.Capabilities != nil && f.Capabilities.Arch != "":
		return f.Capabilities.Arch
	}
	return f.HostArch
}

// Runs reports whether the host has QEMU, or what else the type stands for, for guests of an
// architecture. Known is false without capabilities.
func (f *Facts) Runs(arch, domainType string) (runs, known bool) {
	if !f.KnowsCapabilities() {
		return false, false
	}
	for range f.guests(arch, domainType) {
		return true, true
	}
	return false, true
}

// Machine returns what libvirt puts in the place of a machine's name: the name itself where it is no
// alias. It is not ok where the host has no such machine for the architecture and domain type, or
// where that is not known.
func (f *Facts) Machine(arch, domainType, name string) (canonical string, deprecated, ok bool) {
	for machines := range f.guests(arch, domainType) {
		i := slices.IndexFunc(machines, func(m Machine) bool { return m.Name == name })
		if i < 0 {
			continue
		}
		m := machines[i]
		canonical, deprecated = m.Name, m.Deprecated
		if m.Canonical != "" && m.Canonical != m.Name {
			canonical = m.Canonical
			for _, other := range machines {
				deprecated = deprecated || other.Name == canonical && other.Deprecated
			}
		}
		return canonical, deprecated, true
	}
	return "", false, false
}

// DefaultMachine returns the machine, by its canonical name, that libvirt takes where none is named.
// It lists that one first (virQEMUCapsProbeQMPMachineTypes puts it there). It is not ok where that is not known, or
// where guests of different kinds have different ones.
func (f *Facts) DefaultMachine(arch, domainType string) (name string, ok bool) {
	for machines := range f.guests(arch, domainType) {
		if len(machines) == 0 {
			return "", false
		}
		first, _, _ := f.Machine(arch, domainType, machines[0].Name)
		if name != "" && name != first {
			return "", false
		}
		name = first
	}
	return name, name != ""
}

// Target returns the target of the QEMU that runs guests of an architecture, by the name of its
// program: "aarch64" for /usr/bin/qemu-system-aarch64. The emulator is that of the domain, or "" for
// the one that libvirt chooses. It returns "" where that is not known.
func (f *Facts) Target(arch, domainType, emulator string) string {
	if f == nil {
		return ""
	}
	if emulator == "" {
		emulator = f.emulator(arch, domainType)
	}
	base := path.Base(emulator)
	if target, ok := strings.CutPrefix(base, "qemu-system-"); ok {
		return target
	}
	if base == "qemu-kvm" { // Red Hat's only one: it runs guests of the host's own kind
		return f.Arch()
	}
	return ""
}

// MAC returns what confines guests beyond users and groups: "selinux", "apparmor", or "none". It is
// what libvirt has in force, or else what qemu.conf and the kernel leave it.
func (f *Facts) MAC() (model string, known bool) {
	if f == nil {
		return "", false
	}
	drivers := f.Conf().List("security_driver")
	switch {
	case drivers.Set && slices.Contains(drivers.Value, "none"):
		return "none", true
	case f.Capabilities != nil:
		for _, m := range f.Capabilities.SecModels {
			if m.Name != "dac" {
				return m.Name, true
			}
		}
		return "none", len(f.Capabilities.SecModels) > 0
	case drivers.Set && len(drivers.Value) > 0:
		return drivers.Value[0], true // libvirt does not start without it
	case f.Kernel != nil && f.Kernel.MAC == "none":
		// The other way round nothing follows: libvirt may be built without the driver.
		return "none", true
	}
	return "", false
}

// Permissive reports whether SELinux is known to log what it would refuse, and to refuse nothing.
func (f *Facts) Permissive() bool {
	return f != nil && f.Kernel != nil && f.Kernel.MAC == "selinux" && !f.Kernel.Enforcing
}

// User returns the user that QEMU runs as where the domain does not say, as a name, or as a number
// behind "+", and where that comes from. Without a setting in qemu.conf it is chosen when libvirt is
// built, so there is no default that would hold everywhere; "" is not known.
func (f *Facts) User() (user, where string) {
	switch {
	case f == nil:
		return "", ""
	case f.session:
		return "the session's own", "the session"
	}
	if s := f.Conf().String("user"); s.Set && s.Value != "" {
		return s.Value, s.Where()
	}
	if f.Capabilities != nil {
		for _, m := range f.Capabilities.SecModels {
			if m.Name == "dac" && len(m.Labels) > 0 {
				user, _, _ = strings.Cut(m.Labels[0].Label, ":")
				return user, "the host's capabilities"
			}
		}
	}
	return "", ""
}

// File is what the host's file system says about a file.
type File struct {
	Mode Mode   `json:"mode"`
	UID  uint32 `json:"uid"`
	GID  uint32 `json:"gid"`
}

// Mode is permission bits. As text they are octal, as people know them.
type Mode uint32

// String returns the mode as "0644".
func (m Mode) String() string { return fmt.Sprintf("%04o", uint32(m)) }

// MarshalText returns String.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what String returns.
func (m *Mode) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 8, 12)
	if err != nil {
		return fmt.Errorf("%q is no mode of a file", text)
	}
	*m = Mode(n)
	return nil
}

// File returns what is known of a file of the host, by its absolute path. It is only known where the
// facts were found on the host itself or in its file system, or were written down.
func (f *Facts) File(name string) (File, bool) {
	if f == nil {
		return File{}, false
	}
	if file, ok := f.Files[name]; ok || f.files == nil {
		return file, ok
	}
	return f.files(name)
}

// KnowsFiles reports whether files of the host can be looked at.
func (f *Facts) KnowsFiles() bool { return f != nil && (f.files != nil || f.Files != nil) }

// KnowsBridges reports whether it is known which bridges the host's own traffic takes.
func (f *Facts) KnowsBridges() bool { return f != nil && f.ManagementBridges != nil }

// Manages reports whether the host's own traffic takes a bridge.
func (f *Facts) Manages(bridge string) bool {
	return f != nil && slices.Contains(f.ManagementBridges, bridge)
}
