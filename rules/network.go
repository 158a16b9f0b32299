package rules

import (
	"path"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
)

const networkInstead = `<interface type='network'><source network='default'/><model type='virtio'/></interface>, or a bridge`

var network = []*audit.Rule{
	{
		ID:       "network-user-slirp",
		Title:    "Network by SLIRP, a TCP/IP stack inside QEMU",
		Severity: audit.Medium,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `Every packet of the guest is parsed by a library in the QEMU process, which guests have overflown, and
made to show its memory, for years and as late as 2026; no packet filter can be put before it, and the gateway's
address leads to services that the host offers to itself alone. passt does the same work in a process of its own,
with less rights. Guests of unprivileged users have no other network without it. libvirt takes passt by itself only
where QEMU was built without SLIRP.`,
		Fix: `<interface type='user'><backend type='passt'/></interface>, or for a system guest:
$ virt-xml DOMAIN --edit --network clearxml=yes,type=network,source=default,model=virtio`,
		Refs: []string{
			"https://libvirt.org/formatdomain.html#userspace-connection-using-slirp", "https://libvirt.org/formatdomain.html#userspace-connection-using-passt",
			"https://nvd.nist.gov/vuln/detail/CVE-2019-14378", "https://nvd.nist.gov/vuln/detail/CVE-2026-9539", "https://nvd.nist.gov/vuln/detail/CVE-2026-120830",
		},
		Check: func(p *audit.Pass) {
			if because(p, "not-qemu") {
				return
			}
			for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
				if i.Source != nil && i.Source.User != nil && (i.Backend == nil || i.Backend.Type != "passt") {
					p.Reportf(at.Attr("type"), "no back-end 'passt' is named for this interface: by libvirt's default it is SLIRP, inside QEMU")
				}
			}
			for _, o := range passedOptions(p, "netdev", "nic", "net") {
				if o.First("type") == "user" {
					p.Reportf(o.At, "-%s user is a network by SLIRP, inside QEMU", o.Name)
				}
			}
		},
	},
	{
		ID:       "network-tunnel-unauth",
		Title:    "Network of guests over an open socket, without authentication",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `The guest's Ethernet frames go over plain TCP or UDP, and QEMU takes in what anybody sends to the
socket: whoever reaches it is on the guest's network, behind all filters. Multicast is joined by any host that can
receive the group. On loopback addresses only this host's users can do so, which is not reported; a network that
holds nothing but such guests, as in a laboratory, is the other harmless case.`,
		Fix: networkInstead + `
$ virt-xml DOMAIN --edit --network clearxml=yes,type=network,source=default,model=virtio`,
		Refs: []string{"https://libvirt.org/formatdomain.html#multicast-tunnel", "https://libvirt.org/formatdomain.html#tcp-tunnel", "https://libvirt.org/formatdomain.html#udp-unicast-tunnel"},
		Check: func(p *audit.Pass) {
			if because(p, "not-qemu") {
				return
			}
			for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
				switch s := i.Source; {
				case s == nil:
				case s.MCast != nil:
					p.Reportf(at.Elem("source"), "whoever joins multicast group %s is on the guest's network", s.MCast.Address)
				case s.Server != nil && !loopback(s.Server.Address):
					p.Reportf(at.Elem("source"), "whoever connects to port %d on %s is on the guest's network", s.Server.Port, everywhere(s.Server.Address))
				case s.Client != nil && !loopback(s.Client.Address):
					p.Reportf(at.Elem("source"), "the guest's frames go in the clear to %s, whoever answers there", everywhere(s.Client.Address))
				case s.UDP != nil && !localDatagrams(s.UDP):
					p.Reportf(at.Elem("source"), "the guest's frames go in the clear to %s and are taken from anybody", everywhere(s.UDP.Address))
				}
			}
			for _, o := range passedOptions(p, "netdev", "nic", "net") {
				if openTunnel(o) {
					p.Reportf(o.At, "-%s %s carries the guest's frames over an open socket", o.Name, o.First("type"))
				}
			}
		},
	},
	{
		ID:       "network-script",
		Title:    "Program of the host runs when the interface starts",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `libvirt, or Xen's tools, run the named program with their own rights, most often root, at each start
and stop of the guest: whoever may write the file, or the document, owns the host. libvirt marks such a guest as
tainted by shell scripts. The scripts that Xen brings along for its networks are its ordinary way and only low. An
empty path, which some managers write, runs nothing.`,
		Fix: networkInstead + `
$ virt-xml DOMAIN --edit --network clearxml=yes,type=network,source=default,model=virtio`,
		Refs: []string{"https://libvirt.org/formatdomain.html#generic-ethernet-connection"},
		// <backend tap> and <backend vhost> are no such thing: they name a device that libvirt opens.
		Check: func(p *audit.Pass) {
			for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
				script(p, at.Elem("script"), i.Script)
				script(p, at.Elem("downscript"), i.DownScript)
			}
			for _, o := range passedOptions(p, "netdev", "nic", "net") {
				for _, key := range []string{"script", "downscript"} {
					if v, ok := o.Get(key); ok && v != "" && v != "no" && o.First("type") == "tap" {
						p.Key(key).Reportf(o.At, "-%s makes QEMU run '%s' on the host", o.Name, v)
					}
				}
			}
		},
	},
}

func script(p *audit.Pass, at audit.Path, s *libvirtxml.DomainInterfaceScript) {
	if s == nil || strings.TrimSpace(s.Path) == "" {
		return
	}
	severity := audit.High
	name := strings.TrimPrefix(path.Clean(s.Path), "/etc/xen/scripts/")
	if p.Type == "xen" && !strings.Contains(name, "/") {
		severity = audit.Low // Xen looks for a bare name in its own folder
	}
	p.ReportAs(severity, at.Attr("path"), "'%s' runs on the host when the guest starts or stops", s.Path)
}

// localDatagrams reports whether both ends are this host's own. The local end decides who can send.
func localDatagrams(s *libvirtxml.DomainInterfaceSourceUDP) bool {
	return loopback(s.Address) && (s.Local == nil || loopback(s.Local.Address))
}

// openTunnel reports whether a network of the command line is a socket that others can reach:
// "socket,listen=HOST:PORT", or the newer stream and dgram with addresses in parts.
func openTunnel(o audit.Option) bool {
	kind := o.First("type")
	if kind != "socket" && kind != "stream" && kind != "dgram" {
		return false
	}
	for _, a := range o.Args {
		switch a.Key {
		case "mcast":
			return true
		case "listen", "connect", "udp", "localaddr":
			host := a.Value
			if i := strings.LastIndexByte(host, ':'); i >= 0 {
				host = host[:i]
			}
			if !loopback(host) {
				return true
			}
		case "addr.host", "local.host", "remote.host":
			if !loopback(a.Value) {
				return true
			}
		}
	}
	return false
}
