package rules

import (
	"path"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/reach"
)

const networkInstead = `Use <interface type='network'><source network='default'/><model type='virtio'/></interface>, or a bridge`

var network = []*audit.Rule{
	{
		ID:       "network-user-slirp",
		Title:    "Network uses SLIRP, a TCP/IP stack inside QEMU",
		Severity: audit.Medium,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `A library in the QEMU process parses every packet of the guest, and vulnerabilities
that let guests overflow its buffers or read its memory are found regularly, the latest in 2026. No
packet filter can protect it, and the gateway's address leads to services that listen only on the
host's loopback address. passt does the same in a separate process with fewer privileges. Guests of
unprivileged users have no other network. libvirt uses passt by default only if QEMU was built
without SLIRP.`,
		Fix: `Use <interface type='user'><backend type='passt'/></interface>, or a network or bridge of the host`,
		Refs: []string{
			"https://libvirt.org/formatdomain.html#userspace-connection-using-slirp", "https://libvirt.org/formatdomain.html#userspace-connection-using-passt",
			"https://nvd.nist.gov/vuln/detail/CVE-2019-14378", "https://nvd.nist.gov/vuln/detail/CVE-2026-9539", "https://nvd.nist.gov/vuln/detail/CVE-2026-120830",
		},
		Check: func(p *audit.Pass) {
			if p.VerdictIs("not-qemu") {
				return
			}
			for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
				if i.Source != nil && i.Source.User != nil && (i.Backend == nil || i.Backend.Type != "passt") {
					p.Reportf(at.Attr("type"), "the interface uses libvirt's default backend, SLIRP inside QEMU, instead of 'passt'")
				}
			}
			for _, o := range passedOptions(p, "netdev", "nic", "net") {
				if o.First("type") == "user" {
					p.Reportf(o.At, "-%s user uses SLIRP, inside QEMU", o.Name)
				}
			}
		},
		Fixes: leaveSLIRP,
	},
	{
		ID:       "network-tunnel-unauth",
		Title:    "Guest network uses an open socket without authentication",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `The guest's Ethernet frames are sent over plain TCP or UDP, and QEMU accepts frames
from anyone who can reach the socket: that client is on the guest's network, and no packet filter
applies. Any host that receives a multicast group can join it. Sockets on loopback addresses, which
only this host's users can reach, are not reported. It is also harmless on an isolated network with
only such guests, as in a laboratory.`,
		Fix:  networkInstead,
		Refs: []string{"https://libvirt.org/formatdomain.html#multicast-tunnel", "https://libvirt.org/formatdomain.html#tcp-tunnel", "https://libvirt.org/formatdomain.html#udp-unicast-tunnel"},
		Check: func(p *audit.Pass) {
			if p.VerdictIs("not-qemu") {
				return
			}
			for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
				switch s := i.Source; {
				case s == nil:
				case s.MCast != nil:
					p.Reportf(at.Elem("source"), "any host that joins multicast group %s is on the guest's network", s.MCast.Address)
				case s.Server != nil && !isLoopback(s.Server.Address):
					p.Reportf(at.Elem("source"), "any client of port %d on %s is on the guest's network", s.Server.Port, addressOrAny(s.Server.Address))
				case s.Client != nil && !isLoopback(s.Client.Address):
					p.Reportf(at.Elem("source"), "the guest's frames are sent unencrypted to %s, without authentication", addressOrAny(s.Client.Address))
				case s.UDP != nil && !isLocalUDP(s.UDP):
					p.Reportf(at.Elem("source"), "the guest's frames are sent unencrypted to %s, and any sender is accepted", addressOrAny(s.UDP.Address))
				}
			}
			reportPassedTunnels(p)
		},
		Fixes: leaveTunnel,
	},
	{
		ID:       "network-script",
		Title:    "Script runs on the host when the interface starts",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `libvirt, or Xen's tools, run the named executable with their own privileges, usually
root, at each start and stop of the guest: anyone who may write the file, or the document, controls
the host. libvirt taints such a guest with shell-scripts. The scripts that Xen provides for its
networks are the usual method there and only low. An empty path, which some management software
writes, runs nothing.`,
		Fix:  networkInstead,
		Refs: []string{"https://libvirt.org/formatdomain.html#generic-ethernet-connection"},
		// <backend tap> and <backend vhost> are not scripts: they name a device that libvirt opens.
		Check: func(p *audit.Pass) {
			for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
				reportScript(p, at.Elem("script"), i.Script)
				reportScript(p, at.Elem("downscript"), i.DownScript)
			}
			for _, o := range passedOptions(p, "netdev", "nic", "net") {
				for _, key := range []string{"script", "downscript"} {
					if v, ok := o.Get(key); ok && v != "" && v != "no" && o.First("type") == "tap" {
						p.Key(key).Reportf(o.At, "-%s makes QEMU run '%s' on the host", o.Name, v)
					}
				}
			}
		},
		Fixes: removeScript,
	},
}

func reportScript(p *audit.Pass, at audit.Path, s *libvirtxml.DomainInterfaceScript) {
	if s == nil || strings.TrimSpace(s.Path) == "" {
		return
	}
	severity := audit.High
	name := strings.TrimPrefix(path.Clean(s.Path), "/etc/xen/scripts/")
	if p.Type == "xen" && !strings.Contains(name, "/") {
		severity = audit.Low // Xen searches for a name without a directory in its own directory
	}
	p.ReportAs(severity, at.Attr("path"), "'%s' runs on the host when the guest starts or stops", s.Path)
}

// isLocalUDP reports whether both ends are loopback addresses. The local end decides who can send.
func isLocalUDP(s *libvirtxml.DomainInterfaceSourceUDP) bool {
	return isLoopback(s.Address) && (s.Local == nil || isLoopback(s.Local.Address))
}

// reportPassedTunnels reports networks of the command line that are sockets which others can reach,
// once for each argument. Ports that are forwarded to the guest are not its network.
func reportPassedTunnels(p *audit.Pass) {
	var last audit.Path
	for _, r := range passedResources(p) {
		if isTunnel(r.Resource) && r.At != last {
			last = r.At
			p.Reportf(r.At, "-%s sends the guest's frames over an open socket", strings.TrimSpace(r.option.Name+" "+r.option.First("type")))
		}
	}
}

// isTunnel reports whether a resource is an end of the guest's network that is not on this host
// alone. QEMU accepts frames for L2TPv3 from any sender too, and those of a multicast group from
// every member. VSOCK leads to the host or, where QEMU listens, from any other guest.
func isTunnel(r *audit.Resource) bool {
	if r.Endpoint == nil || !strings.HasPrefix(r.ID, "qemu-netdev") || r.ID == "qemu-netdev-hostfwd" || r.ID == "qemu-netdev-guestfwd" {
		return false
	}
	switch e := r.Endpoint; e.Transport {
	case reach.Multicast:
		return true
	case reach.VSOCK:
		return r.Access&reach.Listen != 0
	default:
		return !isLocal(e.Host)
	}
}
