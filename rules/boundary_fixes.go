package rules

import (
	"slices"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

var typeAt = audit.At("@type")

// useAccelerator returns the fix that runs the guest with the host's hardware accelerator, if that
// puts it inside the boundary.
func useAccelerator(p *audit.Pass, _ *audit.Finding) []audit.Fix {
	kind := "kvm"
	if insideAny(p.Devices.Emulator, "/opt/homebrew", "/opt/local") {
		kind = "hvf"
	}
	if foreignGuest(p, kind) || len(p.Command.Named("icount")) > 0 {
		return nil
	}
	// KVM on Arm runs no other model than that of the host.
	if p.Boundary.Target == "aarch64" && p.Has(audit.At("cpu/model")) {
		return nil
	}
	edits := append([]edit.Edit{edit.Set(typeAt, kind)}, modernModel(p, kind)...)
	if brokenByDefault(p) { // which does not matter while the CPU is emulated
		edits = append(edits, protectPower(p)...)
	}
	for _, o := range p.Command.Named("accel") {
		edits = append(edits, p.RemoveOption(o.Path)...) // libvirt's own precedes it
	}
	v := p.VerdictIf(func(g *audit.Guest) { g.Type = kind })
	if v.Reason == "machine-absent" {
		if len(listedFamilies(p)) == 0 {
			return nil
		}
		name := p.NewestOf(listedFamilies(p)[0])
		v = p.VerdictIf(func(g *audit.Guest) { g.Type, g.Machine = kind, name })
		edits = append(edits, edit.Set(machineAt, name))
	}
	if v.Verdict != "inside" && v.Reason != "does-not-start" {
		return nil
	}
	return []audit.Fix{audit.UnsafeFix("", edits...).With("Use the hardware accelerator, type "+
		"'%s', on a host that has it; the guest gets another CPU", kind)}
}

// modernModel returns the edits that replace a model of emulated x86 CPUs: with an accelerator it
// has no protection against speculation, see cpu-model-baseline.
func modernModel(p *audit.Pass, kind string) []edit.Edit {
	at, mode := audit.At("cpu"), "host-model"
	if kind == "hvf" {
		mode = "host-passthrough" // it supports no other
	}
	x86 := p.Boundary.Target == "x86_64" || p.Boundary.Target == "i386"
	if !x86 || len(p.Command.Named("cpu")) > 0 || !statedCPU(p).unsafe(p) {
		return nil
	}
	return append(dropped(p, at.Attr("match"), at.Elem("model"), at.Elem("vendor")),
		edit.Set(at.Attr("mode"), mode))
}

// foreignGuest reports whether the host is known not to run the guest with an accelerator.
func foreignGuest(p *audit.Pass, kind string) bool {
	arch := p.Arch()
	if runs, known := p.Host.Runs(arch, kind); known {
		return !runs
	}
	return p.HostArch != "" && arch != "" && !kvmRuns(p.HostArch, arch)
}

// fixOverride returns the fixes of an argument that sets the accelerator or the machine type.
func fixOverride(p *audit.Pass, f *audit.Finding) []audit.Fix {
	o, ok := p.OptionAt(f.Path)
	if !ok {
		return nil
	}
	switch f.Key {
	case "repeats", "ignored":
		if o.Name == "accel" {
			return onlySafe("Delete the argument: it has no effect", p.RemoveOption(f.Path)...)
		}
		name, typed := o.Get("type")
		if !typed {
			name = o.First("type")
		}
		edits := dropMachineAt(p, f.Path)
		if f.Key == "repeats" && name != p.Target.Machine {
			return onlyUnsafe("Delete the machine type from the argument; the guest may get "+
				"another version of it", edits...)
		}
		return onlySafe("Delete the setting from the argument: it has no effect", edits...)
	case "fallback", "unclear":
		known := p.VerdictIf(func(g *audit.Guest) { g.Override.Unknown = false })
		if known.Verdict == "outside" {
			return nil
		}
		text := "Delete the argument; the guest loses the settings that it makes"
		if f.Key == "fallback" {
			text = "Delete the argument; the guest no longer starts if libvirt's own accelerator fails"
		}
		return onlyUnsafe(text, p.RemoveOption(f.Path)...)
	}
	return fixMachineOverride(p)
}

// fixMachineOverride returns the fixes of a machine type on the command line: the document states
// it instead, if that means the same devices, or the document's own is effective again.
func fixMachineOverride(p *audit.Pass) (fixes []audit.Fix) {
	own := p.VerdictIf(func(g *audit.Guest) { g.Override.Machine = "" })
	drop := dropMachine(p)
	if p.Machine().WellFormed && p.Boundary.Family == own.Family && own.Family != "" {
		edits := append(slices.Clone(drop), edit.Set(machineAt, p.Boundary.Machine))
		fixes = append(fixes, audit.SafeFix("", edits...).With("State machine type '%s' in the "+
			"document instead of the argument", p.Boundary.Machine))
	}
	if own.Verdict != "outside" {
		fixes = append(fixes, audit.UnsafeFix("Delete the machine type from the arguments; the "+
			"guest gets that of the document", drop...))
	}
	return fixes
}

// fixStops returns the fixes of an argument with which QEMU exits. The guest runs without it, which
// must not be outside the boundary.
func fixStops(p *audit.Pass, f *audit.Finding) []audit.Fix {
	o, ok := p.OptionAt(f.Path)
	if !ok {
		return nil
	}
	machine := o.Name == "machine" || o.Name == "M"
	accel, sets := o.Get("accel")
	requestsKVM := o.Name == "enable-kvm" || machine && sets && accel == "kvm"
	edits := deleteArgument(p, f.Path)
	switch {
	case machine && sets:
		edits = dropParts(p, f.Path, func(key, _ string) bool { return key == "accel" })
	case machine && o.Fault == "":
		if drop := dropMachine(p); len(drop) > 0 {
			edits = drop
		}
	}
	runs := func(kind string) audit.Boundary {
		return p.VerdictIf(func(g *audit.Guest) { g.Type, g.Override.Stops = kind, false })
	}
	switch {
	case requestsKVM && p.Type == "kvm" && runs("kvm").Verdict != "outside":
		return onlySafe("Delete the setting: libvirt itself requests KVM for this guest", edits...)
	case requestsKVM && p.Type == "qemu" && runs("kvm").Verdict == "inside":
		edits = append(edits, edit.Set(typeAt, "kvm"))
		return onlyUnsafe("Request KVM by the type of the domain instead of the "+
			"argument; the guest starts only on a host that has it", edits...)
	case runs(p.Type).Verdict == "outside":
		return nil
	}
	return onlyUnsafe("Delete the argument, so that the guest starts without what it sets",
		edits...)
}

// deleteEmulator returns the fix that lets libvirt choose the hypervisor's executable.
func deleteEmulator(p *audit.Pass, f *audit.Finding) []audit.Fix {
	// Without it libvirt could run the guest in QEMU instead of in another hypervisor, or the
	// document would not show which machine the guest gets.
	without := p.VerdictIf(func(g *audit.Guest) { g.Emulator = "" })
	same := without.Reason == p.Boundary.Reason
	if without.Verdict != "inside" && !same || p.VerdictIs("not-qemu") && !same {
		return nil
	}
	return onlyUnsafe("Delete the path, so that libvirt uses the executable of "+
		"the host's package; a machine type or device that only the other executable has is lost",
		edit.Remove(f.Path.Attr("")))
}

// fixPassedDevice returns the fixes of an unreviewed device of the command line.
func fixPassedDevice(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if _, ok := p.OptionAt(f.Path); ok {
		return onlyUnsafe("Delete the argument, and those that refer to it; the guest loses the "+
			"device", deleteArgument(p, f.Path)...)
	}
	// A property, or what would be empty without it.
	e, missing := p.Find(f.Path.Attr(""))
	if len(missing) > 0 {
		return nil
	}
	return onlyUnsafe("Delete the property, so that the guest gets the device that the document "+
		"describes", edit.Remove(onlyChild(e).Path()))
}

// onlyChild returns the element, or its ancestor below <domain> that contains nothing else.
func onlyChild(e audit.Element) audit.Element {
	for {
		parent, ok := e.Parent()
		if !ok || parent.Depth == 0 {
			return e
		}
		n := 0
		for range parent.All() {
			n++
		}
		if n > 1 {
			return e
		}
		e = parent
	}
}

// noEmulatorFix is for guests that something else than the emulator puts in doubt too.
const noEmulatorFix = "Decide which hypervisor runs the guest, and on which architecture and " +
	"machine type: without the path of the executable the document does not show it"
