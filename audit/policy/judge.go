package policy

import "slices"

// Judge returns the verdict for one guest. The steps follow the order of the reasons; the first that
// decides is the result. Words that libvirt would refuse never lead to Inside.
func (e *Edition) Judge(g Guest) Verdict {
	v := Verdict{Policy: e.Name}
	if !runsInQEMU(g) {
		return v.end(NotQEMU, OtherHypervisor)
	}
	v.Accelerator = accelerator(g.Type)
	arch := g.Arch
	if arch == "" && KnownArch(g.HostArch) {
		arch = g.HostArch // libvirt's default
	}
	v.Target = TargetOf(arch)
	armTarget := targetOfArm(g, arch)
	if armTarget != "" {
		v.Target = armTarget
	}
	v.Machine = g.Override.Machine
	if v.Machine != "" {
		g.Machine = v.Machine // the last one is effective, and libvirt's is first
	}
	name := g.Machine
	if g.HostMachine != "" {
		name = g.HostMachine // what libvirt replaces it with
	}
	m := ParseMachine(v.Target, name)
	exact := m.Family == "" && slices.Contains(e.families[v.Target], name)
	if exact {
		m.Family, m.WellFormed = name, true // a board of its own
	}
	v.Family = m.Family

	if g.Override.TCG {
		v.Accelerator = "tcg"
		return v.end(Outside, CommandlineOverride)
	}
	if reason, decided := undecidable(g, arch); decided {
		v.Family = ""
		if reason == EmulatorUnknown {
			v.Accelerator = ""
		}
		return v.end(Undetermined, reason)
	}
	switch g.Type {
	case "qemu":
		// Independent of the rest: libvirt writes "-accel tcg" first, and TCG always works.
		return v.end(Outside, SoftwareEmulation)
	case "kvm", "hvf", "xen":
		// The policy names the first two. It implies Xen: it lists machines that only Xen can run.
	default:
		// Whether MSHV and NVMM are hardware accelerators "like KVM or HVF" is a matter of interpretation.
		return v.end(Undetermined, AcceleratorNotNamed)
	}

	switch {
	case v.Target == "":
		return v.end(Undetermined, ArchAbsent)
	case slices.Contains(e.undecided, v.Target):
		return v.end(Undetermined, ArchUndecided)
	case arch == "armv7l" && armTarget == "" && (g.Machine == "" || m.Family == "virt") && (!e.lists("arm", "virt") || !e.lists("aarch64", "virt")):
		// On an aarch64 host libvirt starts qemu-system-aarch64 with aarch64=off
		// (virQEMUCapsGetDefaultEmulator), and the target is that of the executable.
		return v.end(Undetermined, ArmOnAArch64)
	case len(e.families[v.Target]) == 0:
		return v.end(Outside, ArchNotListed)
	case g.Machine == "":
		return e.judgeDefault(g, v, exact)
	case m.Family == "" || !exact && !e.lists(v.Target, m.Family):
		return v.end(Outside, MachineNotListed)
	case !m.WellFormed && g.HostMachine == "":
		// A name that the host's QEMU has is the variant of a vendor that is not known here.
		return v.end(Undetermined, UnknownSuffix)
	default:
		return v.end(Inside, Listed)
	}
}

// targetOfArm returns the target that runs a 32-bit Arm guest if the host shows it, or "". With KVM the
// host's architecture is enough: QEMU is built with it for targets of the host's own kind only.
func targetOfArm(g Guest, arch string) string {
	switch {
	case arch != "armv7l":
		return ""
	case g.HostTarget == "arm" || g.HostTarget == "aarch64":
		return g.HostTarget
	case g.Type == "kvm" && (g.HostArch == "aarch64" || g.HostArch == "armv7l"):
		return TargetOf(g.HostArch)
	}
	return ""
}

// judgeDefault is Judge for a guest without a machine. The host's default overrides that of libvirt: its
// QEMU may have been built without it.
func (e *Edition) judgeDefault(g Guest, v Verdict, exact bool) Verdict {
	name := v.Family
	if g.HostMachine == "" {
		name = defaultMachine(g, v.Target)
	}
	switch v.Family = name; {
	case name == "" && g.HostMachine == "":
		return v.end(Undetermined, MachineAbsent)
	case exact || e.lists(v.Target, name):
		return v.end(Inside, DefaultMachine)
	default:
		return v.end(Outside, DefaultMachine)
	}
}

func (v Verdict) end(w Word, r Reason) Verdict {
	v.Verdict, v.Reason = w, r
	return v
}

// undecidable returns why the document does not show what runs, whatever its machine is.
func undecidable(g Guest, arch string) (Reason, bool) {
	switch {
	case g.Override.Stops, g.emulatorFor(arch) == otherTarget:
		return DoesNotStart, true
	case g.Type == "qemu":
		return "", false
	case g.UnknownEmulator():
		return EmulatorUnknown, true
	case g.Override.Unknown:
		return CommandlineOverride, true
	}
	return "", false
}

// runsInQEMU returns false if the domain's type, or its emulator, belongs to another driver of libvirt.
func runsInQEMU(g Guest) bool {
	switch g.Type {
	case "lxc", "openvz", "vz", "parallels", "vmware", "vbox", "bhyve", "test", "uml", "phyp", "kqemu":
		return false
	case "kvm", "hyperv", "hvf":
		// libvirt's ch driver uses the first two for Cloud Hypervisor (src/ch/ch_driver.c), openEuler's
		// libvirt the first for StratoVirt. Type 'qemu' is that of QEMU's driver alone.
		return g.AllowedEmulator || g.emulatorFor(g.Arch) != otherProgram
	default:
		return true
	}
}

// accelerator returns QEMU's name of the accelerator of a domain type. hyperv is MSHV if QEMU runs the
// guest (libvirt 11.10.0).
func accelerator(domainType string) string {
	switch domainType {
	case "qemu":
		return "tcg"
	case "hyperv":
		return "mshv"
	case "kvm", "hvf", "xen", "nvmm":
		return domainType
	default:
		return ""
	}
}

// ImpliedMachine returns the machine that libvirt uses for a target of QEMU if none is named, or "" if the
// versions of libvirt differ.
func ImpliedMachine(t Target, target string) string { return defaultMachine(Guest{Target: t}, target) }

// defaultMachine returns the machine that libvirt uses if none is named, or "" if that depends on its
// version: for Arm and RISC-V it changed in 9.3. Sources: preferredMachines in libvirt's
// src/qemu/qemu_capabilities.c, libxlCapsInitGuests in src/libxl/libxl_capabilities.c.
func defaultMachine(g Guest, target string) string {
	if g.Type == "xen" {
		switch g.OS {
		case "hvm":
			return "xenfv"
		case "xen", "linux":
			return "xenpv"
		case "xenpvh":
			return "xenpvh"
		default: // absent: paravirtualized if there is a <bootloader>, which Target does not show
			return ""
		}
	}
	if g.OS != "hvm" && g.OS != "" {
		return "" // the QEMU driver accepts hvm only
	}
	switch target {
	case "i386", "x86_64":
		return "pc"
	case "ppc64":
		return "pseries"
	case "s390x":
		return "s390-ccw-virtio"
	case "loongarch64":
		return "virt"
	default:
		return ""
	}
}
