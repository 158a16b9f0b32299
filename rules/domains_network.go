package rules

import (
	"fmt"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
)

// Kinds of things in the index, about networks.
const (
	macAddress  = "mac"    // detail: the segment
	boundPort   = "port"   // detail: the address
	boundSocket = "socket" // UNIX sockets
	guarded     = "guarded"
	unguarded   = "unguarded"
)

func indexNetwork(p *audit.Pass) {
	things(macs).index(p, macAddress)
	things(ports).index(p, boundPort)
	things(boundSockets).index(p, boundSocket)
	things(guardedSegments).index(p, guarded)
	things(unguardedSegments).index(p, unguarded)
}

// segment names the network that an interface is on, by its kind, name and VLAN; "" where the
// document does not tell, or where the guest is alone on it.
func segment(i *libvirtxml.DomainInterface) string {
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

// macs walks the hardware addresses that other guests could meet: behind user networking, each guest
// is alone.
func macs(p *audit.Pass, yield func(thing)) {
	if boxed(p) {
		return // behind a bridge of the container's
	}
	for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
		if i.MAC == nil {
			continue
		}
		if kind, _ := p.Attr(at.Attr("type")); kind == "" || kind == "user" || kind == "null" {
			continue
		}
		yield(thing{macKey(i.MAC.Address), at.Elem("mac").Attr("address"), segment(i), i.MAC.Address})
	}
}

// meet says how likely it is that two interfaces are on one wire.
func meet(a, b string) audit.Severity {
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

func guardedSegments(p *audit.Pass, yield func(thing))   { segments(p, true, yield) }
func unguardedSegments(p *audit.Pass, yield func(thing)) { segments(p, false, yield) }

// segments walks the networks on which the guest has an interface with a filter, or one without.
func segments(p *audit.Pass, filtered bool, yield func(thing)) {
	if boxed(p) {
		return
	}
	for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
		s := segment(i)
		if s == "" || strings.HasPrefix(s, "device ") {
			continue // neither filters nor isolation exist on macvtap
		}
		isolated := i.PortOptions != nil && i.PortOptions.Isolated == "yes"
		if (i.FilterRef != nil && i.FilterRef.Filter != "" || isolated) == filtered {
			yield(thing{key: s, at: at, what: s})
		}
	}
}

var acrossNetwork = []*audit.Rule{
	{
		ID:       "fleet-mac-dup",
		Title:    "Two guests have the same MAC address",
		Severity: audit.Medium,
		Needs:    audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `The switch sends each guest's frames to whichever of the two spoke last, so one gets the other's
traffic and its lease from DHCP. It is high where both are on the same network, and low where both name one of the
same kind and the names differ: they may be apart, or the same under two names. A stand-by that never runs beside
its twin is the harmless case. Interfaces with user networking are not compared: each has a network of its own.`,
		Fix: `Delete the <mac> of one of them: libvirt makes a new one when the guest is defined.
<mac address='52:54:00:6b:3c:59'/>`,
		Refs: []string{"https://libvirt.org/formatdomain.html#network-interfaces", "https://libvirt.org/formatnwfilter.html"},
		Check: func(p *audit.Pass) {
			things(macs).distinct(p, func(t thing) {
				worst := audit.Info
				found := gather(p.Others(macAddress, t.key), func(u audit.Use) bool {
					worst = max(worst, meet(t.detail, u.Detail))
					return true
				})
				if found.count > 0 {
					p.ReportAs(worst, t.at, "MAC address %s is that of %s too", t.key, found)
				}
			})
		},
	},
	{
		ID:       "fleet-port-dup",
		Title:    "Two guests are to listen on the same port of the host",
		Severity: audit.Low,
		Needs:    audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened},
		Doc: `The guest that starts first gets the port; the other fails to start, or whoever connects types a
password into the console of the wrong guest. Ports that libvirt picks itself never meet. Guests that never run at
the same time may share a port, as far as their users know which one they reach.`,
		Fix: `Let libvirt pick the port of a display: <graphics type='vnc' port='-1' autoport='yes'/>
A port of its own, or a UNIX socket, for any other device.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#graphical-framebuffers"},
		Check: func(p *audit.Pass) {
			things(ports).report(p, boundPort, "", "%s is that of %s too", func(mine thing, other audit.Use) bool {
				return mine.detail == other.Detail || mine.detail == "any address" || other.Detail == "any address"
			})
		},
	},
	{
		ID:       "fleet-socket-dup",
		Title:    "Two guests are to listen on the same UNIX socket",
		Severity: audit.Medium,
		Needs:    audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `The guest that starts later takes the name away from the first: what connects to that console, agent
or monitor now speaks to another guest than it believes, and obeys its answers. Sockets to which guests connect as
clients are not compared, since one server may serve them all.`,
		Fix:  `Delete the path, so that libvirt makes one for each guest: <channel type='unix'> without <source>.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#unix-domain-socket-client-server"},
		Check: func(p *audit.Pass) {
			things(boundSockets).report(p, boundSocket, "", "socket %s is bound by %s too", nil)
		},
	},
	{
		ID:       "fleet-bridge-mixed-trust",
		Title:    "Guests with and without a filter are on one network",
		Severity: audit.Medium,
		Needs:    audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.MultiTenant},
		Doc: `A network filter, or an isolated port, keeps a guest from harming the others on the network; one
guest without undoes that for all of them, since it may still answer in their name, and isolated ports talk to it
freely. To keep the report short it names the side with fewer guests: where most are filtered those without, and
where most are not the filtered ones, at low, since the network then rests on something else. A router for the
others has to stand outside.`,
		Fix: `<filterref filter='clean-traffic'/> or <port isolated='yes'/> in the <interface> of every guest on the network, or
<port isolated='yes'/> in the network itself.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#isolating-guests-network-traffic-from-each-other", "https://libvirt.org/formatnwfilter.html"},
		Check: func(p *audit.Pass) {
			var done once
			report := func(severity audit.Severity, t thing, others, key, format string) {
				if done.has(t.key) {
					return
				}
				if found := gather(p.Others(others, t.key), anyUse); found.count > 0 {
					done.add(t.key)
					p.Key(key).ReportAs(severity, t.at, format, t.what, found)
				}
			}
			things(unguardedSegments).distinct(p, func(t thing) {
				if others := p.Guests(guarded, t.key); others > 0 && p.Guests(unguarded, t.key) <= others {
					report(audit.Medium, t, guarded, "unfiltered", "no filter on %s, unlike the interfaces of %s")
				}
			})
			things(guardedSegments).distinct(p, func(t thing) {
				if others := p.Guests(unguarded, t.key); others > 0 && p.Guests(guarded, t.key) < others {
					report(audit.Low, t, unguarded, "filtered", "the filter on %s is undone by the interfaces without one of %s")
				}
			})
		},
	},
}
