package rules

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// reportOverride reports the effect of an option on the accelerator or the machine type. Options
// that prevent the guest from starting are reported by boundary-cmdline-stops.
func reportOverride(p *audit.Pass, e audit.Effect) {
	name, at := e.Option.Name, e.Option.At
	switch e.Kind {
	case audit.EffectRepeats:
		p.Key("repeats").ReportAs(audit.Info, at, "-%s %s repeats the setting of the document", name, e.Value)
	case audit.EffectIgnored:
		if name == "accel" {
			what := strings.TrimSpace("-accel " + e.Value)
			p.Key("ignored").ReportAs(audit.Info, at, "%s has no effect: libvirt's own -accel precedes it", what)
		} else {
			p.Key("ignored").ReportAs(audit.Info, at, "-%s has no effect: QEMU uses the later machine type", name)
		}
	case audit.EffectChanges:
		switch {
		case p.VerdictIs("machine-not-listed"):
			p.Key("not-listed").ReportAs(audit.Critical, at, "-%s sets machine type '%s', which is not on the list of QEMU's security policy for %s",
				name, e.Value, p.Boundary.Target)
		case p.VerdictIs("unknown-suffix"):
			p.Key("unknown-version").Reportf(at, "-%s sets machine type '%s', which resembles the listed '%s', but its version is unknown",
				name, e.Value, p.Boundary.Family)
		default:
			p.Key("changes").Reportf(at, "-%s sets machine type '%s', which overrides the document", name, e.Value)
		}
	case audit.EffectUnclear:
		severity := audit.Medium
		if p.Boundary.Accelerator == "tcg" && p.Type == "xen" {
			severity = audit.Critical
		}
		if name == "accel" && p.Type != "xen" {
			p.Key("fallback").ReportAs(severity, at, "-%s is used if libvirt's own accelerator fails, which an argument of -machine may cause", name)
			return
		}
		p.Key("unclear").ReportAs(severity, at, "-%s may override the accelerator or the machine type: the document does not show the value", name)
	case audit.EffectStops: // boundary-cmdline-stops
	}
}

// passedDevice returns the type of device that an option creates or configures.
func passedDevice(option string, o audit.Option) string {
	switch option {
	case "device":
		return o.First("driver")
	case "object":
		return o.First("qom-type")
	case "global": // driver.property=value, or driver=D,property=P
		if v, ok := o.Get("driver"); ok {
			return v
		}
		name, _, _ := strings.Cut(o.Value, ".")
		return name
	default:
		v, _ := o.Get("if")
		return v
	}
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
			if property.Name == "driver" && unreviewed(property.Value) {
				p.ReportAs(unreviewedSeverity(property.Value), at.Attr("value"),
					"the override sets device %s, which QEMU's maintainers have not reviewed for hostile guests", property.Value)
			}
		}
	}
}

func unreviewedSeverity(name string) audit.Severity {
	if strings.HasPrefix(name, "nvme") {
		return audit.Medium
	}
	return audit.High
}

// unreviewedDevices are prefixes of the types of device that the command line can create and that
// QEMU's maintainers do not mark as secure (source: the series "Encode object type security status
// in code", and QEMU's removed features).
var unreviewedDevices = strings.Fields(`cxl- pxb-cxl pvrdma edu rocker pci-testdev pc-testdev isa-debug sdhci-pci nvme
	ivshmem virtio-9p tulip vmxnet3 am53c974 dc390 ati-vga sm501 vfio-user-pci x-`)

func unreviewed(name string) bool {
	return name != "" && slices.ContainsFunc(unreviewedDevices, func(d string) bool { return strings.HasPrefix(name, d) })
}
