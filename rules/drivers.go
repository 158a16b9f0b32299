package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// usesQEMUDriver reports whether libvirt's QEMU driver runs the guest, so that qemu.conf applies.
func usesQEMUDriver(p *audit.Pass) bool { return usesQEMU(p) && p.Type != "xen" }

// kvmRuns reports whether KVM of a host of one architecture runs guests of another.
func kvmRuns(host, guest string) bool {
	switch guest {
	case host:
		return true
	case "i686":
		return host == "x86_64"
	case "armv6l", "armv7l":
		return host == "aarch64" || host == "armv7l"
	case "ppc", "ppc64", "ppc64le":
		return strings.HasPrefix(host, "ppc64")
	}
	return false
}
