package audit

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// DependsOn says that what the rule reports from here on may rest on something of the host, where that is known:
// a run that does not know it finds it no more, though nothing was mended.
func (p *Pass) DependsOn(host Inputs) { p.dependsOn |= host }

// facts returns what is known of the host that a domain is on; nil where nothing is.
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

// hostName names the host that a domain is on; it is "" where that is not known: a directory of documents, or
// a list of them, may be of many hosts.
func (c *Settings) hostName(d *Domain) string {
	switch {
	case d.Origin.Host != "":
		return d.Origin.Host
	case c.OneHost || c.Host != nil:
		return "the host"
	}
	file := path.Clean(d.Source)
	for _, directory := range []string{"/etc/libvirt/", "/run/libvirt/", "/var/run/libvirt/", "/var/lib/libvirt/", "/usr/local/etc/libvirt/"} {
		if strings.HasPrefix(file, directory) {
			return "this host"
		}
	}
	return ""
}

// OnHost returns a name for the host that the guest is on, for rules that compare the guests of one host.
// It is not known for documents that came from anywhere: such a rule then lacks NeedOneHost.
func (p *Pass) OnHost() (name string, known bool) { return p.hostName, p.hostName != "" }

// availableInputs returns the inputs that the run has for a domain of a host.
func (c *Settings) availableInputs(f *host.Facts) Inputs {
	return c.Inputs | hostInputs(f, c.hostArch(f))
}

// hostArch returns the architecture of a host: what the user says, or what its facts say.
func (c *Settings) hostArch(f *host.Facts) string {
	if c.HostArch != "" {
		return c.HostArch
	}
	return f.Arch()
}

// policyGuest returns what the policy judges: what the XML says, and what the host makes of it.
func (c *Settings) policyGuest(d *Domain) policy.Guest {
	g := policy.Guest{
		Target: d.Target, Emulator: d.Devices.Emulator, Override: d.Command.Override,
		AllowedEmulator: len(c.Allowed.Emulators) > 0 && c.Allowed.emulator(d.Devices.Emulator),
	}
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
	case g.Type != "xen": // there it depends on the type of OS, which is all that it depends on
		g.HostMachine, _ = f.DefaultMachine(arch, g.Type)
	}
	return g
}

// UnknownEmulator reports whether nothing is known of the program that <emulator> names, and the site
// does not allow it.
func (p *Pass) UnknownEmulator() bool { return p.guest.UnknownEmulator() }

// WrongEmulator reports whether <emulator> names QEMU for another architecture than the guest's.
func (p *Pass) WrongEmulator() bool { return p.guest.WrongEmulator() }

// usesQEMUDriver reports whether libvirt's QEMU driver runs the guest, with qemu.conf.
func (p *Pass) usesQEMUDriver() bool {
	return p.Boundary.Reason != policy.OtherHypervisor && p.Type != "xen"
}

// Conf returns the qemu.conf that the guest inherits from: nil where it is not known, or where
// another driver than QEMU's runs the guest. Its methods answer all the same, with libvirt's defaults.
func (p *Pass) Conf() *host.QEMUConf {
	if !p.usesQEMUDriver() {
		return nil
	}
	p.DependsOn(NeedQEMUConf)
	return p.Host.Conf()
}

// HostUser returns the user that QEMU runs as where the document does not say, and where that comes
// from; "" where it is not known, or where another driver than QEMU's runs the guest.
func (p *Pass) HostUser() (user, where string) {
	if !p.usesQEMUDriver() {
		return "", ""
	}
	p.DependsOn(NeedQEMUConf | NeedCapabilities)
	return p.Host.User()
}

// FileMode returns the permissions of the file that holds the document, where it is a file of this machine.
func (p *Pass) FileMode() (mode host.Mode, ok bool) {
	if p.fileMode == nil || p.Origin.Host != "" {
		return 0, false
	}
	return p.fileMode(p.Source)
}

// Fires reports whether another rule has something to say about the domain that is more than a remark.
func (p *Pass) Fires(r *Rule) bool {
	other := *p
	other.rule, other.result = r, &Result{}
	r.Check(&other)
	if p.settings != nil {
		p.settings.siteSeverity(other.result)
	}
	p.dependsOn |= other.dependsOn
	return slices.ContainsFunc(other.result.Findings, func(f Finding) bool { return f.Severity > Info })
}
