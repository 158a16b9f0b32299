package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
	"github.com/virt-audit/virt-audit/audit/secret"
)

const (
	loopback         = "127.0.0.1"
	listenOnLoopback = "Listen on 127.0.0.1; clients on other hosts then need an SSH tunnel"
)

// localDisplay returns the fixes of a console that other hosts can reach.
func localDisplay(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if o, ok := p.OptionAt(f.Path); ok {
		return localPassedDisplay(p, o)
	}
	at, ok := f.Path.Device()
	if !ok {
		return nil
	}
	fixes := onlySafe(listenOnLoopback, listenLocally(p, at)...)
	if edits := listenOnSocket(p, at); edits != nil {
		fixes = append(fixes, audit.SafeFix("Listen on a UNIX socket that libvirt creates; "+
			"clients then connect through libvirt, or by SSH to the host", edits...))
	}
	return fixes
}

// listenLocally returns the edits that make a console listen on a loopback address. libvirt
// requires that the attribute equals the address of the first <listen>, and uses only that one
// (virDomainGraphicsListenDefParseXML).
func listenLocally(p *audit.Pass, at audit.Path) (edits []edit.Edit) {
	listen := at.Elem("listen")
	switch kind, _ := p.Attr(listen.Attr("type")); {
	case !p.Has(listen):
		return []edit.Edit{edit.Set(at.Attr("listen"), loopback)}
	case kind == "network":
		edits = append(edits,
			edit.Replace(listen, "<listen type='address' address='"+loopback+"'/>"))
	default:
		edits = append(edits, edit.Set(listen.Attr("address"), loopback))
	}
	if p.Has(at.Attr("listen")) {
		edits = append(edits, edit.Set(at.Attr("listen"), loopback))
	}
	return edits
}

// listenOnSocket returns the edits that make a console listen on a socket; none if it cannot. With
// a SPICE channel that requires TLS the guest would not start: a socket has no TLS port
// (qemuBuildGraphicsSPICECommandLine).
func listenOnSocket(p *audit.Pass, at audit.Path) []edit.Edit {
	switch kind, _ := p.Attr(at.Attr("type")); kind {
	case "vnc":
	case "spice":
		if mode, _ := p.Attr(at.Attr("defaultMode")); mode == "secure" {
			return nil
		}
		for c := range channelsOf(p, at) {
			if mode, _ := p.Attr(c.Attr("mode")); mode == "secure" {
				return nil
			}
		}
	default:
		return nil
	}
	edits := []edit.Edit{p.Put(at, "listen", "<listen type='socket'/>")}
	return append(edits, dropped(p, at.Attr("listen"), at.Attr("websocket"))...)
}

// channelsOf yields the paths of the channels of a console.
func channelsOf(p *audit.Pass, at audit.Path) func(yield func(audit.Path) bool) {
	return func(yield func(audit.Path) bool) {
		e, missing := p.Find(at)
		if len(missing) > 0 {
			return
		}
		for c := range e.Children("channel") {
			if !yield(c.Path()) {
				return
			}
		}
	}
}

// localPassedDisplay is localDisplay for the command line.
func localPassedDisplay(p *audit.Pass, o audit.Option) []audit.Fix {
	remove := audit.SafeFix("Delete the argument; the guest keeps the consoles that libvirt starts",
		deleteArgument(p, o.At)...)
	local := onLoopback(p, o)
	if local == nil {
		return []audit.Fix{remove}
	}
	return []audit.Fix{audit.SafeFix(listenOnLoopback, local...), remove}
}

// isRewritable reports whether a fix can state the whole argument again: it is not JSON, and
// reports that show the fix reveal no secret.
func isRewritable(o audit.Option) bool {
	return !isJSON(o) && !secret.InArgument(o.Value)
}

// onLoopback returns the edits that make -vnc, -display vnc or -spice listen on a loopback address;
// none if the argument cannot be changed.
func onLoopback(p *audit.Pass, o audit.Option) []edit.Edit {
	switch _, stated := o.Get("addr"); {
	case !isRewritable(o):
		return nil
	case o.Name == "spice" && !stated:
		return []edit.Edit{edit.Set(o.At, o.Value+",addr="+loopback)}
	}
	return changeParts(p, o.At, func(key, value string) string {
		switch i := strings.LastIndexByte(value, ':'); {
		case o.Name == "spice" && key == "addr":
			value = loopback
		case o.Name == "spice", key != "vnc" && key != "websocket" && (key != "" || o.Name != "vnc"):
		case i < 0 || strings.HasPrefix(value, "unix:") || key == "websocket" && i == 0:
		case !isLoopback(value[:i]):
			value = loopback + value[i:]
		}
		return writePart(key, value)
	})
}

// encryptSPICE returns the fixes of a SPICE console that may be unencrypted. If the host has no
// certificates, a guest that requires TLS does not start.
func encryptSPICE(p *audit.Pass, f *audit.Finding) []audit.Fix {
	at, ok := f.Path.Device()
	if !ok {
		return localDisplay(p, f)
	}
	local := audit.SafeFix(listenOnLoopback, listenLocally(p, at)...)
	if f.Key == "channel" {
		return []audit.Fix{audit.SafeFix("Require TLS for the channel, as for the others",
			edit.Set(f.Path, "secure")), local}
	}
	secure := []edit.Edit{edit.Set(at.Attr("defaultMode"), "secure")}
	for c := range channelsOf(p, at) {
		if mode, _ := p.Attr(c.Attr("mode")); mode == "insecure" {
			secure = append(secure, edit.Set(c.Attr("mode"), "secure"))
		}
	}
	// libvirt allocates a TLS port for autoport, or for -1 (qemuProcessSPICEAllocatePorts).
	if auto, _ := p.Attr(at.Attr("autoport")); auto != "yes" && !p.Has(at.Attr("tlsPort")) {
		secure = append(secure, edit.Set(at.Attr("tlsPort"), "-1"))
	}
	if p.Conf().Bool("spice_tls").Value {
		return []audit.Fix{audit.SafeFix("Require TLS for all channels, which qemu.conf enables; "+
			"clients must support it", secure...), local}
	}
	return []audit.Fix{local, audit.UnsafeFix("Require TLS for all channels; the guest starts "+
		"only if the host has certificates and spice_tls = 1 in qemu.conf", secure...)}
}

// replaceEmptyPassword returns the fixes of a console with an empty password. Without it, a console
// on a port would be open to everyone who can reach the port.
func replaceEmptyPassword(p *audit.Pass, f *audit.Finding) []audit.Fix {
	at, ok := f.Path.Device()
	if !ok {
		return nil
	}
	var fixes []audit.Fix
	edits := dropped(p, at.Attr("passwd"), at.Attr("passwdValidTo"))
	if kind, _ := p.Attr(at.Elem("listen").Attr("type")); kind == "socket" || kind == "none" {
		fixes = onlySafe("Delete the empty password: only programs of the host can reach the "+
			"console", edits...)
	} else if socket := listenOnSocket(p, at); socket != nil && !p.Has(at.Attr("socket")) {
		fixes = onlySafe("Delete the empty password, and listen on a UNIX socket that libvirt "+
			"creates; clients then connect through libvirt, or by SSH to the host",
			append(edits, socket...)...)
	}
	return append(fixes, audit.UnsafeFix("Delete the console; without a <video>, the guest also "+
		"loses its video card", edit.Remove(at)),
		audit.ManualFix("Choose a password for each session, and set it with its end of validity"))
}
