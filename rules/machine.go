package rules

import (
	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

const newestMachine = "Use the newest machine type of the same family: pc for pc-i440fx-…, q35 " +
	"for pc-q35-…, and the name without its version for others. The guest then gets new virtual " +
	"hardware: test it first."

// noNewerMachine is for guests whose host has no machine type of their family.
const noNewerMachine = "Decide which machine type the guest can move to: the host lists none of " +
	"the same family"

var machine = []*audit.Rule{
	{
		ID:       "machine-removed",
		Title:    "Versioned machine type no longer exists in QEMU",
		Severity: audit.Low,
		Profiles: allProfiles,
		Doc: `The guest does not start after an upgrade of QEMU, and the usual workaround is to keep
an old QEMU that gets no security fixes. QEMU removes a versioned machine type six years after its
release; earlier releases removed some manually. The finding is medium if the guest cannot start
where it is to run: by the host's capabilities, which list the machine types of its QEMU, or in the
release of --qemu-version. Without either the rule uses the newest release that virt-audit knows,
and the finding is low: the QEMU of the host may be older. Machine types of distributions have other
schedules and are not checked.`,
		Fix:  newestMachine,
		Refs: []string{refs.QEMUDeprecated, refs.QEMURemoved},
		Check: func(p *audit.Pass) {
			stage := p.MachineStage()
			name, at := p.MachineType()
			switch listed, known := machineHere(p); {
			case p.Planned:
			case listed:
				return
			case known && (stage == "removed" || stage == "deprecated"):
				p.DependsOn(audit.NeedCapabilities)
				p.Key("here").ReportAs(audit.Medium, at, "this host's QEMU does not have machine type '%s': the guest does not start here", name)
				return
			}
			if stage != "removed" {
				return
			}
			severity := audit.Low
			if p.Planned {
				severity = audit.Medium
			}
			p.Key("later").ReportAs(severity, at, "QEMU %s does not have machine type '%s': the guest does not start there", p.QEMU, name)
		},
		Fixes: useNewest,
		NoFix: noNewerMachine,
	},
	{
		ID:       "machine-deprecated",
		Title:    "Versioned machine type is deprecated in QEMU",
		Severity: audit.Low,
		Profiles: allProfiles,
		Doc: `A later release of QEMU removes this machine type, and the guest then does not start.
QEMU deprecates a versioned machine type three years after its release and removes it three years
later. Old versions also preserve old behaviour on purpose, and some fixes are only in new versions.
libvirt taints a running guest of such a machine type with deprecated-config. If the host's
capabilities are known, the rule also reports machine types that its own QEMU marks as deprecated,
and those that it still has but newer releases do not.`,
		Fix:  newestMachine,
		Refs: []string{refs.QEMUDeprecated},
		Check: func(p *audit.Pass) {
			p.DependsOn(audit.NeedCapabilities)
			stage := p.MachineStage()
			name, at := p.MachineType()
			if listed, _ := machineHere(p); stage == "removed" && listed && !p.Planned {
				p.Key("removed").Reportf(at, "QEMU %[2]s removed machine type '%[1]s', which this host's QEMU still has", name, p.QEMU)
			} else if stage == "deprecated" {
				p.Key("deprecated").Reportf(at, "machine type '%s' is deprecated in QEMU %s", name, p.QEMU)
			} else if _, deprecated, _ := p.Host.Machine(p.Arch(), p.Type, name); deprecated {
				p.Key("deprecated").Reportf(at, "machine type '%s' is deprecated in this host's QEMU", name)
			}
		},
		Fixes: useNewest,
		NoFix: noNewerMachine,
	},
	{
		ID:       "machine-distro-frozen",
		Title:    "Machine type is specific to a distribution",
		Severity: audit.Info,
		Profiles: []audit.Profile{audit.Hardened, audit.MultiTenant},
		Doc: `Red Hat, Ubuntu and Proxmox name machine types after their own releases. Only the
vendor announces when such a machine type is deprecated or removed, and other builds of QEMU do not
have it.`,
		Fix: `Follow the vendor's list. To see whether the host still has the machine type:
$ virsh domcapabilities --machine MACHINE`,
		Refs: []string{"https://documentation.ubuntu.com/server/", "https://pve.proxmox.com/pve-docs/chapter-qm.html"},
		Check: func(p *audit.Pass) {
			if m := p.Machine(); m.Vendor != "" {
				_, at := p.MachineType()
				p.Reportf(at, "machine type '%s' exists only in QEMU builds of %s", m.Name, m.Vendor)
			}
		},
		NoFix: "Decide whose QEMU the guest's hosts will have: the machine types of one vendor do " +
			"not exist in the builds of others",
	},
	{
		ID:       "machine-unversioned-alias",
		Title:    "Machine type is an alias without a version",
		Severity: audit.Info,
		Profiles: []audit.Profile{audit.Hardened},
		Doc: `An alias such as 'q35' means the newest version that a host has. libvirt replaces it
with that version when it defines the domain, so only templates and files that were copied by hand
contain one. Such a file means different hardware on each host, and after each upgrade.`,
		Fix: `Name a version, such as machine='pc-q35-11.1', or let libvirt do it:
$ virsh define FILE`,
		Refs: []string{refs.DomainBoot},
		Check: func(p *audit.Pass) {
			if m := p.Machine(); m.Alias {
				_, at := p.MachineType()
				p.Reportf(at, "machine type '%s' is an alias: its version depends on the host", m.Name)
			}
		},
		Fixes: func(p *audit.Pass, _ *audit.Finding) []audit.Fix {
			name := p.NewestMachine()
			if current, _ := p.MachineType(); name == "" || name == current {
				return nil
			}
			return []audit.Fix{audit.SafeFix("", setMachine(p, name)...).With("State machine type "+
				"'%s', which the alias stands for now", name)}
		},
		NoFix: "Name the version that the guest should have, or let libvirt define the domain: " +
			"the document does not show which versions the host has",
	},
	{
		ID:       "machine-i440fx",
		Title:    "Legacy i440fx machine type",
		Severity: audit.Low,
		Profiles: []audit.Profile{audit.Hardened, audit.Confidential},
		Doc: `The 'pc' machine types emulate a chipset of 1996: no PCI Express, no protection of
secure boot by system management mode, and always an IDE controller. They are on QEMU's list and
inside the boundary, but q35 emulates less legacy hardware.`,
		Fix:  `Use <type arch='x86_64' machine='q35'>hvm</type> for new guests; PCI addresses and IDE disks must change too.`,
		Refs: []string{"https://libvirt.org/kbase/secureboot.html", refs.QEMUSecurity},
		Check: func(p *audit.Pass) {
			arch := p.Arch()
			name, at := p.MachineType()
			switch implied := name == "" && usesQEMUDriver(p) && (arch == "x86_64" || arch == "i686"); {
			case implied:
				p.Reportf(audit.At("os/type"), "the document states no machine type: libvirt uses 'pc', the legacy i440fx")
			case p.Machine().Family == "pc": // also if another reason decides the verdict
				p.Reportf(at, "machine type '%s' is the legacy i440fx", name)
			}
		},
		Fixes: moveToQ35,
		NoFix: "Plan the move to q35: the addresses and controllers of all devices change, and " +
			"disks on bus 'ide' require another bus and a driver",
	},
}

// machineHere reports whether the host's capabilities list the machine type. This is not known
// without them, nor if the host runs no guests of that architecture and type.
func machineHere(p *audit.Pass) (listed, known bool) {
	arch := p.Arch()
	name, _ := p.MachineType()
	if runs, known := p.Host.Runs(arch, p.Type); !runs || !known || name == "" {
		return false, false
	}
	_, _, listed = p.Host.Machine(arch, p.Type, name)
	return listed, true
}
