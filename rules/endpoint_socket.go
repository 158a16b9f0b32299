package rules

import (
	"cmp"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/hostpath"
	"github.com/virt-audit/virt-audit/audit/reach"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

var controlSockets = []*audit.Rule{
	{
		ID:       "endpoint-sensitive-socket",
		Title:    "Guest is connected to a socket that controls the host",
		Severity: audit.Critical,
		Profiles: allProfiles,
		Doc: `A serial port, console or channel with mode='connect' hands the guest the other end of
the connection: what the guest writes arrives at the service as if a process of the host had sent
it. At the socket of a container engine, of libvirt or of systemd that is control of the host, and
at the monitor of a guest it is control of that QEMU. libvirt also changes the owner of the socket
for the guest. The severity is that of the service: sockets of unknown services in /run and sockets
in /tmp, where any user can listen first, are medium. Also reported are management ports and the
metadata service of a cloud, a display on a D-Bus of the host, and QEMU listening where clients
expect a service of the host. A directory in the configuration's list allow.directories is not
reported.`,
		Fix: `Delete the device, or let QEMU listen: <source mode='bind' path='...'/>`,
		Refs: []string{
			refs.QEMUSecurity, "https://libvirt.org/formatdomain.html#unix-domain-socket-client-server",
			"https://docs.docker.com/engine/security/#docker-daemon-attack-surface", "https://libvirt.org/acl.html",
		},
		Check: reportSensitiveSockets,
		Fixes: disconnect,
		NoFix: "Decide which socket of this guest alone the device can use instead, and have the " +
			"program on the host use it too",
	},
}

func reportSensitiveSockets(p *audit.Pass) {
	resources := p.Reach()
	for i := range resources {
		if r := &resources[i]; !isPassed(r) {
			reportSensitiveSocket(p, r)
		}
	}
	for _, r := range passedResources(p) {
		if r.ID != "qemu-monitor" && !strings.HasPrefix(r.option.Value, "mon:") { // endpoint-monitor-exposed
			reportSensitiveSocket(p, r.Resource)
		}
	}
}

func reportSensitiveSocket(p *audit.Pass, r *audit.Resource) {
	if r.Kind == reach.DBus {
		reportBus(p, r)
		return
	}
	place, severity, bad := sensitiveEndpoint(p, r)
	if !bad {
		return
	}
	name := "'" + r.Name + "'"
	if strings.HasPrefix(r.Name, "/") {
		name = namedPath(cmp.Or(r.Written, r.Name))
	}
	switch {
	case r.Access&reach.Listen != 0:
		p.Key("listen").ReportAs(severity, r.At, "QEMU takes the place of %s: %s", name, ofPlace(place))
	case bridgesData(r):
		p.Key("connect").ReportAs(severity, r.At, "the guest can talk to %s: %s", name, ofPlace(place))
	default:
		p.Key("relabel").ReportAs(severity, r.At, "libvirt gives QEMU access to %s: %s", name, ofPlace(place))
	}
}

// sensitiveEndpoint returns the place that a socket or address is in, and whether using it in this
// way is a finding.
//
//   - The guest's data goes to the other end: every service counts. A place that is low is one of
//     files.
//   - QEMU speaks a protocol of its own there, such as vhost-user: the guest cannot speak another.
//     But where libvirt changes the owner of the socket, all guests of that user can open it, so the
//     socket of a known service, or of another guest, counts. Helpers of QEMU are meant to be used
//     so.
//   - QEMU listens: it creates the socket, and reaches nothing. It counts where clients expect a
//     known service, or another guest.
func sensitiveEndpoint(p *audit.Pass, r *audit.Resource) (place reach.Place, severity audit.Severity, bad bool) {
	bridged := bridgesData(r)
	switch {
	case r.Kind == reach.Network && bridged && r.Access&reach.Connect != 0:
	case r.Kind == reach.Socket && !r.Implied && !p.AllowsPath(r.Name):
	default:
		return reach.Place{}, 0, false
	}
	place, word, _ := reach.Sensitive(*r, p.Domain)
	severity, bad = placeSeverity(word)
	known := !strings.ContainsAny(place.Pattern, "*{") || slices.Contains(services, place.Name) || place.Guest != ""
	switch {
	case !bad || severity < audit.Medium:
		return place, severity, false
	case r.Access&reach.Listen != 0:
		return place, severity, known
	case !bridged:
		return place, severity, known && r.Relabel && place.Name != "qemu-helper"
	}
	return place, severity, true
}

// services are the places whose sockets all belong to one service. Other places are directories in
// which guests have sockets too, by the custom of some management software.
var services = []string{"docker", "lv-sock", "snapd", "systemd-sock"}

// reportBus reports a display, or the state of a helper, on a message bus of the host. On the bus
// of a session it is the usual way to show a desktop: low.
func reportBus(p *audit.Pass, r *audit.Resource) {
	for address := range strings.SplitSeq(r.Name, ";") {
		keys, ok := strings.CutPrefix(address, "unix:")
		if !ok {
			continue
		}
		for pair := range strings.SplitSeq(keys, ",") {
			name, ok := strings.CutPrefix(pair, "path=")
			socket := audit.Resource{Kind: reach.Socket, Access: reach.Connect, Name: hostpath.Opened(name)}
			if !ok || p.AllowsPath(socket.Name) {
				continue
			}
			place, word, _ := reach.Sensitive(socket, p.Domain)
			switch severity, _ := placeSeverity(word); place.Name {
			case "dbus-sys":
				p.Key("bus").ReportAs(severity, r.At, "QEMU is on the bus %s: others on it reach the guest, and QEMU reaches them", namedPath(name))
			case "dbus-usr":
				p.Key("bus").ReportAs(audit.Low, r.At, "QEMU is on the bus %s: all of that session reaches the guest's display", namedPath(name))
			}
		}
	}
}
