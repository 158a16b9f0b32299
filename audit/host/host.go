// Package host describes what a domain inherits from the machine that runs it: qemu.conf, the
// capabilities of libvirt and QEMU, and a few facts about the system. They are read from files, or from
// a bundle of facts that was written elsewhere. The package contacts no daemon and runs no command.
//
// The package prints nothing. The methods of *Facts and *QEMUConf can be called on nil, which knows
// nothing.
package host

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Facts is what is known about one host. A fact that is not known is empty or nil, and each method
// reports that.
type Facts struct {
	Version int `json:"version"` // of the format: FactsVersion

	HostArch       string `json:"arch,omitempty"`            // libvirt's name
	LibvirtVersion string `json:"libvirt_version,omitempty"` // "9.0.0"
	QEMUVersion    string `json:"qemu_version,omitempty"`    // "7.2.22"

	Capabilities       *Capabilities        `json:"capabilities,omitempty"`
	DomainCapabilities []DomainCapabilities `json:"domain_capabilities,omitempty"`

	QEMUConf *QEMUConf `json:"qemu_conf,omitempty"` // nil if no such file was found
	Session  *Session  `json:"session,omitempty"`   // the session daemon of the user, if there is one
	Kernel   *Kernel   `json:"kernel,omitempty"`

	// ManagementBridges are the bridges of the host's default routes.
	ManagementBridges []string `json:"management_bridges"` // null if not known

	// Files are the files of the host in a bundle, by absolute path. On the host itself they are looked up
	// on demand.
	Files map[string]File `json:"files,omitempty"`

	files   func(name string) (File, bool)
	session bool // the facts are those for a guest of the user's session
}

// Session holds the facts that differ for guests of an unprivileged user's daemon.
type Session struct {
	Directory string    `json:"directory"` // that contains its definitions
	QEMUConf  *QEMUConf `json:"qemu_conf,omitempty"`
}

// Kernel is the mandatory access control of the running kernel.
type Kernel struct {
	MAC       string `json:"mac"` // "selinux", "apparmor" or "none"
	Enforcing bool   `json:"enforcing"`
}

// For returns the facts for the guest of a document, or for the guests of a connection. Source is a path
// or a URI. Guests of a session have the qemu.conf of the user, or none.
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
	return f.Session != nil && strings.HasPrefix(path.Clean(source)+"/", path.Clean(f.Session.Directory)+"/")
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

// Conf returns the effective qemu.conf, or nil if none is known. The methods of nil return libvirt's
// defaults.
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

// Runs reports whether the host can run guests of a domain type for an architecture. Known is false
// without capabilities.
func (f *Facts) Runs(arch, domainType string) (runs, known bool) {
	if !f.KnowsCapabilities() {
		return false, false
	}
	for range f.guests(arch, domainType) {
		return true, true
	}
	return false, true
}

// Machine returns the machine type that libvirt uses for a name: the name itself if it is not an alias.
// It is not ok if the host has no such machine for the architecture and domain type, or if that is not
// known.
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

// DefaultMachine returns the canonical name of the machine that libvirt uses if a domain names none.
// libvirt lists it first (virQEMUCapsProbeQMPMachineTypes). It is not ok if the machine is not known, or
// if guests of different kinds have different ones.
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
// executable: "aarch64" for /usr/bin/qemu-system-aarch64. The emulator is that of the domain, or "" for
// the one that libvirt chooses. It returns "" if the target is not known.
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
	if base == "qemu-kvm" { // Red Hat's only executable; it runs guests of the host's architecture
		return f.Arch()
	}
	return ""
}

// MAC returns the mandatory access control that confines guests: "selinux", "apparmor", or "none". It is
// the active driver of libvirt, or else follows from qemu.conf and the kernel.
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
		// A kernel with a model proves nothing: libvirt may be built without its driver.
		return "none", true
	}
	return "", false
}

// Permissive reports whether SELinux is known to only log violations.
func (f *Facts) Permissive() bool {
	return f != nil && f.Kernel != nil && f.Kernel.MAC == "selinux" && !f.Kernel.Enforcing
}

// User returns the user that QEMU runs as if the domain does not name one, as a name, or as a number after
// "+", and where that is set. Without a setting in qemu.conf the build of libvirt decides, so there is no
// common default; "" is not known.
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

// File is what the host's file system knows about a file.
type File struct {
	Mode Mode   `json:"mode"`
	UID  uint32 `json:"uid"`
	GID  uint32 `json:"gid"`
}

// Mode is the permission bits of a file. As text they are octal.
type Mode uint32

// String returns the mode as "0644".
func (m Mode) String() string { return fmt.Sprintf("%04o", uint32(m)) }

// MarshalText returns String.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what String returns.
func (m *Mode) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 8, 12)
	if err != nil {
		return fmt.Errorf("%q is not a file mode", text)
	}
	*m = Mode(n)
	return nil
}

// File returns what is known about a file of the host, by its absolute path. It is only known if the
// facts were found on the host or in its file system, or if they are in the bundle.
func (f *Facts) File(name string) (File, bool) {
	if f == nil {
		return File{}, false
	}
	if file, ok := f.Files[name]; ok || f.files == nil {
		return file, ok
	}
	return f.files(name)
}

// KnowsFiles reports whether files of the host can be looked up.
func (f *Facts) KnowsFiles() bool { return f != nil && (f.files != nil || f.Files != nil) }

// KnowsBridges reports whether the bridges of the host's own traffic are known.
func (f *Facts) KnowsBridges() bool { return f != nil && f.ManagementBridges != nil }

// Manages reports whether the host's own traffic uses a bridge.
func (f *Facts) Manages(bridge string) bool {
	return f != nil && slices.Contains(f.ManagementBridges, bridge)
}
