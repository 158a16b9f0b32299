// Package policy answers whether QEMU's security policy covers a guest: whether it runs with a
// hardware accelerator on a machine type that the policy lists for its architecture. The list comes
// in editions; each is a file of data that names its source.
//
// The package takes plain strings, reads no files but its own editions, and prints nothing. If the strings
// do not decide a question, the answer is Undetermined. It is never Inside.
package policy

import "fmt"

// Target is what the domain XML states about the machine: the domain's type, and text, arch and machine
// of <os><type>. An attribute that is absent and one that is empty are both "".
type Target struct{ Type, OS, Arch, Machine string }

// Override is the effect of arguments for QEMU (<qemu:commandline>) on the guest. They
// follow what libvirt writes, "-machine TYPE,... -accel KIND". QEMU uses the last machine type but the
// first accelerator that works: no argument removes the accelerator (softmmu/vl.c and
// util/keyval.c of QEMU 7.2; the same in 11.1.3, seen with QMP's query-kvm).
type Override struct {
	Machine string // the machine type that replaces the document's; "" for none
	Stops   bool   // QEMU does not start with such arguments
	Unknown bool   // their effect on the machine cannot be known
	TCG     bool   // TCG runs a guest of type xen, for which libvirt writes no -accel
}

// Guest is the input of a verdict.
type Guest struct {
	Target
	Emulator string // the path in <emulator>
	// AllowedEmulator reports that the site allows the emulator as QEMU, whatever its name is.
	AllowedEmulator bool

	Override Override
	HostArch string // libvirt's name of the host's architecture; "" when not known

	// From the host's capabilities; "" if they are not known.
	HostTarget  string // the target of the QEMU executable that runs the guest: "aarch64"
	HostMachine string // the machine that the name, or no name, stands for on the host
}

// Word is a verdict in one word.
type Word string

// The four words.
const (
	Inside       Word = "inside"       // inside: the policy covers the guest
	Outside      Word = "outside"      // outside: bugs of QEMU are not security bugs for this guest
	Undetermined Word = "undetermined" // the inputs do not decide it
	NotQEMU      Word = "not-qemu"     // the guest does not run in QEMU
)

// Words returns the four words in the order in which reports count them.
func Words() []Word { return []Word{Inside, Outside, Undetermined, NotQEMU} }

// Reason is the step that decided a verdict. Reasons are stable: programs can compare them.
type Reason string

// The reasons, in the order of the steps that give them.
const (
	OtherHypervisor     Reason = "not-qemu"
	DoesNotStart        Reason = "does-not-start"
	EmulatorUnknown     Reason = "emulator-unknown"
	CommandlineOverride Reason = "commandline-override"
	SoftwareEmulation   Reason = "software-emulation"
	AcceleratorNotNamed Reason = "accelerator-not-named"
	ArchAbsent          Reason = "arch-absent"
	ArchUndecided       Reason = "arch-undecided"
	ArmOnAArch64        Reason = "arm-on-aarch64"
	ArchNotListed       Reason = "arch-not-listed"
	DefaultMachine      Reason = "default-machine"
	MachineAbsent       Reason = "machine-absent"
	Listed              Reason = "listed"
	UnknownSuffix       Reason = "unknown-suffix"
	MachineNotListed    Reason = "machine-not-listed"
)

// Reasons returns every reason, in the order of the steps.
func Reasons() []Reason {
	return []Reason{
		OtherHypervisor, DoesNotStart, EmulatorUnknown, CommandlineOverride, SoftwareEmulation, AcceleratorNotNamed, ArchAbsent, ArchUndecided,
		ArmOnAArch64, ArchNotListed, DefaultMachine, MachineAbsent, Listed, UnknownSuffix, MachineNotListed,
	}
}

// Verdict is the result for one guest. What is not known, or does not apply, is "".
type Verdict struct {
	Verdict     Word
	Reason      Reason
	Policy      string // the name of the edition that decided
	Accelerator string // kvm, hvf, xen, tcg, mshv, nvmm
	Target      string // QEMU's name of the architecture: "x86_64", "arm"
	Family      string // the machine family: "q35"
	Machine     string // the machine type, where qemu:commandline sets another than the document's
}

// Explain returns the reason for people: one sentence, lower case, no period.
func (v Verdict) Explain() string {
	switch v.Reason {
	case OtherHypervisor:
		return "the guest does not run in QEMU"
	case DoesNotStart:
		return "the guest does not start with its arguments for QEMU or its emulator"
	case EmulatorUnknown:
		return "the emulator is not named like QEMU, so the document does not show what runs"
	case CommandlineOverride:
		if v.Verdict == Outside {
			return "xen:commandline chooses software emulation (TCG)"
		}
		return "qemu:commandline may set the accelerator or the machine type, and the document does not show to what"
	case SoftwareEmulation:
		return "type 'qemu' is software emulation (TCG)"
	case AcceleratorNotNamed:
		if v.Accelerator == "" {
			return "the domain type stands for no accelerator that the policy names"
		}
		return "the policy does not say whether it covers the accelerator " + v.Accelerator
	case ArchAbsent:
		return "no architecture is named, so it is the host's, and the host is not known"
	case ArchUndecided:
		return "the policy leaves open which machine types count for " + v.Target
	case ArmOnAArch64:
		return "a 32-bit Arm guest may run in QEMU's arm or aarch64 target, and the policy treats them differently"
	case ArchNotListed:
		return "the policy lists no machine type for " + v.Target
	case DefaultMachine:
		if v.Verdict == Inside {
			return fmt.Sprintf("no machine type is named, and libvirt's default, %s, is listed for %s", v.Family, v.Target)
		}
		return "no machine type is named, and libvirt's default is not listed for " + v.Target
	case MachineAbsent:
		return "no machine type is named, and the XML alone does not show which one libvirt takes"
	case Listed:
		return fmt.Sprintf("machine family %s%s is listed for %s, and %s is a hardware accelerator", v.Family, v.setBy(), v.Target, v.Accelerator)
	case UnknownSuffix:
		return fmt.Sprintf("the machine type%s is named like family %s, but with a suffix that neither QEMU nor a known vendor uses", v.setBy(), v.Family)
	case MachineNotListed:
		return fmt.Sprintf("the machine type%s is not listed for %s", v.setBy(), v.Target)
	default:
		return string(v.Reason)
	}
}

func (v Verdict) setBy() string {
	if v.Machine == "" {
		return ""
	}
	return ", set by qemu:commandline,"
}
