package policy

import "slices"

// The words that libvirt knows. It compares them byte by byte: no other case, no blanks around them.

// arches is virArchData in libvirt's src/util/virarch.c, in its order, without the placeholder "none".
var arches = []string{
	"alpha", "armv6l", "armv7l", "armv7b", "aarch64", "cris", "i686", "ia64", "lm32", "loongarch64",
	"m68k", "microblaze", "microblazeel", "mips", "mipsel", "mips64", "mips64el", "openrisc", "parisc",
	"parisc64", "ppc", "ppcle", "ppc64", "ppc64le", "ppcemb", "riscv32", "riscv64", "s390", "s390x",
	"sh4", "sh4eb", "sparc", "sparc64", "unicore32", "x86_64", "xtensa", "xtensaeb",
}

// types is virDomainVirt in libvirt's src/conf/domain_conf.c without "none", and nvmm, which pkgsrc's
// libvirt adds for NetBSD.
var types = []string{
	"qemu", "kqemu", "kvm", "xen", "lxc", "uml", "openvz", "test", "vmware", "hyperv", "vbox", "phyp",
	"parallels", "bhyve", "vz", "hvf", "nvmm",
}

// oses is virDomainOS in the same file.
var oses = []string{"hvm", "xen", "linux", "exe", "uml", "xenpvh"}

// Arches returns the architectures that libvirt can name in a domain, in libvirt's spelling and order.
func Arches() []string { return slices.Clone(arches) }

// KnownArch reports whether a word is an architecture of libvirt. It is exact: "amd64" and
// "X86_64" are not known.
func KnownArch(arch string) bool { return slices.Contains(arches, arch) }

// Types returns the domain types that libvirt knows.
func Types() []string { return slices.Clone(types) }

// OSTypes returns the texts that <os><type> may have.
func OSTypes() []string { return slices.Clone(oses) }

// KnownType reports whether a word is a domain type of libvirt, or of pkgsrc's build of it.
func KnownType(domainType string) bool { return slices.Contains(types, domainType) }

// KnownOS reports whether libvirt accepts a word as the text of <os><type>.
func KnownOS(os string) bool { return slices.Contains(oses, os) }

// TargetOf returns QEMU's name of the target that emulates one of libvirt's architectures. For an unknown
// word, and for "", it returns the word. Source: virQEMUCapsArchToString in libvirt's
// src/qemu/qemu_capabilities.c, and virQEMUCapsFindTarget for the little endian ppc64.
func TargetOf(arch string) string {
	switch arch {
	case "i686":
		return "i386"
	case "armv6l", "armv7l":
		return "arm"
	case "ppc64le":
		return "ppc64"
	default:
		return arch
	}
}

// targets returns the names that an edition can list: the targets of all architectures of libvirt.
func targets() []string {
	var out []string
	for _, a := range arches {
		if t := TargetOf(a); !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}
