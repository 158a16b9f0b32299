package rules

import (
	"slices"

	"github.com/virt-audit/virt-audit/audit"
)

// interfaces are the doors of a guest: displays here, character devices and QEMU's own in chardev.go.
var interfaces = slices.Concat(displays, sockets)

const (
	domainGraphics = "https://libvirt.org/formatdomain.html#graphical-framebuffers"
	qemuVNC        = "https://www.qemu.org/docs/master/system/vnc-security.html"
	qemuTLS        = "https://www.qemu.org/docs/master/system/tls.html"
	qemuConf       = "https://gitlab.com/libvirt/libvirt/-/blob/master/src/qemu/qemu.conf.in"
	emptyPassword  = "https://security.libvirt.org/2016/0001.html"
	// A socket needs no password, so the old settings, a password or its lack among them, may all go.
	localVNC = `<graphics type='vnc'><listen type='socket'/></graphics>, or listen='127.0.0.1', and a tunnel (SSH) from elsewhere
$ virt-xml DOMAIN --edit type=vnc --graphics clearxml=yes,type=vnc,listens0.type=socket`
	localSPICE = `<graphics type='spice'><listen type='socket'/></graphics>, or listen='127.0.0.1', and a tunnel (SSH) from elsewhere
$ virt-xml DOMAIN --edit type=spice --graphics clearxml=yes,type=spice,listens0.type=socket`
)

var displays = []*audit.Rule{
	{
		ID:       "endpoint-vnc-public",
		Title:    "VNC console reachable from the network without authentication",
		Severity: audit.Critical,
		Profiles: every,
		Doc: `Whoever reaches the port has the guest's screen, keyboard and mouse, boot menu included, and can try bugs
of the VNC server in QEMU. Neither a password nor SASL nor certificates of clients stand before it, in the
document or in the host's qemu.conf; where that file is not known, by libvirt's default. It is harmless only where
the network is the administrators' alone. Where passwords were left out of the document, the open port alone is reported,
as high. An end of validity (passwdValidTo) without a password protects nothing.`,
		Fix:  localVNC,
		Refs: []string{qemuVNC, qemuSecurity, qemuConf},
		Check: func(p *audit.Pass) {
			for at, d := range displayServers(p, "VNC") {
				where, address, public := d.public(p, at)
				if public {
					unprotected(p, where, d, at, "VNC listens on %s, and %s nobody is asked who they are", address)
				}
			}
			for _, o := range passedOptions(p, "vnc", "display") {
				if host, open, auth := passedVNC(o); open && auth == "" {
					p.Reportf(o.At, "-%s opens a console on %s that asks nobody who they are", o.Name, everywhere(host))
				}
			}
		},
	},
	{
		ID:       "endpoint-vnc-password-remote",
		Title:    "VNC on the network protected by a VNC password alone",
		Severity: audit.High,
		Profiles: every,
		Doc: `A VNC password is cut to eight characters, guards a weak challenge and encrypts nothing, so whoever sees
the traffic or tries long enough has the console. QEMU's manual wants it for loopback and UNIX sockets only. A
password that expired in 1970 is the placeholder of a manager that sets a fresh ticket for each session: medium.
With vnc_tls in the host's qemu.conf the traffic is safe, and it is medium; with client certificates
(vnc_tls_x509_verify) or vnc_sasl it is harmless. By libvirt's default all three are off.`,
		Fix:  localVNC,
		Refs: []string{qemuVNC, "https://nvd.nist.gov/vuln/detail/CVE-2016-5008"},
		Check: func(p *audit.Pass) {
			for at, d := range displayServers(p, "VNC") {
				where, address, public := d.public(p, at)
				if yes, _ := d.authenticated(p); yes || !public {
					continue
				}
				tls := p.Conf().Bool("vnc_tls")
				switch guard := d.guarded(p, at); {
				case guard == guardPassword && tls.Value:
					p.Key("password-in-tls", d.confListen(p)).ReportAs(audit.Medium, where, "VNC on %s is protected by a VNC password alone: encrypted, but for every client", address)
				case guard == guardTicket && !tls.Value:
					p.Key("ticket", d.confListen(p)).ReportAs(audit.Medium, where, "VNC on %s is protected by short-lived tickets alone: no encryption %s", address, by(tls))
				case guard == guardPassword:
					p.Key("password", d.confListen(p)).Reportf(where, "VNC on %s is protected by a VNC password alone: no encryption %s", address, by(tls))
				case guard == guardUnseen:
					p.Unknown(audit.NeedSecrets)
				}
			}
			for _, o := range passedOptions(p, "vnc", "display") {
				if host, open, auth := passedVNC(o); open && auth == "password" {
					p.Reportf(o.At, "-%s opens a console on %s that a VNC password alone protects", o.Name, everywhere(host))
				}
			}
		},
	},
	{
		ID:       "endpoint-graphics-empty-password",
		Title:    "Console password is the empty string",
		Severity: audit.High,
		Profiles: every,
		Doc: `An empty password is documented to shut the console, but libvirt before 2.0.0 opened it to everyone when
it set one on a running guest. Nothing should rely on it: whoever meant "no password" finds the console dead, and
whoever meant "closed" is safe on new hosts only. On a socket or a loopback address, where only users of the host
could come in, it is medium.`,
		Fix:  "Set a real ticket that expires, or delete passwd='' and listen where only this host can come in:\n" + localVNC,
		Refs: []string{domainGraphics, "https://nvd.nist.gov/vuln/detail/CVE-2016-5008", emptyPassword},
		Check: func(p *audit.Pass) {
			for at, d := range displayServers(p, "VNC", "SPICE") {
				_, address, public := d.public(p, at)
				switch guard := d.guarded(p, at); {
				case guard == guardEmpty && !p.Has(at.Attr("passwd")):
					// qemu.conf's own: there it is the documented way to shut all consoles.
				case guard == guardEmpty && public:
					p.Key("public", d.confListen(p)).Reportf(at.Attr("passwd"), "the password of %s on %s is empty", d.kind, address)
				case guard == guardEmpty:
					p.Key("local").ReportAs(audit.Medium, at.Attr("passwd"), "the password of %s is empty", d.kind)
				case guard == guardUnseen && public:
					p.Unknown(audit.NeedSecrets)
				}
			}
		},
	},
	{
		ID:       "endpoint-spice-public",
		Title:    "SPICE console reachable from the network without a ticket",
		Severity: audit.Critical,
		Profiles: every,
		Doc: `Whoever reaches the port has the guest's screen and keyboard, and with them clipboard, file transfer and
USB redirection. No password (a ticket, in SPICE's words) is set in the document, and neither spice_sasl
nor spice_password in the host's qemu.conf; where that file is not known, by libvirt's default. It is harmless only
where the network is the administrators' alone. Where passwords were left out of the document, the open port alone is
reported, as high. An end of validity (passwdValidTo) without a password protects nothing.`,
		Fix:  localSPICE,
		Refs: []string{qemuSecurity, qemuConf, domainGraphics},
		Check: func(p *audit.Pass) {
			for at, d := range displayServers(p, "SPICE") {
				where, address, public := d.public(p, at)
				if public {
					unprotected(p, where, d, at, "SPICE listens on %s, and %s no ticket is asked for", address)
				}
			}
			for _, o := range passedOptions(p, "spice") {
				host, _ := o.Get("addr")
				if openSPICE(o) && switchedOn(o, "disable-ticketing") && !switchedOn(o, "sasl") {
					p.Reportf(o.At, "-spice opens a console on %s without tickets", everywhere(host))
				}
			}
		},
	},
	{
		ID:       "endpoint-spice-plaintext",
		Title:    "SPICE on the network may fall back to plaintext",
		Severity: audit.High,
		Profiles: every,
		Doc: `The default mode, 'any', takes TLS where client and server both have it and plain TCP otherwise, so
tickets, keystrokes and clipboard can be read on the way. With mode 'secure', or with a TLS port and no plain one,
libvirt refuses to start the guest when TLS is not set up on the host, so those are safe whatever qemu.conf says.
It is harmless where something else encrypts: a proxy on the same host can come in by loopback or a socket.`,
		Fix: `<graphics type='spice' defaultMode='secure' ...>, no <channel mode='any'> or 'insecure' in it, and spice_tls = 1 in qemu.conf
$ virt-xml DOMAIN --edit type=spice --graphics defaultMode=secure`,
		Refs:  []string{domainGraphics, qemuTLS},
		Check: plaintext,
	},
	{
		ID:       "endpoint-rdp-public",
		Title:    "RDP console reachable from the network",
		Severity: audit.High,
		Profiles: every,
		Doc: `A helper next to QEMU serves this console, with one fixed user and password from the document or
qemu.conf, to whoever reaches the port. A console should not be a service of its own on the network: its password
is shared by all who use it and stands in clear text on the host. It is harmless where the network is the
administrators' alone. The RDP servers of other hypervisors are not judged.`,
		Fix: `An address of the host itself, and a tunnel to it: <graphics type='rdp'><listen type='address' address='127.0.0.1'/></graphics>
$ virt-xml DOMAIN --edit type=rdp --graphics "xpath0.set=./@listen,xpath0.value=127.0.0.1,xpath1.set=./listen/@type,xpath1.value=address,xpath2.set=./listen/@address,xpath2.value=127.0.0.1"`,
		Refs: []string{domainGraphics, qemuConf},
		Check: func(p *audit.Pass) {
			if because(p, "not-qemu") {
				return
			}
			for at, d := range displayServers(p, "RDP") {
				if where, address, public := d.public(p, at); public {
					p.Key("open", d.confListen(p)).Reportf(where, "RDP listens on %s", address)
				}
			}
		},
	},
}
