package rules

import (
	"iter"
	"strconv"
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
				if !usesQEMUDriver(p) {
					continue
				}
				d = defaultSCSI(p, at, first)
			}
			if !yield(d) {
				return
			}
		}
		if !usesQEMUDriver(p) {
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
	switch arch := p.Arch(); {
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
	taken, unnumbered := numberedSCSI(p)
	at, last, added := requiredSCSI(p, false)
	if added && missingControllers(taken, last) > 0 {
		return at, modelBesideHostdevs(p, taken), true
	}
	at, last, added = requiredSCSI(p, true)
	return at, "", added && missingControllers(taken, last) > unnumbered
}

// unstatedSCSI returns the indices of the controllers that libvirt adds for devices of the host, or
// else for all devices. ok is false if they are more than most.
func unstatedSCSI(p *audit.Pass, hostdevs bool, most uint64) (indices []string, ok bool) {
	taken, unnumbered := numberedSCSI(p)
	_, last, _ := requiredSCSI(p, !hostdevs)
	if missingControllers(taken, last) > most+unnumbered {
		return nil, false
	}
	for index := uint64(0); index <= last; index++ {
		if _, stated := taken[index]; !stated {
			indices = append(indices, strconv.FormatUint(index, 10))
		}
	}
	if !hostdevs { // controllers without an index get the lowest
		indices = indices[min(unnumbered, uint64(len(indices))):]
	}
	return indices, true
}

// numberedSCSI returns the models of the controllers that have an index in the document, and the
// number of those without one.
func numberedSCSI(p *audit.Pass) (taken map[uint64]string, unnumbered uint64) {
	taken = map[uint64]string{}
	for i := range p.Devices.Controllers {
		if c := &p.Devices.Controllers[i]; c.Type == "scsi" && c.Index != nil {
			taken[uint64(*c.Index)] = strings.TrimSuffix(c.Model, "auto")
		} else if c.Type == "scsi" {
			unnumbered++
		}
	}
	return taken, unnumbered
}

// requiredSCSI returns the highest index of a controller that a SCSI device of the host requires, or
// a disk, and which device that is. ok is false if there is no such device.
func requiredSCSI(p *audit.Pass, disks bool) (at audit.Path, last uint64, ok bool) {
	needs := func(where audit.Path, controller uint64) {
		if !ok || controller > last {
			at, last, ok = where, controller, true
		}
	}
	for where, h := range audit.Each("devices/hostdev", p.Devices.Hostdevs) {
		if h.SubsysSCSI != nil {
			needs(where, driveController(h.Address, 0))
		}
	}
	for where, d := range audit.Each("devices/disk", p.Devices.Disks) {
		if disks && diskBus(d) == "scsi" {
			needs(where.Elem("target"), driveController(d.Address, diskIndex(d.Target)/unitsOfSCSI))
		}
	}
	return at, last, ok
}

// modelBesideHostdevs returns the model of the first controller that has one and a SCSI device of the
// host on it.
func modelBesideHostdevs(p *audit.Pass, taken map[uint64]string) string {
	for i := range p.Devices.Hostdevs {
		h := &p.Devices.Hostdevs[i]
		if h.SubsysSCSI == nil {
			continue
		}
		if model := taken[driveController(h.Address, 0)]; model != "" {
			return model
		}
	}
	return ""
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
