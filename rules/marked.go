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
	Title:    "QEMU's maintainers do not propose to mark some devices as secure",
	Severity: audit.Info,
	Profiles: []audit.Profile{audit.Hardened, audit.MultiTenant},
	Doc: `The devices may not be written for hostile guests. A proposed series of patches marks the
device types that are, roughly those that Red Hat builds. The others are unmaintained, or not yet
reviewed: among them are all sound cards, TPM models and IOMMUs. The marks are an opinion and not
QEMU's policy, which is only about the accelerator and the machine type, and no release has them so
far. Most guests have such a device: the rule lists them in one finding for each guest.`,
	Fix:  `Use a virtio model if there is one, such as <model type='virtio'/> for a network card. Keep a device if the guest requires it.`,
	Refs: []string{patchewSecure},
	Check: func(p *audit.Pass) {
		var found []unmarkedDevice
		for d := range unmarkedDevices(p) {
			if !slices.Contains(found, d) && len(found) <= maxUnmarked {
				found = append(found, d)
			}
		}
		if len(found) == 0 {
			return
		}
		var names, models []string
		for _, d := range found {
			names, models = append(names, d.String()), append(models, d.model)
		}
		if len(names) > maxUnmarked {
			names[maxUnmarked] = "others"
		}
		slices.Sort(models)
		// At the list of devices, so that their order does not matter; another device is a new finding.
		p.Key("devices", models...).Reportf(audit.At("devices"), "QEMU's maintainers do not mark as fit for hostile guests: %s", enumerate(names))
	},
	NoFix: "Decide which of the devices the guest requires; use a virtio model for a network " +
		"card, disk, controller or IOMMU, and delete the others",
}

// maxUnmarked is how many devices a message names. A document can name any number of models.
const maxUnmarked = 8

// unmarkedDevice is a device that is not marked: its kind in unmarkedNames, and its model.
type unmarkedDevice struct{ kind, model string }

// String describes the device for messages.
func (d unmarkedDevice) String() string {
	if d == sharedMemory {
		return "shared memory (ivshmem)"
	}
	return unmarkedNames[d.kind] + " '" + d.model + "'"
}

// sharedMemory is any <shmem>: no model of it is marked.
var sharedMemory = unmarkedDevice{model: "shmem"}

// unmarkedNames are the kinds of devices in messages.
var unmarkedNames = map[string]string{
	"interface": "network card", "controller": "SCSI controller", "bus": "disk bus", "tpm": "TPM", "iommu": "IOMMU",
	"sound": "sound card", "watchdog": "watchdog",
}

// unmarkedDevices walks the devices that are not marked.
func unmarkedDevices(p *audit.Pass) iter.Seq[unmarkedDevice] {
	return func(yield func(unmarkedDevice) bool) {
		if p.VerdictIs("not-qemu") {
			return
		}
		for kind, model := range modelsByKind(p) {
			if slices.Contains(unmarked[kind], model) && !yield(unmarkedDevice{kind, model}) {
				return
			}
		}
		if len(p.Devices.Shmems) > 0 {
			yield(sharedMemory)
		}
	}
}

// modelsByKind walks the models of the guest's devices, by the keys of unmarked.
func modelsByKind(p *audit.Pass) iter.Seq2[string, string] {
	return func(yield func(kind, model string) bool) {
		for _, devices := range []struct {
			kind   string
			models iter.Seq[device]
		}{
			{"interface", nics(p)},
			{"controller", scsiControllers(p)},
			{"bus", diskBuses(p)},
			{"tpm", tpmModels(p)},
			{"iommu", iommus(p)},
		} {
			for d := range devices.models {
				if d.model == "" {
					p.Unknown(audit.NeedCapabilities)
				}
				if !yield(devices.kind, d.model) {
					return
				}
			}
		}
		for i := range p.Devices.Sounds {
			if !yield("sound", p.Devices.Sounds[i].Model) {
				return
			}
		}
		for i := range p.Devices.Watchdogs {
			if !yield("watchdog", p.Devices.Watchdogs[i].Model) {
				return
			}
		}
	}
}
