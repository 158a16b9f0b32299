package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

// listedMachine ends the advice of a rule about the machine type.
const listedMachine = "It is q35 for x86, virt for Arm, RISC-V and LoongArch, pseries for POWER " +
	"and s390-ccw-virtio for IBM Z."

var boundary = []*audit.Rule{
	{
		ID:       "boundary-accel-tcg",
		Title:    "Guest runs in software emulation, outside QEMU's security boundary",
		Severity: audit.Critical,
		Profiles: allProfiles,
		Doc: `QEMU's security policy does not cover software emulation: QEMU does not treat an
escape from such a guest as a security bug, issues no advisory, and may leave the bug public and
unfixed. With <domain type='qemu'> libvirt starts QEMU with its code translator (TCG) instead of a
hardware accelerator. A host without /dev/kvm is a reason for the setting, but it does not make the
guest safer. Guests of a foreign architecture cannot run in any other way.`,
		Fix: `Use <domain type='kvm'> (on macOS: 'hvf'), on a host of the guest's architecture and with a machine type of
QEMU's list.`,
		Refs: []string{refs.QEMUSecurity, refs.DomainOverview},
		Check: func(p *audit.Pass) {
			// A guest that does not start is reported too: the obstacle may be removed, or another
			// version of QEMU may start the guest.
			if p.VerdictIs("software-emulation", "does-not-start") && p.Type == "qemu" {
				p.Reportf(typeAt, "type '%s' is software emulation: QEMU's security policy does not cover it", p.Type)
			}
		},
		Fixes: useAccelerator,
		NoFix: "Decide where the guest can run with KVM: it requires a host of the guest's " +
			"architecture and a machine type of QEMU's list",
	},
	{
		ID:       "boundary-accel-unlisted",
		Title:    "QEMU's security policy does not name this hardware accelerator",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `QEMU's policy does not state whether an escape from this guest is a security bug. The
policy requires a virtualization accelerator "like" KVM or HVF. Others, such as MSHV for type
'hyperv', use the hardware too but are not named. QEMU's maintainers would decide when a bug is
reported.`,
		Fix:  `Where the host has KVM, use <domain type='kvm'>.`,
		Refs: []string{refs.QEMUSecurity, refs.DomainOverview},
		Check: func(p *audit.Pass) {
			if p.VerdictIs("accelerator-not-named") {
				p.Reportf(typeAt, "QEMU's policy does not name the accelerator of type '%s'", p.Type)
			}
		},
		Fixes: useAccelerator,
		NoFix: "Decide whether the guest can move to a host with KVM: no other accelerator of " +
			"Linux is named by QEMU's policy",
	},
	{
		ID:       "boundary-driver-out-of-scope",
		Title:    "QEMU does not run this guest, so QEMU's security policy does not apply",
		Severity: audit.Info,
		Profiles: allProfiles,
		Doc: `QEMU's security policy covers only guests that QEMU runs. Containers, Cloud
Hypervisor, bhyve, VMware and other hypervisors have security policies of their own, which
virt-audit does not evaluate. The other rules still apply where they are relevant.`,
		Fix:  `No change is needed. Read the security policy of the hypervisor that runs the guest.`,
		Refs: []string{refs.QEMUSecurity, refs.DomainOverview},
		Check: func(p *audit.Pass) {
			if p.VerdictIs("not-qemu") {
				p.Reportf(typeAt, "QEMU does not run a guest of type '%s': its security policy does not apply", p.Type)
			}
		},
		NoFix: "Read the security policy of the hypervisor that runs the guest; there is nothing " +
			"to change in the document",
	},
	{
		ID:       "boundary-accel-override",
		Title:    "QEMU command line overrides the accelerator or the machine type",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `An argument for QEMU sets the accelerator or the machine type, and tools that read
only <type> do not see it. QEMU uses the first accelerator that works, which is the one that libvirt
sets. Another -accel therefore has no effect (info), unless the arguments also set a property that
KVM may refuse, such as kvm-shadow-mem (medium). QEMU uses the last machine type, so -machine
decides, and the verdict is for the machine type that it names. The finding is critical if that
machine type is not on QEMU's list, or if TCG runs a guest of type 'xen'. It is medium if the
machine type differs from the document's, or if the document does not show which one runs. An
argument that repeats the document is info.`,
		Fix:  removePassthrough,
		Refs: []string{refs.QEMUSecurity, refs.QEMUPassthrough},
		Check: func(p *audit.Pass) {
			if p.VerdictIs("not-qemu") {
				return
			}
			for _, e := range p.Command.Effects {
				reportOverride(p, e)
			}
		},
		Fixes: fixOverride,
		NoFix: "Decide which machine type the guest should have: neither that of the document nor " +
			"that of the argument is on QEMU's list",
	},
	{
		ID:       "boundary-cmdline-stops",
		Title:    "QEMU command line prevents the guest from starting",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `QEMU refuses such an argument and exits, so the guest does not run as the document
describes it. The verdict is undetermined: to start the guest, someone must change the argument, or
use a QEMU or libvirt that accepts it. QEMU refuses -enable-kvm and -machine accel= next to the
-accel that libvirt writes, and JSON that is not well-formed. It compares the names of options
exactly: "-accel=tcg" is not an option.`,
		Fix:  removePassthrough,
		Refs: []string{refs.QEMUPassthrough, "https://www.qemu.org/docs/master/system/invocation.html"},
		Check: func(p *audit.Pass) {
			if p.VerdictIs("not-qemu") {
				return
			}
			for _, e := range p.Command.Effects {
				if e.Kind == audit.EffectStops {
					p.Reportf(e.Option.Path, "-%s prevents the guest from starting: %s", optionWithoutValue(e.Option.Name), e.Why)
				}
			}
		},
		Fixes: fixStops,
		NoFix: "Change the type or the machine type of the domain before deleting the argument: " +
			"without it the guest starts outside the boundary",
	},
	{
		ID:       "boundary-emulator-unknown",
		Title:    "Emulator is not known to be QEMU",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `QEMU's policy covers QEMU only, and libvirt runs the executable that <emulator> names.
No distribution ships QEMU under such a name: the executable may be a script that changes the
arguments and then runs QEMU, or something else. The verdict is then undetermined. It is also
undetermined if the executable is QEMU for another architecture than the guest's, which libvirt
refuses. If the executable is used on purpose, list it under allow: emulators: in the configuration.`,
		Fix:  `Delete the element: libvirt then uses the QEMU binary that it finds on the host.`,
		Refs: []string{refs.QEMUSecurity, "https://libvirt.org/formatdomain.html#devices"},
		Check: func(p *audit.Pass) {
			switch at := audit.At("devices/emulator"); {
			case p.WrongEmulator():
				p.Key("other-architecture").Reportf(at, "emulator '%s' is QEMU for another architecture than the guest's: libvirt refuses it", p.Devices.Emulator)
			case p.UnknownEmulator():
				p.Key("unknown-name").Reportf(at, "emulator '%s' does not have a name of QEMU: the document does not show what runs", p.Devices.Emulator)
			}
		},
		Fixes: deleteEmulator,
		NoFix: noEmulatorFix,
	},
	{
		ID:       "boundary-machine-unlisted",
		Title:    "QEMU's security policy does not list the machine type",
		Severity: audit.Critical,
		Profiles: allProfiles,
		Doc: `QEMU treats an escape from this machine type as an ordinary bug, with KVM too: such
boards model legacy or embedded hardware, and their devices have not been reviewed against a hostile
guest. For each architecture the policy lists the machine types that are made for virtualization;
QEMU 10.2 was the first release with the list. If the name looks like a listed family but has an
unknown suffix, the verdict is undetermined and the finding is medium.`,
		Fix:  `Use a listed machine type. ` + listedMachine,
		Refs: []string{refs.QEMUSecurity, refs.DomainBoot},
		Check: func(p *audit.Pass) {
			switch at := audit.At("os/type@machine"); {
			case p.Boundary.Machine != "": // boundary-accel-override reports it, with its own fix
			case p.VerdictIs("machine-not-listed"):
				p.Key("not-listed").Reportf(at, "machine type '%s' is not on the list of QEMU's security policy for %s", p.Target.Machine, p.Boundary.Target)
			case p.VerdictIs("unknown-suffix"):
				p.Key("unknown-version").ReportAs(audit.Medium, at, "machine type '%s' resembles the listed '%s', but its version is unknown", p.Target.Machine, p.Boundary.Family)
			}
		},
		Fixes: func(p *audit.Pass, f *audit.Finding) []audit.Fix {
			if f.Key == "unknown-version" {
				return useNewest(p, f)
			}
			return otherMachine(p)
		},
		NoFix: "Decide which machine type of QEMU's list can run the guest: its kernel and its " +
			"devices are made for the present one",
	},
	{
		ID:       "boundary-arch-unlisted",
		Title:    "QEMU's security policy lists no machine type for the architecture",
		Severity: audit.Critical,
		Profiles: allProfiles,
		Doc: `QEMU's security policy covers only the architectures that it lists, with any
accelerator. 32-bit Arm is a special case: on an aarch64 host such a guest may run on the aarch64
target, whose 'virt' machine is listed. The verdict is then undetermined and the finding is medium.
The same applies if the selected edition of the policy does not decide about an architecture.`,
		Fix: `Run the guest on a listed architecture: x86_64, aarch64, s390x, ppc64, riscv64 or loongarch64.`,
		NoFix: "Install the guest again on an architecture of QEMU's list: its software is made " +
			"for the present one",
		Refs: []string{refs.QEMUSecurity},
		Check: func(p *audit.Pass) {
			switch at := audit.At("os/type@arch"); {
			case p.VerdictIs("arch-not-listed"):
				p.Key("not-listed").Reportf(at, "QEMU's security policy lists no machine type for architecture '%s'", p.Target.Arch)
			case p.VerdictIs("arm-on-aarch64"):
				p.Key("arm-on-aarch64").ReportAs(audit.Medium, at, "32-bit Arm is not listed, but the guest may run on the listed aarch64 target")
			case p.VerdictIs("arch-undecided"):
				p.Key("undecided").ReportAs(audit.Medium, at, "this edition of the policy does not decide about architecture '%s'", p.Target.Arch)
			}
		},
	},
	{
		ID:       "boundary-machine-missing",
		Title:    "Document does not state the architecture or the machine type",
		Severity: audit.Low,
		Profiles: allProfiles,
		Doc: `If the document omits the architecture or the machine type, the host decides what the
guest gets, and so whether it is inside the boundary. A document written by hand may omit arch and
machine. libvirt then uses the host's architecture, and a default machine type that depends on its
version: for Arm and RISC-V it was a development board before libvirt 9.3 and is 'virt' since. If
all versions agree, the verdict is for that default; otherwise it is undetermined and the finding is
medium. Definitions that libvirt has stored always contain both.`,
		Fix:  `State both, for example <type arch='x86_64' machine='q35'>hvm</type>. ` + listedMachine,
		Refs: []string{refs.DomainBoot, refs.QEMUSecurity},
		Check: func(p *audit.Pass) {
			switch at := audit.At("os/type"); {
			case p.VerdictIs("arch-absent"):
				p.Key("architecture").ReportAs(audit.Medium, at, "the document states no architecture: libvirt uses the host's, which is not known here")
			case p.VerdictIs("machine-absent"):
				p.Key("open").ReportAs(audit.Medium, at, "the document states no machine type: libvirt's default for %s depends on its version", p.Boundary.Target)
			case p.VerdictIs("default-machine") && p.Boundary.Verdict != "inside":
				p.Key("not-listed").ReportAs(audit.Critical, at, "the document states no machine type: libvirt's default is not on the list for %s", p.Boundary.Target)
			case p.VerdictIs("default-machine") && p.Host.KnowsCapabilities():
				p.Key("judged").Reportf(at, "the document states no machine type: the verdict is for libvirt's default on this host, '%s'", p.Boundary.Family)
			case p.VerdictIs("default-machine"):
				p.Key("judged").Reportf(at, "the document states no machine type: the verdict is for libvirt's default, '%s'", p.Boundary.Family)
			}
		},
		Fixes: stateMachine,
		NoFix: "State the architecture of the guest's software, and a machine type of QEMU's list " +
			"for it: the document shows neither",
	},
	deviceNotMarked,
	{
		ID:       "boundary-insecure-input-override",
		Title:    "Command line makes QEMU accept device types that it marks insecure",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `A proposed option of QEMU, -compat insecure-input (insecure-types in earlier
proposals), makes it refuse device types that were never meant for untrusted guests. An argument
that sets it to accept or warn disables that protection. A command line without the option is not
reported, nor are the recommended values reject and crash.`,
		Fix:  removePassthrough,
		Refs: []string{"https://patchew.org/QEMU/20250909165726.3814465-1-berrange@redhat.com/"},
		Check: func(p *audit.Pass) {
			for _, o := range p.Command.Named("compat") {
				for _, key := range []string{"insecure-types", "insecure-input"} {
					if v, _ := o.Get(key); v == "accept" || v == "warn" {
						p.Key("accepted", key).Reportf(o.At, "%s=%s makes QEMU accept device types that it marks insecure", key, v)
					}
				}
			}
		},
		Fixes: func(p *audit.Pass, f *audit.Finding) []audit.Fix {
			return onlySafe("Delete the setting: QEMU accepts such devices by "+
				"default", dropParts(p, f.Path, func(key, value string) bool {
				return strings.HasPrefix(key, "insecure-") && (value == "accept" || value == "warn")
			})...)
		},
	},
	{
		ID:       "boundary-cmdline-device",
		Title:    "Command line adds a device that is not reviewed for hostile guests",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `libvirt offers devices that are suitable for guests; the command line can add devices
that are not. Among them are CXL emulation, which its maintainers call unfit for virtualization, the
removed pvrdma with its many vulnerabilities, test devices, and a file server in QEMU (usb-mtp).
NVMe is only medium: before libvirt supported bus='nvme' there was no other way to use it. Legacy
devices such as rtl8139, cirrus-vga or a floppy drive, and memory that is shared without a server,
are as serious as the element that another rule reports. A property 'driver' in <qemu:override>
replaces libvirt's device with another one and is evaluated in the same way. Other rules report the
other uses of the command line.`,
		Fix:  removePassthrough,
		Refs: []string{refs.QEMUSecurity, refs.QEMURemoved, "https://nvd.nist.gov/vuln/detail/CVE-2018-20123", "https://nvd.nist.gov/vuln/detail/CVE-2021-3582"},
		Check: func(p *audit.Pass) {
			reportPassedDevices(p)
			reportReplacedDevices(p)
		},
		Fixes: fixPassedDevice,
	},
}
