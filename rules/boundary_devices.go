package rules

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// reportPassedDevices reports devices of the command line that are not made for hostile guests.
func reportPassedDevices(p *audit.Pass) {
	screen := showsScreen(p)
	for _, o := range p.Command.Options {
		for _, name := range passedDevices(o) {
			severity, legacy := passedSeverity(name)
			switch {
			case legacy && o.Name != "global": // which configures a device and adds none
				p.Key("legacy", name).ReportAs(severity, o.At, "-%s adds device %s, legacy code that few people maintain", o.Name, name)
			case unreviewed(name):
				if name == "ivshmem-plain" && screen {
					severity = audit.Info
				}
				p.ReportAs(severity, o.At, "-%s adds device %s, which QEMU's maintainers have not reviewed for hostile guests", o.Name, name)
			}
		}
	}
}

// passedDevices returns the types of devices that an option creates or configures, by the names of
// -device. QEMU creates a floppy drive for -fda on q35 too, and the models of -nic, -net nic, -vga
// and -audio also with libvirt's -nodefaults (QEMU 7.2, info qtree).
func passedDevices(o audit.Option) []string {
	value := func(key string) []string {
		v, _ := o.Get(key)
		return []string{v}
	}
	switch o.Name {
	case "device":
		return []string{o.First("driver")}
	case "object":
		return []string{o.First("qom-type")}
	case "global": // driver.property=value, or driver=D,property=P
		if v, ok := o.Get("driver"); ok {
			return []string{v}
		}
		name, _, _ := strings.Cut(o.Value, ".")
		return []string{name}
	case "net":
		if o.First("type") == "nic" {
			return value("model")
		}
	case "nic", "audio":
		return value("model")
	case "vga":
		if o.First("") == "cirrus" {
			return []string{"cirrus-vga"}
		}
	case "soundhw":
		return passedSounds(o.Value)
	case "fda", "fdb":
		return []string{"floppy"}
	case "sd":
		return []string{"sd-card"}
	case "drive":
		switch bus, _ := o.Get("if"); bus {
		case "floppy":
			return []string{"floppy"}
		case "sd":
			return []string{"sd-card"}
		}
	}
	return nil
}

// passedSounds returns the legacy sound cards in the argument of -soundhw, each once: the list can
// have any length.
func passedSounds(list string) (names []string) {
	for name := range strings.SplitSeq(list, ",") {
		name = strings.ToLower(name)
		if _, legacy := passedSeverity(name); legacy && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// reportReplacedDevices reports devices of libvirt that <qemu:override> replaces: libvirt 9.0
// overwrites 'driver' in the JSON of -device with the property of that name, see
// TestOverrideOnLibvirt.
func reportReplacedDevices(p *audit.Pass) {
	if p.QEMUOverride == nil || !usesQEMU(p) {
		return
	}
	for at, d := range audit.Each("qemu:override/qemu:device", p.QEMUOverride.Devices) {
		for at, property := range audit.EachIn(at, "qemu:frontend/qemu:property", d.Frontend.Properties) {
			if property.Name != "driver" {
				continue
			}
			severity, legacy := passedSeverity(property.Value)
			switch at := at.Attr("value"); {
			case legacy:
				p.Key("legacy").ReportAs(severity, at, "the override sets device %s, legacy code that few people maintain", property.Value)
			case unreviewed(property.Value):
				p.ReportAs(severity, at, "the override sets device %s, which QEMU's maintainers have not reviewed for hostile guests", property.Value)
			}
		}
	}
}

// unreviewedDevices are prefixes of the types of device that the command line can create and that
// QEMU's maintainers do not mark as secure (source: the series "Encode object type security status
// in code", and QEMU's removed features). usb-mtp is a file server inside QEMU.
var unreviewedDevices = strings.Fields(`cxl- pxb-cxl pvrdma edu rocker pci-testdev pc-testdev isa-debug sdhci-pci nvme
	ivshmem virtio-9p ati-vga sm501 vfio-user-pci usb-mtp x-`)

func unreviewed(name string) bool {
	return name != "" && slices.ContainsFunc(unreviewedDevices, func(d string) bool { return strings.HasPrefix(name, d) })
}

// legacyDevices are QEMU's names, besides those of legacyNICs, of devices that the rules device-*
// report as elements, and their aliases (source: -device help of QEMU 7.2): floppy drives, SCSI
// controllers, graphics and sound cards, and SD cards. megasas is libvirt's lsisas1078.
var legacyDevices = strings.Fields(`isa-fdc sysbus-fdc floppy lsi lsi53c810 lsi53c895a megasas megasas-gen2 mptsas1068
	am53c974 dc390 cirrus-vga isa-cirrus-vga es1370 sb16 gus adlib cs4231a usb-audio sd-card`)

// passedSeverity returns the severity of a device on the command line. An argument is as bad as the
// element: legacy devices have the severity that the rules device-* give to the element, and
// ivshmem-plain that of sharing-shmem.
func passedSeverity(name string) (severity audit.Severity, legacy bool) {
	switch {
	case containsFold([]string{"ac97", "pvscsi"}, name):
		return audit.Low, true
	case containsFold(legacyDevices, name), containsFold(legacyNICs, name):
		return audit.Medium, true
	case strings.HasPrefix(name, "nvme"), name == "ivshmem-plain":
		return audit.Medium, false
	}
	return audit.High, false
}
