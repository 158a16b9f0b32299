package rules

import (
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

// replaceUnmarked returns the fixes of a device that QEMU's maintainers do not mark as secure, where
// there is another device for the same purpose.
func replaceUnmarked(p *audit.Pass, f *audit.Finding) []audit.Fix {
	device, ok := f.Path.Device()
	switch {
	case !ok:
		return nil
	case f.Key == "interface":
		edits := append(dropForeignAddress(p, device), edit.Set(device.Elem("model").Attr("type"), "virtio"))
		return []audit.Fix{audit.UnsafeFix("Use the virtio network card; the guest needs a driver for it, and may name the interface differently", edits...)}
	case f.Key == "controller":
		return virtioSCSI(p, device)
	case f.Key == "bus":
		if bus, ok := p.Attr(f.Path); ok && bus != "fdc" {
			return virtioDisk(p, device)
		}
		return []audit.Fix{audit.UnsafeFix("Delete the drive, after copying the files that the guest needs to a CD-ROM image", edit.Remove(device))}
	case f.Key == "sound":
		fixes := []audit.Fix{audit.UnsafeFix("Delete the sound card; the guest loses sound", edit.Remove(device))}
		if !p.Has(device.Elem("codec")) {
			edits := append(dropForeignAddress(p, device), edit.Set(device.Attr("model"), "virtio"))
			fixes = append(fixes, audit.UnsafeFix("Use the virtio sound card; it requires libvirt 10.4, and the guest needs a driver for it", edits...))
		}
		return fixes
	case f.Path.DeviceKind() == "shmem":
		return []audit.Fix{deleteShmem(device)}
	}
	return nil
}

// dropForeignAddress returns the edit that removes the address of a device on a bus that the virtio
// device is not on.
func dropForeignAddress(p *audit.Pass, device audit.Path) []edit.Edit {
	at := device.Elem("address")
	if kind, ok := p.Attr(at.Attr("type")); ok && kind != "pci" && kind != "ccw" && kind != "virtio-mmio" {
		return []edit.Edit{edit.Remove(at)}
	}
	return nil
}

// virtioSCSI returns the fix of a SCSI controller, which libvirt may have to add for a disk or a device
// of the host.
func virtioSCSI(p *audit.Pass, device audit.Path) []audit.Fix {
	if strings.HasPrefix(device.String(), "devices/controller") {
		return []audit.Fix{audit.UnsafeFix("Use model 'virtio-scsi'; the guest needs a driver for it in its boot image",
			edit.Set(device.Attr("model"), "virtio-scsi"))}
	}
	var edits []edit.Edit
	for _, index := range absentControllers(p) {
		edits = append(edits, edit.Insert(audit.At("devices"),
			"<controller type='scsi' index='"+strconv.FormatUint(index, 10)+"' model='virtio-scsi'/>"))
	}
	return []audit.Fix{audit.UnsafeFix("State a controller of model 'virtio-scsi'; the guest needs a driver for it in its boot image", edits...)}
}

// maxAdded bounds how many controllers a fix adds: a document with more has a defect elsewhere.
const maxAdded = 8

// absentControllers returns the indices of the SCSI controllers that libvirt adds. Controllers without
// an index get the lowest that are free.
func absentControllers(p *audit.Pass) (absent []uint64) {
	taken, unnumbered := map[uint64]bool{}, 0
	for i := range p.Devices.Controllers {
		if c := &p.Devices.Controllers[i]; c.Type == "scsi" && c.Index != nil {
			taken[uint64(*c.Index)] = true
		} else if c.Type == "scsi" {
			unnumbered++
		}
	}
	var last uint64
	for i := range p.Devices.Hostdevs {
		if h := &p.Devices.Hostdevs[i]; h.SubsysSCSI != nil {
			last = max(last, driveController(h.Address, 0))
		}
	}
	for i := range p.Devices.Disks {
		if d := &p.Devices.Disks[i]; diskBus(d) == "scsi" {
			last = max(last, driveController(d.Address, diskIndex(d.Target)/unitsOfSCSI))
		}
	}
	for index := range last + 1 {
		switch {
		case taken[index]:
		case unnumbered > 0:
			unnumbered--
		case len(absent) == maxAdded:
			return nil
		default:
			absent = append(absent, index)
		}
	}
	return absent
}

// virtioDisk returns the fix that moves a disk to the virtio bus. Its name must differ from those of
// other virtio disks by the letters after the prefix too, since libvirt numbers the disks by them.
func virtioDisk(p *audit.Pass, device audit.Path) []audit.Fix {
	name := ""
	if kind, _ := p.Attr(device.Attr("device")); kind == "cdrom" {
		return nil // libvirt has no virtio drives with media that can be ejected
	}
	for letter := 'a'; letter <= 'z' && name == ""; letter++ {
		if !usesLetter(p, string(letter)) {
			name = "vd" + string(letter)
		}
	}
	if name == "" {
		return nil
	}
	target := device.Elem("target")
	edits := []edit.Edit{edit.Set(target.Attr("bus"), "virtio"), edit.Set(target.Attr("dev"), name)}
	if at := device.Elem("address"); p.Has(at) {
		edits = append(edits, edit.Remove(at))
	}
	return []audit.Fix{audit.UnsafeFix("Use bus 'virtio'; the guest needs a driver for it in its boot image, and names the disk differently", edits...)}
}

// usesLetter reports whether a virtio disk, or any disk named vd…, has these letters.
func usesLetter(p *audit.Pass, letters string) bool {
	for i := range p.Devices.Disks {
		d := &p.Devices.Disks[i]
		if d.Target == nil || len(d.Target.Dev) < 2 || d.Target.Dev[2:] != letters {
			continue
		}
		if diskBus(d) == "virtio" || strings.HasPrefix(d.Target.Dev, "vd") {
			return true
		}
	}
	return false
}

// deleteShmem is the fix of memory that the guest shares with others.
func deleteShmem(device audit.Path) audit.Fix {
	return audit.UnsafeFix("Delete the shared memory; the guest loses it, and whatever it exchanges through it", edit.Remove(device))
}
