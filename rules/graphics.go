package rules

import (
	"slices"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

// interfaces are about the endpoints of a guest: displays here, character devices, monitors and
// migration in chardev.go, sockets of the host in endpoint_socket.go.
var interfaces = slices.Concat(displays, sockets, controlSockets)

const (
	domainGraphics = "https://libvirt.org/formatdomain.html#graphical-framebuffers"
	qemuVNC        = "https://www.qemu.org/docs/master/system/vnc-security.html"
	qemuTLS        = "https://www.qemu.org/docs/master/system/tls.html"
	qemuConf       = "https://gitlab.com/libvirt/libvirt/-/blob/master/src/qemu/qemu.conf.in"
	emptyPassword  = "https://security.libvirt.org/2016/0001.html"
	localVNC       = `Use <graphics type='vnc'><listen type='socket'/></graphics>, or listen='127.0.0.1', and an SSH tunnel for remote access`
	localSPICE     = `Use <graphics type='spice'><listen type='socket'/></graphics>, or listen='127.0.0.1', and an SSH tunnel for remote access`
)

var displays = []*audit.Rule{
	{
		ID:       "endpoint-vnc-public",
		Title:    "VNC console reachable from the network without authentication",
		Severity: audit.Critical,
		Profiles: allProfiles,
		Doc: `Anyone who can reach the port has the guest's screen, keyboard and mouse, including
the boot menu, and can exploit bugs of the VNC server in QEMU. Neither the document nor the host's
qemu.conf sets a password, SASL or client certificates. If that file is not known, libvirt's
defaults apply. It is harmless only if the network is restricted to administrators. If the document
was written without its passwords, only the open port is reported, as high. An end of validity
(passwdValidTo) without a password does not protect the console.`,
		Fix:  localVNC,
		Refs: []string{qemuVNC, refs.QEMUSecurity, qemuConf},
		Check: func(p *audit.Pass) {
			for at, d := range displayServers(p, "VNC") {
				where, address, public := d.public(p, at)
				if public {
					reportUnprotected(p, where, d, at, "VNC listens on %s without authentication (%s)", address)
				}
			}
			for _, o := range passedOptions(p, "vnc", "display") {
				if host, open, auth := passedVNC(o); open && auth == "" {
					p.Reportf(o.At, "-%s opens a console on %s without authentication", o.Name, addressOrAny(host))
				}
			}
		},
		Fixes: localDisplay,
	},
	{
		ID:       "endpoint-vnc-password-remote",
		Title:    "VNC on the network is protected only by a VNC password",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `A VNC password is limited to eight characters, uses a weak challenge and encrypts
nothing: anyone who can read the traffic or try many passwords gets the console. QEMU's manual
recommends it only for loopback and UNIX sockets. A password that expired in 1970 is the placeholder
of management software that sets a new ticket for each session: medium. With vnc_tls in the host's
qemu.conf the traffic is encrypted, and the finding is medium. With client certificates
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
				switch guard := d.effectivePassword(p, at); {
				case guard == passwordSet && tls.Value:
					p.Key("password-in-tls", d.confAddress(p)).ReportAs(audit.Medium, where, "VNC on %s is protected only by a VNC password: TLS encrypts it, but accepts any client", address)
				case guard == passwordExpired && !tls.Value:
					p.Key("ticket", d.confAddress(p)).ReportAs(audit.Medium, where, "VNC on %s is protected only by short-lived tickets, without encryption (%s)", address, tls.Where())
				case guard == passwordSet:
					p.Key("password", d.confAddress(p)).Reportf(where, "VNC on %s is protected only by a VNC password, without encryption (%s)", address, tls.Where())
				case guard == passwordUnknown:
					p.Unknown(audit.NeedSecrets)
				}
			}
			for _, o := range passedOptions(p, "vnc", "display") {
				if host, open, auth := passedVNC(o); open && auth == "password" {
					p.Reportf(o.At, "-%s opens a console on %s that is protected only by a VNC password", o.Name, addressOrAny(host))
				}
			}
		},
		Fixes: localDisplay,
	},
	{
		ID:       "endpoint-graphics-empty-password",
		Title:    "Console password is the empty string",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `An empty password is documented to disable the console, but libvirt before 2.0.0
opened it to everyone when it set one on a running guest. Do not rely on it: if "no password" was
intended, the console does not work, and if "disabled" was intended, it is safe on new hosts only.
On a socket or a loopback address, which only users of the host can reach, it is medium.`,
		Fix:  "Set a ticket that expires, or delete passwd='' and listen where only this host can connect:\n" + localVNC,
		Refs: []string{domainGraphics, "https://nvd.nist.gov/vuln/detail/CVE-2016-5008", emptyPassword},
		Check: func(p *audit.Pass) {
			for at, d := range displayServers(p, "VNC", "SPICE") {
				_, address, public := d.public(p, at)
				switch guard := d.effectivePassword(p, at); {
				case guard == passwordEmpty && !p.Has(at.Attr("passwd")):
					// From qemu.conf: there it is the documented way to disable all consoles.
				case guard == passwordEmpty && public:
					p.Key("public", d.confAddress(p)).Reportf(at.Attr("passwd"), "the password of %s on %s is empty", d.kind, address)
				case guard == passwordEmpty:
					p.Key("local").ReportAs(audit.Medium, at.Attr("passwd"), "the password of %s is empty", d.kind)
				case guard == passwordUnknown && public:
					p.Unknown(audit.NeedSecrets)
				}
			}
		},
		Fixes: replaceEmptyPassword,
	},
	{
		ID:       "endpoint-spice-public",
		Title:    "SPICE console reachable from the network without a ticket",
		Severity: audit.Critical,
		Profiles: allProfiles,
		Doc: `Anyone who can reach the port has the guest's screen and keyboard, and with them
clipboard, file transfer and USB redirection. The document sets no password (which SPICE calls a
ticket), and the host's qemu.conf sets neither spice_sasl nor spice_password. If that file is not
known, libvirt's defaults apply. It is harmless only if the network is restricted to administrators.
If the document was written without its passwords, only the open port is reported, as high. An end
of validity (passwdValidTo) without a password does not protect the console.`,
		Fix:  localSPICE,
		Refs: []string{refs.QEMUSecurity, qemuConf, domainGraphics},
		Check: func(p *audit.Pass) {
			for at, d := range displayServers(p, "SPICE") {
				where, address, public := d.public(p, at)
				if public {
					reportUnprotected(p, where, d, at, "SPICE listens on %s without authentication (%s)", address)
				}
			}
			for _, o := range passedOptions(p, "spice") {
				host, _ := o.Get("addr")
				if publicSPICE(o) && switchedOn(o, "disable-ticketing") && !switchedOn(o, "sasl") {
					p.Reportf(o.At, "-spice opens a console on %s without tickets", addressOrAny(host))
				}
			}
		},
		Fixes: localDisplay,
	},
	{
		ID:       "endpoint-spice-plaintext",
		Title:    "SPICE on the network may fall back to plaintext",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `The default mode, 'any', uses TLS if client and server both support it and plain TCP
otherwise, so tickets, keystrokes and clipboard can be read on the network. With mode 'secure', or
with a TLS port and no plain port, libvirt refuses to start the guest if TLS is not configured on
the host, so both are safe with any qemu.conf. It is harmless if something else encrypts the
traffic: a proxy on the same host can connect by loopback or a socket.`,
		Fix:   `Use <graphics type='spice' defaultMode='secure' ...> without <channel mode='any'> or 'insecure', and set spice_tls = 1 in qemu.conf`,
		Refs:  []string{domainGraphics, qemuTLS},
		Check: reportPlaintext,
		Fixes: encryptSPICE,
	},
	{
		ID:       "endpoint-rdp-public",
		Title:    "RDP console reachable from the network",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `A process next to QEMU serves this console on the network, with one fixed user and
password from the document or qemu.conf, and anyone who can reach the port can try to log in. All
users share that password, and it is stored in clear text on the host. It is harmless if the network
is restricted to administrators. The RDP servers of other hypervisors are not checked.`,
		Fix:  `Listen on a loopback address and use a tunnel: <graphics type='rdp'><listen type='address' address='127.0.0.1'/></graphics>`,
		Refs: []string{domainGraphics, qemuConf},
		Check: func(p *audit.Pass) {
			if p.VerdictIs("not-qemu") {
				return
			}
			for at, d := range displayServers(p, "RDP") {
				if where, address, public := d.public(p, at); public {
					p.Key("open", d.confAddress(p)).Reportf(where, "RDP listens on %s, which other hosts can reach", address)
				}
			}
		},
		Fixes: localDisplay,
	},
}
