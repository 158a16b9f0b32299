package rules

import "github.com/virt-audit/virt-audit/audit"

var hostdevs = []*audit.Rule{
	{
		ID:       "passthrough-pci-permissive",
		Title:    "Guest can write the whole configuration space of a host PCI device",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `With writeFiltering='no' Xen lets the guest write all configuration registers of an
assigned PCI device, and so reprogram interrupts and memory windows of the hardware. By default Xen
allows only those registers that are known to be safe. The impact depends on the host's IOMMU and
interrupt remapping. Some devices do not work without it; assign such a device only to a guest that
is as trusted as the host. Only Xen supports the attribute; a QEMU guest with it is refused.`,
		Fix:  `Set <source writeFiltering='yes'>, or delete the attribute`,
		Refs: []string{"https://libvirt.org/formatdomain.html#host-device-assignment", "https://www.qubes-os.org/doc/device-handling-security/"},
		Check: func(p *audit.Pass) {
			for at, h := range audit.Each("devices/hostdev", p.Devices.Hostdevs) {
				if h.SubsysPCI != nil {
					reportUnfiltered(p, at.Elem("source").Attr("writeFiltering"))
				}
			}
			// A network card can be assigned as <interface type='hostdev'>, which takes the
			// attribute too; libvirtxml has no field for it there.
			for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
				if i.Source != nil && i.Source.Hostdev != nil {
					reportUnfiltered(p, at.Elem("source").Attr("writeFiltering"))
				}
			}
			// Xen's tools pass the same to QEMU (property permissive, hw/xen/xen_pt.c in QEMU 7.2).
			for _, o := range passedOptions(p, "device") {
				if o.First("driver") == "xen-pci-passthrough" && switchedOn(o, "permissive") {
					p.Reportf(o.At, "-device %s: writes to the PCI device's configuration space are not filtered", o.First("driver"))
				}
			}
		},
		Fixes: filterWrites,
	},
	{
		ID:       "passthrough-lxc-capabilities",
		Title:    "Host device is assigned to a container",
		Severity: audit.Critical,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `With mode='capabilities' a container gets a node of the host's own /dev: its root user
can change a disk without the host's knowledge, or attack the host's kernel with a crafted file
system. A block device is critical in a container without a user namespace and high with one. Any
other device node is high. A network card is medium, since the whole card moves into the container.
It is harmless if the container is as trusted as the host.`,
		Fix:  `Delete the <hostdev>, and give the container a directory (<filesystem>) or a network (<interface>) instead`,
		Refs: []string{"https://libvirt.org/formatdomain.html#block-character-devices", "https://libvirt.org/drvlxc.html#user-and-group-isolation"},
		Check: func(p *audit.Pass) {
			for at, h := range audit.Each("devices/hostdev", p.Devices.Hostdevs) {
				switch {
				case h.CapsStorage != nil:
					severity, block := audit.Critical, ""
					if userNamespace(p) {
						severity = audit.High
					}
					if h.CapsStorage.Source != nil {
						block = h.CapsStorage.Source.Block
					}
					p.ReportAs(severity, at.Elem("source/block"), "the container gets the host's block device '%s'", block)
				case h.CapsMisc != nil:
					char := ""
					if h.CapsMisc.Source != nil {
						char = h.CapsMisc.Source.Char
					}
					p.ReportAs(audit.High, at.Elem("source/char"), "the container gets the host's character device '%s'", char)
				case h.CapsNet != nil:
					name := ""
					if h.CapsNet.Source != nil {
						name = h.CapsNet.Source.Interface
					}
					p.ReportAs(audit.Medium, at.Elem("source/interface"), "the container gets the host's network interface '%s'", name)
				}
			}
		},
		Fixes: takeFromContainer,
	},
	{
		ID:       "passthrough-tpm",
		Title:    "Host TPM is assigned to a guest",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `The TPM contains the measurements of the host's boot and the keys that are sealed to
them; a guest that controls the chip can extend its registers, lock it by wrong passwords or clear
it. Nothing else on the host can use it meanwhile. An emulated TPM is sufficient for guests,
including Windows 11. It is harmless on a host that exists for this guest only. Model
spapr-tpm-proxy accesses the chip through the host's resource manager and is medium.`,
		Fix:  `Use <tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>; keys that the guest sealed are lost`,
		Refs: []string{"https://libvirt.org/formatdomain.html#tpm-device"},
		Check: func(p *audit.Pass) {
			for at, t := range audit.Each("devices/tpm", p.Devices.TPMs) {
				if t.Backend == nil || t.Backend.Passthrough == nil {
					continue
				}
				device, severity := "/dev/tpm0", audit.High
				if d := t.Backend.Passthrough.Device; d != nil && d.Path != "" {
					device = d.Path
				}
				if t.Model == "spapr-tpm-proxy" {
					severity = audit.Medium
				}
				p.ReportAs(severity, at.Elem("backend").Attr("type"), "the guest gets the host's TPM '%s'", device)
			}
			for _, o := range passedOptions(p, "tpmdev") {
				if o.First("type") != "passthrough" {
					continue
				}
				device, ok := o.Get("path")
				if !ok {
					device = "/dev/tpm0" // TPM_PASSTHROUGH_DEFAULT_DEVICE in QEMU's backends/tpm/tpm_passthrough.c
				}
				p.Reportf(o.At, "-tpmdev passthrough: the guest gets the host's TPM '%s'", device)
			}
			for _, o := range passedOptions(p, "device") {
				if device, _ := o.Get("host-path"); o.First("driver") == "spapr-tpm-proxy" && device != "" {
					p.ReportAs(audit.Medium, o.At, "-device spapr-tpm-proxy: the guest gets the host's TPM '%s'", device)
				}
			}
		},
		Fixes: emulateTPM,
	},
}

func reportUnfiltered(p *audit.Pass, at audit.Path) {
	if v, _ := p.Attr(at); v == "no" {
		p.Reportf(at, "writes to the PCI device's configuration space are not filtered")
	}
}
