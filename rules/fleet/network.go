package fleet

import (
	"fmt"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/reach"
	"github.com/virt-audit/virt-audit/audit/textset"
)

// Kinds of resources in the index, about networks.
const (
	macAddress  = "mac"    // detail: the segment
	boundPort   = "port"   // detail: the address
	boundSocket = "socket" // UNIX sockets
	guarded     = "guarded"
	unguarded   = "unguarded"
)

func indexNetwork(p *audit.Pass) {
	resources(macs).index(p, macAddress)
	resources(ports).index(p, boundPort)
	resources(boundSockets).index(p, boundSocket)
	resources(guardedSegments).index(p, guarded)
	resources(unguardedSegments).index(p, unguarded)
}

// networkOf returns the network of an interface, by its kind, name and VLAN. It returns "" if the
// document does not name it, or if the guest is alone on it.
func networkOf(i *libvirtxml.DomainInterface) string {
	var name string
	switch s := i.Source; {
	case s == nil:
	case s.Network != nil && s.Network.Network != "":
		name = "network " + s.Network.Network
		if s.Network.PortGroup != "" {
			name += "/" + s.Network.PortGroup
		}
	case s.Bridge != nil && s.Bridge.Bridge != "":
		name = "bridge " + s.Bridge.Bridge
	case s.Direct != nil && s.Direct.Dev != "":
		name = "device " + s.Direct.Dev
	}
	if name != "" && i.VLan != nil {
		for _, t := range i.VLan.Tags {
			name = fmt.Sprintf("%s VLAN %d", name, t.ID)
		}
	}
	return name
}

// macs walks the MAC addresses on networks with other guests: with user networking, each guest is
// alone.
func macs(p *audit.Pass, yield func(resource)) {
	if inContainer(p) {
		return // on a bridge inside the container
	}
	for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
		if i.MAC == nil {
			continue
		}
		if kind, _ := p.Attr(at.Attr("type")); kind == "" || kind == "user" || kind == "null" {
			continue
		}
		yield(resource{
			key: macKey(i.MAC.Address), at: at.Elem("mac").Attr("address"), detail: networkOf(i), what: i.MAC.Address,
		})
	}
}

// meetingSeverity returns the severity by how likely it is that two interfaces are on the same
// network.
func meetingSeverity(a, b string) audit.Severity {
	kind := func(s string) string { word, _, _ := strings.Cut(s, " "); return word }
	switch {
	case a == "" || b == "":
		return audit.Medium
	case a == b:
		return audit.High
	case kind(a) == kind(b):
		return audit.Low
	}
	return audit.Medium // a libvirt network and a bridge may be the same
}

func guardedSegments(p *audit.Pass, yield func(resource))   { segments(p, true, yield) }
func unguardedSegments(p *audit.Pass, yield func(resource)) { segments(p, false, yield) }

// segments walks the networks on which the guest has an interface with a filter, or one without.
// libvirt filters none that the command line adds.
func segments(p *audit.Pass, filtered bool, yield func(resource)) {
	if inContainer(p) {
		return
	}
	for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
		s := networkOf(i)
		if s == "" || strings.HasPrefix(s, "device ") {
			continue // macvtap supports neither filters nor isolation
		}
		isolated := i.PortOptions != nil && i.PortOptions.Isolated == "yes"
		if (i.FilterRef != nil && i.FilterRef.Filter != "" || isolated) == filtered {
			yield(resource{key: s, at: at, what: s})
		}
	}
	if filtered || len(p.Command.Options) == 0 {
		return
	}
	for _, r := range p.Reach() {
		if r.Kind == reach.Bridge && r.ID == "qemu-netdev-br" {
			s := "bridge " + r.Name
			yield(resource{key: s, at: r.At, what: s})
		}
	}
}

var acrossNetwork = []*audit.Rule{
	{
		ID:       "fleet-mac-dup",
		Title:    "Two guests have the same MAC address",
		Severity: audit.Medium,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `The switch sends frames to the guest that last sent one, so one guest gets the traffic
and the DHCP lease of the other. It is high if both are on the same network. It is low if both name
networks of the same kind with different names, which may be separate or the same. It is harmless
for a stand-by guest that never runs at the same time. Interfaces with user networking are not
compared: each has a separate network.`,
		Fix:  `Delete the <mac> of one of them: libvirt generates a new address when the guest is defined.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#network-interfaces", "https://libvirt.org/formatnwfilter.html"},
		Check: func(p *audit.Pass) {
			resources(macs).distinct(p, func(t resource) {
				worst := audit.Info
				found := collectGuests(p.Others(macAddress, t.key), func(u audit.Use) bool {
					worst = max(worst, meetingSeverity(t.detail, u.Detail))
					return true
				})
				if found.count > 0 {
					p.ReportAs(worst, t.at, "MAC address %s is also used by %s", t.key, found)
				}
			})
		},
		NoFix: "Decide which guest keeps the address, which DHCP and the guest's own settings " +
			"may depend on, and delete the <mac> of the other",
	},
	{
		ID:       "fleet-port-dup",
		Title:    "Two guests listen on the same port of the host",
		Severity: audit.Low,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened},
		Doc: `The guest that starts first gets the port, and the other fails to start, or its users
type a password into the console of the wrong guest. Ports that libvirt allocates are unique. Guests
that never run at the same time can share a port if their users know which guest they connect to.`,
		Fix: `Let libvirt allocate the port of a display: <graphics type='vnc' port='-1' autoport='yes'/>
Set a unique port, or a UNIX socket, for any other device.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#graphical-framebuffers"},
		Check: func(p *audit.Pass) {
			clash := func(mine resource, other audit.Use) bool {
				return mine.detail == other.Detail || mine.detail == "any address" || other.Detail == "any address"
			}
			var done textset.Set // one finding for each range
			resources(ports).clashes(p, boundPort, clash, func(t resource, others fmt.Stringer) {
				if done.Add(t.at.String() + " " + t.what) {
					p.Reportf(t.at, "%s is also used by %s", t, others)
				}
			})
		},
		Fixes: allocatePort,
		NoFix: "Choose another port in one of the guests, and change it in the clients",
	},
	{
		ID:       "fleet-socket-dup",
		Title:    "Two guests listen on the same UNIX socket",
		Severity: audit.Medium,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `The guest that starts later takes over the name from the first: a client of that
console, agent or monitor then connects to the wrong guest and trusts its answers. Sockets to which
guests connect as clients are not compared, since one server may serve all of them.`,
		Fix:  `Delete the path, so that libvirt creates one for each guest: <channel type='unix'> without <source>.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#unix-domain-socket-client-server"},
		Check: func(p *audit.Pass) {
			resources(boundSockets).report(p, boundSocket, "", "socket %s is bound by %s too", nil)
		},
		Fixes: generateSocket,
		NoFix: "Choose another path in one of the guests, and change it in the clients",
	},
	{
		ID:       "fleet-bridge-mixed-trust",
		Title:    "Guests with and without a network filter are on one network",
		Severity: audit.Medium,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.MultiTenant},
		Doc: `A network filter, or an isolated port, prevents a guest from attacking the others on
the network, and one guest without it defeats that for all of them. It can still impersonate the
others, and isolated ports can communicate with it. To keep the report short, the rule reports the
side with fewer guests: unfiltered guests if most are filtered, else the filtered ones, which are
low, since the network is then probably protected in another way. A guest that is the router for the
others must be unfiltered.`,
		Fix: `Add <filterref filter='clean-traffic'/> or <port isolated='yes'/> in the <interface> of every guest on the network, or
<port isolated='yes'/> in the network itself.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#isolating-guests-network-traffic-from-each-other", "https://libvirt.org/formatnwfilter.html"},
		Check: func(p *audit.Pass) {
			var done textset.Set
			report := func(severity audit.Severity, t resource, others, key, format string) {
				if done.Has(t.key) {
					return
				}
				if found := collectGuests(p.Others(others, t.key), anyUse); found.count > 0 {
					done.Add(t.key)
					p.Key(key).ReportAs(severity, t.at, format, t.what, found)
				}
			}
			resources(unguardedSegments).distinct(p, func(t resource) {
				if others := p.Guests(guarded, t.key); others > 0 && p.Guests(unguarded, t.key) <= others {
					report(audit.Medium, t, guarded, "unfiltered", "this interface on %s has no filter, unlike those of %s")
				}
			})
			resources(guardedSegments).distinct(p, func(t resource) {
				if others := p.Guests(unguarded, t.key); others > 0 && p.Guests(guarded, t.key) < others {
					report(audit.Low, t, unguarded, "filtered", "the filter of this interface on %s is useless: %s have interfaces without one")
				}
			})
		},
		NoFix: "Decide whether this guest is the router for the others, and which filter each " +
			"guest needs; a wrong one cuts off its network",
	},
}
