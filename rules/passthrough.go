package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/reach"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

const hostDevices = "https://libvirt.org/formatdomain.html#host-device-assignment"

var passthrough = []*audit.Rule{
	{
		ID:       "passthrough-device",
		Title:    "Host device is assigned to a guest",
		Severity: audit.Medium,
		Profiles: []audit.Profile{audit.Hardened, audit.MultiTenant},
		Doc: `The guest controls real hardware: it can change the device's firmware, which then
affects the host and the next guest with that device, and attack the host over the bus. A PCI device
reads and writes memory, so all depends on the IOMMU; raw SCSI commands reach reservations and
firmware of a shared disk; a USB device can turn into a keyboard. QEMU's security policy does not
cover what the device itself does. Mediated, vDPA, vfio-user and vhost-user devices are info: a
driver or another process of the host is between the guest and the hardware. Files, disks and ports
of the host have their own rules. It is harmless if the device is used for this guest only.`,
		Fix: `Use virtio devices, or keep the device for this guest alone on a host with an IOMMU.`,
		Refs: []string{
			refs.QEMUSecurity, hostDevices, "https://www.qubes-os.org/doc/device-handling-security/",
			"https://docs.openstack.org/security-guide/compute/hardening-the-virtualization-layers.html",
		},
		Check: reportHostDevices,
		Fixes: unassign,
		NoFix: "Decide whether the guest requires the device: if so, keep it for this guest alone on " +
			"a host with an IOMMU, else choose a virtio device and its disk or network",
	},
	{
		ID:       "passthrough-input",
		Title:    "Guest gets the input of a keyboard or mouse of the host",
		Severity: audit.Medium,
		Profiles: []audit.Profile{audit.Hardened, audit.MultiTenant},
		Doc: `QEMU opens an input device of the host and, while it has grabbed it, sends every key to
the guest. If the user forgets to press the keys that switch back, these include passwords for the
host. It is intended for a desktop with a graphics card of its own for the guest, on a host with one
user.`,
		Fix:  `Use an emulated keyboard and a display, or a USB keyboard of the guest's own`,
		Refs: []string{"https://libvirt.org/formatdomain.html#input-devices"},
		Check: func(p *audit.Pass) {
			for r := range deviceResources(p) {
				switch r.ID {
				case "dev-input", "dev-input-pass", "qemu-object-evdev", "qemu-device-evdev":
					p.Reportf(r.At, "what is typed or moved on '%s' of the host goes to the guest", r.Name)
				}
			}
		},
		Fixes: unassign,
	},
}

// reportHostDevices reports each device once, whatever the document names of it.
func reportHostDevices(p *audit.Pass) {
	seen := map[audit.Path]bool{}
	for r := range deviceResources(p) {
		severity, problem := assignedDevice(r)
		if problem == "" {
			continue
		}
		at, ok := r.At.Device()
		if !ok { // an argument
			at = r.At
		}
		if seen[at] {
			continue
		}
		seen[at] = true
		p.ReportAs(severity, r.At, "%s", problem)
	}
	for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
		if d.Device == "lun" {
			p.Reportf(at.Attr("device"), "the guest sends SCSI commands of its own to the device of disk '%s'", targetName(d))
		}
	}
	for _, o := range passedOptions(p, "device") {
		switch driver := o.First("driver"); {
		case driver == "scsi-block" || driver == "scsi-generic":
			p.Reportf(o.At, "-device %s: the guest sends SCSI commands of its own to the device", driver)
		case driver == "xen-pci-passthrough":
			address, _ := o.Get("hostaddr")
			p.Reportf(o.At, "-device %s: the guest controls PCI device %s of the host", driver, address)
		case strings.HasPrefix(driver, "vhost-user-"):
			p.ReportAs(audit.Info, o.At, "-device %s: another process of the host serves the device, and shares the guest's memory", driver)
		}
	}
	for _, o := range passedOptions(p, "netdev", "nic", "net") {
		if o.First("type") == "vhost-user" {
			p.ReportAs(audit.Info, o.At, "-%s vhost-user: another process of the host serves the network card, and shares the guest's memory", o.Name)
		}
	}
}

// deviceResources yields the resources of elements and, if QEMU reads it, of the command line and
// the override.
func deviceResources(p *audit.Pass) func(yield func(*audit.Resource) bool) {
	return func(yield func(*audit.Resource) bool) {
		ignored := p.VerdictIs("not-qemu") && p.Type != "xen"
		resources := p.Reach()
		for i := range resources {
			if r := &resources[i]; (!isPassed(r) || !ignored) && !yield(r) {
				return
			}
		}
	}
}

// assignedDevice returns the finding about a resource that gives the guest a whole device, and its
// severity.
func assignedDevice(r *audit.Resource) (severity audit.Severity, problem string) {
	switch r.ID {
	case "dev-caps-block", "dev-caps-char", "dev-caps-iface": // passthrough-lxc-capabilities
		return 0, ""
	case "disk-vhostuser", "if-vhostuser", "qemu-device-socket", "qemu-device-socket.path":
		return audit.Info, "another process of the host serves this device at '" + r.Name + "', and shares the guest's memory"
	case "dev-iscsi":
		return audit.Medium, "the guest sends SCSI commands of its own to '" + r.Name + "'"
	case "card-host":
		return audit.Medium, "the guest uses the smartcards of the host"
	}
	name := "'" + r.Name + "'"
	switch {
	case r.Access&reach.Whole == 0:
	case r.Kind == reach.PCI && strings.Count(r.Name, ":") == 2: // an override can have another property called "host"
		return audit.Medium, "the guest controls PCI device " + r.Name + " of the host"
	case r.Kind == reach.USB || r.Kind == reach.SCSI:
		return audit.Medium, "the guest controls " + r.Kind.String() + " " + r.Name + " of the host"
	case r.Kind == reach.Mediated || r.ID == "qemu-device-sysfsdev" && (strings.Contains(r.Name, "/mdev/") || strings.Contains(r.Name, "/mdev_")):
		return audit.Info, "the guest controls mediated device " + name + " of the host"
	case r.Kind == reach.VDPA || r.ID == "qemu-blockdev-path":
		return audit.Info, "the guest controls vDPA device " + name + " of the host"
	case r.ID == "qemu-device-sysfsdev" || r.ID == "qemu-device-hostdevice" || r.ID == "qemu-device-hidraw":
		return audit.Medium, "the guest controls device " + name + " of the host"
	}
	return 0, ""
}
