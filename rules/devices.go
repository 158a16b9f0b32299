package rules

import (
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

// Documents that most rules on devices refer to.
const (
	patchewSecure = "https://patchew.org/QEMU/20250909165726.3814465-1-berrange@redhat.com/"
	redhatQEMU    = "https://gitlab.com/redhat/centos-stream/rpms/qemu-kvm"
)

// noVirtio is why there is no replacement for a device.
const noVirtio = "Decide whether the guest can move to a machine type that has virtio devices, " +
	"such as 'virt': libvirt cannot add them to this one"

var devices = []*audit.Rule{
	{
		ID:       "device-floppy",
		Title:    "Floppy drive",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `VENOM (CVE-2015-3456) allowed guests to escape from QEMU through the floppy
controller, and it has had more vulnerabilities since. On q35 the controller exists only in guests
with a floppy drive. On i440fx it always exists, but without a drive less of its code is reachable.
It is harmless while an installer reads drivers from a floppy.`,
		Fix:  `Delete the <disk device='floppy'>, and provide files on a CD-ROM image instead`,
		Refs: []string{"https://nvd.nist.gov/vuln/detail/CVE-2015-3456", "https://nvd.nist.gov/vuln/detail/CVE-2021-3507", refs.QEMUSecurity},
		Check: func(p *audit.Pass) {
			if !usesQEMU(p) {
				return
			}
			// A <controller type='fdc'> alone is not reported: libvirt keeps it in the document
			// when the drive is removed, and gives QEMU a floppy controller only for drives
			// (source: libvirt, qemuBuildFloppyCommandLineControllerOptions).
			for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
				if d.Device == "floppy" || d.Target != nil && d.Target.Bus == "fdc" {
					p.Reportf(at.Attr("device"), "floppy drive %s adds QEMU's floppy controller to the guest", diskTarget(d.Target))
				}
			}
		},
		Fixes: fixFloppy,
	},
	{
		ID:       "device-video-cirrus",
		Title:    "Cirrus graphics card",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `The Cirrus card copies rectangles on the guest's command, and those copies have
repeatedly exceeded its memory: CVE-2007-1320, CVE-2008-4539, CVE-2014-8106, CVE-2017-2615 and
CVE-2017-2620 allowed a guest to write QEMU's memory. Distributions remove it, and only legacy
systems require it. If a document names no model, libvirt uses it on most machine types if QEMU has
it, and stores it when it defines the domain.`,
		Fix:  `Use <video><model type='virtio'/></video>, or type='vga' for systems without drivers`,
		Refs: []string{"https://nvd.nist.gov/vuln/detail/CVE-2017-2620", redhatQEMU, "https://libvirt.org/formatdomain.html#video-devices"},
		Check: func(p *audit.Pass) {
			if !usesQEMU(p) {
				return
			}
			for v := range videoCards(p) {
				switch {
				case v.model == "":
					p.Unknown(audit.NeedCapabilities)
				case v.model != "cirrus":
				case v.added:
					p.Reportf(v.at, "a display without <video>: libvirt adds model 'cirrus' if QEMU has it")
				case v.implied:
					p.Reportf(v.at, "the document states no video model: libvirt uses 'cirrus' if QEMU has it")
				default:
					p.Reportf(v.at, "video model 'cirrus' is legacy code with a history of escapes")
				}
			}
		},
		Fixes: fixCirrus,
		NoFix: "Choose a video card that the board has: libvirt cannot give it a virtio or VGA card",
	},
	{
		ID:       "device-nic-legacy",
		Title:    "Legacy network card",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `Models of legacy cards parse descriptors that the guest writes, in code that few
people maintain: CVE-2015-3209 (pcnet) and CVE-2015-5165 (rtl8139) gave access to QEMU's own memory,
and there have been more since. A guest requires such a card only if its system has no driver for
virtio or for the Intel e1000 family. If a document names no model, libvirt uses rtl8139 on most
machine types if QEMU has it, and stores it when it defines the domain.`,
		Fix:  `Use <model type='virtio'/>; install the virtio drivers in a Windows guest first`,
		Refs: []string{"https://nvd.nist.gov/vuln/detail/CVE-2015-3209", "https://nvd.nist.gov/vuln/detail/CVE-2015-5165", patchewSecure, redhatQEMU},
		Check: func(p *audit.Pass) {
			if !usesQEMU(p) {
				return
			}
			for n := range nics(p) {
				switch {
				case n.model == "":
					p.Unknown(audit.NeedCapabilities)
				case !containsFold(legacyNICs, n.model):
				case n.implied:
					p.Key("default", n.model).Reportf(n.at, "the document states no network card model: libvirt uses '%s' if QEMU has it", n.model)
				default:
					p.Reportf(n.at, "network card model '%s' is legacy code that few people maintain", n.model)
				}
			}
		},
		Fixes: fixNIC,
		NoFix: noVirtio,
	},
	{
		ID:       "device-scsi-legacy",
		Title:    "Emulated SCSI hardware instead of virtio-scsi",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `These controllers emulate scripts and state machines of real chips, a frequent source
of vulnerabilities: CVE-2022-0216, CVE-2023-0330 and CVE-2024-6519 in lsilogic, CVE-2021-3392 in
lsisas1068, CVE-2020-13362 in lsisas1078, CVE-2020-35504 in am53c974. virtio-scsi does the same with
less code. VMware's vmpvscsi is low. A guest without the virtio driver in its boot image does not
start after the change. If a document names no model, or no controller for its disks, libvirt uses
lsilogic on most machine types if QEMU has it. If only some versions of libvirt do so, and others
use virtio-scsi or the model of another controller, the finding is low.`,
		Fix:  `Use <controller type='scsi' model='virtio-scsi'/>, after checking that the guest has the driver`,
		Refs: []string{"https://nvd.nist.gov/vuln/detail/CVE-2024-6519", "https://nvd.nist.gov/vuln/detail/CVE-2022-0216", redhatQEMU, "https://pve.proxmox.com/pve-docs/chapter-qm.html"},
		Check: func(p *audit.Pass) {
			if !usesQEMU(p) {
				return
			}
			for c := range scsiControllers(p) {
				switch c.model {
				case "":
					p.Unknown(audit.NeedCapabilities)
				case "lsilogic", "lsisas1068", "lsisas1078", "buslogic", "am53c974", "dc390":
					// ncr53c90 is built into the machine types that have it, so there is no
					// alternative.
					reportLegacySCSI(p, c)
				case "vmpvscsi":
					p.ReportAs(audit.Low, c.at, "SCSI controller model '%s' is intended for guests migrated from VMware", c.model)
				}
			}
		},
		Fixes: fixSCSI,
		NoFix: noVirtio,
	},
	{
		ID:       "device-disk-sd",
		Title:    "Emulated SD card",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `The SD host controller has had several heap overflows (CVE-2020-17380, CVE-2020-25085,
CVE-2021-3409, CVE-2024-3447) and is made for emulating embedded boards, not for isolating guests. A
virtual machine can use a virtio disk instead. Guests of a board that supports nothing else have no
alternative; such boards are outside QEMU's security boundary.`,
		Fix:  `Use <target dev='vda' bus='virtio'/>, and delete the disk's <address>`,
		Refs: []string{"https://nvd.nist.gov/vuln/detail/CVE-2024-3447", "https://nvd.nist.gov/vuln/detail/CVE-2021-3409", redhatQEMU},
		Check: func(p *audit.Pass) {
			if !usesQEMU(p) {
				return
			}
			for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
				if d.Target != nil && d.Target.Bus == "sd" {
					p.Reportf(at.Elem("target").Attr("bus"), "disk %s is on the emulated SD card bus", diskTarget(d.Target))
				}
			}
		},
		Fixes: fixSDCard,
		NoFix: noVirtio,
	},
	{
		ID:       "device-sound-legacy",
		Title:    "Legacy sound card",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `The models of sound cards from the 1990s are unmaintained code that the guest can
attack (CVE-2020-13361 in es1370), and a server does not use sound. Use model ich9 or virtio for
desktops. Models ac97, which Windows XP requires, and pcspk, the beeper that every PC has, are low.`,
		Fix:  `Delete the <sound>, or use <sound model='ich9'/> for a desktop`,
		Refs: []string{"https://nvd.nist.gov/vuln/detail/CVE-2020-13361", redhatQEMU},
		Check: func(p *audit.Pass) {
			if !usesQEMU(p) {
				return
			}
			for at, s := range audit.Each("devices/sound", p.Devices.Sounds) {
				switch s.Model {
				case "es1370", "sb16", "usb":
					p.Reportf(at.Attr("model"), "sound card model '%s' is old code that few maintain", s.Model)
				case "ac97", "pcspk":
					p.ReportAs(audit.Low, at.Attr("model"), "sound card model '%s' is old code that few maintain", s.Model)
				}
			}
		},
		Fixes: fixSound,
	},
}

// reportLegacySCSI reports a controller. If the default depends on the version of libvirt, the
// finding is low.
func reportLegacySCSI(p *audit.Pass, c device) {
	if !c.implied {
		p.Reportf(c.at, "SCSI controller model '%s' emulates a legacy chip in full", c.model)
		return
	}
	problem := "the document states no SCSI controller model: libvirt uses"
	if c.added {
		problem = "a SCSI disk without a controller: libvirt adds one with model"
	}
	if c.by == "" {
		p.Key("default", c.model).Reportf(c.at, "%s '%s' if QEMU has it", problem, c.model)
	} else {
		p.Key("default-by-version", c.model).ReportAs(audit.Low, c.at, "%s '%s' if QEMU has it (%s only)", problem, c.model, c.by)
	}
}

// legacyNICs are models that QEMU has or had, in the spelling of libvirt and of QEMU: libvirt
// passes on names that it does not know. It ignores case.
var legacyNICs = strings.Fields(`rtl8139 ne2k_pci ne2k_isa pcnet i82550 i82551 i82557a i82557b i82557c i82558a i82558b
	i82559a i82559b i82559c i82559er i82562 i82801 tulip vmxnet3 usb-net lan9118 scm91c111 smc91c111 dp83932
	vlance vmxnet vmxnet2 Am79C970A Am79C973 82543GC`)

// containsFold reports whether a list contains a name, in any case.
func containsFold(list []string, name string) bool {
	for _, l := range list {
		if strings.EqualFold(l, name) {
			return true
		}
	}
	return false
}

// diskTarget returns the name of a disk's target for messages.
func diskTarget(t *libvirtxml.DomainDiskTarget) string {
	if t == nil || t.Dev == "" {
		return "without a target"
	}
	return "'" + t.Dev + "'"
}
