package rules

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

// carriesVirtio reports whether libvirt can give the guest virtio devices: not on boards without
// PCI and virtio-mmio (source: libvirt, qemuDomainSupportsPCI and
// qemuDomainAssignVirtioMMIOAddresses), and not under Xen, whose tools do not know these devices.
func carriesVirtio(p *audit.Pass) bool {
	machine := p.Target.Machine
	switch p.Arch() {
	case "armv6l", "armv7l", "armv7b", "aarch64", "riscv32", "riscv64":
		return virtMachine(p) || machine == "versatilepb" || strings.HasPrefix(machine, "vexpress-")
	}
	return p.Type != "xen" && machine != "isapc" && machine != "microvm"
}

// onX86 reports whether the guest is for x86, which it is if its architecture is not known.
func onX86(p *audit.Pass) bool {
	switch p.Arch() {
	case "x86_64", "i686", "":
		return true
	}
	return false
}

// useModel returns the edits that set the model of a device, in the given attribute. The device
// keeps its PCI address, and so its name in the guest; libvirt assigns an address of another kind
// again.
func useModel(p *audit.Pass, at audit.Path, model string) []edit.Edit {
	edits := []edit.Edit{edit.Set(at, model)}
	device, _ := at.Device()
	if kind, ok := p.Attr(device.Elem("address").Attr("type")); ok && kind != "pci" {
		edits = append(edits, edit.Remove(device.Elem("address")))
	}
	return edits
}

func fixFloppy(_ *audit.Pass, f *audit.Finding) []audit.Fix {
	return onlyUnsafe(
		"Delete the drive, after copying the files that the guest needs to a CD-ROM image",
		edit.Remove(f.Path.Attr("")))
}

func fixCirrus(p *audit.Pass, f *audit.Finding) []audit.Fix {
	device, _ := f.Path.Device()
	use := func(model string) []edit.Edit {
		if f.Path.DeviceKind() != "video" {
			return []edit.Edit{edit.Insert(audit.At("devices"), "<video><model type='"+model+"'/></video>")}
		}
		edits := []edit.Edit{edit.Set(device.Elem("model").Attr("type"), model)}
		// The memory of a virtio card is the guest's own, and VGA on Xen needs more than Cirrus has.
		if model == "virtio" || p.Type == "xen" {
			edits = append(edits, dropped(p, device.Elem("model").Attr("vram"))...)
		}
		return edits
	}
	var fixes []audit.Fix
	if carriesVirtio(p) {
		fixes = append(fixes, audit.UnsafeFix(
			"Use the virtio video card; the guest needs a driver for more than a text console",
			use("virtio")...))
	}
	// VGA has no use on other architectures: its memory cannot be accessed as it must be on Arm.
	if power, _ := onPOWER(p); power || onX86(p) {
		fixes = append(fixes, audit.UnsafeFix(
			"Use the VGA card, which systems without drivers know", use("vga")...))
	}
	return fixes
}

func fixNIC(p *audit.Pass, f *audit.Finding) []audit.Fix {
	device, _ := f.Path.Device()
	at := device.Elem("model").Attr("type")
	kind, _ := p.Attr(device.Attr("type"))
	intel := audit.UnsafeFix(
		"Use Intel's e1000 for systems without virtio drivers; the guest may rename its interface",
		useModel(p, at, "e1000")...)
	if p.Machine().Family == "q35" {
		intel = audit.UnsafeFix(
			"Use Intel's e1000e for systems without virtio drivers; the guest may rename its interface",
			useModel(p, at, "e1000e")...)
	}
	switch {
	case kind == "hostdev":
		return onlySafe(
			"Delete the model, which has no effect on a network card of the host",
			edit.Remove(device.Elem("model")))
	case p.Type == "xen":
		return []audit.Fix{audit.UnsafeFix(
			"Use only Xen's own network card; the guest needs its driver and may rename its interface",
			edit.Set(at, "netfront")), intel}
	case !carriesVirtio(p):
		return nil
	}
	fixes := onlyUnsafe(
		"Use the virtio network card; the guest needs its driver and may rename its interface",
		useModel(p, at, "virtio")...)
	if onX86(p) && kind != "vhostuser" && kind != "vdpa" {
		fixes = append(fixes, intel)
	}
	return fixes
}

func fixSCSI(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if !carriesVirtio(p) {
		return nil
	}
	const text = "Use virtio-scsi; the guest does not start without the driver in its boot image"
	device, _ := f.Path.Device()
	if f.Path.DeviceKind() == "controller" {
		return onlyUnsafe(text, useModel(p, device.Attr("model"), "virtio-scsi")...)
	}
	const most = 16 // an address can require four billion
	indices, ok := unstatedSCSI(p, f.Path.DeviceKind() == "hostdev", most)
	if !ok {
		return nil
	}
	var edits []edit.Edit
	for _, index := range indices {
		edits = append(edits, edit.Insert(audit.At("devices"),
			"<controller type='scsi' index='"+index+"' model='virtio-scsi'/>"))
	}
	return onlyUnsafe(text, edits...)
}

func fixSDCard(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if !carriesVirtio(p) {
		return nil
	}
	const most = 256 // no guest has more, and each finding chooses all names
	if len(p.Devices.Disks) > most {
		return nil
	}
	device, _ := f.Path.Device()
	name := virtioNames(p)[device]
	return onlyUnsafe(
		"Connect the disk by virtio; the guest needs the driver and calls the disk "+name,
		append([]edit.Edit{
			edit.Set(device.Elem("target").Attr("bus"), "virtio"),
			edit.Set(device.Elem("target").Attr("dev"), name),
		}, dropped(p, device.Elem("address"))...)...)
}

// virtioNames chooses the names that the disks on the SD card bus get as virtio disks, so that no
// two of them are the same.
func virtioNames(p *audit.Pass) map[audit.Path]string {
	taken := map[string]bool{}
	for i := range p.Devices.Disks {
		if t := p.Devices.Disks[i].Target; t != nil && t.Bus != "sd" {
			taken[t.Dev] = true
		}
	}
	names, n := map[audit.Path]string{}, 0
	for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
		if d.Target == nil || d.Target.Bus != "sd" {
			continue
		}
		name := diskName("vd", n)
		for ; taken[name]; name = diskName("vd", n) {
			n++
		}
		n++
		device, _ := at.Device()
		names[device] = name
	}
	return names
}

// diskName is the inverse of diskIndex: vda for 0, vdaa for 26.
func diskName(prefix string, n int) string {
	var letters []byte
	for n++; n > 0; n = (n - 1) / 26 {
		letters = append(letters, byte('a'+(n-1)%26))
	}
	slices.Reverse(letters)
	return prefix + string(letters)
}

func fixSound(p *audit.Pass, f *audit.Finding) []audit.Fix {
	device, _ := f.Path.Device()
	remove := audit.UnsafeFix(
		"Delete the sound card; the guest has no sound then", edit.Remove(device))
	model, _ := p.Attr(device.Attr("model"))
	if p.Type == "xen" || model == "pcspk" || !carriesVirtio(p) || p.Arch() == "s390x" {
		return []audit.Fix{remove}
	}
	replace := audit.UnsafeFix(
		"Use model ich9, Intel's HD Audio, for which current systems have a driver",
		useModel(p, device.Attr("model"), "ich9")...)
	if len(p.Devices.Graphics) > 0 { // a desktop
		return []audit.Fix{replace, remove}
	}
	return []audit.Fix{remove, replace}
}
