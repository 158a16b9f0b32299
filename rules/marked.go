package rules

import (
	"iter"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// unmarked lists, by libvirt's names, the models of devices that the series "Encode object type
// security status in code" does not mark as secure, or marks as insecure (its second version, of
// 2025-09-26, and the parts of 2026 that followed). No release up to QEMU 11.1 has the marks: they
// are an opinion of maintainers about hostile guests, not a policy. A device without the mark is
// not necessarily insecure.
var unmarked = map[string][]string{
	"interface": strings.Fields(`igb vmxnet3 ne2k_pci ne2k_isa pcnet i82550 i82551 i82557a i82557b i82557c i82558a i82558b
		i82559a i82559b i82559c i82559er i82562 i82801 tulip sungem spapr-vlan usb-net smc91c111 scm91c111 lan9118`),
	"controller": {"lsilogic", "lsisas1068", "lsisas1078", "dc390", "am53c974"},
	"watchdog":   {"diag288"},
	"sound":      {"ich6", "ich7", "ich9", "ac97", "es1370", "sb16", "pcspk", "usb"},
	"tpm":        {"tpm-tis", "tpm-crb", "tpm-spapr", "tpm-spapr-proxy"},
	"iommu":      {"intel", "smmuv3", "amd"},
	"bus":        {"fdc", "sd", "nvme"},
}

var deviceNotMarked = &audit.Rule{
	ID:       "boundary-device-not-marked",
	Title:    "QEMU's maintainers do not propose to mark the device as secure",
	Severity: audit.Medium,
	Profiles: []audit.Profile{audit.Hardened, audit.MultiTenant},
	Doc: `The device may not be written for hostile guests. A proposed series of patches marks the
device types that are, roughly those that Red Hat builds. The others are unmaintained, or not yet
reviewed: among them are all sound cards, TPM models and IOMMUs. The marks are an opinion and not
QEMU's policy, which is only about the accelerator and the machine type, and no release has them so
far. Expect many findings for ordinary guests.`,
	Fix:  `Use a virtio model if there is one, such as <model type='virtio'/> for a network card. Keep the device if the guest requires it.`,
	Refs: []string{"https://patchew.org/QEMU/20250909165726.3814465-1-berrange@redhat.com/"},
	Check: func(p *audit.Pass) {
		if p.VerdictIs("not-qemu") {
			return
		}
		look := func(kind string, at audit.Path, model string) {
			if slices.Contains(unmarked[kind], model) {
				p.Key(kind, model).Reportf(at, "QEMU's maintainers do not mark %s '%s' as fit for hostile guests", strings.Replace(kind, "bus", "disk bus", 1), model)
			}
		}
		for _, devices := range []struct {
			kind   string
			models iter.Seq[device]
		}{
			{"interface", nics(p)}, {"controller", scsiControllers(p)}, {"bus", diskBuses(p)}, {"tpm", tpmModels(p)}, {"iommu", iommus(p)},
		} {
			for d := range devices.models {
				if d.model == "" {
					p.Unknown(audit.NeedCapabilities)
				}
				look(devices.kind, d.at, d.model)
			}
		}
		for at, d := range audit.Each("devices/sound", p.Devices.Sounds) {
			look("sound", at.Attr("model"), d.Model)
		}
		for at, d := range audit.Each("devices/watchdog", p.Devices.Watchdogs) {
			look("watchdog", at.Attr("model"), d.Model)
		}
		for at := range audit.Each("devices/shmem", p.Devices.Shmems) {
			p.Reportf(at, "QEMU's maintainers do not mark shared memory (ivshmem) as fit for hostile guests")
		}
	},
	Fixes: replaceUnmarked,
	NoFix: "Decide whether the guest requires the device: there is no other model for the same " +
		"purpose",
}
