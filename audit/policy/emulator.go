package policy

import (
	"slices"
	"strings"
	"sync"
)

// emulatorKind is what the name of a guest's emulator shows about the executable.
type emulatorKind int

const (
	qemuProgram    emulatorKind = iota // QEMU, or none is named: libvirt uses QEMU
	otherTarget                        // QEMU, but for guests of another architecture
	otherProgram                       // known not to be QEMU
	unknownProgram                     // none of these
)

// qemuNames are QEMU's names besides qemu-system-TARGET: of Red Hat and SUSE (qemu-kvm), Debian, Ubuntu
// and Proxmox (kvm, kvm-spice, xen-qemu-system-i386), Unraid, Arch and releases before 1.0 (qemu), and
// Xen (qemu-dm).
var qemuNames = []string{"qemu-kvm", "kvm", "kvm-spice", "qemu", "qemu-dm", "xen-qemu-system-i386"}

// otherNames are executables that run guests and are not QEMU. A suffix after '-' or '.' does not matter:
// "cloud-hypervisor-static".
var otherNames = strings.Fields(`cloud-hypervisor stratovirt crosvm firecracker lkvm kvmtool acrn-dm bhyve
	bhyveload xhyve vfkit krunvm libkrun openvmm openhcl dragonball alioth propolis-server propolis-standalone
	uhyve solo5-hvt libvirt_lxc VBoxHeadless vmware-vmx`)

// UnknownEmulator reports whether nothing is known about the executable in <emulator>, and the site does
// not allow it.
func (g Guest) UnknownEmulator() bool {
	kind := g.emulatorFor(g.Arch)
	return (kind == unknownProgram || kind == otherProgram) && !g.AllowedEmulator && runsInQEMU(g)
}

// WrongEmulator reports whether <emulator> names QEMU for another architecture than the guest's.
func (g Guest) WrongEmulator() bool {
	arch := g.Arch
	if arch == "" {
		arch = g.HostArch
	}
	return runsInQEMU(g) && g.emulatorFor(arch) == otherTarget
}

// emulatorFor judges the emulator by the last part of its path, exactly as it is written: libvirt
// trims nothing.
func (g Guest) emulatorFor(arch string) emulatorKind {
	name := g.Emulator[strings.LastIndexByte(g.Emulator, '/')+1:]
	switch {
	case g.Emulator == "" || slices.Contains(qemuNames, name):
		return qemuProgram
	case slices.ContainsFunc(otherNames, func(other string) bool { return hasStem(name, other) }):
		return otherProgram
	}
	target := emulatedTarget(name)
	switch {
	case target == "":
		return unknownProgram
	case g.AllowedEmulator || g.Type == "xen" || runsArch(target, arch):
		return qemuProgram // Xen's device model need not be of the guest's kind
	default:
		return otherTarget
	}
}

// emulatedTargets maps what follows "qemu-system-" in names of QEMU to the target: QEMU's own names,
// libvirt's, and Debian's.
var emulatedTargets = sync.OnceValue(func() map[string]string {
	out := map[string]string{
		"amd64": "x86_64", "arm64": "aarch64", "armel": "arm", "armhf": "arm", "ppc64el": "ppc64",
		"powerpc": "ppc", "or1k": "openrisc", "hppa": "parisc", "loong64": "loongarch64",
	}
	for _, a := range arches {
		out[a], out[TargetOf(a)] = TargetOf(a), TargetOf(a)
	}
	return out
})

// flavours are the words that distributions and projects append to the target in names of QEMU: Debian and Ubuntu
// (spice, microvm, hwe), Fedora (headless), Kata Containers. Other suffixes, such as that of a script, are unknown.
var flavours = strings.Fields("spice microvm hwe headless snp-experimental tdx-experimental cca-experimental")

// emulatedTarget returns the target in a name such as qemu-system-x86_64-spice, or "".
func emulatedTarget(name string) string {
	rest, ok := strings.CutPrefix(name, "qemu-system-")
	if !ok {
		return ""
	}
	target, flavour, more := strings.Cut(rest, "-")
	if more && !slices.Contains(flavours, flavour) {
		return ""
	}
	return emulatedTargets()[target]
}

// hasStem reports whether a name is a stem, or the stem with a suffix of letters, digits and the like.
func hasStem(name, stem string) bool {
	rest, ok := strings.CutPrefix(name, stem)
	return ok && (rest == "" || (rest[0] == '-' || rest[0] == '.') && plainName("x"+rest))
}

// runsArch reports whether libvirt starts guests of an architecture with QEMU for a target; it refuses
// others: "Emulator '...' does not support arch '...'" (virQEMUCapsIsArchSupported in libvirt's
// src/qemu/qemu_capabilities.c). An architecture that is not known is accepted.
func runsArch(target, arch string) bool {
	switch {
	case arch == "", !KnownArch(arch), target == TargetOf(arch):
		return true
	case target == "x86_64":
		return arch == "i686"
	case target == "aarch64":
		return arch == "armv7l"
	}
	return false
}
