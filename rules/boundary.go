package rules

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// because reports whether the boundary verdict was reached for one of the reasons. They are spelt
// out; a test knows all of the policy's reasons and sees that each has its rule.
func because(p *audit.Pass, reasons ...string) bool {
	if len(reasons) > 1 || reasons[0] != "not-qemu" { // which the document alone decides
		p.RestsOn(audit.NeedCapabilities)
	}
	return slices.Contains(reasons, string(p.Boundary.Reason))
}

// listedMachine ends a fix: which machine type to take depends on the guest's architecture, and the
// text of a fix is the same for all guests.
const listedMachine = "MACHINE is q35 for x86, virt for Arm, RISC-V and LoongArch, " +
	"pseries for POWER and s390-ccw-virtio for IBM Z." + `
$ virt-xml DOMAIN --edit --boot machine=MACHINE`

var boundary = []*audit.Rule{
	{
		ID:       "boundary-accel-tcg",
		Title:    "Guest runs in software emulation, outside QEMU's security boundary",
		Severity: audit.Critical,
		Profiles: every,
		Doc: `QEMU promises nothing for software emulation: a bug that lets the guest out is no security bug, gets no advisory
and may stay public and open. With <domain type='qemu'> libvirt starts QEMU with its own code translator (TCG) instead of
a hardware accelerator. That a host has no /dev/kvm explains the setting; it does not make the guest safer. Guests of a
foreign architecture cannot do without.`,
		Fix: `<domain type='kvm'> (on macOS: 'hvf')
$ virt-xml DOMAIN --edit --xml ./@type=kvm`,
		Refs: []string{qemuSecurity, domainOverview},
		Check: func(p *audit.Pass) {
			// A guest that does not start is reported too: what keeps it from that may be taken away, or start
			// with another version of QEMU.
			if because(p, "software-emulation", "does-not-start") && p.Type == "qemu" {
				p.Reportf(audit.At("@type"), "type '%s' is software emulation: QEMU promises no isolation", p.Type)
			}
		},
	},
	{
		ID:       "boundary-accel-unlisted",
		Title:    "Hardware accelerator that QEMU's security policy does not name",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `Whether a breakout from this guest would be handled as a security bug is not stated. The policy asks for a
virtualization accelerator "like" KVM or HVF; others, such as MSHV behind type 'hyperv', use the hardware too but are not
named. QEMU's maintainers would decide when a bug is reported.`,
		Fix: `<domain type='kvm'>, where the host has KVM
$ virt-xml DOMAIN --edit --xml ./@type=kvm`,
		Refs: []string{qemuSecurity, domainOverview},
		Check: func(p *audit.Pass) {
			if because(p, "accelerator-not-named") {
				p.Reportf(audit.At("@type"), "type '%s': QEMU's policy does not say whether this accelerator counts", p.Type)
			}
		},
	},
	{
		ID:       "boundary-driver-out-of-scope",
		Title:    "Guest is not run by QEMU, so QEMU's boundary says nothing about it",
		Severity: audit.Info,
		Profiles: every,
		Doc: `QEMU's promise says nothing about guests that other programs run. Containers, Cloud Hypervisor, bhyve, VMware
and others have their own, which virt-audit does not judge. The other rules still apply where they make sense.`,
		Fix:  `Nothing to mend: read the policy of the hypervisor that runs the guest.`,
		Refs: []string{qemuSecurity, domainOverview},
		Check: func(p *audit.Pass) {
			if because(p, "not-qemu") {
				p.Reportf(audit.At("@type"), "type '%s' is not run by QEMU here: its security policy does not apply", p.Type)
			}
		},
	},
	{
		ID:       "boundary-accel-override",
		Title:    "QEMU command line sets the accelerator or the machine",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `An argument for QEMU names the accelerator or the machine type, and tools that read only <type> do not see it.
QEMU takes the first accelerator that works, which is libvirt's own, so another -accel has no effect (info), unless a
property such as kvm-shadow-mem, which KVM may refuse, is passed as well (medium). It takes the last machine type, so
-machine decides, and the verdict is made for the machine that it names. The finding is critical
where that machine is not on QEMU's list, or TCG runs a guest of type 'xen'; medium where another machine than the
document's runs, or the document does not show which. An argument that repeats what the document says is info.`,
		Fix:  withoutPassthrough,
		Refs: []string{qemuSecurity, qemuPassthrough},
		Check: func(p *audit.Pass) {
			if because(p, "not-qemu") {
				return
			}
			for _, e := range p.Command.Effects {
				reportOverride(p, e)
			}
		},
	},
	{
		ID:       "boundary-cmdline-stops",
		Title:    "QEMU command line keeps the guest from starting",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `QEMU refuses such an argument and exits, so the guest does not run as the document describes it. The verdict is
left open: to start the guest, someone must change the argument, or use a QEMU or libvirt that accepts it. QEMU refuses
-enable-kvm and -machine accel= next to the -accel that libvirt writes, and JSON that is not well-formed. It compares
the names of options exactly: "-accel=tcg" is not an option.`,
		Fix:  withoutPassthrough,
		Refs: []string{qemuPassthrough, "https://www.qemu.org/docs/master/system/invocation.html"},
		Check: func(p *audit.Pass) {
			if because(p, "not-qemu") {
				return
			}
			for _, e := range p.Command.Effects {
				if e.Kind == audit.EffectStops {
					p.Reportf(e.Option.Path, "-%s keeps the guest from starting: %s", bareOption(e.Option.Name), e.Why)
				}
			}
		},
	},
	{
		ID:       "boundary-emulator-unknown",
		Title:    "Emulator is not known to be QEMU",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `QEMU's policy covers QEMU, and libvirt runs the executable that <emulator> names. No distribution ships QEMU
under such a name: it may be a script that changes the arguments and then runs QEMU, or another program. The verdict is
left open then. It is also left open where the executable is QEMU for another architecture than the guest's, which
libvirt refuses. If such an executable is used on purpose, list it under allow: emulators: in the configuration.`,
		Fix: `Delete the element: libvirt then takes the QEMU binary that it finds on the host
$ virt-xml DOMAIN --edit --xml xpath.delete=./devices/emulator`,
		Refs: []string{qemuSecurity, "https://libvirt.org/formatdomain.html#devices"},
		Check: func(p *audit.Pass) {
			switch at := audit.At("devices/emulator"); {
			case p.WrongEmulator():
				p.Key("other-architecture").Reportf(at, "emulator '%s' is QEMU for another architecture than the guest's (libvirt refuses it)", p.Devices.Emulator)
			case p.UnknownEmulator():
				p.Key("unknown-name").Reportf(at, "emulator '%s' is not named like QEMU: the document does not show what runs", p.Devices.Emulator)
			}
		},
	},
	{
		ID:       "boundary-machine-unlisted",
		Title:    "Machine type is not one that QEMU's security policy lists",
		Severity: audit.Critical,
		Profiles: every,
		Doc: `A breakout from this board is an ordinary bug to QEMU, with KVM too: such boards model old or embedded
hardware, and nobody has reviewed their devices against a hostile guest. For each architecture the policy lists the
machine types that are made for virtualization; the list was first released with QEMU 10.2. Where the name looks like a
listed family but ends in something unknown, the verdict is left open and the finding is medium.`,
		Fix:  `Another machine type. ` + listedMachine,
		Refs: []string{qemuSecurity, domainBoot},
		Check: func(p *audit.Pass) {
			switch at := audit.At("os/type@machine"); {
			case p.Boundary.Machine != "": // boundary-accel-override says how to get rid of it
			case because(p, "machine-not-listed"):
				p.Key("not-listed").Reportf(at, "machine type '%s' is not on QEMU's list for %s: no isolation is promised", p.Target.Machine, p.Boundary.Target)
			case because(p, "unknown-suffix"):
				p.Key("unknown-version").ReportAs(audit.Medium, at, "machine type '%s' resembles the listed '%s', but this version of it is unknown", p.Target.Machine, p.Boundary.Family)
			}
		},
	},
	{
		ID:       "boundary-arch-unlisted",
		Title:    "Architecture has no machine that QEMU's security policy lists",
		Severity: audit.Critical,
		Profiles: every,
		Doc: `QEMU promises isolation only on the architectures that its policy lists, whatever the accelerator. 32-bit Arm is a special case: on an aarch64 host such a guest may run on the aarch64 target, whose
'virt' machine is listed; the verdict is open then and the finding medium. So it is where the chosen edition of the
policy leaves an architecture undecided.`,
		Fix:  `Run the guest on a listed architecture: x86_64, aarch64, s390x, ppc64, riscv64 or loongarch64.`,
		Refs: []string{qemuSecurity},
		Check: func(p *audit.Pass) {
			switch at := audit.At("os/type@arch"); {
			case because(p, "arch-not-listed"):
				p.Key("not-listed").Reportf(at, "architecture '%s' has no listed machine type: no isolation is promised", p.Target.Arch)
			case because(p, "arm-on-aarch64"):
				p.Key("arm-on-aarch64").ReportAs(audit.Medium, at, "32-bit Arm is not listed, but may run on the listed aarch64 target: the document does not show which")
			case because(p, "arch-undecided"):
				p.Key("undecided").ReportAs(audit.Medium, at, "this edition of the policy leaves architecture '%s' undecided", p.Target.Arch)
			}
		},
	},
	{
		ID:       "boundary-machine-missing",
		Title:    "Architecture or machine type is not stated, so the host decides",
		Severity: audit.Low,
		Profiles: every,
		Doc: `The host decides then what the guest gets, and with it whether the guest is inside the boundary. A document
written by hand may leave out arch and machine; libvirt takes the host's architecture, and a default machine that differs between its versions: for Arm and RISC-V it was a development board before libvirt 9.3
and is 'virt' since. Where every version agrees the default is judged; where not, the verdict is left open and the
finding is medium. Definitions that libvirt has stored always carry both.`,
		Fix:  `State both, for example <type arch='x86_64' machine='q35'>hvm</type>. ` + listedMachine,
		Refs: []string{domainBoot, qemuSecurity},
		Check: func(p *audit.Pass) {
			switch at := audit.At("os/type"); {
			case because(p, "arch-absent"):
				p.Key("architecture").ReportAs(audit.Medium, at, "no architecture is stated: the host's will be taken, and it is not known here")
			case because(p, "machine-absent"):
				p.Key("open").ReportAs(audit.Medium, at, "no machine type is stated: libvirt's default for %s differs between its versions", p.Boundary.Target)
			case because(p, "default-machine") && p.Boundary.Word != "inside":
				p.Key("not-listed").ReportAs(audit.Critical, at, "no machine type is stated, and libvirt's default is not on the list for %s", p.Boundary.Target)
			case because(p, "default-machine") && p.Host.KnowsCapabilities():
				p.Key("judged").Reportf(at, "no machine type is stated: judged by libvirt's default on this host, '%s'", p.Boundary.Family)
			case because(p, "default-machine"):
				p.Key("judged").Reportf(at, "no machine type is stated: judged by libvirt's default, '%s'", p.Boundary.Family)
			}
		},
	},
	deviceNotMarked,
	{
		ID:       "boundary-insecure-input-override",
		Title:    "QEMU is told to accept types that it marks insecure",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `QEMU is getting a switch, -compat insecure-input (insecure-types in earlier proposals), that makes it refuse
device types which were never meant for untrusted guests. An argument that sets it to accept or warn opts out by hand.
Absence of the switch is no finding; reject and crash are what one would wish for.`,
		Fix:  withoutPassthrough,
		Refs: []string{"https://patchew.org/QEMU/20250909165726.3814465-1-berrange@redhat.com/"},
		Check: func(p *audit.Pass) {
			for _, o := range p.Command.Named("compat") {
				for _, key := range []string{"insecure-types", "insecure-input"} {
					if v, _ := o.Get(key); v == "accept" || v == "warn" {
						p.Key("accepted", key).Reportf(o.At, "%s=%s lets in device types that QEMU marks insecure", key, v)
					}
				}
			}
		},
	},
	{
		ID:       "boundary-cmdline-device",
		Title:    "Command line adds a device from outside the reviewed set",
		Severity: audit.High,
		Profiles: every,
		Doc: `libvirt offers the devices that are fit for guests; the command line can add those that are not. Among them: CXL
emulation, which its maintainers call unfit for virtualization, the removed pvrdma with its long list of flaws,
test devices, and storage or network models that nobody hardens. NVMe is only medium: before libvirt knew
bus='nvme' there was no other way to have it. A property 'driver' in <qemu:override> puts another device in the
place of libvirt's, and is judged in the same way. Any other passthrough is the business of other rules.`,
		Fix:  withoutPassthrough,
		Refs: []string{qemuSecurity, qemuRemoved, "https://nvd.nist.gov/vuln/detail/CVE-2018-20123", "https://nvd.nist.gov/vuln/detail/CVE-2021-3582"},
		Check: func(p *audit.Pass) {
			for _, o := range p.Command.Named("device", "global", "object", "drive") {
				name := passedDevice(o.Name, o)
				if !unreviewed(name) {
					continue
				}
				p.ReportAs(unreviewedSeverity(name), o.At, "-%s %s is a device that QEMU's maintainers have not reviewed for hostile guests", o.Name, name)
			}
			reportReplacedDevices(p)
		},
	},
}

// reportOverride reports what an option does to accelerator or machine, unless the guest does not start
// with it.
func reportOverride(p *audit.Pass, e audit.Effect) {
	name, at := e.Option.Name, e.Option.At
	switch e.Kind {
	case audit.EffectRepeats:
		p.Key("repeats").ReportAs(audit.Info, at, "-%s %s repeats what the document says", name, e.Value)
	case audit.EffectIgnored:
		if name == "accel" {
			what := strings.TrimSpace("-accel " + e.Value)
			p.Key("ignored").ReportAs(audit.Info, at, "%s has no effect: libvirt's own -accel comes before it", what)
		} else {
			p.Key("ignored").ReportAs(audit.Info, at, "-%s has no effect: a later machine type counts", name)
		}
	case audit.EffectChanges:
		switch {
		case because(p, "machine-not-listed"):
			p.Key("not-listed").ReportAs(audit.Critical, at, "-%s makes the machine '%s', which is not on QEMU's list for %s: no isolation is promised",
				name, e.Value, p.Boundary.Target)
		case because(p, "unknown-suffix"):
			p.Key("unknown-version").Reportf(at, "-%s makes the machine '%s', which resembles the listed '%s', but this version of it is unknown",
				name, e.Value, p.Boundary.Family)
		default:
			p.Key("changes").Reportf(at, "-%s makes the machine '%s', whatever the document says", name, e.Value)
		}
	case audit.EffectUnclear:
		severity := audit.Medium
		if p.Boundary.Accelerator == "tcg" && p.Type == "xen" {
			severity = audit.Critical
		}
		if name == "accel" && p.Type != "xen" {
			p.Key("fallback").ReportAs(severity, at, "-%s is used if libvirt's own accelerator fails, which an argument of -machine may bring about", name)
			return
		}
		p.Key("unclear").ReportAs(severity, at, "-%s may set accelerator or machine, and the document does not show to what", name)
	case audit.EffectStops: // boundary-cmdline-stops
	}
}

// passedDevice returns the type that an option creates or configures.
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

// reportReplacedDevices reports devices that <qemu:override> puts in the place of libvirt's: libvirt 9.0
// writes its property 'driver' over the one in the JSON of -device, see TestOverrideOnLibvirt.
func reportReplacedDevices(p *audit.Pass) {
	if p.QEMUOverride == nil || !byQEMU(p) {
		return
	}
	for at, d := range audit.Each("qemu:override/qemu:device", p.QEMUOverride.Devices) {
		for at, property := range audit.EachIn(at, "qemu:frontend/qemu:property", d.Frontend.Properties) {
			if property.Name == "driver" && unreviewed(property.Value) {
				p.ReportAs(unreviewedSeverity(property.Value), at.Attr("value"),
					"the override makes the device %s, which QEMU's maintainers have not reviewed for hostile guests", property.Value)
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

// unreviewedDevices are types, or with a final dash or dot beginnings of types, that the command
// line can create and that maintainers leave out of what they call secure
// (source: the series "Encode object type security status in code", and QEMU's removed features).
var unreviewedDevices = strings.Fields(`cxl- pxb-cxl pvrdma edu rocker pci-testdev pc-testdev isa-debug sdhci-pci nvme
	ivshmem virtio-9p tulip vmxnet3 am53c974 dc390 ati-vga sm501 vfio-user-pci x-`)

func unreviewed(name string) bool {
	return name != "" && slices.ContainsFunc(unreviewedDevices, func(d string) bool { return strings.HasPrefix(name, d) })
}
