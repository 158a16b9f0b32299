package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// reportMonitors reports monitors, debugger stubs and test interfaces of the command line.
func reportMonitors(p *audit.Pass) {
	options := passedOptions(p, "monitor", "qmp", "qmp-pretty", "mon", "gdb", "s", "qtest", "serial", "parallel", "debugcon", "virtioconsole")
	if len(options) == 0 {
		return
	}
	backends := passedBackends(p)
	for _, o := range options {
		value := o.Value
		switch o.Name {
		case "s":
			value = "tcp::1234"
		case "mon":
			value = "chardev:" + o.First("chardev")
		case "serial", "parallel", "debugcon", "virtioconsole": // qemu_chr_new_mux_mon in QEMU's softmmu/vl.c
			if !strings.HasPrefix(value, "mon:") {
				continue // this one has no monitor
			}
		}
		what := map[string]string{"gdb": "the debugger stub", "s": "the debugger stub", "qtest": "the test interface"}[o.Name]
		if what == "" {
			what = "a monitor"
		}
		switch monitorEndpoint(backends, value) {
		case nowhere:
		case onNetwork:
			p.Key("network").Reportf(o.At, "-%s opens %s of QEMU on a network port", o.Name, what)
		case onTLS:
			p.Key("network").ReportAs(audit.High, o.At, "-%s opens %s of QEMU on a network port, with TLS", o.Name, what)
		case onAbstract:
			p.Key("host").ReportAs(audit.Critical, o.At, "-%s opens %s of QEMU on a socket that every user of the host can reach", o.Name, what)
		case onHost:
			p.Key("host").ReportAs(audit.High, o.At, "-%s opens %s of QEMU in addition to libvirt's monitor", o.Name, what)
		}
	}
}

// monitorPlace is where a monitor of QEMU can be reached.
type monitorPlace int

const (
	nowhere    monitorPlace = iota
	onHost                  // a file, terminal or pipe: permissions of the host decide
	onAbstract              // a socket without permissions
	onNetwork
	onTLS
)

// passedBackends returns where the character devices of the command line can be reached, by their
// IDs.
func passedBackends(p *audit.Pass) map[string]monitorPlace {
	out, open := map[string]monitorPlace{}, openCredentials(p)
	for _, o := range p.Command.Named("chardev") {
		id, _ := o.Get("id")
		if _, twice := out[id]; !twice {
			out[id] = monitorBackend(o, open)
		}
	}
	return out
}

// monitorEndpoint returns where the argument of "-monitor" can be reached. The argument is a device
// in the short form, or "chardev:ID".
func monitorEndpoint(backends map[string]monitorPlace, device string) monitorPlace {
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

func monitorBackend(o audit.Option, open map[string]bool) monitorPlace {
	_, port := o.Get("port")
	creds, tls := o.Get("tls-creds")
	inet, _ := o.Get("backend.data.addr.type") // JSON
	json, _ := o.Get("backend.type")
	switch {
	case o.First("backend") == "null" || json == "null":
		return nowhere
	case port && tls && !open[creds]:
		return onTLS
	case port || inet == "inet" || json == "udp":
		return onNetwork
	case switchedOn(o, "abstract"):
		return onAbstract
	}
	return onHost
}
