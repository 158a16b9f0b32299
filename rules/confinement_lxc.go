package rules

import (
	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/hostpath"
)

const drvLXC = "https://libvirt.org/drvlxc.html"

// confinementContainers are about libvirt's containers, which share the host's kernel.
var confinementContainers = []*audit.Rule{
	{
		ID:       "confinement-lxc-no-idmap",
		Title:    "Container without a user namespace: its root user is root on the host",
		Severity: audit.Critical,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `Without <idmap>, root in the container is root on the host, restricted only by a few
dropped capabilities. libvirt's documentation does not consider that isolation. libvirt creates a
user namespace only if both users and groups are mapped. A map to user 0 of the host has the same
effect. It is harmless for containers that do not isolate anything but only organize the host's own
services.`,
		Fix: `Map users and groups, and change the owner of the container's files accordingly:
<idmap>
  <uid start='0' target='100000' count='65536'/>
  <gid start='0' target='100000' count='65536'/>
</idmap>`,
		Refs: []string{drvLXC + "#user-and-group-isolation", "https://libvirt.org/formatdomain.html#container-boot", "https://wiki.openstack.org/wiki/OSSN/OSSN-0001"},
		Check: func(p *audit.Pass) {
			if p.Type != "lxc" {
				return
			}
			switch {
			case p.IDMap == nil || len(p.IDMap.UIDs)+len(p.IDMap.GIDs) == 0:
				p.Reportf(audit.At("@type"), "no <idmap>: root in the container is root on the host")
				return
			case len(p.IDMap.UIDs) == 0 || len(p.IDMap.GIDs) == 0:
				p.Reportf(audit.At("idmap"), "<idmap> does not map both users and groups: libvirt creates no user namespace")
				return
			}
			for at, m := range audit.Each("idmap/uid", p.IDMap.UIDs) {
				if m.Target == 0 && m.Count > 0 {
					p.Reportf(at.Attr("target"), "user %d in the container is root on the host", m.Start)
				}
			}
			for at, m := range audit.Each("idmap/gid", p.IDMap.GIDs) {
				if m.Target == 0 && m.Count > 0 {
					p.ReportAs(audit.High, at.Attr("target"), "group %d in the container is group root on the host", m.Start)
				}
			}
		},
		NoFix: "Choose the host's users for the container, map them in <idmap>, and give the " +
			"container's files to them: which numbers are free only the host shows",
	},
	{
		ID:       "confinement-lxc-shared-ns",
		Title:    "Container shares network, files or privileges with the host",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `A container without its own network can connect to the host's services, also by
sockets that have no file. One without its own root directory has access to the host's, with the
sockets of systemd and libvirt. The capabilities that libvirt drops by default can load modules into
the host's kernel or create device nodes; in a user namespace they have no effect and are not
reported. <lxc:namespace> joins the namespace of another container or process. It is harmless if a
container only organizes the host's own services.`,
		Fix: `Add an <interface>, or <features><privnet/></features> for no network at all, and a separate directory for /:
<filesystem type='mount'><source dir='/srv/ct/root'/><target dir='/'/></filesystem>`,
		Refs: []string{drvLXC + "#security-considerations", drvLXC + "#altering-the-available-capabilities", drvLXC + "#inherit-namespaces"},
		Check: func(p *audit.Pass) {
			if p.Type != "lxc" {
				return
			}
			if !ownNetwork(p) {
				p.Key("network").Reportf(audit.At("devices"), "no <interface> and no <privnet/>: the container uses the host's network")
			}
			reportSharedRoot(p)
			if !userNamespace(p) {
				reportKeptCapabilities(p)
			}
			reportSharedNamespaces(p)
		},
		Fixes: fixSharedNamespace,
		NoFix: "Choose a directory for the container's root, and mount it at /: the document " +
			"names no other than the host's",
	},
}

// userNamespace reports whether libvirt gives a container a user namespace whose root is not the
// host's (source: libvirt, userns_required).
func userNamespace(p *audit.Pass) bool {
	if p.IDMap == nil || len(p.IDMap.UIDs) == 0 || len(p.IDMap.GIDs) == 0 {
		return false
	}
	for _, m := range p.IDMap.UIDs {
		if m.Target == 0 {
			return false
		}
	}
	return true
}

// ownNetwork reports whether the container has a network namespace that is not the host's: one of
// its own, or one that it joins.
func ownNetwork(p *audit.Pass) bool {
	return newNetwork(p) || p.LXCNamespace != nil && p.LXCNamespace.ShareNet != nil
}

// newNetwork reports whether libvirt gives the container a network namespace of its own (source:
// libvirt, lxcNeedNetworkNamespace).
func newNetwork(p *audit.Pass) bool {
	if len(p.Devices.Interfaces) > 0 || p.Features.PrivNet != nil {
		return true
	}
	for _, h := range p.Devices.Hostdevs {
		if h.CapsNet != nil {
			return true
		}
	}
	return false
}

// reportSharedRoot reports a container whose root directory is the host's. libvirt uses the host's
// if no file system is mounted at /; other mounts do not matter (source: libvirt,
// virLXCProcessEnsureRootFS).
func reportSharedRoot(p *audit.Pass) {
	severity := audit.High
	if userNamespace(p) {
		severity = audit.Medium // the host's files belong to users that the container does not have
	}
	for at, f := range audit.Each("devices/filesystem", p.Devices.Filesystems) {
		if f.Target == nil || f.Target.Dir != "/" {
			continue
		}
		if f.Source != nil && f.Source.Mount != nil && hostpath.Opened(f.Source.Mount.Dir) == "/" {
			if f.ReadOnly != nil {
				severity = audit.Medium
			}
			p.ReportAs(severity, at.Elem("source").Attr("dir"), "the container's root directory is the host's")
		}
		return
	}
	p.Key("root-directory").ReportAs(severity, audit.At("devices"), "no <filesystem> for /: the container's root directory is the host's")
}

// reportKeptCapabilities reports capabilities of the host that libvirt drops by default. A
// container has all others by default, including sys_admin, so that naming them changes nothing
// (source: libvirt, lxcContainerDropCapabilities).
func reportKeptCapabilities(p *audit.Pass) {
	c := p.Features.Capabilities
	if c == nil {
		return
	}
	all := false
	for _, d := range []struct {
		name     string
		state    *libvirtxml.DomainFeatureCapability
		severity audit.Severity
	}{
		{"sys_module", c.SysModule, audit.High},
		{"mknod", c.MkNod, audit.High},
		{"mac_admin", c.MACAdmin, audit.High},
		{"audit_control", c.AuditControl, audit.Medium},
		{"sys_time", c.SysTime, audit.Medium},
	} {
		switch state := d.state; {
		case state != nil && state.State == "on":
			p.ReportAs(d.severity, audit.At("features/capabilities").Elem(d.name).Attr("state"), "the container keeps the host's capability %s", d.name)
		case state == nil || state.State != "off":
			all = all || d.severity == audit.High
		}
	}
	if c.Policy == "allow" && all {
		p.Reportf(audit.At("features/capabilities@policy"), "policy 'allow' keeps the capabilities that libvirt drops by default")
	}
}

// reportSharedNamespaces reports namespaces that the container joins. libvirt supports those of
// network, IPC and host name, given by a container's name, a process ID or, for networks, a name of
// ip-netns.
func reportSharedNamespaces(p *audit.Pass) {
	if p.LXCNamespace == nil {
		return
	}
	for _, n := range []struct {
		name string
		ns   *libvirtxml.DomainLXCNamespaceMap
	}{{"sharenet", p.LXCNamespace.ShareNet}, {"shareipc", p.LXCNamespace.ShareIPC}, {"shareuts", p.LXCNamespace.ShareUTS}} {
		if n.ns == nil {
			continue
		}
		at := audit.At("lxc:namespace").Elem("lxc:" + n.name).Attr("type")
		switch n.ns.Type {
		case "pid":
			p.Reportf(at, "%s joins the namespace of process %s, which may be one of the host's", n.name, n.ns.Value)
		default:
			p.ReportAs(audit.Medium, at, "%s joins the namespace of %s '%s'", n.name, n.ns.Type, n.ns.Value)
		}
	}
}
