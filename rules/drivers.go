package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// usesQEMU reports whether QEMU emulates the guest's devices. This includes Xen: a fully
// virtualized Xen guest has QEMU as its device model.
func usesQEMU(p *audit.Pass) bool { return p.Boundary.Reason != "not-qemu" }

// usesQEMUDriver reports whether libvirt's QEMU driver runs the guest: qemu.conf applies, and the
// driver completes the guest's devices.
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
