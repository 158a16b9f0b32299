package rules

import "github.com/virt-audit/virt-audit/audit"

const newestMachine = "The newest machine of the same family: MACHINE is pc for pc-i440fx-…, q35 for pc-q35-…, " +
	"and the name without its version for others. The guest then sees new virtual hardware: try it first." + `
$ virt-xml DOMAIN --edit --boot machine=MACHINE`

var machine = []*audit.Rule{
	{
		ID:       "machine-removed",
		Title:    "Versioned machine type no longer exists in QEMU",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `The guest will not start after an upgrade of QEMU, and the usual way out is to keep an old QEMU that gets no
fixes. QEMU deletes a versioned machine type six years after its release; earlier releases deleted some by hand.
Measured against the release given with --qemu-version; else against the host's capabilities where they are known,
which list what its QEMU has; else against the newest release that virt-audit knows. Machine types of distributions
have calendars of their own and are not judged.`,
		Fix:  newestMachine,
		Refs: []string{qemuDeprecated, qemuRemoved},
		Check: func(p *audit.Pass) {
			stage := p.MachineStage()
			name, at := p.MachineType()
			switch listed, known := machineHere(p); {
			case p.Planned:
			case listed:
				return
			case known && (stage == "removed" || stage == "deprecated"):
				p.RestsOn(audit.NeedCapabilities)
				p.Key("here").Reportf(at, "this host's QEMU no longer has machine type '%s': the guest does not start here", name)
				return
			}
			if stage == "removed" {
				p.Key("later").Reportf(at, "QEMU %s no longer has machine type '%s': the guest will not start there", p.QEMU, name)
			}
		},
	},
	{
		ID:       "machine-deprecated",
		Title:    "Versioned machine type is deprecated in QEMU",
		Severity: audit.Low,
		Profiles: every,
		Doc: `QEMU will delete this machine type, and the guest will not start then. Three years after its release QEMU marks
a versioned machine type as deprecated; three years later it is gone. Old versions also keep old behaviour alive on purpose, and some fixes reach new versions alone. libvirt taints a
running guest of such a machine with deprecated-config. Where the host's capabilities are known, what its own QEMU
marks counts too, and so does a machine that it still has and newer releases have not.`,
		Fix:  newestMachine,
		Refs: []string{qemuDeprecated},
		Check: func(p *audit.Pass) {
			p.RestsOn(audit.NeedCapabilities)
			stage := p.MachineStage()
			name, at := p.MachineType()
			if listed, _ := machineHere(p); stage == "removed" && listed && !p.Planned {
				p.Key("removed").Reportf(at, "machine type '%s' is gone in QEMU %s; this host's still has it", name, p.QEMU)
			} else if stage == "deprecated" {
				p.Key("deprecated").Reportf(at, "machine type '%s' is deprecated in QEMU %s", name, p.QEMU)
			} else if _, deprecated, _ := p.Host.Machine(guestArch(p), p.Type, name); deprecated {
				p.Key("deprecated").Reportf(at, "machine type '%s' is deprecated in this host's QEMU", name)
			}
		},
	},
	{
		ID:       "machine-distro-frozen",
		Title:    "Machine type is a distribution's own, with a calendar of its own",
		Severity: audit.Info,
		Profiles: []audit.Profile{audit.Hardened, audit.MultiTenant},
		Doc: `Red Hat, Ubuntu and Proxmox name machine types after their own releases. When such a machine will be
deprecated or removed is told by the vendor alone, and other QEMU builds do not know it.`,
		Fix: `Follow the vendor's list; what the host still knows is printed by
$ virsh domcapabilities --machine MACHINE`,
		Refs: []string{"https://documentation.ubuntu.com/server/", "https://pve.proxmox.com/pve-docs/chapter-qm.html"},
		Check: func(p *audit.Pass) {
			if m := p.Machine(); m.Vendor != "" {
				_, at := p.MachineType()
				p.Reportf(at, "machine type '%s' is known to %s's QEMU only", m.Name, m.Vendor)
			}
		},
	},
	{
		ID:       "machine-unversioned-alias",
		Title:    "Unversioned machine alias in a stored definition",
		Severity: audit.Info,
		Profiles: []audit.Profile{audit.Hardened},
		Doc: `An alias such as 'q35' stands for the newest version that a host has. libvirt replaces it by that version
when it defines the domain, so only templates and hand-placed files hold one; such a file means different hardware on
each host, and after each upgrade.`,
		Fix: `Name a version, such as machine='pc-q35-11.1', or let libvirt do it:
$ virsh define FILE`,
		Refs: []string{domainBoot},
		Check: func(p *audit.Pass) {
			if m := p.Machine(); m.Alias {
				_, at := p.MachineType()
				p.Reportf(at, "machine '%s' is an alias: each host puts its own version in", m.Name)
			}
		},
	},
	{
		ID:       "machine-i440fx",
		Title:    "Legacy i440fx board",
		Severity: audit.Low,
		Profiles: []audit.Profile{audit.Hardened, audit.Confidential},
		Doc: `The 'pc' machines model a chipset of 1996: no PCI Express, no protection of secure boot by system
management mode, and always an IDE controller. They are on QEMU's list and inside the boundary; q35 merely carries
less.`,
		Fix: `<type arch='x86_64' machine='q35'>hvm</type>, for new guests; PCI addresses and IDE disks have to change too
$ virt-xml DOMAIN --edit --convert-to-q35`,
		Refs: []string{"https://libvirt.org/kbase/secureboot.html", qemuSecurity},
		Check: func(p *audit.Pass) {
			arch := guestArch(p)
			name, at := p.MachineType()
			switch implied := name == "" && byQEMUDriver(p) && (arch == "x86_64" || arch == "i686"); {
			case implied:
				p.Reportf(audit.At("os/type"), "no machine is stated: libvirt takes 'pc', the legacy i440fx board")
			case p.Machine().Family == "pc": // also where the verdict is about something else
				p.Reportf(at, "machine '%s' is the legacy i440fx board", name)
			}
		},
	},
}

// machineHere reports whether the host's capabilities list the machine. It is not known without them,
// nor where the host runs no guest of that architecture and type at all.
func machineHere(p *audit.Pass) (listed, known bool) {
	arch := guestArch(p)
	name, _ := p.MachineType()
	if runs, known := p.Host.Runs(arch, p.Type); !runs || !known || name == "" {
		return false, false
	}
	_, _, listed = p.Host.Machine(arch, p.Type, name)
	return listed, true
}
