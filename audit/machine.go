package audit

import (
	"cmp"

	"github.com/virt-audit/virt-audit/audit/policy"
)

// MachineType returns the machine type that QEMU uses, and where it is set: in the document's <os>,
// unless qemu:commandline names another.
func (p *Pass) MachineType() (name string, at Path) {
	if p.Boundary.Machine == "" {
		return p.Target.Machine, At("os/type@machine")
	}
	return p.Boundary.Machine, p.Command.MachineAt
}

// Machine parses the machine type that QEMU uses. If the document states no architecture, and the
// host's is not known, the name decides where it can: "pc-q35-9.2" is for x86 only.
func (p *Pass) Machine() policy.Machine {
	name, _ := p.MachineType()
	if p.Boundary.Target == "" && p.Arch() == "" {
		return policy.ParseAnyMachine(name)
	}
	return policy.ParseMachine(p.Boundary.Target, name)
}

// Arch returns libvirt's name of the guest's architecture: that of the document, or else the host's; ""
// if neither is known.
func (p *Pass) Arch() string { return cmp.Or(p.Target.Arch, p.HostArch) }

// NewestMachine returns the newest machine type of the guest's machine family that the host has, or
// the planned release of QEMU; without either, the name that libvirt replaces with the newest
// version. It is "" if the machine belongs to no family, or if the host has no machine of it.
func (p *Pass) NewestMachine() string { return p.newest(p.Machine()) }

// NewestOf is NewestMachine for a family of the guest's architecture: "q35".
func (p *Pass) NewestOf(family string) string {
	return p.newest(policy.ParseMachine(cmp.Or(p.Boundary.Target, p.Machine().Target), family))
}

func (p *Pass) newest(m policy.Machine) string {
	switch alias := m.Newest(policy.Version{}); {
	case alias == "":
		return ""
	case p.Planned:
		return m.Newest(p.QEMU)
	case p.Host.KnowsCapabilities():
		name, _, _ := p.Host.Machine(p.Arch(), p.Type, alias)
		return name
	default:
		return alias
	}
}

// MachineStage returns the stage of the machine type in the QEMU release of the run: "supported",
// "deprecated", "removed", or "" if it is not known.
func (p *Pass) MachineStage() string {
	stage, _ := p.Machine().StageIn(p.QEMU)
	return string(stage)
}
