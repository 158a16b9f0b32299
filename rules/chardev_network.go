package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/reach"
)

// charDevice is a character device of the document with an endpoint on the network.
type charDevice struct {
	source   audit.Path // its <source>
	kind     string     // "serial"
	protocol string     // "raw", "telnet", "tls"
}

// charDeviceOf returns the character device that an endpoint of the inventory belongs to. Where a
// device has one <source>, as for TCP, its path has no number.
func charDeviceOf(p *audit.Pass, r *audit.Resource) charDevice {
	source := strings.TrimSuffix(r.At.String(), "[1]")
	parent := source[:max(strings.LastIndexByte(source, '/'), 0)]
	protocol, _ := p.Attr(audit.At(parent + "/protocol@type"))
	return charDevice{audit.At(source), r.At.DeviceKind(), protocol}
}

// encrypts reports whether another hypervisor than QEMU encrypts the connection. QEMU's devices do
// not support the protocols tls and telnets: libvirt enables TLS by the attribute.
func (d charDevice) encrypts(p *audit.Pass) bool {
	return (d.protocol == "tls" || d.protocol == "telnets") && p.VerdictIs("not-qemu")
}

// reportTCPListeners checks every device that can have a character device as its backend.
func reportTCPListeners(p *audit.Pass) {
	resources := p.Reach()
	for i := range resources {
		if r := &resources[i]; r.ID == "chr-tcp-listen" {
			reportTCPListener(p, r)
		}
	}
	uses, open := chardevUses(p), openCredentials(p)
	for _, c := range passedChardevs(p) {
		if c.Access&reach.Listen != 0 && c.Endpoint.Transport == reach.TCP {
			reportPassedListener(p, c, uses, open)
		}
	}
}

// reportTCPListener reports a character device that accepts connections from other hosts.
func reportTCPListener(p *audit.Pass, r *audit.Resource) {
	d := charDeviceOf(p, r)
	if isLocal(r.Endpoint.Host) || d.encrypts(p) {
		return
	}
	severity := audit.High
	if d.kind == "serial" || d.kind == "console" {
		severity = audit.Critical
	}
	tls, verify := p.Conf().Bool("chardev_tls"), p.Conf().Verify("chardev")
	key, why := "plain", "without TLS ("+tls.Where()+")"
	switch {
	case r.Endpoint.TLS == reach.TLSOn || r.Endpoint.TLS == reach.TLSUnknown && tls.Value:
		if verify.Value {
			return
		}
		key, why = "unverified", "with TLS, but without client certificates ("+verify.Where()+")"
	case r.Endpoint.TLS == reach.TLSOff:
		why = "without TLS"
	}
	host, _ := p.Attr(d.source.Attr("host"))
	service, _ := p.Attr(d.source.Attr("service"))
	p.Key(key).ReportAs(severity, d.source.Attr("host"), "port %s of %s accepts any client %s",
		service, addressOrAny(host), why)
}

// reportPassedListener is reportTCPListener for the command line.
func reportPassedListener(p *audit.Pass, c passedResource, uses map[string]chardevUse, open map[string]bool) {
	severity := audit.High
	use := useOf(uses, c.option)
	creds, _ := c.option.Get("tls-creds")
	if c.option.Name == "serial" || c.option.Name == "virtioconsole" || use == usedAsConsole {
		severity = audit.Critical
	}
	switch {
	case isLocal(c.Endpoint.Host) || use == usedAsMonitor:
	case c.Endpoint.TLS != reach.TLSOn:
		p.ReportAs(severity, c.At, "-%s opens a character device on %s to any client", c.option.Name, hostOrAny(c.Endpoint.Host))
	case open[creds]:
		p.Key("unverified").ReportAs(severity, c.At, "-%s opens a character device on %s to any client, with TLS but without client certificates",
			c.option.Name, hostOrAny(c.Endpoint.Host))
	}
}

// reportPlainChardevs reports character devices that connect to other hosts without TLS.
func reportPlainChardevs(p *audit.Pass) {
	resources := p.Reach()
	for i := range resources {
		r := &resources[i]
		if (r.ID != "chr-tcp-connect" && r.ID != "chr-udp-send") || !plainEndpoint(p, r) {
			continue
		}
		if d := charDeviceOf(p, r); !d.encrypts(p) {
			p.Reportf(r.At.Attr("host"), "the data of this device is sent unencrypted to %s over %s", r.Endpoint.Host, transportName(r.Endpoint.Transport))
		}
	}
	uses := chardevUses(p)
	for _, c := range passedResources(p) {
		if c.Endpoint == nil || c.Access&reach.Connect == 0 || useOf(uses, c.option) == usedAsMonitor || !plainEndpoint(p, c.Resource) {
			continue
		}
		switch {
		case c.ID == "qemu-device-host_port": // hw/hyperv/syndbg.c of QEMU 7.2
			p.ReportAs(audit.High, c.At, "-device hv-syndbg lets %s debug the guest's kernel, unencrypted over UDP", c.Endpoint.Host)
		case c.ID == "qemu-object-server": // ui/input-barrier.c
			p.Reportf(c.At, "-object input-barrier takes the guest's keys unencrypted from %s", c.Endpoint.Host)
		case isPassedChardev(c):
			p.Reportf(c.At, "-%s sends the data of a character device unencrypted to %s over %s", c.option.Name, c.Endpoint.Host, transportName(c.Endpoint.Transport))
		}
	}
}

// plainEndpoint reports whether a connection leaves the host without TLS, and
// endpoint-sensitive-socket does not report it.
func plainEndpoint(p *audit.Pass, r *audit.Resource) bool {
	e := r.Endpoint
	if staysHere(e.Host) || e.Transport == reach.VSOCK || e.TLS == reach.TLSOn {
		return false
	}
	fromConf := e.Transport == reach.TCP && e.TLS == reach.TLSUnknown && r.ID == "chr-tcp-connect"
	if fromConf && p.Conf().Bool("chardev_tls").Value {
		return false
	}
	_, _, reported := sensitiveEndpoint(p, r)
	return !reported
}

func transportName(t reach.Transport) string { return strings.ToUpper(string(t)) }
