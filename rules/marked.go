package rules

import (
	"iter"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// unmarked lists, by libvirt's words, the models of devices that the series "Encode object type security
// status in code" leaves without the mark secure, or marks insecure (its second version, of 2025-09-26,
// and the parts of 2026 that followed). No release up to QEMU 11.1 has the marks: this is what maintainers
// think of hostile guests, and no policy. Not being marked is not the same as being judged insecure.
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
	Title:    "Device is not among those that QEMU's maintainers propose to call secure",
	Severity: audit.Medium,
	Profiles: []audit.Profile{audit.Hardened, audit.MultiTenant},
	Doc: `Nobody has yet stated that this device was written for hostile guests. A series of patches marks the
device types that were, about those that Red Hat builds; the others are neglected code, or merely not looked at yet: all
sound cards, TPM models and IOMMUs are among them. It is an opinion and not QEMU's policy, which is about accelerator and
machine alone, and no release has the marks so far. Expect many hits on ordinary guests.`,
	Fix:  `A virtio model where there is one, such as <model type='virtio'/> for a network card; nothing where the device is needed.`,
	Refs: []string{"https://patchew.org/QEMU/20250909165726.3814465-1-berrange@redhat.com/"},
	Check: func(p *audit.Pass) {
		if because(p, "not-qemu") {
			return
		}
		look := func(kind string, at audit.Path, model string) {
			if slices.Contains(unmarked[kind], model) {
				p.Key(kind, model).Reportf(at, "%s '%s' is not marked as fit for hostile guests by QEMU's maintainers", strings.Replace(kind, "bus", "disk bus", 1), model)
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
			p.Reportf(at, "shared memory (ivshmem) is not marked as fit for hostile guests by QEMU's maintainers")
		}
	},
}
