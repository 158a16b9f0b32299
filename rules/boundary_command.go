package rules

import (
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
