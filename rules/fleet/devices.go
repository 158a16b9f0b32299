package fleet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/reach"
)

// Kinds of resources in the index, about devices.
const (
	pciFunction = "pci"      // detail: virtualFunction or nothing
	pciSlot     = "pci-slot" // detail: the function's number, or virtualFunction
	hostDevice  = "hostdev"  // detail: sharable, placed, content or nothing
)

// Details of devices. Two guests with the same detail are not reported.
const (
	virtualFunction = "vf"
	sharable        = "sharable" // several may have it open
	placed          = "placed"   // the document also names its address on the bus
	content         = "content"  // as a disk, see fleet-disk-rw-shared
)

func indexDevices(p *audit.Pass) {
	resources(pciFunctions).onHost().index(p, pciFunction)
	host, _ := p.OnHost()
	pciFunctions(p, func(t resource) {
		slot, function, _ := strings.Cut(t.key, ".")
		if t.detail == virtualFunction {
			function = virtualFunction
		}
		p.Use(pciSlot, keyOnHost(slot, host), t.at, function)
	})
	resources(hostDevices).onHost().index(p, hostDevice)
}

// pciFunctions walks the host's PCI devices that are assigned to a guest. <interface
// type='hostdev'> supports only virtual functions of SR-IOV. An NVMe disk is the whole controller,
// which QEMU controls.
func pciFunctions(p *audit.Pass, yield func(resource)) {
	for r := range reached(p) {
		if r.Kind != reach.PCI || len(r.Name) < len("0000:00:00.0") {
			continue
		}
		if r.Name == "0000:00:00.0" && !p.Has(r.At.Attr("bus")) && !p.Has(r.At.Attr("slot")) {
			continue // an address of another kind
		}
		t := resource{key: r.Name, at: reported(r), what: r.Name}
		if r.ID == "if-pci" {
			t.detail = virtualFunction
		}
		yield(t)
	}
}

// harmlessNodes are devices that any number of processes can open.
var harmlessNodes = strings.Fields(`/dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/kvm /dev/hwrng /dev/tty /dev/ptmx
	/dev/net/tun /dev/fuse /dev/vhost-net /dev/vhost-vsock /dev/loop-control /dev/vfio/vfio /dev/sev`)

// hostDevices walks the host's devices other than PCI devices.
func hostDevices(p *audit.Pass, yield func(resource)) {
	for r := range reached(p) {
		t := resource{at: r.At}
		switch r.Kind {
		case reach.USB:
			t = usbDevice(p, r)
		case reach.SCSI:
			t = scsiDevice(r)
		case reach.Mediated:
			t.key, t.what = "mdev "+uuidForm(r.Name), "mediated device "+r.Written
		case reach.Interface:
			if r.Access&reach.Whole != 0 {
				t.key, t.what = "net "+r.Name, "network interface "+r.Name
			}
		case reach.BlockDevice, reach.CharDevice, reach.VDPA:
			t = deviceNode(r)
		default:
			continue
		}
		if t.key != "" {
			yield(t)
		}
	}
}

// deviceNode is a device that a guest has for itself: as a whole, or to read what is typed.
func deviceNode(r *audit.Resource) resource {
	word := r.Kind.String()
	switch {
	case strings.HasPrefix(r.ID, "dev-input") || strings.HasSuffix(r.ID, "-evdev"):
		word = "input device"
	case r.Access&reach.Whole == 0 || strings.HasPrefix(r.Name, "/dev/dri/") || slices.Contains(harmlessNodes, r.Name):
		return resource{}
	case strings.HasPrefix(r.ID, "dev-tpm") || r.ID == "qemu-tpmdev-path":
		word = "TPM"
	case r.ID == "dev-caps-char":
		word = "device"
	}
	t := resource{key: r.Name, at: reported(r), what: word + " " + r.Name}
	if r.Role == reach.Disk {
		t.detail = content
	}
	return t
}

// usbDevice is a USB device by its address, or by vendor and product: two identical devices are
// distinct if both documents also name their addresses.
func usbDevice(p *audit.Pass, r *audit.Resource) resource {
	t := resource{at: reported(r)}
	bus, device, _ := strings.Cut(r.Name, ":")
	n, err := strconv.Atoi(bus)
	m, err2 := strconv.Atoi(device)
	switch byID := strings.HasSuffix(r.ID, "-id") || len(bus) == 4; {
	case strings.HasPrefix(r.Name, "port "):
		t.key, t.what = "usb "+r.Name, "USB "+r.Name
	case byID && !strings.Contains(r.Name, "*"):
		t.key, t.what = "usb-id "+r.Name, "USB device "+r.Name
		source := around(r.At, "/vendor")
		if _, ok := p.Attr(source.Elem("address").Attr("device")); ok {
			t.detail = placed
		}
	case !byID && err == nil && err2 == nil && n+m > 0:
		t.key, t.what = "usb "+r.Name, fmt.Sprintf("USB device %d on bus %d", m, n)
	}
	return t
}

// scsiDevice is a unit by its address, or the target of vhost-scsi by its name.
func scsiDevice(r *audit.Resource) resource {
	t := resource{at: r.At}
	switch adapter, _, isAddress := strings.Cut(r.Name, ":"); {
	case !isAddress:
		t.key, t.what = "wwpn "+r.Name, "SCSI host "+r.Written
	case adapter != "":
		t.key, t.what = r.Name, "SCSI device "+r.Name
	}
	if r.Shareable || r.Access&reach.Read != 0 {
		t.detail = sharable
	}
	return t
}

var acrossDevices = []*audit.Rule{
	{
		ID:       "fleet-pci-dup",
		Title:    "Two guests have the same PCI device of the host",
		Severity: audit.High,
		Requires: audit.NeedDomains,
		Profiles: every,
		Doc: `The next guest gets the device with what the previous one left in it: memory contents,
or modified firmware. Only one of the guests can run at a time. It is harmless if guests of one
owner use the device in turns on purpose. NVMe disks count too: the guest's QEMU has the whole
controller. Documents that are not known to be of one host are not compared.`,
		Fix:  `Keep the <hostdev> in one guest, or assign a separate device, or virtual function, to each guest.`,
		Refs: []string{"https://docs.openstack.org/security-guide/compute/hardening-the-virtualization-layers.html", "https://www.qubes-os.org/doc/device-handling-security/"},
		Check: func(p *audit.Pass) {
			resources(pciFunctions).reportOnHost(p, pciFunction, "PCI device %s is assigned to %s too", nil)
		},
		NoFix: "Decide which guest keeps the device, and delete it from the other",
	},
	{
		ID:       "fleet-pci-same-slot",
		Title:    "Functions of one PCI device are split between guests",
		Severity: audit.Medium,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.MultiTenant},
		Doc: `The functions of one physical device share its firmware, its reset and often its path
to memory, so the guest that controls one function can access the others without the IOMMU. Some
network cards are known to isolate their ports. Virtual functions of SR-IOV are made to be split and
have similar addresses. Without facts from the host, the rule therefore checks only addresses that
virtual functions do not have: the first function of a device on the root bus or in slot 0, and
another function of it. Documents that are not known to be of one host are not compared.`,
		Fix:  `Assign all functions of the device to one guest, and leave those that it does not need unused.`,
		Refs: []string{"https://www.qubes-os.org/doc/device-handling-security/"},
		// A virtual function can have function number 0 only in the slot of its offset, which is
		// not slot 0 of its bus. On the root bus the first function of a slot is a device of the
		// chipset.
		Check: func(p *audit.Pass) {
			host, known := p.OnHost()
			resources(pciFunctions).distinct(p, func(t resource) {
				slot, function, _ := strings.Cut(t.key, ".")
				if t.detail == virtualFunction || !strings.HasSuffix(slot, ":00") && !strings.HasSuffix(slot[:len(slot)-3], ":00") {
					return
				}
				found := collectGuests(p.Others(pciSlot, keyOnHost(slot, host)), func(u audit.Use) bool {
					return u.Detail != virtualFunction && u.Detail != function && (u.Detail == "0" || function == "0")
				})
				if found.count > 0 && !known {
					p.Unknown(audit.NeedOneHost)
				} else if found.count > 0 {
					p.Reportf(t.at, "PCI device %s shares its physical device with a function assigned to %s", t.key, found)
				}
			})
		},
		NoFix: "Decide which guest gets all functions of the device, and delete them from the " +
			"others",
	},
	{
		ID:       "fleet-hostdev-dup",
		Title:    "Two guests have the same device of the host",
		Severity: audit.High,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `USB and SCSI devices, mediated devices, vDPA, the host's TPM, its keyboards, its
serial ports, and network cards in mode passthrough keep what the last user left there, including firmware. If two guests read an input
device, each gets what is typed for the other. A USB device that is named only by vendor and product
may be one of two identical devices. SCSI devices that both guests mark <shareable/> or <readonly/>
are not reported. Documents that are not known to be of one host are not compared.`,
		Fix:  `Keep the device in one guest. Name each of two identical USB devices by its <address>.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#host-device-assignment"},
		Check: func(p *audit.Pass) {
			resources(hostDevices).reportOnHost(p, hostDevice, "%s is assigned to %s too", func(mine resource, other audit.Use) bool {
				return mine.detail == "" || mine.detail != other.Detail
			})
		},
		NoFix: "Decide which guest keeps the device, and delete it from the other; two identical " +
			"USB devices need their addresses, which only the host shows",
	},
}
