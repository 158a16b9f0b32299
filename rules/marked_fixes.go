package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

// replaceUnmarked returns the fixes of a device that QEMU's maintainers do not mark as secure,
// where there is another device for the same purpose.
func replaceUnmarked(p *audit.Pass, f *audit.Finding) []audit.Fix {
	device, ok := f.Path.Device()
	switch {
	case f.Key == "tpm":
		return onlyManual("Decide whether the guest requires the TPM: no model is marked, and " +
			"without the device the guest loses the keys in it")
	case f.Key == "iommu":
		return onlyManual("Decide whether the guest requires the IOMMU, or works with model " +
			"'virtio', which does not remap interrupts")
	case !ok:
		return nil
	case f.Key == "interface":
		model := device.Elem("model").Attr("type")
		edits := append(dropForeignAddress(p, device), edit.Set(model, "virtio"))
		return onlyUnsafe("Use the virtio network card; the guest needs a driver for it, and may "+
			"name the interface differently", edits...)
	case f.Key == "controller":
		return virtioSCSI(p, device)
	case f.Key == "bus":
		if bus, ok := p.Attr(f.Path); ok && bus != "fdc" {
			return virtioDisk(p, device)
		}
		return onlyUnsafe("Delete the drive, after copying the files that the guest needs to a "+
			"CD-ROM image", edit.Remove(device))
	case f.Key == "sound":
		// Not model='virtio', which libvirt before 10.4 refuses.
		return onlyUnsafe("Delete the sound card; the guest loses sound", edit.Remove(device))
	case f.Path.DeviceKind() == "shmem":
		return []audit.Fix{deleteShmem(device)}
	}
	return nil
}

// dropForeignAddress returns the edit that removes the address of a device on a bus that the virtio
// device is not on.
func dropForeignAddress(p *audit.Pass, device audit.Path) []edit.Edit {
	at := device.Elem("address")
	switch kind, _ := p.Attr(at.Attr("type")); kind {
	case "", "pci", "ccw", "virtio-mmio":
		return nil
	}
	return []edit.Edit{edit.Remove(at)}
}

// virtioSCSI returns the fix of a SCSI controller, which libvirt may have to add for a disk or a
// device of the host.
func virtioSCSI(p *audit.Pass, device audit.Path) []audit.Fix {
	if strings.HasPrefix(device.String(), "devices/controller") {
		return []audit.Fix{audit.UnsafeFix("Use model 'virtio-scsi'; the guest needs a driver for "+
			"it in its boot image",
			edit.Set(device.Attr("model"), "virtio-scsi"))}
	}
	var edits []edit.Edit
	for _, index := range absentControllers(p) {
		number := strconv.FormatUint(index, 10)
		edits = append(edits, edit.Insert(audit.At("devices"),
			"<controller type='scsi' index='"+number+"' model='virtio-scsi'/>"))
	}
	return onlyUnsafe("State a controller of model 'virtio-scsi'; the guest needs a driver for it "+
		"in its boot image", edits...)
}

// maxAdded bounds how many controllers a fix adds: a document with more has a defect elsewhere.
const maxAdded = 8

// absentControllers returns the indices of the SCSI controllers that libvirt adds. Controllers
// without an index get the lowest that are free.
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

// virtioDisk returns the fix that moves a disk to the virtio bus.
func virtioDisk(p *audit.Pass, device audit.Path) []audit.Fix {
	name := virtioName(p, device)
	if name == "" {
		return nil
	}
	target := device.Elem("target")
	edits := []edit.Edit{
		edit.Set(target.Attr("bus"), "virtio"),
		edit.Set(target.Attr("dev"), name),
	}
	if at := device.Elem("address"); p.Has(at) {
		edits = append(edits, edit.Remove(at))
	}
	return onlyUnsafe("Use bus 'virtio'; the guest needs a driver for it in its boot image, and "+
		"names the disk differently", edits...)
}

// virtioName returns a free name for a disk that moves to the virtio bus, or "". Fixes of several
// disks differ in it. libvirt numbers virtio disks by the letters after the prefix, whatever that
// is. It has no virtio drives whose media can be ejected.
func virtioName(p *audit.Pass, device audit.Path) string {
	used := map[string]bool{}
	for i := range p.Devices.Disks {
		d := &p.Devices.Disks[i]
		if d.Target == nil || len(d.Target.Dev) < 2 {
			continue
		}
		if diskBus(d) == "virtio" || strings.HasPrefix(d.Target.Dev, "vd") {
			used[d.Target.Dev[2:]] = true
		}
	}
	letter := 'a'
	for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
		if !slices.Contains(unmarked["bus"], diskBus(d)) || d.Device == "cdrom" {
			continue
		}
		for used[string(letter)] {
			letter++
		}
		switch {
		case letter > 'z':
			return ""
		case at.String() == device.String():
			return "vd" + string(letter)
		}
		letter++
	}
	return ""
}

// deleteShmem is the fix of memory that the guest shares with others.
func deleteShmem(device audit.Path) audit.Fix {
	return audit.UnsafeFix("Delete the shared memory; the guest loses it, and whatever it "+
		"exchanges through it", edit.Remove(device))
}
