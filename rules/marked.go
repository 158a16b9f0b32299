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
		var names []string
		for name := range unmarkedDevices(p) {
			if !slices.Contains(names, name) && len(names) <= maxUnmarked {
				names = append(names, name)
			}
		}
		about := quotedModels(names)
		switch {
		case len(names) > maxUnmarked:
			names[maxUnmarked] = "others"
			fallthrough
		case len(names) > 1:
			last := len(names) - 1
			names = []string{strings.Join(names[:last], ", ") + " and " + names[last]}
		case len(names) == 0:
			return
		}
		// At the list of devices, so that their order does not matter; another device is a new finding.
		p.Key("devices", about...).Reportf(audit.At("devices"), "QEMU's maintainers do not mark as fit for hostile guests: %s", names[0])
	},
	NoFix: "Decide which of the devices the guest requires; use a virtio model for a network " +
		"card, disk, controller or IOMMU, and delete the others",
}

// quotedModels returns the models in the names of devices, sorted; they identify a finding, and words
// do not.
func quotedModels(names []string) []string {
	var models []string
	for _, name := range names {
		if _, rest, ok := strings.Cut(name, "'"); ok {
			models = append(models, strings.TrimSuffix(rest, "'"))
		} else {
			models = append(models, "shmem")
		}
	}
	slices.Sort(models)
	return models
}

// maxUnmarked is how many devices a message names. A document can name any number of models.
const maxUnmarked = 8

// unmarkedDevices walks the devices that are not marked: kind and model of each, for messages.
func unmarkedDevices(p *audit.Pass) iter.Seq[string] {
	return func(yield func(string) bool) {
		if p.VerdictIs("not-qemu") {
			return
		}
		for kind, model := range modelsByKind(p) {
			if slices.Contains(unmarked[kind], model) && !yield(unmarkedNames[kind]+" '"+model+"'") {
				return
			}
		}
		if len(p.Devices.Shmems) > 0 {
			yield("shared memory (ivshmem)")
		}
	}
}

// unmarkedNames are the kinds of devices in messages.
var unmarkedNames = map[string]string{
	"interface": "network card", "controller": "SCSI controller", "bus": "disk bus", "tpm": "TPM", "iommu": "IOMMU",
	"sound": "sound card", "watchdog": "watchdog",
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
