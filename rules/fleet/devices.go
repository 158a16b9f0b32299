package fleet

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
)

// Kinds of resources in the index, about devices.
const (
	pciFunction = "pci"      // detail: virtualFunction or nothing
	pciSlot     = "pci-slot" // detail: the function's number, or virtualFunction
	hostDevice  = "hostdev"  // detail: sharable, placed or nothing
)

const (
	virtualFunction = "vf"
	sharable        = "sharable" // several may have it open
	placed          = "placed"   // the document also names its address on the bus
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
	one := func(a *libvirtxml.DomainAddressPCI, at audit.Path, detail string) {
		if key := pciKey(a); key != "" {
			yield(resource{key, at.Elem("source/address"), detail, key})
		}
	}
	for at, h := range audit.Each("devices/hostdev", p.Devices.Hostdevs) {
		if h.SubsysPCI != nil && h.SubsysPCI.Source != nil {
			one(h.SubsysPCI.Source.Address, at, "")
		}
	}
	for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
		if i.Source != nil && i.Source.Hostdev != nil && i.Source.Hostdev.PCI != nil {
			one(i.Source.Hostdev.PCI.Address, at, virtualFunction)
		}
	}
	for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
		if d.Source != nil && d.Source.NVME != nil && d.Source.NVME.PCI != nil {
			one(d.Source.NVME.PCI.Address, at, "")
		}
	}
	for _, o := range p.Command.Named("device") {
		if !strings.HasPrefix(o.First("driver"), "vfio-pci") {
			continue
		}
		host, _ := o.Get("host")
		if dev, ok := o.Get("sysfsdev"); ok {
			host = path.Base(dev)
		}
		if key := pciFromText(host); key != "" {
			yield(resource{key, o.At, "", key})
		}
	}
}

// harmlessNodes are devices that any number of processes can open.
var harmlessNodes = strings.Fields(`/dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/kvm /dev/hwrng /dev/tty /dev/ptmx
	/dev/net/tun /dev/fuse /dev/vhost-net /dev/vhost-vsock /dev/loop-control /dev/vfio/vfio /dev/sev`)

// hostDevices walks the host's devices other than PCI devices.
func hostDevices(p *audit.Pass, yield func(resource)) {
	node := func(sort, name string, at audit.Path) {
		key := hostPath(name)
		if strings.HasPrefix(key, "/dev/dri/") || slices.Contains(harmlessNodes, key) {
			return
		}
		yield(resource{key: key, at: at, what: sort + " " + name})
	}
	for at, h := range audit.Each("devices/hostdev", p.Devices.Hostdevs) {
		source := at.Elem("source")
		switch {
		case h.SubsysUSB != nil && h.SubsysUSB.Source != nil:
			usbDevice(h.SubsysUSB.Source, source, yield)
		case h.SubsysSCSI != nil && h.SubsysSCSI.Source != nil && h.SubsysSCSI.Source.Host != nil:
			if t := scsiDevice(h.SubsysSCSI, source); t.key != "" {
				yield(t)
			}
		case h.SubsysSCSIHost != nil && h.SubsysSCSIHost.Source != nil:
			if w := h.SubsysSCSIHost.Source.WWPN; w != "" {
				yield(resource{key: "wwpn " + strings.ToLower(w), at: source.Attr("wwpn"), what: "SCSI host " + w})
			}
		case h.SubsysMDev != nil && h.SubsysMDev.Source != nil && h.SubsysMDev.Source.Address != nil:
			if u := uuidForm(h.SubsysMDev.Source.Address.UUID); u != "" {
				yield(resource{key: "mdev " + u, at: source.Elem("address").Attr("uuid"), what: "mediated device " + h.SubsysMDev.Source.Address.UUID})
			}
		case h.CapsStorage != nil && h.CapsStorage.Source != nil:
			node("block device", h.CapsStorage.Source.Block, source.Elem("block"))
		case h.CapsMisc != nil && h.CapsMisc.Source != nil:
			node("device", h.CapsMisc.Source.Char, source.Elem("char"))
		case h.CapsNet != nil && h.CapsNet.Source != nil && h.CapsNet.Source.Interface != "":
			n := h.CapsNet.Source.Interface
			yield(resource{key: "net " + n, at: source.Elem("interface"), what: "network interface " + n})
		}
	}
	for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
		if i.Source != nil && i.Source.VDPA != nil {
			node("vDPA device", i.Source.VDPA.Device, at.Elem("source").Attr("dev"))
		}
	}
	for at, t := range audit.Each("devices/tpm", p.Devices.TPMs) {
		if t.Backend != nil && t.Backend.Passthrough != nil {
			name := "/dev/tpm0" // QEMU's default
			if d := t.Backend.Passthrough.Device; d != nil && d.Path != "" {
				name = d.Path
			}
			node("TPM", name, at.Elem("backend/device").Attr("path"))
		}
	}
	for at, i := range audit.Each("devices/input", p.Devices.Inputs) {
		switch s := i.Source; {
		case s == nil:
		case s.Passthrough != nil:
			node("input device", s.Passthrough.EVDev, at.Elem("source").Attr("evdev"))
		case s.EVDev != nil:
			node("input device", s.EVDev.Dev, at.Elem("source").Attr("dev"))
		}
	}
	for _, c := range chardevs(p) {
		if c.source.Dev != nil {
			node("character device", c.source.Dev.Path, c.at.Attr("path"))
		}
	}
}

// usbDevice yields a USB device by its address, by vendor and product, or by both: two identical
// devices are distinct if both documents name their addresses.
func usbDevice(s *libvirtxml.DomainHostdevSubsysUSBSource, at audit.Path, yield func(resource)) {
	detail := ""
	if a := s.Address; a != nil && a.Bus != nil && a.Device != nil {
		detail = placed
		what := fmt.Sprintf("USB device %d on bus %d", *a.Device, *a.Bus)
		yield(resource{key: fmt.Sprintf("usb %d.%d", *a.Bus, *a.Device), at: at.Elem("address"), what: what})
	}
	if v, d := idKey(s.Vendor), idKey(s.Product); v != "" && d != "" {
		yield(resource{"usb-id " + v + ":" + d, at.Elem("product"), detail, "USB device " + v + ":" + d})
	}
}

func scsiDevice(s *libvirtxml.DomainHostdevSubsysSCSI, at audit.Path) resource {
	h := s.Source.Host
	if h.Adapter == nil || h.Adapter.Name == "" || h.Address == nil {
		return resource{}
	}
	n := func(u *uint) uint {
		if u == nil {
			return 0
		}
		return *u
	}
	key := fmt.Sprintf("%s:%d:%d:%d", h.Adapter.Name, n(h.Address.Bus), n(h.Address.Target), n(h.Address.Unit))
	t := resource{key: key, at: at.Elem("address"), what: "SCSI device " + key}
	if s.Shareable != nil || s.ReadOnly != nil {
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
	},
	{
		ID:       "fleet-hostdev-dup",
		Title:    "Two guests have the same device of the host",
		Severity: audit.High,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `USB and SCSI devices, mediated devices, vDPA, the host's TPM, its keyboards and its
serial ports keep what the last user left there, including firmware. If two guests read an input
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
	},
}
