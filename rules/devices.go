package rules

import (
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
)

// byQEMU reports whether QEMU emulates the guest's devices. Xen is among the drivers for which it
// may: a fully virtualized Xen guest has QEMU as its device model.
func byQEMU(p *audit.Pass) bool { return p.Boundary.Reason != "not-qemu" }

// onX86 reports whether libvirt's defaults for x86 hold: there, where the document names no model, it
// takes the first that QEMU has, the oldest foremost (source: libvirt, qemuDomainDefaultNetModel,
// qemuDomainDefaultVideoDevice, qemuDomainGetSCSIControllerModel). A stored definition names it; a
// document that does not was written by hand, and may fare better on a distribution's smaller QEMU,
// so these findings are low.
func onX86(p *audit.Pass) bool {
	return byQEMU(p) && p.Type != "xen" && (p.Boundary.Target == "x86_64" || p.Boundary.Target == "i386")
}

// Documents that most rules on devices refer to.
const (
	patchewSecure = "https://patchew.org/QEMU/20250909165726.3814465-1-berrange@redhat.com/"
	redhatQEMU    = "https://gitlab.com/redhat/centos-stream/rpms/qemu-kvm"
)

var devices = []*audit.Rule{
	{
		ID:       "dev-floppy",
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
		ID:       "dev-video-cirrus",
		Title:    "Cirrus graphics card",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `The Cirrus card copies rectangles at the guest's word, and those copies left its memory again and again:
CVE-2007-1320, CVE-2008-4539, CVE-2014-8106, CVE-2017-2615 and CVE-2017-2620 let a guest write into QEMU.
Distributions drop it, and only systems too old for anything else need it. Where a document written by hand names
no model, libvirt may pick it: that is low.`,
		Fix: `<video><model type='virtio'/></video>, or type='vga' for systems without drivers
$ virt-xml DOMAIN --edit --video clearxml=yes,model.type=virtio`,
		Refs: []string{"https://nvd.nist.gov/vuln/detail/CVE-2017-2620", redhatQEMU, "https://libvirt.org/formatdomain.html#video-devices"},
		Check: func(p *audit.Pass) {
			if !byQEMU(p) {
				return
			}
			for at, v := range audit.Each("devices/video", p.Devices.Videos) {
				switch v.Model.Type {
				case "cirrus":
					p.Reportf(at.Elem("model").Attr("type"), "video model 'cirrus' is old code with a history of escapes")
				case "", "default":
					if onX86(p) {
						p.ReportAs(audit.Low, at, "no video model: libvirt takes 'cirrus' where QEMU has it")
					}
				}
			}
			if len(p.Devices.Graphics) > 0 && len(p.Devices.Videos) == 0 && onX86(p) {
				p.ReportAs(audit.Low, audit.At("devices/graphics"), "a display without <video>: libvirt adds one, model 'cirrus' where QEMU has it")
			}
		},
	},
	{
		ID:       "dev-nic-legacy",
		Title:    "Old model of network card",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `Models of the cards of old machines take apart descriptors that the guest makes up, in code that few look
at: CVE-2015-3209 (pcnet) and CVE-2015-5165 (rtl8139) reached QEMU's own memory, and there were more since. A
guest needs such a card only where its system has no driver for virtio or for the Intel e1000 family. Where a
document written by hand names no model, libvirt may pick rtl8139: that is low.`,
		Fix: `<model type='virtio'/>; Windows guests need the virtio drivers first
$ virt-xml DOMAIN --edit --network model.type=virtio`,
		Refs: []string{"https://nvd.nist.gov/vuln/detail/CVE-2015-3209", "https://nvd.nist.gov/vuln/detail/CVE-2015-5165", patchewSecure, redhatQEMU},
		Check: func(p *audit.Pass) {
			if !byQEMU(p) {
				return
			}
			for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
				switch {
				case i.Model != nil && i.Model.Type != "":
					if oneOf(legacyNICs, i.Model.Type) {
						p.Reportf(at.Elem("model").Attr("type"), "network card model '%s' is old code that few maintain", i.Model.Type)
					}
				case i.Source != nil && (i.Source.Hostdev != nil || i.Source.VDPA != nil): // real hardware, and virtio by default
				case onX86(p):
					p.ReportAs(audit.Low, at, "no network card model: libvirt takes 'rtl8139' where QEMU has it")
				}
			}
		},
	},
	{
		ID:       "dev-scsi-legacy",
		Title:    "Emulated SCSI hardware instead of virtio-scsi",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `These controllers run scripts and state machines of real chips for the guest, a steady source of flaws:
CVE-2022-0216, CVE-2023-0330 and CVE-2024-6519 in lsilogic, CVE-2021-3392 in lsisas1068, CVE-2020-13362 in
lsisas1078, CVE-2020-35504 in am53c974. virtio-scsi does the same work with less. VMware's vmpvscsi is low. A
guest without the virtio driver in its boot image does not start after the change. Where a document written by
hand names no model, libvirt may pick lsilogic: that is low.`,
		Fix: `<controller type='scsi' model='virtio-scsi'/>; see that the guest has the driver first
$ virt-xml DOMAIN --edit type=scsi --controller model=virtio-scsi`,
		Refs: []string{"https://nvd.nist.gov/vuln/detail/CVE-2024-6519", "https://nvd.nist.gov/vuln/detail/CVE-2022-0216", redhatQEMU, "https://pve.proxmox.com/pve-docs/chapter-qm.html"},
		Check: func(p *audit.Pass) {
			if !byQEMU(p) {
				return
			}
			found := false
			for at, c := range audit.Each("devices/controller", p.Devices.Controllers) {
				if c.Type != "scsi" {
					continue
				}
				found = true
				switch c.Model {
				case "lsilogic", "lsisas1068", "lsisas1078", "buslogic", "am53c974", "dc390":
					// ncr53c90 is soldered on the boards that have it: there is nothing to choose.
					p.Reportf(at.Attr("model"), "SCSI controller model '%s' emulates an old chip in full", c.Model)
				case "vmpvscsi":
					p.ReportAs(audit.Low, at.Attr("model"), "SCSI controller model '%s' is there for guests moved from VMware", c.Model)
				case "", "auto":
					if onX86(p) {
						p.ReportAs(audit.Low, at, "no SCSI controller model: libvirt takes 'lsilogic' where QEMU has it")
					}
				}
			}
			if found || !onX86(p) {
				return
			}
			for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
				if d.Target != nil && d.Target.Bus == "scsi" {
					p.ReportAs(audit.Low, at.Elem("target").Attr("bus"), "a SCSI disk without a controller: libvirt adds one, model 'lsilogic' where QEMU has it")
					break
				}
			}
		},
	},
	{
		ID:       "dev-disk-sd",
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
		ID:       "dev-sound-legacy",
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
