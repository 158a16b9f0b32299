package rules

import (
	"iter"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
)

// scsiControllers walks the models of SCSI controllers: those of the document, and one for all that
// libvirt adds because a disk or a SCSI device of the host is on a controller that the document
// lacks.
func scsiControllers(p *audit.Pass) iter.Seq[device] {
	return func(yield func(device) bool) {
		first := statedSCSI(p)
		for at, c := range audit.Each("devices/controller", p.Devices.Controllers) {
			if c.Type != "scsi" {
				continue
			}
			d := device{at: at.Attr("model"), model: c.Model}
			if c.Model == "" || c.Model == "auto" {
				if !completesDevices(p) {
					continue
				}
				d = defaultSCSI(p, at, first)
			}
			if !yield(d) {
				return
			}
		}
		if !completesDevices(p) {
			return
		}
		if at, model, added := addedSCSI(p); added {
			d := defaultSCSI(p, at, first)
			if model != "" {
				d.model, d.by = model, ""
			}
			d.added = true
			yield(d)
		}
	}
}

// statedSCSI returns the model of the first SCSI controller that has one in the document.
func statedSCSI(p *audit.Pass) string {
	for i := range p.Devices.Controllers {
		if c := &p.Devices.Controllers[i]; c.Type == "scsi" && c.Model != "" && c.Model != "auto" {
			return c.Model
		}
	}
	return ""
}

// defaultSCSI is qemuDomainDefaultSCSIControllerModel. libvirt 12.8 gives a controller without a
// model that of the first one that has any, before it or after it, and prefers virtio-scsi on the
// machine types of virtMachine; 9.0 does neither.
func defaultSCSI(p *audit.Pass, at audit.Path, first string) device {
	d := device{at: at, model: "lsilogic", implied: true}
	_, pseries := onPOWER(p)
	switch arch := guestArch(p); {
	case arch == "":
		d.model = ""
	case pseries:
		d.model = "ibmvscsi"
	case arch == "s390x", arch == "loongarch64": // 9.0 does not know the latter
		d.model = "virtio-scsi"
	case virtMachine(p), first != "" && first != d.model:
		d.by = "libvirt 9"
	}
	return d
}

// unitsOfSCSI is how many disks without an address libvirt puts on one controller.
const unitsOfSCSI = 7

// addedSCSI reports whether libvirt adds SCSI controllers, for which element, and with which model
// if not the default. libvirt distributes disks without an address by the names of their targets.
// Controllers without an index get the lowest free ones, but after those that devices of the host
// require; the latter have the model of the controller that another such device is on.
func addedSCSI(p *audit.Pass) (at audit.Path, model string, added bool) {
	if !usesSCSI(p) {
		return at, "", false
	}
	taken, unnumbered := map[uint64]string{}, uint64(0)
	for i := range p.Devices.Controllers {
		if c := &p.Devices.Controllers[i]; c.Type == "scsi" && c.Index != nil {
			taken[uint64(*c.Index)] = strings.TrimSuffix(c.Model, "auto")
		} else if c.Type == "scsi" {
			unnumbered++
		}
	}
	var last uint64 // the highest index that is required
	needs := func(where audit.Path, controller uint64) {
		if !added || controller > last {
			at, last, added = where, controller, true
		}
	}
	for where, h := range audit.Each("devices/hostdev", p.Devices.Hostdevs) {
		if h.SubsysSCSI != nil {
			n := driveController(h.Address, 0)
			needs(where, n)
			if model == "" {
				model = taken[n]
			}
		}
	}
	if added && missingControllers(taken, last) > 0 {
		return at, model, true
	}
	for where, d := range audit.Each("devices/disk", p.Devices.Disks) {
		if diskBus(d) == "scsi" {
			needs(where.Elem("target"), driveController(d.Address, diskIndex(d.Target)/unitsOfSCSI))
		}
	}
	return at, "", added && missingControllers(taken, last) > unnumbered
}

// usesSCSI reports whether a disk or a host device of the guest is on a SCSI controller.
func usesSCSI(p *audit.Pass) bool {
	for i := range p.Devices.Disks {
		if diskBus(&p.Devices.Disks[i]) == "scsi" {
			return true
		}
	}
	for i := range p.Devices.Hostdevs {
		if p.Devices.Hostdevs[i].SubsysSCSI != nil {
			return true
		}
	}
	return false
}

// missingControllers returns how many controllers up to the last required one the document lacks.
func missingControllers(taken map[uint64]string, last uint64) uint64 {
	n := last + 1
	for index := range taken {
		if index <= last {
			n--
		}
	}
	return n
}

// driveController returns the number of the controller in an address, or otherwise without an
// address.
func driveController(a *libvirtxml.DomainAddress, otherwise uint64) uint64 {
	if a == nil || a.Drive == nil {
		return otherwise
	}
	if a.Drive.Controller == nil {
		return 0
	}
	return uint64(*a.Drive.Controller)
}

// maxDiskIndex prevents an overflow by a name that is too long; libvirt refuses it.
const maxDiskIndex = 1 << 32

// diskIndex returns the index of the disk that a target's name means: 0 for sda, 26 for sdaa
// (source: libvirt, virDiskNameToIndex).
func diskIndex(t *libvirtxml.DomainDiskTarget) uint64 {
	if t == nil || len(t.Dev) < 3 {
		return 0
	}
	n := uint64(0)
	for _, c := range t.Dev[2:] {
		if c < 'a' || c > 'z' || n > maxDiskIndex {
			break
		}
		n = n*26 + uint64(c-'a') + 1
	}
	return max(n, 1) - 1
}
