package rules

import (
	"iter"
	"slices"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
)

// display is a graphical console that clients connect to.
type display struct {
	kind            string
	passwd, validTo string
	listen          string
	listeners       []libvirtxml.DomainGraphicListener
	local           bool // on a socket, or without any endpoint, regardless of the listen elements
	spice           *libvirtxml.DomainGraphicSpice
}

// displayServers walks the graphical consoles of some kinds.
func displayServers(p *audit.Pass, kinds ...string) iter.Seq2[audit.Path, display] {
	return func(yield func(audit.Path, display) bool) {
		for at, g := range audit.Each("devices/graphics", p.Devices.Graphics) {
			var d display
			switch {
			case g.VNC != nil:
				// libvirt 9.0 makes a socket of any <listen> when the attribute is there.
				v := g.VNC
				d = display{"VNC", v.Passwd, v.PasswdValidTo, v.Listen, v.Listeners, v.Socket != "", nil}
			case g.Spice != nil:
				// Without ports and autoport libvirt has QEMU listen nowhere.
				s := g.Spice
				d = display{"SPICE", s.Passwd, s.PasswdValidTo, s.Listen, s.Listeners, s.Port == 0 && s.TLSPort == 0 && s.AutoPort != "yes", s}
			case g.RDP != nil:
				r := g.RDP
				d = display{"RDP", r.Passwd, "", r.Listen, r.Listeners, false, nil}
			default:
				continue
			}
			if slices.Contains(kinds, d.kind) && !yield(at, d) {
				return
			}
		}
	}
}

// public reports whether a display listens on an address that others than this host can reach. It
// returns the path that sets the address, and the address for messages. The first <listen> decides,
// then the attribute, then qemu.conf; 127.0.0.1 is libvirt's default. A virtual network means the
// host's address on it, which all its guests can reach.
func (d display) public(p *audit.Pass, at audit.Path) (where audit.Path, address string, public bool) {
	if !d.tcp() {
		return at, "", false
	}
	where, address = at.Attr("listen"), d.listen
	if len(d.listeners) > 0 {
		l := d.listeners[0]
		switch {
		case l.Network != nil:
			// libvirt drops the address of such an element from a definition, and sets it for a
			// running guest (virDomainGraphicsListenDefParseXML). A document can claim to be of a
			// running guest, so an address other than loopback is required.
			if a := l.Network.Address; p.Live() && a != "" && !isLoopback(a) {
				return at.Elem("listen").Attr("address"), a, true
			}
			return at.Elem("listen").Attr("network"), "virtual network '" + l.Network.Network + "'", true
		case l.Address.Address != "":
			where, address = at.Elem("listen").Attr("address"), l.Address.Address
		}
	}
	if address != "" {
		return where, address, !isLoopback(address)
	}
	switch listen, socket := p.Conf().Listen(d.confPrefix()); {
	case socket.Value || !listen.Set:
		return where, "", false
	default:
		return where, addressOrAny(listen.Value) + " (" + listen.Where() + ")", !isLoopback(listen.Value)
	}
}

// confPrefix returns the prefix of qemu.conf's settings about displays of this kind.
func (d display) confPrefix() string { return strings.ToLower(d.kind) }

// confAddress returns the address from qemu.conf if the document states none for the display, else
// "". It is the part of a finding's identity that is not in the document.
func (d display) confAddress(p *audit.Pass) string {
	if d.listen != "" {
		return ""
	}
	if len(d.listeners) > 0 {
		if l := d.listeners[0]; l.Network != nil || l.Address != nil && l.Address.Address != "" {
			return ""
		}
	}
	listen, _ := p.Conf().Listen(d.confPrefix())
	return listen.Value
}

// authenticated reports whether the host authenticates clients by more than a password: SASL or
// client certificates. It also returns where SASL is disabled.
func (d display) authenticated(p *audit.Pass) (yes bool, unset string) {
	if d.kind == "RDP" {
		return false, ""
	}
	sasl := p.Conf().Bool(d.confPrefix() + "_sasl")
	tls := d.kind == "VNC" && p.Conf().Bool("vnc_tls").Value && p.Conf().Verify("vnc").Value
	return sasl.Value || tls, sasl.Where()
}

// tcp reports whether the display has a port at all.
func (d display) tcp() bool {
	if d.local || len(d.listeners) == 0 {
		return !d.local
	}
	return d.listeners[0].Address != nil || d.listeners[0].Network != nil // else a socket, or none
}

// The password protection of a display.
const (
	passwordNone    = iota
	passwordEmpty   // an empty password
	passwordExpired // a placeholder that expired in 1970: management software sets a password for each session
	passwordSet     // a password, possibly masked
	passwordUnknown // unknown: passwords are not in this document
)

// statedPassword returns the password protection that the document sets.

func (d display) statedPassword(p *audit.Pass, at audit.Path) int {
	expired := strings.HasPrefix(d.validTo, "1970-")
	switch {
	case d.passwd != "" && expired:
		return passwordExpired
	case d.passwd != "":
		return passwordSet
	case p.Has(at.Attr("passwd")):
		return passwordEmpty
	case p.SecretsShown():
		return passwordNone
	}
	// An end of validity alone proves nothing: libvirt omits the password from its output, but not
	// the end of its validity. In a definition without a password it ignores the end and requires
	// no authentication (QMP query-vnc and query-spice: auth none; libvirt 9.0 and 12.8).
	return passwordUnknown
}

// effectivePassword is statedPassword with the password of qemu.conf, which libvirt uses if the
// document has none.
func (d display) effectivePassword(p *audit.Pass, at audit.Path) int {
	protection := d.statedPassword(p, at)
	if d.kind == "RDP" || protection != passwordNone && protection != passwordUnknown {
		return protection
	}
	switch password := p.Conf().String(d.confPrefix() + "_password"); {
	case password.Value != "":
		return passwordSet
	case password.Set && protection == passwordNone:
		return passwordEmpty
	}
	return protection
}

// reportUnprotected reports a public display that has no password, or one whose password is not
// shown. The arguments of format are the address, and where other authentication is disabled.
func reportUnprotected(p *audit.Pass, where audit.Path, d display, at audit.Path, format, address string) {
	yes, unset := d.authenticated(p)
	if yes {
		return
	}
	switch d.effectivePassword(p, at) {
	case passwordNone:
		p.Key("open", d.confAddress(p)).Reportf(where, format, address, unset)
	case passwordUnknown:
		p.Key("unseen", d.confAddress(p)).ReportAs(audit.High, where, "%s listens on %s; this document does not show whether a password is required", d.kind, address)
		p.Unknown(audit.NeedSecrets)
	}
}

// spiceChannels are the channels for which a document can set a mode.
var spiceChannels = []string{"main", "display", "inputs", "cursor", "playback", "record", "smartcard", "usbredir"}

// reportPlaintext reports displays with a channel that may be unencrypted. A TLS port that is
// missing or that qemu.conf does not allow is not a separate case: with mode 'secure' the guest
// does not start, and with 'any' there is a plain port. A channel with mode 'insecure' overrides a
// secure default; one with 'any' uses the default (qemuProcessGraphicsAllocatePorts,
// qemuBuildGraphicsSPICECommandLine in libvirt 9.0).
func reportPlaintext(p *audit.Pass) {
	for at, d := range displayServers(p, "SPICE") {
		_, address, public := d.public(p, at)
		if !public || d.spice.Port == 0 && d.spice.TLSPort != 0 && d.spice.AutoPort != "yes" {
			continue // not on the network, or only on a TLS port
		}
		secured := 0
		// If a channel is named twice, its last mode is effective (libvirt 9.0 and 12.8).
		last := map[string]*libvirtxml.DomainGraphicSpiceChannel{}
		for i := range d.spice.Channel {
			last[d.spice.Channel[i].Name] = &d.spice.Channel[i]
		}
		for channelAt, c := range audit.EachIn(at, "channel", d.spice.Channel) {
			switch {
			case last[c.Name] != c:
			case c.Mode == "secure" && slices.Contains(spiceChannels, c.Name):
				secured++
			case c.Mode == "insecure" && d.spice.DefaultMode == "secure":
				p.Key("channel", d.confAddress(p)).Reportf(channelAt.Attr("mode"), "SPICE on %s may send channel '%s' unencrypted: mode '%s'", address, c.Name, c.Mode)
			}
		}
		switch mode := d.spice.DefaultMode; {
		case mode == "secure" || secured >= len(spiceChannels):
		case mode == "":
			p.Key("default-mode", d.confAddress(p)).Reportf(at, "SPICE on %s may be unencrypted: defaultMode is 'any' by default", address)
		default:
			p.Key("default-mode", d.confAddress(p)).Reportf(at.Attr("defaultMode"), "SPICE on %s may be unencrypted: defaultMode '%s'", address, mode)
		}
	}
	for _, o := range passedOptions(p, "spice") {
		host, _ := o.Get("addr")
		channel, _ := o.Get("tls-channel")
		if _, plain := o.Get("port"); plain && channel != "default" && publicSPICE(o) {
			p.Reportf(o.At, "-spice opens a console on %s that may be unencrypted", addressOrAny(host))
		}
	}
}

// passedOptions returns the options of some names that the document passes to QEMU, without names
// all of them.
func passedOptions(p *audit.Pass, names ...string) []audit.Option {
	if len(p.Command.Options) == 0 || p.VerdictIs("not-qemu") && p.Type != "xen" {
		return nil
	}
	if len(names) == 0 {
		return p.Command.Options
	}
	return p.Command.Named(names...)
}

func switchedOn(o audit.Option, key string) bool {
	v, _ := o.Get(key)
	return v == "on" || v == "yes" || v == "true" || v == "y"
}

// passedVNC parses "-vnc HOST:DISPLAY,..." or "-display vnc=HOST:DISPLAY,...". It returns the host,
// whether others than this host can connect, and how they authenticate: "password", "more" or "".
// QEMU listens on every address of a list, and on that of the WebSocket, which can have a host of
// its own (vnc_display_get_addresses in ui/vnc.c of QEMU 7.2).
func passedVNC(o audit.Option) (host string, open bool, auth string) {
	if switchedOn(o, "reverse") {
		return "", false, "" // a connection that QEMU opens as the client
	}
	for _, a := range o.Args {
		if a.Key != "vnc" && a.Key != "websocket" && (a.Key != "" || o.Name != "vnc") {
			continue
		}
		i := strings.LastIndexByte(a.Value, ':')
		if i < 0 || strings.HasPrefix(a.Value, "unix:") || a.Key == "websocket" && i == 0 {
			continue // none, a socket, or the host of the display
		}
		if !isLoopback(a.Value[:i]) {
			host, open = a.Value[:i], true
			break
		}
	}
	_, tls := o.Get("tls-creds")
	_, secret := o.Get("password-secret")
	switch {
	case switchedOn(o, "sasl"), tls:
		auth = "more"
	case switchedOn(o, "password"), secret:
		auth = "password"
	}
	return host, open, auth
}

func publicSPICE(o audit.Option) bool {
	host, _ := o.Get("addr")
	return !switchedOn(o, "unix") && !isLoopback(host)
}
