package rules

import (
	"iter"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
)

// device is a model of a device that the guest has: the one that the document names, or the default
// of libvirt's QEMU driver if it names none. A definition that libvirt has stored names the model,
// so rules treat both in the same way.
type device struct {
	at      audit.Path // of the model if the document names it, else of the device, or of what implies it
	model   string     // "" if it depends on an architecture that is not known
	implied bool       // the document does not name the model
	added   bool       // the document does not have the device either
	by      string     // "libvirt 9" if other versions use another model, or none
}

// libvirt's defaults were measured with libvirt 9.0 on QEMU 7.2 (TestLibvirt) and read from the
// dumps of 12.8. libvirt uses the first model of a list that QEMU supports, and distributions omit
// some.

// virtMachine reports whether the machine is the generic one of Arm, RISC-V and LoongArch.
func virtMachine(p *audit.Pass) bool {
	switch p.Arch() {
	case "loongarch64": // the default of every version
		return p.Target.Machine == "" || strings.HasPrefix(p.Target.Machine, "virt")
	case "armv6l", "armv7l", "armv7b", "aarch64", "riscv32", "riscv64":
		return p.Target.Machine == "virt" || strings.HasPrefix(p.Target.Machine, "virt-")
	}
	return false
}

// onPOWER reports whether the guest is for POWER, and whether on the machine pseries, the default.
func onPOWER(p *audit.Pass) (power, pseries bool) {
	power = p.Arch() == "ppc64" || p.Arch() == "ppc64le"
	m := p.Target.Machine
	return power, power && (m == "" || m == "pseries" || strings.HasPrefix(m, "pseries-"))
}

// nics walks the models of network cards.
func nics(p *audit.Pass) iter.Seq[device] {
	return func(yield func(device) bool) {
		for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
			d := device{at: at, implied: true}
			switch {
			case i.Model != nil && i.Model.Type != "":
				d = device{at: at.Elem("model").Attr("type"), model: i.Model.Type}
			case !usesQEMUDriver(p) || i.Source != nil && i.Source.Hostdev != nil: // real hardware
				continue
			case i.Source != nil && (i.Source.VDPA != nil || i.Source.VHostUser != nil):
				// For vhostuser libvirt refuses every other model, including its own default.
				d.model = "virtio"
			default:
				d.model = defaultNIC(p)
			}
			if !yield(d) {
				return
			}
		}
	}
}

// defaultNIC is qemuDomainDefaultNetModel.
func defaultNIC(p *audit.Pass) string {
	switch arch := p.Arch(); {
	case arch == "":
		return ""
	case arch == "s390x" || virtMachine(p):
		return "virtio"
	case arch == "aarch64" || strings.HasPrefix(arch, "arm"):
		if p.Target.Machine == "versatilepb" {
			return "scm91c111" // libvirt's spelling
		}
		return "lan9118"
	}
	return "rtl8139"
}

// videoCards walks the models of graphics cards. A display without a card implies one.
func videoCards(p *audit.Pass) iter.Seq[device] {
	return func(yield func(device) bool) {
		for at, v := range audit.Each("devices/video", p.Devices.Videos) {
			d := device{at: at.Elem("model").Attr("type"), model: v.Model.Type}
			if d.model == "" || d.model == "default" {
				if !usesQEMUDriver(p) {
					continue
				}
				d = device{at: at, model: defaultVideo(p), implied: true}
			}
			if !yield(d) {
				return
			}
		}
		if len(p.Devices.Graphics) > 0 && len(p.Devices.Videos) == 0 && usesQEMUDriver(p) {
			yield(device{at: audit.At("devices/graphics"), model: defaultVideo(p), implied: true, added: true})
		}
	}
}

// defaultVideo is qemuDomainDefaultVideoDevice.
func defaultVideo(p *audit.Pass) string {
	power, _ := onPOWER(p)
	switch arch := p.Arch(); {
	case arch == "":
		return ""
	case power:
		return "vga"
	case arch == "s390x" || virtMachine(p):
		return "virtio"
	}
	return "cirrus"
}

// tpmModels walks the models of TPMs.
func tpmModels(p *audit.Pass) iter.Seq[device] {
	return func(yield func(device) bool) {
		for at, t := range audit.Each("devices/tpm", p.Devices.TPMs) {
			d := device{at: at.Attr("model"), model: t.Model}
			if d.model == "" {
				if !usesQEMUDriver(p) {
					continue
				}
				d = device{at: at, model: "tpm-tis", implied: true}
				if power, _ := onPOWER(p); power {
					d.model = "tpm-spapr"
				}
			}
			if !yield(d) {
				return
			}
		}
	}
}

// diskBuses walks the buses of disks.
func diskBuses(p *audit.Pass) iter.Seq[device] {
	return func(yield func(device) bool) {
		for at, disk := range audit.Each("devices/disk", p.Devices.Disks) {
			d := device{at: at.Elem("target").Attr("bus"), model: diskBus(disk)}
			if d.model != "" && !yield(d) {
				return
			}
		}
	}
}

// diskBus returns the bus that a disk is on. libvirt derives it from the name of the target if the
// document names none.
func diskBus(d *libvirtxml.DomainDisk) string {
	switch t := d.Target; {
	case t != nil && t.Bus != "":
		return t.Bus
	case d.Device == "floppy":
		return "fdc"
	case t == nil:
		return ""
	case strings.HasPrefix(t.Dev, "sd"):
		return "scsi"
	case strings.HasPrefix(t.Dev, "hd"):
		return "ide"
	case strings.HasPrefix(t.Dev, "vd"):
		return "virtio"
	case strings.HasPrefix(t.Dev, "xvd"):
		return "xen"
	case strings.HasPrefix(t.Dev, "ubd"):
		return "uml"
	}
	return ""
}

// withoutEIM is how many virtual CPUs an x86 guest can have without an IOMMU.
const withoutEIM = 255

// iommus walks the models of IOMMUs. libvirt 12 adds one to a q35 guest that needs it.
func iommus(p *audit.Pass) iter.Seq[device] {
	return func(yield func(device) bool) {
		for at, i := range audit.Each("devices/iommu", p.Devices.IOMMUs) {
			if !yield(device{at: at.Attr("model"), model: i.Model}) {
				return
			}
		}
		if len(p.Devices.IOMMUs) == 0 && p.VCPU != nil && p.VCPU.Value > withoutEIM && usesQEMUDriver(p) && p.Boundary.Family == "q35" {
			yield(device{at: audit.At("vcpu"), model: "intel", implied: true, added: true, by: "libvirt 12"})
		}
	}
}
