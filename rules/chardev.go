package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

var sockets = []*audit.Rule{
	{
		ID:       "endpoint-chardev-tcp-listen",
		Title:    "Character device listens on TCP without TLS",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `A character device has no authentication: anyone who connects to the port is the
terminal at the other end of the guest's serial line, console or channel. A serial port or console
is critical, since it often leads to a root shell or the boot menu. With tls='yes', or with
chardev_tls in the host's qemu.conf if the document does not set it, libvirt requires a client
certificate, unless chardev_tls_x509_verify is off. By libvirt's default chardev_tls is off and
chardev_tls_x509_verify is on. A port on a loopback address is not reported, although every user of
the host can reach it.`,
		Fix:   `Use <serial type='pty'/>, or <serial type='unix'><source mode='bind' path='/run/libvirt/serial.sock'/></serial>`,
		Refs:  []string{"https://libvirt.org/formatdomain.html#tcp-client-server", refs.QEMUSecurity, qemuConf},
		Check: reportTCPListeners,
		Fixes: localChardev,
	},
	{
		ID:       "endpoint-chardev-plaintext",
		Title:    "Character device sends its data over the network without encryption",
		Severity: audit.Medium,
		Profiles: []audit.Profile{audit.Hardened, audit.MultiTenant},
		Doc: `What the guest writes to its console or channel crosses the network in clear text, and
the guest receives whatever the other end, or anyone on the path, sends: keystrokes for a serial
console, or the numbers of a random generator. Nothing proves who the other end is. UDP has no
encryption at all, and its sender can be forged. TCP is encrypted with tls='yes', or with
chardev_tls in the host's qemu.conf if the document does not set it; by libvirt's default that is
off. A kernel debugger (-device hv-syndbg) is high, and keys from a Barrier server count too.
Connections that stay on the host are not reported, and the rule endpoint-chardev-tcp-listen reports
ports that accept connections. It is harmless on a network for management only.`,
		Fix:   `Use TCP with TLS: <serial type='tcp'><source mode='connect' host='...' service='...' tls='yes'/></serial>`,
		Refs:  []string{"https://libvirt.org/formatdomain.html#tcp-client-server", "https://libvirt.org/formatdomain.html#udp-network-console", qemuTLS, qemuConf},
		Check: reportPlainChardevs,
		Fixes: encryptChardev,
		NoFix: "Decide how the data reaches the other end: by TCP with TLS, which both ends must " +
			"support, or within the host; no edit of this document changes the other end",
	},
	{
		ID:       "endpoint-monitor-exposed",
		Title:    "Command line opens a QEMU monitor or the debugger stub",
		Severity: audit.Critical,
		Profiles: allProfiles,
		Doc: `The monitor can do everything that the QEMU process may do, such as run executables,
and the debugger stub reads and writes all of the guest's memory; neither authenticates clients. On
TCP or UDP, which includes -s, every user of the host or of the network can connect: critical. The
same holds for a socket in the abstract namespace, which no permissions protect. With TLS it is
high, since the certificates decide. On a socket file, terminal or pipe it is high, since access
depends on the host. libvirt's own monitor is not reported. Kernel developers who need -s on a
trusted machine can waive the rule.`,
		Fix:   removePassthrough,
		Refs:  []string{refs.QEMUSecurity, "https://www.qemu.org/docs/master/system/gdb.html", "https://libvirt.org/drvqemu.html#pass-through-of-arbitrary-qemu-commands"},
		Check: reportMonitors,
		Fixes: removeMonitor,
	},
	{
		ID:       "endpoint-migration-cmdline",
		Title:    "Command line opens an endpoint for incoming migration",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `A migration stream overwrites memory and device state of the guest, and QEMU trusts
it: the first client of the endpoint decides what runs. An endpoint that the command line opens
lacks the authenticated control connection of libvirt's own migration, and its optional TLS. Files,
file descriptors and socket files are medium, since only the host can supply them. No known
management software sets this option, and 'defer' opens nothing.`,
		Fix:  removePassthrough,
		Refs: []string{refs.QEMUSecurity, qemuTLS, "https://libvirt.org/kbase/secureusage.html", "https://wiki.openstack.org/wiki/OSSN/OSSN-0007"},
		Check: func(p *audit.Pass) {
			for _, o := range passedOptions(p, "incoming") {
				transport, _, _ := strings.Cut(o.Value, ":")
				if v, ok := o.Get("addr.transport"); ok { // written as channel
					if transport = v; v == "socket" {
						transport, _ = o.Get("addr.type")
					}
				}
				switch transport {
				case "defer", "":
				case "tcp", "inet", "rdma", "exec":
					p.Reportf(o.At, "-incoming accepts a migration stream from '%s'", transport)
				case "unix", "fd", "file", "vsock":
					p.ReportAs(audit.Medium, o.At, "-incoming accepts a migration stream from '%s'", transport)
				default:
					p.ReportAs(audit.Medium, o.At, "-incoming accepts a migration stream from an unknown transport")
				}
			}
		},
		Fixes: func(p *audit.Pass, f *audit.Finding) []audit.Fix {
			return onlyUnsafe("Delete the argument; the guest then boots from its disks, and must not "+
				"start while it still runs on another host", deleteArgument(p, f.Path)...)
		},
	},
}
