package rules

import (
	"path"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

var (
	archAt    = audit.At("os/type@arch")
	machineAt = audit.At("os/type@machine")
)

// setMachine returns the edits that set the machine type where it is set now: in the document, or
// in the argument that overrides it.
func setMachine(p *audit.Pass, name string) []edit.Edit {
	if p.Boundary.Machine == "" {
		return []edit.Edit{edit.Set(machineAt, name)}
	}
	_, at := p.MachineType()
	first := true
	return changeParts(p, at, func(key, value string) string {
		if namesMachine(key, first) {
			value = name
		}
		first = false
		return writePart(key, value)
	})
}

// namesMachine reports whether a part of -machine is the machine type.
func namesMachine(key string, first bool) bool { return key == "type" || key == "" && first }

// dropMachine returns the edits that delete the machine type from all arguments: without the last
// one, the one before it would be effective.
func dropMachine(p *audit.Pass) (edits []edit.Edit) {
	for _, o := range p.Command.Named("machine", "M") {
		edits = append(edits, dropMachineAt(p, o.Path)...)
	}
	return edits
}

// dropMachineAt deletes the machine type from one argument, and nothing if it names none.
func dropMachineAt(p *audit.Pass, at audit.Path) []edit.Edit {
	o, _ := p.OptionAt(at)
	if _, typed := o.Get("type"); !typed && (len(o.Args) == 0 || o.Args[0].Key != "") {
		return nil
	}
	first := true
	return dropParts(p, at, func(key, _ string) bool {
		drop := namesMachine(key, first)
		first = false
		return drop
	})
}

// listedFamilies returns the machine families for virtualization of the guest's architecture, the
// recommended one first. Xen has its own, which depend on the type of OS.
func listedFamilies(p *audit.Pass) []string {
	if p.Type == "xen" {
		return nil
	}
	switch p.Boundary.Target {
	case "x86_64", "i386":
		return []string{"q35", "pc"}
	case "aarch64", "arm", "riscv64", "riscv32", "loongarch64":
		return []string{"virt"}
	case "ppc64":
		return []string{"pseries"}
	case "s390x":
		return []string{"s390-ccw-virtio"}
	}
	return nil
}

// listedMachines returns machine types with which the guest is inside the boundary.
func listedMachines(p *audit.Pass) (names []string) {
	for _, family := range listedFamilies(p) {
		name := p.NewestOf(family)
		v := p.VerdictIf(func(g *audit.Guest) { g.Machine = name })
		if name != "" && v.Verdict == "inside" {
			names = append(names, name)
		}
	}
	return names
}

// otherMachine returns the fixes that move the guest to a listed machine type.
func otherMachine(p *audit.Pass) (fixes []audit.Fix) {
	for _, name := range listedMachines(p) {
		const text = "Use machine type '%s', which QEMU's policy lists; the guest gets other " +
			"hardware, and may need another kernel"
		if tiedToMachine(p) {
			return []audit.Fix{audit.ManualFix("").With("Move the guest to machine type '%s', "+
				"which QEMU's policy lists: the addresses, controllers and buses of its devices "+
				"must change too", name)}
		}
		fixes = append(fixes, audit.UnsafeFix("", edit.Set(machineAt, name)).With(text, name))
	}
	return fixes
}

// tiedToMachine reports whether the devices belong to the machine type of the document: libvirt
// refuses their addresses, controllers or buses on another one.
func tiedToMachine(p *audit.Pass) bool {
	if p.OS.DTB != "" {
		return true
	}
	for e := range p.Elements() {
		kind, _ := e.Attr("type")
		switch {
		case e.Name == "address" && e.Depth == 3:
			if kind != "" && kind != "drive" && kind != "dimm" && kind != "unassigned" {
				return true
			}
		case e.Name == "controller" && e.Depth == 2:
			if kind != "scsi" && kind != "usb" && kind != "virtio-serial" && kind != "sata" {
				return true
			}
		}
	}
	for i := range p.Devices.Disks {
		switch diskBus(&p.Devices.Disks[i]) {
		case "ide", "fdc", "sd":
			return true
		}
	}
	return false
}

// useNewest returns the fixes that replace a machine type with the newest of its family.
func useNewest(p *audit.Pass, _ *audit.Finding) []audit.Fix {
	name := p.NewestMachine()
	if current, _ := p.MachineType(); name == "" || name == current {
		return nil
	}
	return []audit.Fix{audit.UnsafeFix("", setMachine(p, name)...).With(
		"Use machine type '%s'; the guest gets newer virtual hardware, and a saved state of it "+
			"can no longer be restored", name)}
}

// stateMachine returns the fixes of a document without an architecture or a machine type.
func stateMachine(p *audit.Pass, f *audit.Finding) []audit.Fix {
	switch f.Key {
	case "architecture":
		return stateArch(p)
	case "judged":
		edits := []edit.Edit{edit.Set(machineAt, p.Boundary.Family)}
		if p.Target.Arch == "" && p.HostArch != "" {
			edits = append(edits, edit.Set(archAt, p.HostArch))
		}
		return []audit.Fix{audit.SafeFix("", edits...).With("State machine type '%s', which "+
			"libvirt uses now", p.Boundary.Family)}
	case "open":
		for _, name := range listedMachines(p) {
			return []audit.Fix{audit.UnsafeFix("", edit.Set(machineAt, name)).With(
				"State machine type '%s'; libvirt before 9.3 uses another one if none is stated",
				name)}
		}
		return nil
	}
	return otherMachine(p)
}

// stateArch states the architecture of the emulator: libvirt uses the host's, and refuses an
// emulator of another one.
func stateArch(p *audit.Pass) []audit.Fix {
	arch, ok := strings.CutPrefix(path.Base(p.Devices.Emulator), "qemu-system-")
	switch arch {
	case "x86_64", "aarch64", "s390x", "riscv64", "loongarch64":
	default:
		ok = false // i386 and ppc64 run guests of two architectures
	}
	if !ok {
		return nil
	}
	edits := []edit.Edit{edit.Set(archAt, arch)}
	switch v := p.VerdictIf(func(g *audit.Guest) { g.Arch = arch }); {
	case v.Verdict == "inside" && p.Target.Machine != "":
		return []audit.Fix{audit.SafeFix("", edits...).With("State architecture '%s', which the "+
			"emulator is for", arch)}
	case v.Verdict == "inside":
		edits = append(edits, edit.Set(machineAt, v.Family))
		return []audit.Fix{audit.SafeFix("", edits...).With("State architecture '%s', which the "+
			"emulator is for, and machine type '%s', which libvirt uses with it", arch, v.Family)}
	case v.Reason == "machine-absent" && (arch == "aarch64" || arch == "riscv64"):
		edits = append(edits, edit.Set(machineAt, "virt"))
		return []audit.Fix{audit.UnsafeFix("", edits...).With("State architecture '%s', which the "+
			"emulator is for, and machine type 'virt'; libvirt before 9.3 uses another one", arch)}
	}
	return nil
}

// moveToQ35 returns the fix of a guest of type pc whose devices work on q35 too.
func moveToQ35(p *audit.Pass, _ *audit.Finding) []audit.Fix {
	name := p.NewestOf("q35")
	if name == "" || p.Boundary.Machine != "" || p.Type == "xen" || tiedToMachine(p) {
		return nil
	}
	return []audit.Fix{audit.UnsafeFix("", edit.Set(machineAt, name)).With(
		"Use machine type '%s'; the guest gets another chipset, and may name its network "+
			"interfaces differently", name)}
}
