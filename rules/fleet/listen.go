package fleet

import (
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/reach"
)

// maxInRanges is how many ports of ranges are compared; of further ranges, only the first.
const maxInRanges = 1024

// ports walks the TCP and UDP ports that the document sets.
func ports(p *audit.Pass, yield func(resource)) {
	boxed, more := container{pass: p}, maxInRanges
	for r := range reached(p) {
		isDisplay := strings.HasPrefix(r.ID, "gfx-")
		if r.Access&reach.Listen == 0 || r.Endpoint == nil && !isDisplay {
			continue
		}
		if boxed.holds() {
			return
		}
		switch {
		case isDisplay:
			displayPort(p, r, yield)
		case r.Endpoint.Transport == reach.TCP || r.Endpoint.Transport == reach.UDP:
			l := listener{string(r.Endpoint.Transport), address(r.Endpoint.Host), reported(r)}
			first, last, isRange := strings.Cut(r.Endpoint.Port, "-")
			if !isRange {
				l.port(first, "port "+first, yield)
				continue
			}
			from, err := strconv.Atoi(first)
			to, err2 := strconv.Atoi(last)
			if err != nil || err2 != nil {
				continue
			}
			for n := from; n == from || n <= min(to, 65535) && more > 0; n++ {
				l.port(strconv.Itoa(n), "ports "+r.Endpoint.Port, yield)
				more--
			}
		}
	}
}

// listener is where a guest's process listens, without the port.
type listener struct {
	transport, host string
	at              audit.Path
}

// port yields a port, which words describe.
func (l listener) port(number, words string, yield func(resource)) {
	if n, err := strconv.Atoi(number); err != nil || n <= 0 || n > 65535 {
		return
	}
	yield(resource{
		key: l.transport + " " + number, at: l.at, detail: l.host,
		what: strings.ToUpper(l.transport) + " " + words + " on " + l.host,
	})
}

// address writes the address of a listener so that equal texts mean the same.
func address(h reach.Host) string {
	switch {
	case h.Every(), h.Name == "*":
		return "any address"
	case h.Name == "localhost":
		return "127.0.0.1"
	}
	return h.String()
}

// displayPort yields the port of a display that the document sets, unless libvirt chooses it.
func displayPort(p *audit.Pass, r *audit.Resource, yield func(resource)) {
	name := "port"
	switch r.ID {
	case "gfx-listen", "gfx-address", "gfx-network":
	case "gfx-websocket":
		name = "websocket"
	case "gfx-tls":
		name = "tlsPort"
	default:
		return // a socket
	}
	display := around(r.At, "/listen")
	number, _ := p.Attr(display.Attr(name))
	if auto, _ := p.Attr(display.Attr("autoport")); auto == "yes" && name != "websocket" {
		return
	}
	if host := listens(p, display); host != "" {
		listener{"tcp", host, display.Attr(name)}.port(number, "port "+number, yield)
	}
}

// listens returns the address that a display listens on: that of the first <listen>, or the
// attribute, or the one of qemu.conf. It returns "" for a display that is not on the network.
func listens(p *audit.Pass, display audit.Path) string {
	get := func(at audit.Path) string { text, _ := p.Attr(at); return text }
	kind, first := get(display.Attr("type")), display.Elem("listen")
	if p.Has(first) {
		switch get(first.Attr("type")) {
		case "network":
			return "network " + get(first.Attr("network"))
		case "address", "":
			if host := get(first.Attr("address")); host != "" {
				return address(reach.ParseHost(host))
			}
		default:
			return ""
		}
	} else if kind == "vnc" && get(display.Attr("socket")) != "" {
		return ""
	}
	if host := get(display.Attr("listen")); host != "" {
		return address(reach.ParseHost(host))
	}
	listen, socket := p.Conf().Listen(kind)
	if socket.Value {
		return ""
	}
	return address(reach.ParseHost(listen.Value))
}

// boundSockets walks the UNIX sockets on which the guest's process listens, except those that
// libvirt places in a directory of the guest. Sockets to which it connects belong to another
// process, which may serve many guests.
func boundSockets(p *audit.Pass, yield func(resource)) {
	boxed := container{pass: p}
	for r := range reached(p) {
		if r.Kind != reach.Socket || r.Access&reach.Listen == 0 || r.Implied {
			continue
		}
		if boxed.holds() {
			return
		}
		if !inContainerOnly(r.Name) {
			yield(resource{key: r.Name, at: r.At, what: r.Written})
		}
	}
}
