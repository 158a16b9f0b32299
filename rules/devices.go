package rules

import (
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
)

// byQEMU reports whether QEMU emulates the guest's devices. Xen is among the drivers for which it
// may: a fully virtualized Xen guest has QEMU as its device model.
func byQEMU(p *audit.Pass) bool { return p.Boundary.Reason != "not-qemu" }

// Documents that most rules on devices refer to.
const (
	patchewSecure = "https://patchew.org/QEMU/20250909165726.3814465-1-berrange@redhat.com/"
	redhatQEMU    = "https://gitlab.com/redhat/centos-stream/rpms/qemu-kvm"
)

var devices = []*audit.Rule{
	{
		ID:       "device-floppy",
		Title:    "Floppy drive",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `The floppy controller is where VENOM (CVE-2015-3456) let guests break out of QEMU, and more flaws were
found in it since. On q35 it exists only in guests that have a floppy drive; on i440fx it always does, but
without a drive less of it can be reached. Harmless for the hour in which an installer reads drivers from a
floppy.`,
		Fix: `Delete the <disk device='floppy'>; hand over files on a CD-ROM image instead
$ virt-xml DOMAIN --remove-device --disk device=floppy`,
		Refs: []string{"https://nvd.nist.gov/vuln/detail/CVE-2015-3456", "https://nvd.nist.gov/vuln/detail/CVE-2021-3507", qemuSecurity},
		Check: func(p *audit.Pass) {
			if !byQEMU(p) {
				return
			}
			// A <controller type='fdc'> is no finding of its own: libvirt leaves it in the document when the
			// drive goes, and gives QEMU a floppy controller for drives only
			// (source: libvirt, qemuBuildFloppyCommandLineControllerOptions).
			for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
				if d.Device == "floppy" || d.Target != nil && d.Target.Bus == "fdc" {
					p.Reportf(at.Attr("device"), "floppy drive %s brings QEMU's floppy controller into the guest", diskTarget(d.Target))
				}
			}
		},
	},
	{
		ID:       "device-video-cirrus",
		Title:    "Cirrus graphics card",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `The Cirrus card copies rectangles at the guest's word, and those copies left its memory again and again:
CVE-2007-1320, CVE-2008-4539, CVE-2014-8106, CVE-2017-2615 and CVE-2017-2620 let a guest write into QEMU.
Distributions drop it, and only systems too old for anything else need it. Where a document names no model, libvirt
picks it on most machines if QEMU has it, and writes it down when it defines the domain.`,
		Fix: `<video><model type='virtio'/></video>, or type='vga' for systems without drivers
$ virt-xml DOMAIN --edit --video clearxml=yes,model.type=virtio`,
		Refs: []string{"https://nvd.nist.gov/vuln/detail/CVE-2017-2620", redhatQEMU, "https://libvirt.org/formatdomain.html#video-devices"},
		Check: func(p *audit.Pass) {
			if !byQEMU(p) {
				return
			}
			for v := range videoCards(p) {
				switch {
				case v.model == "":
					p.Unknown(audit.NeedCapabilities)
				case v.model != "cirrus":
				case v.added:
					p.Reportf(v.at, "a display without <video>: libvirt adds one, model 'cirrus' where QEMU has it")
				case v.implied:
					p.Reportf(v.at, "no video model: libvirt takes 'cirrus' where QEMU has it")
				default:
					p.Reportf(v.at, "video model 'cirrus' is old code with a history of escapes")
				}
			}
		},
	},
	{
		ID:       "device-nic-legacy",
		Title:    "Old model of network card",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `Models of the cards of old machines take apart descriptors that the guest makes up, in code that few look
at: CVE-2015-3209 (pcnet) and CVE-2015-5165 (rtl8139) reached QEMU's own memory, and there were more since. A
guest needs such a card only where its system has no driver for virtio or for the Intel e1000 family. Where a
document names no model, libvirt picks rtl8139 on most machines if QEMU has it, and writes it down when it defines the
domain.`,
		Fix: `<model type='virtio'/>; Windows guests need the virtio drivers first
$ virt-xml DOMAIN --edit --network model.type=virtio`,
		Refs: []string{"https://nvd.nist.gov/vuln/detail/CVE-2015-3209", "https://nvd.nist.gov/vuln/detail/CVE-2015-5165", patchewSecure, redhatQEMU},
		Check: func(p *audit.Pass) {
			if !byQEMU(p) {
				return
			}
			for n := range nics(p) {
				switch {
				case n.model == "":
					p.Unknown(audit.NeedCapabilities)
				case !oneOf(legacyNICs, n.model):
				case n.implied:
					p.Key("default", n.model).Reportf(n.at, "no network card model: libvirt takes '%s' where QEMU has it", n.model)
				default:
					p.Reportf(n.at, "network card model '%s' is old code that few maintain", n.model)
				}
			}
		},
	},
	{
		ID:       "device-scsi-legacy",
		Title:    "Emulated SCSI hardware instead of virtio-scsi",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `These controllers run scripts and state machines of real chips for the guest, a steady source of flaws:
CVE-2022-0216, CVE-2023-0330 and CVE-2024-6519 in lsilogic, CVE-2021-3392 in lsisas1068, CVE-2020-13362 in
lsisas1078, CVE-2020-35504 in am53c974. virtio-scsi does the same work with less. VMware's vmpvscsi is low. A
guest without the virtio driver in its boot image does not start after the change. Where a document names
no model, or no controller for its disks, libvirt picks lsilogic on most machines if QEMU has it. Where only some
versions of libvirt do so it is low.`,
		Fix: `<controller type='scsi' model='virtio-scsi'/>; see that the guest has the driver first
$ virt-xml DOMAIN --edit type=scsi --controller model=virtio-scsi`,
		Refs: []string{"https://nvd.nist.gov/vuln/detail/CVE-2024-6519", "https://nvd.nist.gov/vuln/detail/CVE-2022-0216", redhatQEMU, "https://pve.proxmox.com/pve-docs/chapter-qm.html"},
		Check: func(p *audit.Pass) {
			if !byQEMU(p) {
				return
			}
			for c := range scsiControllers(p) {
				switch c.model {
				case "":
					p.Unknown(audit.NeedCapabilities)
				case "lsilogic", "lsisas1068", "lsisas1078", "buslogic", "am53c974", "dc390":
					// ncr53c90 is soldered on the boards that have it: there is nothing to choose.
					legacySCSI(p, c)
				case "vmpvscsi":
					p.ReportAs(audit.Low, c.at, "SCSI controller model '%s' is there for guests moved from VMware", c.model)
				}
			}
		},
	},
	{
		ID:       "device-disk-sd",
		Title:    "Emulated SD card",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `The SD host controller had one heap overflow after another (CVE-2020-17380, CVE-2020-25085, CVE-2021-3409,
CVE-2024-3447) and is meant for emulating small boards, not for keeping guests in. A virtual machine can have a
virtio disk instead. Guests of a board that has nothing else cannot choose; such boards are outside QEMU's
security boundary anyhow.`,
		Fix: `<target dev='vda' bus='virtio'/>, and delete the disk's <address>
$ virt-xml DOMAIN --edit target.bus=sd --disk target.bus=virtio,target.dev=vda`,
		Refs: []string{"https://nvd.nist.gov/vuln/detail/CVE-2024-3447", "https://nvd.nist.gov/vuln/detail/CVE-2021-3409", redhatQEMU},
		Check: func(p *audit.Pass) {
			if !byQEMU(p) {
				return
			}
			for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
				if d.Target != nil && d.Target.Bus == "sd" {
					p.Reportf(at.Elem("target").Attr("bus"), "disk %s is on the emulated SD card bus", diskTarget(d.Target))
				}
			}
		},
	},
	{
		ID:       "device-sound-legacy",
		Title:    "Old model of sound card",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `Sound cards of the nineties are code that nobody looks after, on the guest's side of QEMU (CVE-2020-13361
in es1370), and a server has no use for sound. Desktops do with model ich9 or virtio. Models ac97, which Windows
XP wants, and pcspk, the beeper that each PC has anyhow, are low.`,
		Fix: `Delete the <sound>, or <sound model='ich9'/> for a desktop
$ virt-xml DOMAIN --remove-device --sound all`,
		Refs: []string{"https://nvd.nist.gov/vuln/detail/CVE-2020-13361", redhatQEMU},
		Check: func(p *audit.Pass) {
			if !byQEMU(p) {
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
	},
}

// legacySCSI reports a controller. Where versions of libvirt put in different models it is low.
func legacySCSI(p *audit.Pass, c device) {
	if !c.implied {
		p.Reportf(c.at, "SCSI controller model '%s' emulates an old chip in full", c.model)
		return
	}
	what, takes := "no SCSI controller model: libvirt", "takes"
	if c.added {
		what, takes = "a SCSI disk without a controller: libvirt", "adds one, model"
	}
	if c.by == "" {
		p.Key("default", c.model).Reportf(c.at, "%s %s '%s' where QEMU has it", what, takes, c.model)
	} else {
		p.Key("default-by-version", c.model).ReportAs(audit.Low, c.at, "%s %s '%s' where QEMU has it (%s; later versions take virtio-scsi or another controller's)", what, takes, c.model, c.by)
	}
}

// legacyNICs are models that QEMU has or had, as libvirt writes them and as QEMU does: libvirt hands
// on names that it does not know. It compares without regard to case.
var legacyNICs = strings.Fields(`rtl8139 ne2k_pci ne2k_isa pcnet i82550 i82551 i82557a i82557b i82557c i82558a i82558b
	i82559a i82559b i82559c i82559er i82562 i82801 tulip vmxnet3 usb-net lan9118 scm91c111 smc91c111 dp83932
	vlance vmxnet vmxnet2 Am79C970A Am79C973 82543GC`)

func oneOf(list []string, name string) bool {
	for _, l := range list {
		if strings.EqualFold(l, name) {
			return true
		}
	}
	return false
}

// diskTarget names a disk for messages, by what the guest sees of it.
func diskTarget(t *libvirtxml.DomainDiskTarget) string {
	if t == nil || t.Dev == "" {
		return "without a target"
	}
	return "'" + t.Dev + "'"
}
