package policy

import (
	"slices"
	"strings"
)

// vendors is the set of vendors that have variants of a machine family. That a vendor's variant counts as the family
// is an inference: the policy does not speak of downstream names. They are the same machines with
// other defaults.
type vendors uint

const (
	redHat         vendors = 1 << iota // NAME-rhelX.Y.Z
	ubuntu                             // NAME-noble
	ubuntuVariants                     // NAME-noble-v2
	proxmox                            // NAME-9.2+pve1
	pxe                                // NAME-9.2.pxe, which Proxmox uses for old boot ROMs
	sxxm                               // NAME-2.12-sxxm and NAME-bionic-sxxm, with mitigations on by default
)

const pxeSuffix = ".pxe"

// oldRHEL are the machine names of RHEL 5 and 6, all of the i440FX kind. RHEL 7 kept those of RHEL 6
// (its "qemu-kvm -machine help"); oVirt's records of RHEL 6 hosts have the others.
var oldRHEL = []string{
	"rhel5.4.0", "rhel5.4.4", "rhel5.5.0",
	"rhel6.0.0", "rhel6.1.0", "rhel6.2.0", "rhel6.3.0", "rhel6.4.0", "rhel6.5.0", "rhel6.6.0",
}

// ubuntuNames are the releases that Ubuntu's QEMU has machine types for. Two early ones are from
// memory (utopic, vivid). Source: "-machine help" of Ubuntu's packages, Ubuntu's server guide.
var ubuntuNames = []string{
	"trusty", "utopic", "vivid", "wily", "xenial", "yakkety", "zesty", "artful", "bionic", "cosmic",
	"disco", "eoan", "focal", "groovy", "hirsute", "impish", "jammy", "kinetic", "lunar", "mantic",
	"noble", "oracular", "plucky", "questing", "resolute",
}

// ubuntuSuffixes are the variants of an x86 release. Not every release has each; a name that was never
// made does not start, so distinguishing them has no effect.
var ubuntuSuffixes = []string{"hpb", "maxcpus", "hpb-maxcpus", "v2"}

// vendor reports whether the suffix is in a vendor's style, and stores it if so.
func (m *Machine) vendor(f *family, s string) bool {
	if number, ok := strings.CutPrefix(s, "rhel"); ok && f.vendors&redHat != 0 {
		if f.vendors&sxxm != 0 {
			number = strings.TrimSuffix(number, "-sxxm")
		}
		if _, err := ParseVersion(number); err == nil && strings.Count(number, ".") == 2 {
			m.Vendor, m.WellFormed = "rhel", true
		}
		return true
	}
	if f.vendors&sxxm != 0 { // Ubuntu's patch "special type for ppc64 meltdown/spectre defaults"
		s = strings.TrimSuffix(s, "-sxxm")
	}
	release, variant, varied := strings.Cut(s, "-")
	if f.vendors&ubuntu == 0 || !slices.Contains(ubuntuNames, release) {
		return false
	}
	if !varied || f.vendors&ubuntuVariants != 0 && slices.Contains(ubuntuSuffixes, variant) {
		m.Vendor, m.WellFormed = "ubuntu", true
	}
	return true
}

// revision parses what Proxmox appends to one of QEMU's names: "+pve1", or nothing if there was only
// ".pxe". Source: PVE/QemuServer/Machine.pm in qemu-server.
func (m *Machine) revision(f *family, s string) {
	if f.vendors&proxmox == 0 {
		return
	}
	if s != "" {
		digits, ok := strings.CutPrefix(s, "+pve")
		if !ok {
			return
		}
		if _, ok = number(digits); !ok {
			return
		}
	}
	m.Vendor, m.WellFormed = "proxmox", true
}
