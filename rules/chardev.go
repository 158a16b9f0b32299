package rules

import (
	"strings"

	"libvirt.org/go/libvirtxml"

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
		Fix: `Use <serial type='pty'/>, or <serial type='unix'><source mode='bind' path='/run/libvirt/serial.sock'/></serial>
$ virt-xml DOMAIN --edit --serial clearxml=yes,type=pty`,
		Refs:  []string{"https://libvirt.org/formatdomain.html#tcp-client-server", refs.QEMUSecurity, qemuConf},
		Check: reportTCPListeners,
	},
	{
		ID:       "endpoint-monitor-exposed",
		Title:    "Command line opens a QEMU monitor or the debugger stub",
		Severity: audit.Critical,
		Profiles: allProfiles,
		Doc: `The monitor can do everything that the QEMU process may do, such as run executables,
and the debugger stub reads and writes all of the guest's memory; neither authenticates clients. On
TCP or UDP, which includes -s, every user of the host or of the network can connect: critical. On a
socket file, terminal or pipe it is high, since access depends on the host. libvirt's own monitor is
not reported. Kernel developers who need -s on a trusted machine can waive the rule.`,
		Fix:  removePassthrough,
		Refs: []string{refs.QEMUSecurity, "https://www.qemu.org/docs/master/system/gdb.html", "https://libvirt.org/drvqemu.html#pass-through-of-arbitrary-qemu-commands"},
		Check: func(p *audit.Pass) {
			backends := passedBackends(p)
			for _, o := range passedOptions(p, "monitor", "qmp", "qmp-pretty", "mon", "gdb", "s", "qtest", "serial", "parallel") {
				value := o.Value
				switch o.Name {
				case "s":
					value = "tcp::1234"
				case "mon":
					value = "chardev:" + o.First("chardev")
				case "serial", "parallel":
					if !strings.HasPrefix(value, "mon:") {
						continue // this one has no monitor
					}
				}
				what := map[string]string{"gdb": "the debugger stub", "s": "the debugger stub", "qtest": "the test interface"}[o.Name]
				if what == "" {
					what = "a monitor"
				}
				switch monitorEndpoint(backends, value) {
				case onNetwork:
					p.Key("network").Reportf(o.At, "-%s opens %s of QEMU on a network port", o.Name, what)
				case onHost:
					p.Key("host").ReportAs(audit.High, o.At, "-%s opens %s of QEMU in addition to libvirt's monitor", o.Name, what)
				}
			}
		},
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
	},
}

// reportTCPListeners checks every device that can have a character device as its backend.
func reportTCPListeners(p *audit.Pass) {
	devices := p.Devices
	for at, d := range audit.Each("devices/serial", devices.Serials) {
		reportTCPListener(p, at, d.Source, d.Protocol, audit.Critical)
	}
	for at, d := range audit.Each("devices/console", devices.Consoles) {
		// libvirt makes the first console, if it is of the serial type, a copy of the first serial
		// port.
		if d == &devices.Consoles[0] && len(devices.Serials) > 0 && p.Target.OS == "hvm" && (d.Target == nil || d.Target.Type == "" || d.Target.Type == "serial") {
			continue
		}
		reportTCPListener(p, at, d.Source, d.Protocol, audit.Critical)
	}
	for at, d := range audit.Each("devices/parallel", devices.Parallels) {
		reportTCPListener(p, at, d.Source, d.Protocol, audit.High)
	}
	for at, d := range audit.Each("devices/channel", devices.Channels) {
		reportTCPListener(p, at, d.Source, d.Protocol, audit.High)
	}
	for at, d := range audit.Each("devices/smartcard", devices.Smartcards) {
		reportTCPListener(p, at, d.Passthrough, d.Protocol, audit.High)
	}
	for at, d := range audit.Each("devices/redirdev", devices.RedirDevs) {
		reportTCPListener(p, at, d.Source, d.Protocol, audit.High)
	}
	for at, d := range audit.Each("devices/rng", devices.RNGs) {
		if d.Backend != nil && d.Backend.EGD != nil {
			reportTCPListener(p, at.Elem("backend"), d.Backend.EGD.Source, d.Backend.EGD.Protocol, audit.High)
		}
	}
	monitors := passedMonitors(p)
	for _, o := range passedOptions(p, "serial", "chardev") {
		reportPassedListener(p, o, monitors)
	}
}

// reportTCPListener reports a character device that accepts connections from other hosts. QEMU's
// devices do not support the protocols tls and telnets: libvirt enables TLS by the attribute. The
// default mode is 'connect'.
func reportTCPListener(p *audit.Pass, at audit.Path, source *libvirtxml.DomainChardevSource, protocol *libvirtxml.DomainChardevProtocol, severity audit.Severity) {
	if source == nil || source.TCP == nil {
		return
	}
	tcp := source.TCP
	encrypted := protocol != nil && (protocol.Type == "tls" || protocol.Type == "telnets") && p.VerdictIs("not-qemu")
	if tcp.Mode != "bind" || encrypted || tcp.Host != "" && isLoopback(tcp.Host) {
		return
	}
	tls, verify := p.Conf().Bool("chardev_tls"), p.Conf().Verify("chardev")
	key, why := "plain", "without TLS ("+tls.Where()+")"
	switch {
	case tcp.TLS == "yes" || tcp.TLS == "" && tls.Value:
		if verify.Value {
			return
		}
		key, why = "unverified", "with TLS, but without client certificates ("+verify.Where()+")"
	case tcp.TLS != "":
		why = "without TLS"
	}
	p.Key(key).ReportAs(severity, at.Elem("source").Attr("host"), "port %s of %s accepts any client %s",
		tcp.Service, addressOrAny(tcp.Host), why)
}

// reportPassedListener is tcpListener for "-serial tcp:HOST:PORT,server=on" and "-chardev
// socket,...". endpoint-monitor-exposed reports those that carry a monitor.
func reportPassedListener(p *audit.Pass, o audit.Option, monitors map[string]bool) {
	server, named := o.Get("server")
	if server == "off" || o.Name == "serial" && !named { // in the older form, "server" alone means on
		return
	}
	host, _ := o.Get("host")
	severity := audit.High
	if o.Name == "serial" {
		address, ok := strings.CutPrefix(o.First(""), "tcp:")
		if !ok {
			if address, ok = strings.CutPrefix(o.First(""), "telnet:"); !ok {
				return
			}
		}
		host, severity = address[:max(strings.LastIndexByte(address, ':'), 0)], audit.Critical
	} else {
		_, tls := o.Get("tls-creds")
		_, port := o.Get("port")
		if id, _ := o.Get("id"); !named || tls || !port || o.First("backend") != "socket" || monitors[id] {
			return
		}
	}
	if host == "" || !isLoopback(host) {
		p.ReportAs(severity, o.At, "-%s opens a character device on %s to any client", o.Name, addressOrAny(host))
	}
}

// passedMonitors returns the character devices that carry a monitor or the debugger stub, by their
// IDs.
func passedMonitors(p *audit.Pass) map[string]bool {
	out := map[string]bool{}
	for _, o := range p.Command.Named("mon", "monitor", "qmp", "qmp-pretty", "gdb") {
		out[o.First("chardev")] = true
		if id, ok := strings.CutPrefix(o.Value, "chardev:"); ok {
			out[id] = true
		}
	}
	return out
}

// passedBackends returns where the character devices of the command line can be reached, by their
// IDs.
func passedBackends(p *audit.Pass) map[string]int {
	out := map[string]int{}
	for _, o := range p.Command.Named("chardev") {
		id, _ := o.Get("id")
		if _, twice := out[id]; !twice {
			out[id] = monitorBackend(o)
		}
	}
	return out
}

// Where a monitor of QEMU can be reached.
const (
	nowhere = iota
	onHost
	onNetwork
)

// monitorEndpoint returns where the argument of "-monitor" can be reached. The argument is a device
// in the short form, or "chardev:ID".
func monitorEndpoint(backends map[string]int, device string) int {
	device = strings.TrimPrefix(device, "mon:")
	kind, id, _ := strings.Cut(device, ":")
	switch kind {
	case "none", "null":
		return nowhere
	case "tcp", "telnet", "tn3270", "websocket", "udp":
		return onNetwork
	case "chardev":
		if where, ok := backends[id]; ok {
			return where
		}
	}
	return onHost
}

func monitorBackend(o audit.Option) int {
	_, port := o.Get("port")
	inet, _ := o.Get("backend.data.addr.type") // JSON
	json, _ := o.Get("backend.type")
	switch {
	case o.First("backend") == "null" || json == "null":
		return nowhere
	case port || inet == "inet" || json == "udp":
		return onNetwork
	}
	return onHost
}
