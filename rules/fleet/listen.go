package fleet

import (
	"fmt"
	"strconv"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
)

// ports walks the TCP and UDP ports that the document sets.
func ports(p *audit.Pass, yield func(resource)) {
	if inContainer(p) {
		return
	}
	one := func(network, host, port string, at audit.Path) {
		if n, err := strconv.Atoi(port); err != nil || n <= 0 || n > 65535 {
			return
		}
		switch strings.ToLower(host) {
		case "", "0.0.0.0", "::", "[::]", "*":
			host = "any address"
		case "localhost":
			host = "127.0.0.1"
		}
		yield(resource{network + " " + port, at, host, fmt.Sprintf("%s port %s on %s", strings.ToUpper(network), port, host)})
	}
	for at, g := range audit.Each("devices/graphics", p.Devices.Graphics) {
		type port struct {
			name   string
			number int
			auto   bool
		}
		var fixed []port
		host := ""
		switch {
		case g.VNC != nil:
			host = listens(p, "vnc", g.VNC.Listen, g.VNC.Listeners)
			fixed = []port{{"port", g.VNC.Port, g.VNC.AutoPort == "yes"}, {"websocket", g.VNC.WebSocket, false}}
			if g.VNC.Socket != "" {
				host = ""
			}
		case g.Spice != nil:
			host = listens(p, "spice", g.Spice.Listen, g.Spice.Listeners)
			auto := g.Spice.AutoPort == "yes"
			fixed = []port{{"port", g.Spice.Port, auto}, {"tlsPort", g.Spice.TLSPort, auto}}
		case g.RDP != nil:
			host = listens(p, "rdp", g.RDP.Listen, g.RDP.Listeners)
			fixed = []port{{"port", g.RDP.Port, g.RDP.AutoPort == "yes"}}
		}
		for _, f := range fixed {
			if host != "" && !f.auto {
				one("tcp", host, strconv.Itoa(f.number), at.Attr(f.name))
			}
		}
	}
	for _, c := range chardevs(p) {
		if t := c.source.TCP; t != nil && t.Mode == "bind" {
			one("tcp", t.Host, t.Service, c.at.Attr("service"))
		}
		if u := c.source.UDP; u != nil {
			one("udp", u.BindHost, u.BindService, c.at.Attr("service"))
		}
	}
	for _, l := range commandListeners(p) {
		if l.network != "unix" {
			one(l.network, l.host, l.port, l.at)
		}
	}
}

// listens returns the address that a display listens on: that of the first <listen>, or the
// attribute, or the one of qemu.conf. It returns "" for a display that is not on the network.
func listens(p *audit.Pass, kind, attribute string, list []libvirtxml.DomainGraphicListener) string {
	if len(list) > 0 {
		switch l := list[0]; {
		case l.Address != nil && l.Address.Address != "":
			return l.Address.Address
		case l.Address != nil:
		case l.Network != nil:
			return "network " + l.Network.Network
		default:
			return ""
		}
	}
	if attribute != "" {
		return attribute
	}
	listen, socket := p.Conf().Listen(kind)
	switch {
	case socket.Value:
		return ""
	case listen.Value == "":
		return "0.0.0.0"
	}
	return listen.Value
}

// boundSockets walks the UNIX sockets on which the guest's process listens. Sockets to which it
// connects belong to another process, which may serve many guests.
func boundSockets(p *audit.Pass, yield func(resource)) {
	if inContainer(p) {
		return
	}
	one := func(name string, at audit.Path) {
		yield(resource{key: hostPath(name), at: at, what: name})
	}
	for at, g := range audit.Each("devices/graphics", p.Devices.Graphics) {
		var list []libvirtxml.DomainGraphicListener
		switch {
		case g.VNC != nil:
			list = g.VNC.Listeners
			if len(list) == 0 {
				one(g.VNC.Socket, at.Attr("socket"))
			}
		case g.Spice != nil:
			list = g.Spice.Listeners
		}
		for at, l := range audit.EachIn(at, "listen", list) {
			if l.Socket != nil {
				one(l.Socket.Socket, at.Attr("socket"))
			}
		}
	}
	for _, c := range chardevs(p) {
		if u := c.source.UNIX; u != nil && u.Mode == "bind" {
			one(u.Path, c.at.Attr("path"))
		}
	}
	for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
		if i.Source == nil || i.Source.VHostUser == nil || i.Source.VHostUser.Chardev == nil {
			continue
		}
		if u := i.Source.VHostUser.Chardev.UNIX; u != nil && u.Mode == "server" {
			one(u.Path, at.Elem("source").Attr("path"))
		}
	}
	for _, l := range commandListeners(p) {
		if l.network == "unix" {
			one(l.host, l.at)
		}
	}
}
