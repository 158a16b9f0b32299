package policy

import (
	"slices"
	"strings"
)

// Machine is a parsed machine name.
type Machine struct {
	Target, Name string

	// Family is the family as the policy names it: "q35" for pc-q35-9.2. It is "" for a board that
	// belongs to none, and set even where the rest of the name makes no sense.
	Family string
	// Version is QEMU's version in the name. Red Hat's and Ubuntu's names have none: their numbers
	// count releases of their own.
	Version Version
	// Vendor is the owner of the name: "" for QEMU itself, or "rhel", "ubuntu", "proxmox".
	Vendor string
	// Alias reports that QEMU replaces the name with its newest version, or the vendor with its own.
	Alias bool
	// WellFormed reports that QEMU or the vendor has names of this form.
	WellFormed bool
}

// family describes the names of one machine family on some targets. Names and first
// versions: "-machine help" of QEMU 2.4 to 11.1, DEFINE_*_MACHINE in hw/.
type family struct {
	name    string
	targets []string
	alias   bool     // the name without a version is an alias
	prefix  string   // the text before a version; "" if there are no versions
	first   Version  // the oldest version
	only    []string // the only versions, if they are known
	vendors vendors  // whose variants exist
}

var (
	x86   = []string{"i386", "x86_64"}
	arm   = []string{"arm", "aarch64"}
	riscv = []string{"riscv32", "riscv64"}
)

// On m68k, or1k and xtensa "virt" is a board of its own, which only shares the name. So is the
// xenpvh of Arm. They are not families here, and neither are names such as xlnx-versal-virt or loongson3-virt.
var families = []family{
	{name: "pc", targets: x86, alias: true, prefix: "pc-i440fx-", first: Version{Major: 1, Minor: 4}, vendors: redHat | ubuntu | ubuntuVariants | proxmox | pxe},
	{name: "q35", targets: x86, alias: true, prefix: "pc-q35-", first: Version{Major: 1, Minor: 4}, vendors: redHat | ubuntu | ubuntuVariants | proxmox | pxe},
	{name: "microvm", targets: x86},
	// Two versions, made in QEMU 5.0 to keep what xenfv was, and none since.
	{name: "xenfv", targets: x86, alias: true, prefix: "xenfv-", only: []string{"3.1", "4.2"}},
	{name: "xenpv", targets: x86},
	{name: "xenpvh", targets: x86},
	{name: "virt", targets: arm, alias: true, prefix: "virt-", first: Version{Major: 2, Minor: 6}, vendors: redHat | ubuntu | proxmox},
	// Versions came with 11.x. Before that "virt" was the machine itself, so it is not called an alias.
	{name: "virt", targets: []string{"loongarch64"}, prefix: "virt-", first: Version{Major: 11}},
	{name: "virt", targets: riscv},
	{name: "pseries", targets: []string{"ppc64"}, alias: true, prefix: "pseries-", first: Version{Major: 2, Minor: 1}, vendors: redHat | ubuntu | sxxm},
	{name: "s390-ccw-virtio", targets: []string{"s390x"}, alias: true, prefix: "s390-ccw-virtio-", first: Version{Major: 2, Minor: 4}, vendors: redHat | ubuntu},
}

// ParseMachine parses a machine name. The target is QEMU's (see TargetOf), since one name means
// different machines on different targets. Names are compared byte by byte and as a whole.
func ParseMachine(target, name string) Machine {
	m := Machine{Target: target, Name: name}
	if m.parse(); !m.WellFormed {
		m.Version, m.Vendor = Version{}, "" // a part of a name proves nothing
	}
	return m
}

// ParseAnyMachine is ParseMachine for a target that is not known. If the name means the same machine on
// every target that has it, as "pc-q35-9.2" and "virt-9.2" do, the machine is the one of the first
// such target. Otherwise, as for "virt", the result has neither target nor family.
func ParseAnyMachine(name string) Machine {
	found := Machine{Name: name}
	for i := range families {
		for _, target := range families[i].targets {
			m := ParseMachine(target, name)
			same := m
			same.Target = found.Target
			switch {
			case m.Family == "" || found.WellFormed && !m.WellFormed:
			case found.Family == "" || m.WellFormed && !found.WellFormed:
				found = m
			case same != found:
				return Machine{Name: name}
			}
		}
	}
	return found
}

func (m *Machine) parse() {
	for i := range families {
		f := &families[i]
		if !slices.Contains(f.targets, m.Target) {
			continue
		}
		if suffix, ok := strings.CutPrefix(m.Name, f.prefix); ok && f.prefix != "" {
			m.Family = f.name
			m.suffix(f, suffix)
			return
		}
		switch rest, ok := strings.CutPrefix(m.Name, f.name); {
		case !ok:
		case rest == "":
			m.Family, m.Alias, m.WellFormed = f.name, f.alias, true
			return
		case rest[0] == '+': // q35+pve0
			m.Family = f.name
			m.revision(f, rest)
			m.Alias = m.WellFormed
			return
		case rest[0] == '-' && f.name != "pc": // microvm-1.0; what else begins with "pc-" comes below
			m.Family = f.name
			return
		}
	}
	if slices.Contains(x86, m.Target) {
		m.oldPC()
	}
}

// suffix parses the text after the prefix of a family that has versions.
func (m *Machine) suffix(f *family, s string) {
	if f.only != nil {
		if m.WellFormed = slices.Contains(f.only, s); m.WellFormed {
			m.Version, _ = ParseVersion(s)
		}
		return
	}
	if m.vendor(f, s) {
		return
	}
	if i := strings.IndexByte(s, '+'); i >= 0 || strings.HasSuffix(s, pxeSuffix) {
		if i < 0 {
			i = len(s) - len(pxeSuffix)
		}
		revision := s[i:]
		if f.vendors&pxe != 0 {
			revision = strings.TrimSuffix(revision, pxeSuffix)
		}
		if m.version(f, s[:i]) {
			m.revision(f, revision)
		}
		return
	}
	if f.vendors&sxxm != 0 {
		s = strings.TrimSuffix(s, "-sxxm")
	}
	m.WellFormed = m.version(f, s)
}

// version parses QEMU's own version. Future versions are accepted: they follow a rule, and the policy would
// cover them.
func (m *Machine) version(f *family, s string) bool {
	v, err := ParseVersion(s)
	if err != nil || v.Compare(f.first) < 0 {
		return false
	}
	m.Version = v
	return true
}

// oldPC parses the names of pc from before they contained "i440fx", and those that do not fit the
// pattern. There are pc-0.10 to pc-0.15 and pc-1.0 to pc-1.3 (hw/i386/pc_piix.c of QEMU 2.4).
func (m *Machine) oldPC() {
	switch {
	case m.Name == "ubuntu":
		m.Family, m.Vendor, m.Alias, m.WellFormed = "pc", "ubuntu", true, true
	case m.Name == "ubuntu-q35":
		m.Family, m.Vendor, m.Alias, m.WellFormed = "q35", "ubuntu", true, true
	case slices.Contains(oldRHEL, m.Name):
		m.Family, m.Vendor, m.WellFormed = "pc", "rhel", true
	case strings.HasPrefix(m.Name, "rhel"):
		m.Family = "pc"
	case len(m.Name) > 3 && strings.HasPrefix(m.Name, "pc-") && m.Name[3] >= '0' && m.Name[3] <= '9':
		m.Family = "pc"
		v, err := ParseVersion(m.Name[3:])
		if err == nil && v.Micro == 0 && (v.Major == 0 && v.Minor >= 10 && v.Minor <= 15 || v.Major == 1 && v.Minor <= 3) {
			// "pc-1.0.0" is not a name, though it is a version.
			m.WellFormed = m.Name[3:] == v.String()
		}
		if m.WellFormed {
			m.Version = v
		}
	}
}

// Newest returns the newest machine type of the machine's family in a release of QEMU: "pc-q35-9.2"
// for any version of q35. For the zero Version it is the name that stands for the newest version of
// the QEMU that a host has: "q35". Families without versions have only that name. It is "" for a
// board that belongs to no family.
func (m Machine) Newest(qemu Version) string {
	for i := range families {
		f := &families[i]
		switch {
		case f.name != m.Family || !slices.Contains(f.targets, m.Target):
		case qemu.IsZero() || f.prefix == "" || f.only != nil || qemu.Compare(f.first) < 0:
			return f.name
		default:
			v := release(qemu)
			return f.prefix + Version{Major: v.Major, Minor: v.Minor}.String()
		}
	}
	return ""
}
