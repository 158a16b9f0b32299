package audit

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// DependsOn declares that the following findings of the rule may depend on inputs from the host. A
// run without these inputs no longer has such a finding, although nothing was fixed.
func (p *Pass) DependsOn(host Inputs) { p.dependsOn |= host }

// facts returns the facts of the host of a domain, or nil if there are none.
func (c *Settings) facts(d *Domain) *host.Facts {
	f := c.Host
	if of, ok := c.Hosts[d.Origin.Host]; ok {
		f = of
	}
	if d.Origin.Host != "" {
		return f.For(d.Origin.Host)
	}
	return f.For(d.Source)
}

// libvirtDirectories are those of the libvirt of a machine.
var libvirtDirectories = []string{
	"/etc/libvirt/", "/run/libvirt/", "/var/run/libvirt/", "/var/lib/libvirt/", "/usr/local/etc/libvirt/",
}

// HostName returns a name for the host of a domain, or "" if it is not known: a directory or list
// of documents may be of many hosts.
func (c *Settings) HostName(d *Domain) string {
	switch {
	case d.Origin.Host != "":
		return d.Origin.Host
	case c.OneHost || c.Host != nil:
		return "the host"
	}
	file := path.Clean(d.Source)
	for _, directory := range libvirtDirectories {
		if strings.HasPrefix(file, directory) {
			return "this host"
		}
	}
	return ""
}

// OnHost returns a name for the host of the guest, for rules that compare the guests of one host.
// known is false for documents from an unknown source: such a rule then lacks NeedOneHost.
func (p *Pass) OnHost() (name string, known bool) { return p.hostName, p.hostName != "" }

// availableInputs returns the inputs that the run has for a domain of a host.
func (c *Settings) availableInputs(f *host.Facts) Inputs {
	return c.Inputs | hostInputs(f, c.hostArch(f))
}

// hostArch returns the architecture of a host. The user's setting overrides its facts.
func (c *Settings) hostArch(f *host.Facts) string {
	if c.HostArch != "" {
		return c.HostArch
	}
	return f.Arch()
}

// policyGuest returns what the policy judges: the guest as the document describes it, with the
// values that the host supplies for what the document leaves open.
func (c *Settings) policyGuest(d *Domain) policy.Guest {
	return c.onHost(d, policy.Guest{Target: d.Target, Emulator: d.Devices.Emulator, Override: d.Command.Override})
}

// onHost completes a guest with what the configuration and the host decide.
func (c *Settings) onHost(d *Domain, g policy.Guest) policy.Guest {
	g.AllowedEmulator = len(c.Allowed.Emulators) > 0 && c.Allowed.emulator(g.Emulator)
	f := c.facts(d)
	g.HostArch = c.hostArch(f)
	if !f.KnowsCapabilities() {
		return g
	}
	arch := g.Arch
	if arch == "" {
		arch = g.HostArch
	}
	g.HostTarget = f.Target(arch, g.Type, g.Emulator)
	switch machine := cmp.Or(g.Override.Machine, g.Machine); {
	case machine != "":
		g.HostMachine, _, _ = f.Machine(arch, g.Type, machine)
	case g.Type != "xen": // for Xen the machine depends only on the type of OS
		g.HostMachine, _ = f.DefaultMachine(arch, g.Type)
	}
	return g
}

// VerdictIf returns the verdict for the guest with a change: a fix must not make it worse.
func (p *Pass) VerdictIf(change func(*Guest)) Boundary {
	g := policy.Guest{Target: p.Target, Emulator: p.Devices.Emulator, Override: p.Command.Override}
	change(&g)
	return p.settings.edition().Judge(p.settings.onHost(p.Domain, g))
}

// UnknownEmulator reports whether nothing is known about the binary that <emulator> names and the
// site does not allow it.
func (p *Pass) UnknownEmulator() bool { return p.guest.UnknownEmulator() }

// WrongEmulator reports whether <emulator> names QEMU for another architecture than the guest's.
func (p *Pass) WrongEmulator() bool { return p.guest.WrongEmulator() }

// usesQEMUDriver reports whether libvirt's QEMU driver, which reads qemu.conf, runs the guest.
func (p *Pass) usesQEMUDriver() bool {
	return p.Boundary.Reason != policy.OtherHypervisor && p.Type != "xen"
}

// Conf returns the qemu.conf that applies to the guest. It is nil if it is not known, or if another
// driver than QEMU's runs the guest; the methods of a nil QEMUConf return libvirt's defaults.
func (p *Pass) Conf() *host.QEMUConf {
	if !p.usesQEMUDriver() {
		return nil
	}
	p.DependsOn(NeedQEMUConf)
	return p.Host.Conf()
}

// HostUser returns the user that QEMU runs as if the document does not set one, and where that
// setting is. Both are "" if they are not known, or if another driver than QEMU's runs the guest.
func (p *Pass) HostUser() (user, where string) {
	if !p.usesQEMUDriver() {
		return "", ""
	}
	p.DependsOn(NeedQEMUConf | NeedCapabilities)
	return p.Host.User()
}

// FileMode returns the permissions of the document's file. ok is false if it is not a file of this
// machine.
func (p *Pass) FileMode() (mode host.Mode, ok bool) {
	if p.settings.FileMode == nil || p.Origin.Host != "" {
		return 0, false
	}
	return p.settings.FileMode(p.Source)
}

// Fires reports whether another rule has a finding about the domain with a severity above Info.
func (p *Pass) Fires(r *Rule) bool {
	other := *p
	other.rule, other.result = r, &Result{}
	r.Check(&other)
	p.settings.siteSeverity(other.result)
	p.dependsOn |= other.dependsOn
	return slices.ContainsFunc(other.result.Findings, func(f Finding) bool { return f.Severity > Info })
}
