package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// powerCap is a capability that reports a protection of a POWER CPU to the guest.
type powerCap struct {
	name   string     // of the element; QEMU's property is cap-NAME
	at     audit.Path // the element
	broken string     // what the value 'broken' means
}

// ccf-assist is not one of them: without it the guest flushes by software, which is slower, not
// weaker.
var powerCaps = []powerCap{
	{"cfpc", audit.At("features/cfpc"), "the cache is not flushed when the privilege level changes"},
	{"sbbc", audit.At("features/sbbc"), "no barrier prevents speculation from bypassing bounds checks"},
	{"ibs", audit.At("features/ibs"), "an attacker can control indirect branches"},
}

func reportBrokenPower(p *audit.Pass) {
	var unstated []string
	for _, c := range powerCaps {
		at := c.at.Attr("value")
		value, stated := p.Attr(at)
		report := p.Reportf
		for _, o := range passedOptions(p, "machine", "M") { // QEMU merges them with libvirt's
			if v, ok := o.Get("cap-" + c.name); ok {
				value, stated, at, report = v, true, o.At, p.Key("passed", c.name).Reportf
			}
		}
		switch {
		case !stated:
			unstated = append(unstated, c.name)
		case value == "broken":
			report(at, "%s is 'broken': %s", c.name, c.broken)
		}
	}
	if len(unstated) == 0 || p.Type != "kvm" || p.Boundary.Accelerator == "tcg" {
		return
	}
	switch name, at := p.MachineType(); {
	case p.Boundary.Target == "" && strings.HasPrefix(name, "pseries-"):
		p.Unknown(audit.NeedCapabilities)
	case brokenByDefault(p):
		p.Key("default").ReportAs(audit.Medium, at, "machine type '%s' has the default 'broken' "+
			"for %s: the guest's kernel does not protect itself from Meltdown and Spectre",
			name, enumerate(unstated))
	}
}

// firstSafeRHEL is the first release of RHEL whose pseries machine type has mitigations (source:
// "have been backported to pseries-rhel8.0.0" in "Add ppc64 machine types" of RHEL's qemu-kvm).
const firstSafeRHEL = 8

// brokenUbuntu are the releases of Ubuntu whose pseries machine type is one of QEMU before 4.0. The
// releases of Ubuntu: trusty has QEMU 2.0, disco 3.1, eoan 4.0.
var brokenUbuntu = strings.Fields(`trusty utopic vivid wily xenial yakkety zesty artful bionic cosmic
	disco`)

// brokenByDefault reports whether the machine type has no mitigations unless the document states
// them: versions before 4.0, except the variants "-sxxm", which have them (source: QEMU's
// hw/ppc/spapr.c, spapr_machine_3_1_class_options and spapr_machine_2_12_sxxm_class_options;
// observed with qom-get of cap-cfpc, cap-sbbc and cap-ibs in QEMU 5.2 and 7.2). An alias is a newer
// version on every host that libvirt still supports.
func brokenByDefault(p *audit.Pass) bool {
	m := p.Machine()
	if m.Family != "pseries" || !m.WellFormed || m.Alias || strings.HasSuffix(m.Name, "-sxxm") {
		return false
	}
	switch m.Vendor {
	case "rhel":
		major, _, _ := strings.Cut(strings.TrimPrefix(m.Name, "pseries-rhel"), ".")
		n, err := strconv.Atoi(major)
		return err == nil && n < firstSafeRHEL
	case "ubuntu":
		return slices.Contains(brokenUbuntu, strings.TrimPrefix(m.Name, "pseries-"))
	default:
		return m.Version.Major < 4
	}
}

// isPowerCap reports whether a key of -machine is one of the capabilities.
func isPowerCap(key string) bool {
	name, ok := strings.CutPrefix(key, "cap-")
	return ok && slices.ContainsFunc(powerCaps, func(c powerCap) bool { return c.name == name })
}
