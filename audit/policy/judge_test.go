package policy_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/virt-audit/virt-audit/audit/policy"
)

// guest returns a guest without emulator, override and host.
func guest(domainType, os, arch, machine string) policy.Guest {
	return policy.Guest{Target: policy.Target{Type: domainType, OS: os, Arch: arch, Machine: machine}}
}

func named(t *testing.T, name string) *policy.Edition {
	t.Helper()
	e, err := policy.Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// site parses an edition of the test.
func site(t *testing.T, targets string) *policy.Edition {
	t.Helper()
	e, err := policy.Parse("site.yaml", []byte("name: site\n"+targets))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

const (
	in    = policy.Inside
	out   = policy.Outside
	maybe = policy.Undetermined
	na    = policy.NotQEMU
)

func TestJudge(t *testing.T) {
	t.Parallel()
	host := func(g policy.Guest, arch string) policy.Guest { g.HostArch = arch; return g }
	emulator := func(g policy.Guest, path string) policy.Guest { g.Emulator = path; return g }
	override := func(g policy.Guest, o policy.Override) policy.Guest { g.Override = o; return g }
	q35 := guest("kvm", "hvm", "x86_64", "pc-q35-9.2")

	tests := []struct {
		guest  policy.Guest
		word   policy.Word
		reason policy.Reason
		rest   string // accelerator, target, family
	}{
		// Step 1: other drivers.
		{guest("lxc", "exe", "x86_64", ""), na, policy.OtherHypervisor, "  "},
		{guest("openvz", "exe", "", ""), na, policy.OtherHypervisor, "  "},
		{guest("vz", "exe", "x86_64", ""), na, policy.OtherHypervisor, "  "},
		{guest("parallels", "exe", "", ""), na, policy.OtherHypervisor, "  "},
		{guest("vmware", "hvm", "i686", ""), na, policy.OtherHypervisor, "  "},
		{guest("vbox", "hvm", "x86_64", ""), na, policy.OtherHypervisor, "  "},
		{guest("bhyve", "hvm", "x86_64", ""), na, policy.OtherHypervisor, "  "},
		{guest("test", "hvm", "x86_64", "q35"), na, policy.OtherHypervisor, "  "},
		{guest("uml", "uml", "", ""), na, policy.OtherHypervisor, "  "},
		{guest("phyp", "linux", "ppc64", ""), na, policy.OtherHypervisor, "  "},
		{guest("kqemu", "hvm", "i686", "pc"), na, policy.OtherHypervisor, "  "},
		{emulator(q35, "/usr/bin/cloud-hypervisor"), na, policy.OtherHypervisor, "  "},
		{emulator(q35, "/usr/bin/cloud-hypervisor-static"), na, policy.OtherHypervisor, "  "},
		{emulator(q35, "cloud-hypervisor.static"), na, policy.OtherHypervisor, "  "},
		{emulator(guest("hyperv", "hvm", "x86_64", ""), "/usr/bin/cloud-hypervisor"), na, policy.OtherHypervisor, "  "},
		{emulator(q35, "/usr/bin/cloud-hypervisors"), maybe, policy.EmulatorUnknown, " x86_64 "},
		{emulator(q35, "/opt/cloud-hypervisor/qemu-system-x86_64"), in, policy.Listed, "kvm x86_64 q35"},
		{emulator(guest("qemu", "hvm", "x86_64", "q35"), "/usr/bin/cloud-hypervisor"), out, policy.SoftwareEmulation, "tcg x86_64 q35"},

		{emulator(q35, "/usr/bin/stratovirt"), na, policy.OtherHypervisor, "  "},
		{emulator(q35, "/usr/local/bin/crosvm"), na, policy.OtherHypervisor, "  "},
		{emulator(q35, "firecracker-v1.7.0"), na, policy.OtherHypervisor, "  "},
		{emulator(guest("xen", "hvm", "x86_64", "pc"), "/usr/bin/lkvm"), maybe, policy.EmulatorUnknown, " x86_64 "},

		// Step 2: arguments passed through, and the emulator.
		{override(q35, policy.Override{Machine: "isapc"}), out, policy.MachineNotListed, "kvm x86_64 "},
		{override(q35, policy.Override{Machine: "pc"}), in, policy.Listed, "kvm x86_64 pc"},
		{override(q35, policy.Override{Machine: "pc-q35-foobar"}), maybe, policy.UnknownSuffix, "kvm x86_64 q35"},
		{override(guest("kvm", "hvm", "x86_64", ""), policy.Override{Machine: "isapc"}), out, policy.MachineNotListed, "kvm x86_64 "},
		{override(guest("qemu", "hvm", "x86_64", "q35"), policy.Override{Machine: "pc"}), out, policy.SoftwareEmulation, "tcg x86_64 pc"},
		{override(q35, policy.Override{Unknown: true}), maybe, policy.CommandlineOverride, "kvm x86_64 "},
		{override(guest("qemu", "hvm", "x86_64", "q35"), policy.Override{Unknown: true}), out, policy.SoftwareEmulation, "tcg x86_64 q35"},
		{override(q35, policy.Override{Stops: true}), maybe, policy.DoesNotStart, "kvm x86_64 "},
		{override(q35, policy.Override{Stops: true, Machine: "isapc"}), maybe, policy.DoesNotStart, "kvm x86_64 "},
		{override(guest("qemu", "hvm", "x86_64", "q35"), policy.Override{Stops: true}), maybe, policy.DoesNotStart, "tcg x86_64 "},
		{override(guest("xen", "hvm", "x86_64", "pc"), policy.Override{Unknown: true, TCG: true}), out, policy.CommandlineOverride, "tcg x86_64 pc"},
		{override(guest("lxc", "exe", "", ""), policy.Override{Stops: true}), na, policy.OtherHypervisor, "  "},
		{emulator(q35, "/bin/false"), maybe, policy.EmulatorUnknown, " x86_64 "},
		{emulator(guest("qemu", "hvm", "x86_64", "q35"), "/bin/false"), out, policy.SoftwareEmulation, "tcg x86_64 q35"},
		{emulator(q35, "/usr/bin/qemu-system-aarch64"), maybe, policy.DoesNotStart, "kvm x86_64 "},
		{emulator(host(guest("kvm", "hvm", "", "virt"), "x86_64"), "/usr/bin/qemu-system-aarch64"), maybe, policy.DoesNotStart, "kvm x86_64 "},
		{emulator(guest("xen", "hvm", "x86_64", "xenfv"), "/usr/lib/xen/bin/qemu-system-i386"), in, policy.Listed, "xen x86_64 xenfv"},

		// Steps 3 and 4: the accelerator.
		{guest("qemu", "hvm", "x86_64", "pc-q35-9.2"), out, policy.SoftwareEmulation, "tcg x86_64 q35"},
		{guest("qemu", "hvm", "", ""), out, policy.SoftwareEmulation, "tcg  "},
		{guest("hyperv", "hvm", "x86_64", "q35"), maybe, policy.AcceleratorNotNamed, "mshv x86_64 q35"},
		{guest("nvmm", "hvm", "x86_64", "q35"), maybe, policy.AcceleratorNotNamed, "nvmm x86_64 q35"},
		{guest("KVM", "hvm", "x86_64", "q35"), maybe, policy.AcceleratorNotNamed, " x86_64 q35"},
		{guest(" kvm", "hvm", "x86_64", "q35"), maybe, policy.AcceleratorNotNamed, " x86_64 q35"},
		{guest("", "", "", ""), maybe, policy.AcceleratorNotNamed, "  "},

		// Step 5: no architecture, without and with that of the host.
		{guest("kvm", "hvm", "", "pc-q35-5.1"), maybe, policy.ArchAbsent, "kvm  "},
		{guest("hvf", "hvm", "", "q35"), maybe, policy.ArchAbsent, "hvf  "},
		{guest("xen", "hvm", "", ""), maybe, policy.ArchAbsent, "xen  "},
		{host(guest("kvm", "hvm", "", "pc-q35-5.1"), "amd64"), maybe, policy.ArchAbsent, "kvm  "},
		{host(guest("kvm", "hvm", "", "pc-q35-5.1"), "x86_64"), in, policy.Listed, "kvm x86_64 q35"},
		{host(guest("kvm", "hvm", "", ""), "x86_64"), in, policy.DefaultMachine, "kvm x86_64 pc"},
		{host(guest("kvm", "hvm", "", ""), "ppc64le"), in, policy.DefaultMachine, "kvm ppc64 pseries"},
		{host(guest("kvm", "hvm", "", ""), "aarch64"), maybe, policy.MachineAbsent, "kvm aarch64 "},
		{host(guest("kvm", "hvm", "", "q35"), "mips64"), out, policy.ArchNotListed, "kvm mips64 "},
		{host(guest("kvm", "hvm", "", "isapc"), "x86_64"), out, policy.MachineNotListed, "kvm x86_64 "},
		{host(guest("kvm", "hvm", "i686", "isapc"), "aarch64"), out, policy.MachineNotListed, "kvm i386 "},

		// Step 7: 32-bit Arm. Step 6 needs another edition.
		{guest("kvm", "hvm", "armv7l", "virt"), maybe, policy.ArmOnAArch64, "kvm arm virt"},
		{guest("kvm", "hvm", "armv7l", "virt-8.2"), maybe, policy.ArmOnAArch64, "kvm arm virt"},
		{guest("kvm", "hvm", "armv7l", "virt-foobar"), maybe, policy.ArmOnAArch64, "kvm arm virt"},
		{guest("kvm", "hvm", "armv7l", ""), maybe, policy.ArmOnAArch64, "kvm arm "},
		{guest("kvm", "hvm", "armv7l", "vexpress-a15"), out, policy.ArchNotListed, "kvm arm "},

		// Step 8.
		{guest("kvm", "hvm", "armv6l", "virt"), out, policy.ArchNotListed, "kvm arm virt"},
		{guest("kvm", "hvm", "ppc", "mac99"), out, policy.ArchNotListed, "kvm ppc "},
		{guest("kvm", "hvm", "mips64el", "loongson3-virt"), out, policy.ArchNotListed, "kvm mips64el "},
		{guest("kvm", "hvm", "m68k", "virt"), out, policy.ArchNotListed, "kvm m68k "},
		{guest("kvm", "hvm", "xtensa", "virt"), out, policy.ArchNotListed, "kvm xtensa "},
		{guest("kvm", "hvm", "openrisc", "virt"), out, policy.ArchNotListed, "kvm openrisc "},
		{guest("kvm", "hvm", "amd64", "q35"), out, policy.ArchNotListed, "kvm amd64 "},

		// Step 9: no machine.
		{guest("kvm", "hvm", "x86_64", ""), in, policy.DefaultMachine, "kvm x86_64 pc"},
		{guest("kvm", "", "i686", ""), in, policy.DefaultMachine, "kvm i386 pc"},
		{guest("hvf", "hvm", "x86_64", ""), in, policy.DefaultMachine, "hvf x86_64 pc"},
		{guest("kvm", "hvm", "ppc64", ""), in, policy.DefaultMachine, "kvm ppc64 pseries"},
		{guest("kvm", "hvm", "ppc64le", ""), in, policy.DefaultMachine, "kvm ppc64 pseries"},
		{guest("kvm", "hvm", "s390x", ""), in, policy.DefaultMachine, "kvm s390x s390-ccw-virtio"},
		{guest("kvm", "hvm", "loongarch64", ""), in, policy.DefaultMachine, "kvm loongarch64 virt"},
		{guest("xen", "hvm", "x86_64", ""), in, policy.DefaultMachine, "xen x86_64 xenfv"},
		{guest("xen", "xen", "x86_64", ""), in, policy.DefaultMachine, "xen x86_64 xenpv"},
		{guest("xen", "linux", "i686", ""), in, policy.DefaultMachine, "xen i386 xenpv"},
		{guest("xen", "xenpvh", "x86_64", ""), in, policy.DefaultMachine, "xen x86_64 xenpvh"},
		{guest("xen", "xen", "aarch64", ""), out, policy.DefaultMachine, "xen aarch64 xenpv"},
		{guest("xen", "", "x86_64", ""), maybe, policy.MachineAbsent, "xen x86_64 "},
		{guest("kvm", "hvm", "aarch64", ""), maybe, policy.MachineAbsent, "kvm aarch64 "},
		{guest("kvm", "hvm", "riscv64", ""), maybe, policy.MachineAbsent, "kvm riscv64 "},
		{guest("kvm", "linux", "x86_64", ""), maybe, policy.MachineAbsent, "kvm x86_64 "},

		// Steps 10 to 12; TestParseMachine checks the names.
		{q35, in, policy.Listed, "kvm x86_64 q35"},
		{guest("kvm", "hvm", "x86_64", "pc-q35-12.0"), in, policy.Listed, "kvm x86_64 q35"},
		{guest("kvm", "hvm", "x86_64", "pc-i440fx-noble"), in, policy.Listed, "kvm x86_64 pc"},
		{guest("hvf", "hvm", "aarch64", "virt-9.0"), in, policy.Listed, "hvf aarch64 virt"},
		{guest("xen", "hvm", "x86_64", "pc"), in, policy.Listed, "xen x86_64 pc"},
		{guest("kvm", "hvm", "riscv32", "virt"), in, policy.Listed, "kvm riscv32 virt"},
		{guest("kvm", "hvm", "x86_64", "pc-q35-foobar"), maybe, policy.UnknownSuffix, "kvm x86_64 q35"},
		{guest("kvm", "hvm", "x86_64", "microvm-1.0"), maybe, policy.UnknownSuffix, "kvm x86_64 microvm"},
		{guest("kvm", "hvm", "riscv64", "virt-9.0"), maybe, policy.UnknownSuffix, "kvm riscv64 virt"},
		{guest("kvm", "hvm", "x86_64", "isapc"), out, policy.MachineNotListed, "kvm x86_64 "},
		{guest("kvm", "hvm", "x86_64", "none"), out, policy.MachineNotListed, "kvm x86_64 "},
		{guest("kvm", "hvm", "x86_64", "virt"), out, policy.MachineNotListed, "kvm x86_64 "},
		{guest("kvm", "hvm", "aarch64", "sbsa-ref"), out, policy.MachineNotListed, "kvm aarch64 "},
		{guest("kvm", "hvm", "aarch64", "imx8mp-evk"), out, policy.MachineNotListed, "kvm aarch64 "},
		{guest("xen", "xenpvh", "aarch64", "xenpvh"), out, policy.MachineNotListed, "xen aarch64 "},
		{guest("kvm", "hvm", "s390x", "s390-virtio"), out, policy.MachineNotListed, "kvm s390x "},
	}
	seen := map[policy.Reason]bool{policy.ArchUndecided: true} // TestJudgeUndecided
	for _, tt := range tests {
		got := policy.Default().Judge(tt.guest)
		seen[got.Reason] = true
		rest := strings.Join([]string{got.Accelerator, got.Target, got.Family}, " ")
		if got.Verdict != tt.word || got.Reason != tt.reason || rest != tt.rest || got.Policy != "qemu-11.1" {
			t.Errorf("%+v:\n got %+v\nwant %s, %s, %q", tt.guest, got, tt.word, tt.reason, tt.rest)
		}
		checkSentence(t, got)
	}
	for _, r := range policy.Reasons() {
		if !seen[r] {
			t.Errorf("no case ends with %s", r)
		}
	}
}

// checkSentence requires one sentence without a period, and without a gap for a missing value.
func checkSentence(t *testing.T, v policy.Verdict) {
	t.Helper()
	s := v.Explain()
	if s == "" || s == string(v.Reason) || strings.HasSuffix(s, ".") || strings.Contains(s, "  ") ||
		strings.HasSuffix(s, " ") || strings.Contains(s, " ,") || unicode.IsUpper(rune(s[0])) {
		t.Errorf("%+v explains itself with %q", v, s)
	}
}

func TestJudgeUndecided(t *testing.T) {
	t.Parallel()
	rfc := named(t, "qemu-rfc-2025-09")
	for _, arch := range []string{"ppc", "ppc64", "ppc64le", "mips", "mipsel", "mips64", "mips64el", "riscv32", "riscv64"} {
		v := rfc.Judge(guest("kvm", "hvm", arch, "virt"))
		if v.Verdict != maybe || v.Reason != policy.ArchUndecided {
			t.Errorf("%s: %+v", arch, v)
		}
		checkSentence(t, v)
	}
	if v := rfc.Judge(guest("kvm", "hvm", "x86_64", "isapc")); v.Verdict != in || v.Family != "isapc" {
		t.Errorf("the first proposal had isapc inside: %+v", v)
	}
	if v := rfc.Judge(guest("qemu", "hvm", "ppc64", "pseries")); v.Reason != policy.SoftwareEmulation {
		t.Errorf("emulation comes before the architecture: %+v", v)
	}
}

func TestJudgeSite(t *testing.T) {
	t.Parallel()
	tests := []struct {
		targets, arch, machine string
		word                   policy.Word
		reason                 policy.Reason
		family                 string
	}{
		{"targets: {x86_64: [q35]}", "x86_64", "pc-i440fx-9.2", out, policy.MachineNotListed, "pc"},
		{"targets: {x86_64: [q35]}", "x86_64", "", out, policy.DefaultMachine, "pc"},
		{"targets: {x86_64: [q35]}", "x86_64", "pc-q35-nonsense", maybe, policy.UnknownSuffix, "q35"},
		{"targets: {x86_64: [q35]}", "x86_64", "pc-i440fx-nonsense", out, policy.MachineNotListed, "pc"},
		{"targets: {aarch64: [sbsa-ref]}", "aarch64", "sbsa-ref", in, policy.Listed, "sbsa-ref"},
		{"targets: {aarch64: [sbsa-ref]}", "aarch64", "sbsa-ref-1.0", out, policy.MachineNotListed, ""},
		{"targets: {aarch64: [sbsa-ref]}", "aarch64", "SBSA-REF", out, policy.MachineNotListed, ""},
		{"targets: {aarch64: [xenpvh]}", "aarch64", "xenpvh", in, policy.Listed, "xenpvh"},
		{"targets: {m68k: [virt]}", "m68k", "virt", in, policy.Listed, "virt"},
		{"targets: {m68k: [virt]}", "m68k", "virt-8.0", out, policy.MachineNotListed, ""},
		{"targets: {x86_64: [q35]}\nundecided: [aarch64]", "aarch64", "virt", maybe, policy.ArchUndecided, "virt"},
		// If both targets are listed, it does not matter which one runs the guest. One is not
		// sufficient.
		{"targets: {arm: [virt], aarch64: [virt]}", "armv7l", "virt-9.0", in, policy.Listed, "virt"},
		{"targets: {arm: [virt], aarch64: [virt]}", "armv7l", "", maybe, policy.MachineAbsent, ""},
		{"targets: {arm: [virt]}", "armv7l", "virt-9.0", maybe, policy.ArmOnAArch64, "virt"},
		{"targets: {arm: [virt]}", "armv6l", "virt-9.0", in, policy.Listed, "virt"},
		{"targets: {arm: [vexpress-a15]}", "armv7l", "vexpress-a15", in, policy.Listed, "vexpress-a15"},
	}
	for _, tt := range tests {
		got := site(t, tt.targets).Judge(guest("kvm", "hvm", tt.arch, tt.machine))
		want := policy.Verdict{
			Verdict: tt.word, Reason: tt.reason, Policy: "site", Accelerator: "kvm",
			Target: policy.TargetOf(tt.arch), Family: tt.family,
		}
		if got != want {
			t.Errorf("%s, %s, %q:\n got %+v\nwant %+v", tt.targets, tt.arch, tt.machine, got, want)
		}
	}
}

// Only exact words may result in inside: none in a wrong case, with blanks or truncated.
func TestJudgeNeverFailsOpen(t *testing.T) {
	t.Parallel()
	good := guest("kvm", "hvm", "x86_64", "pc-q35-9.2")
	spoil := []func(string) string{
		strings.ToUpper,
		func(s string) string { return " " + s },
		func(s string) string { return s + " " },
		func(s string) string { return s + "\n" },
		func(s string) string { return s + "\x00" },
		func(s string) string { return s[:len(s)-1] },
		func(s string) string { return s + "\u200b" },
	}
	for i, f := range spoil {
		for _, g := range []policy.Guest{
			guest(f(good.Type), good.OS, good.Arch, good.Machine),
			guest(good.Type, good.OS, f(good.Arch), good.Machine),
			guest(good.Type, good.OS, good.Arch, f(good.Machine)),
			guest(good.Type, f(good.OS), good.Arch, ""),
		} {
			if v := policy.Default().Judge(g); v.Verdict == in {
				t.Errorf("change %d: %+v is inside: %+v", i, g.Target, v)
			}
		}
	}
	if v := new(policy.Edition).Judge(good); v.Verdict != out {
		t.Errorf("an edition without a list has a guest inside: %+v", v)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	if got := policy.Words(); len(got) != 4 || got[0] != in || got[3] != na {
		t.Errorf("Words() = %v", got)
	}
	if s := (policy.Verdict{Reason: "none-such"}).Explain(); s != "none-such" {
		t.Errorf("an unknown reason explains itself with %q", s)
	}
}

// TestJudgeWithHost judges guests whose XML lacks facts that the host's capabilities contain.
func TestJudgeWithHost(t *testing.T) {
	t.Parallel()
	on := func(g policy.Guest, arch, target, machine string) policy.Guest {
		g.HostArch, g.HostTarget, g.HostMachine = arch, target, machine
		return g
	}
	for _, tt := range []struct {
		guest  policy.Guest
		word   policy.Word
		reason policy.Reason
		rest   string
	}{
		{on(guest("kvm", "hvm", "", ""), "x86_64", "", ""), in, policy.DefaultMachine, "kvm x86_64 pc"},
		{on(guest("kvm", "hvm", "", ""), "x86_64", "x86_64", "pc-i440fx-7.2"), in, policy.DefaultMachine, "kvm x86_64 pc"},
		// If QEMU was built without i440FX, its own default applies.
		{on(guest("kvm", "hvm", "x86_64", ""), "x86_64", "x86_64", "pc-q35-rhel10.0.0"), in, policy.DefaultMachine, "kvm x86_64 q35"},
		{on(guest("kvm", "hvm", "x86_64", ""), "x86_64", "x86_64", "isapc"), out, policy.DefaultMachine, "kvm x86_64 "},
		{on(guest("kvm", "hvm", "aarch64", ""), "aarch64", "", ""), maybe, policy.MachineAbsent, "kvm aarch64 "},
		{on(guest("kvm", "hvm", "aarch64", ""), "aarch64", "aarch64", "virt-9.2"), in, policy.DefaultMachine, "kvm aarch64 virt"},
		{on(guest("kvm", "hvm", "aarch64", ""), "aarch64", "aarch64", "integratorcp"), out, policy.DefaultMachine, "kvm aarch64 "},

		{on(guest("kvm", "hvm", "armv7l", "virt"), "aarch64", "", ""), in, policy.Listed, "kvm aarch64 virt"},
		{on(guest("kvm", "hvm", "armv7l", "virt"), "armv7l", "", ""), out, policy.ArchNotListed, "kvm arm virt"},
		{on(guest("kvm", "hvm", "armv7l", "virt"), "x86_64", "", ""), maybe, policy.ArmOnAArch64, "kvm arm virt"},
		{on(guest("kvm", "hvm", "armv7l", "virt"), "aarch64", "arm", "virt-9.2"), out, policy.ArchNotListed, "kvm arm virt"},
		{on(guest("kvm", "hvm", "armv7l", "vexpress-a15"), "aarch64", "aarch64", ""), out, policy.MachineNotListed, "kvm aarch64 "},
		{on(guest("kvm", "hvm", "armv7l", ""), "aarch64", "aarch64", "virt-9.2"), in, policy.DefaultMachine, "kvm aarch64 virt"},
		{on(guest("kvm", "hvm", "armv7l", ""), "aarch64", "aarch64", ""), maybe, policy.MachineAbsent, "kvm aarch64 "},
		{on(guest("qemu", "hvm", "armv7l", "virt"), "aarch64", "aarch64", ""), out, policy.SoftwareEmulation, "tcg aarch64 virt"},

		// Aliases of the host, and variants of an unknown vendor.
		{on(guest("kvm", "hvm", "x86_64", "house"), "x86_64", "", "pc-q35-9.2"), in, policy.Listed, "kvm x86_64 q35"},
		{on(guest("kvm", "hvm", "x86_64", "house"), "x86_64", "", "house"), out, policy.MachineNotListed, "kvm x86_64 "},
		{on(guest("kvm", "hvm", "x86_64", "pc-q35-foobar"), "x86_64", "", ""), maybe, policy.UnknownSuffix, "kvm x86_64 q35"},
		{on(guest("kvm", "hvm", "x86_64", "pc-q35-foobar"), "x86_64", "", "pc-q35-foobar"), in, policy.Listed, "kvm x86_64 q35"},
		// The name in the XML does not count if it is an alias of another machine on the host.
		{on(guest("kvm", "hvm", "x86_64", "pc"), "x86_64", "", "isapc"), out, policy.MachineNotListed, "kvm x86_64 "},
	} {
		v := policy.Default().Judge(tt.guest)
		if rest := v.Accelerator + " " + v.Target + " " + v.Family; v.Verdict != tt.word || v.Reason != tt.reason || rest != tt.rest {
			t.Errorf("%+v: %s %s %q", tt.guest, v.Verdict, v.Reason, rest)
		}
	}
}

// TestEmulatorNames checks the names that distributions give to QEMU, and some similar ones.
func TestEmulatorNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		arch    string
		qemu    []string
		unknown []string
	}{
		{
			"x86_64",
			strings.Fields(`/usr/bin/qemu-system-x86_64 qemu-system-x86_64 /usr/bin/qemu-system-x86_64-spice
				/usr/bin/qemu-system-x86_64-microvm /opt/kata/bin/qemu-system-x86_64-snp-experimental
				/usr/bin/qemu-system-amd64 /usr/libexec/qemu-kvm /usr/bin/kvm /usr/bin/kvm-spice /usr/local/sbin/qemu
				/usr/lib/xen/bin/qemu-dm /usr/libexec/xen-qemu-system-i386 /run/libvirt/nix-emulators/qemu-kvm`),
			[]string{
				"/bin/false", "/bin/true", "/usr/bin/qemu-system-x86_64 ", " qemu-kvm", "/usr/bin/qemu-kvm/", "/usr/bin/qemu-kvm/.",
				"/usr/bin/qemu-system-", "/usr/bin/qemu-system-evil", "/usr/bin/qemu-system-x86_64\u200b", "/usr/bin/qemu-system-x86_64x",
				"/usr/bin/QEMU-KVM", "/usr/bin/qemu-system-x86_64.sh", "/usr/bin/qemu-system-x86_64-wrapper", "/usr/bin/qemu-system-x86_64-", "/usr/bin/qemu-x86_64", "/usr/bin/qemu-img", "/usr/bin/kvm.sh", "/usr/bin/qemu-kvm-wrapper", "/", "kvm2",
			},
		},
		{"i686", []string{"/usr/bin/qemu-system-i386", "/usr/bin/qemu-system-x86_64"}, nil},
		{"armv7l", []string{"/usr/bin/qemu-system-arm", "/usr/bin/qemu-system-aarch64", "/usr/bin/qemu-system-armv7l"}, nil},
		{"ppc64le", []string{"/usr/bin/qemu-system-ppc64", "/usr/bin/qemu-system-ppc64le"}, nil},
		{"", []string{"/usr/bin/qemu-system-s390x"}, nil},
	} {
		for _, name := range tt.qemu {
			g := guest("kvm", "hvm", tt.arch, "pc")
			if g.Emulator = name; g.UnknownEmulator() || g.WrongEmulator() {
				t.Errorf("%s for %s is not taken for QEMU", name, tt.arch)
			}
		}
		for _, name := range tt.unknown {
			g := guest("kvm", "hvm", tt.arch, "pc")
			g.Emulator = name
			if v := policy.Default().Judge(g); v.Reason != policy.EmulatorUnknown || !g.UnknownEmulator() {
				t.Errorf("%q: %+v", name, v)
			}
			if g.AllowedEmulator = true; policy.Default().Judge(g).Verdict != in || g.UnknownEmulator() {
				t.Errorf("%q is allowed, and not judged", name)
			}
		}
	}
	for _, tt := range [][2]string{{"x86_64", "qemu-system-i386"}, {"aarch64", "qemu-system-arm"}, {"ppc", "qemu-system-ppc64"}, {"armv6l", "qemu-system-aarch64"}} {
		g := guest("kvm", "hvm", tt[0], "pc")
		if g.Emulator = tt[1]; !g.WrongEmulator() {
			t.Errorf("%s runs %s guests", tt[1], tt[0])
		}
	}
}
