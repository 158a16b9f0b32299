package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

// localChardev returns the fixes of a character device on which any client is accepted.
func localChardev(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if o, ok := p.OptionAt(f.Path); ok {
		remove := audit.UnsafeFix(losesAdded, deleteArgument(p, f.Path)...)
		if !isRewritable(o) {
			return []audit.Fix{audit.ManualFix("Set the address in the argument to 127.0.0.1"), remove}
		}
		return []audit.Fix{audit.UnsafeFix(listenOnLoopback, chardevOnLoopback(p, o)...), remove}
	}
	fixes := onlySafe(listenOnLoopback, edit.Set(f.Path, loopback))
	switch f.Path.DeviceKind() {
	case "serial", "parallel", "console":
	default: // the guest's own data goes to the other end
		fixes = onlyUnsafe(listenOnLoopback, edit.Set(f.Path, loopback))
	}
	if edits := pseudoTerminal(p, f.Path); edits != nil {
		fixes = append(fixes, audit.SafeFix("Use a pseudo-terminal of the host; clients then "+
			"connect through libvirt, as by virsh console", edits...))
	}
	if f.Key == "unverified" {
		fixes = append(fixes, audit.ManualFix("Give each client a certificate, and set "+
			"chardev_tls_x509_verify = 1 in qemu.conf"))
	}
	return fixes
}

// pseudoTerminal returns the edits that connect a serial port, parallel port or console to a
// pseudo-terminal, which is what libvirt does by default. It returns none for other devices. The
// guest keeps the device.
func pseudoTerminal(p *audit.Pass, at audit.Path) []edit.Edit {
	device, ok := at.Device()
	switch at.DeviceKind() {
	case "serial", "parallel", "console":
	default:
		return nil
	}
	e, missing := p.Find(device)
	if !ok || len(missing) > 0 {
		return nil
	}
	edits := []edit.Edit{edit.Set(device.Attr("type"), "pty")}
	for _, name := range []string{"source", "protocol"} {
		for c := range e.Children(name) {
			edits = append(edits, edit.Remove(c.Path()))
		}
	}
	return edits
}

// chardevOnLoopback returns the edits that make a character device of the command line listen on a
// loopback address: "-chardev socket,host=..." or "-serial tcp:HOST:PORT".
func chardevOnLoopback(p *audit.Pass, o audit.Option) []edit.Edit {
	if _, stated := o.Get("host"); o.Name == "chardev" && !stated {
		return []edit.Edit{edit.Set(o.At, o.Value+",host="+loopback)}
	}
	return changeParts(p, o.At, func(key, value string) string {
		switch kind, rest, _ := strings.Cut(value, ":"); {
		case key == "host":
			value = loopback
		case key == "" && o.Name != "chardev" && strings.Contains(rest, ":"):
			value = kind + ":" + loopback + rest[strings.LastIndexByte(rest, ':'):]
		}
		return writePart(key, value)
	})
}

// encryptChardev returns the fixes of a character device that sends its data in clear text. UDP has
// no encryption.
func encryptChardev(p *audit.Pass, f *audit.Finding) (fixes []audit.Fix) {
	if _, passed := p.OptionAt(f.Path); passed {
		return onlyUnsafe(losesAdded, deleteArgument(p, f.Path)...)
	}
	source, missing := p.Find(f.Path.Attr(""))
	backend, ok := source.Parent()
	if !ok || len(missing) > 0 {
		return nil
	}
	if kind, _ := backend.Attr("type"); kind == "tcp" {
		fixes = onlyUnsafe("Require TLS; the guest starts only if the host has certificates for "+
			"character devices, and the server must support TLS",
			edit.Set(source.Path().Attr("tls"), "yes"))
	}
	if edits := pseudoTerminal(p, f.Path); edits != nil {
		fixes = append(fixes, audit.UnsafeFix("Use a pseudo-terminal of the host; the data no "+
			"longer reaches the server", edits...))
	}
	return fixes
}

// removeMonitor returns the fix of a monitor of the command line. A character device that nothing
// else uses is deleted with it: it would go on listening.
func removeMonitor(p *audit.Pass, f *audit.Finding) []audit.Fix {
	o, ok := p.OptionAt(f.Path)
	if !ok {
		return nil
	}
	device, isMux := strings.CutPrefix(o.Value, "mon:")
	switch {
	case isMux && f.Key == "host" && isRewritable(o):
		return onlySafe("Delete the monitor from the argument; the guest keeps the port",
			edit.Set(o.At, device))
	case isMux:
		return onlyUnsafe("Delete the argument, which is also a port of the guest",
			deleteArgument(p, f.Path)...)
	}
	const text = "Delete the argument; programs that use it must use libvirt instead"
	id, _ := strings.CutPrefix(o.Value, "chardev:")
	if o.Name == "mon" {
		id = o.First("chardev")
	}
	edits := deleteArgument(p, f.Path)
	for _, c := range p.Command.Named("chardev") {
		if name, _ := c.Get("id"); name == id && id != "" {
			if both := deleteArgument(p, c.At); len(both) == len(edits)+2 {
				return onlySafe(text, both...)
			}
		}
	}
	return onlySafe(text, edits...)
}

// disconnect returns the fixes of a guest that reaches a sensitive socket.
func disconnect(p *audit.Pass, f *audit.Finding) []audit.Fix {
	device, ok := f.Path.Device()
	terminal := pseudoTerminal(p, f.Path)
	kind := f.Path.DeviceKind()
	switch _, passed := p.OptionAt(f.Path); {
	case passed:
		return onlyUnsafe(losesAdded, deleteArgument(p, f.Path)...)
	case !ok:
		return nil
	case f.Key == "bus" && kind == "graphics" && f.Path.Attribute() == "address":
		return onlySafe("Delete the address, so that libvirt starts a bus for this guest",
			edit.Remove(f.Path))
	case f.Key == "listen" && isGeneratedChannel(p, device):
		return onlySafe("Delete the path, so that libvirt generates one; programs that connect "+
			"must use that path", edit.Remove(device.Elem("source")))
	case f.Key == "connect" && terminal != nil:
		return onlyUnsafe("Use a pseudo-terminal of the host; the guest keeps the port and loses "+
			"the service", terminal...)
	case f.Key == "connect" && (kind == "channel" || kind == "redirdev" || kind == "smartcard" ||
		kind == "rng"):
		return onlyUnsafe("Delete the device; the guest loses the service", edit.Remove(device))
	case kind == "shmem":
		return onlyUnsafe("Delete the shared memory; the guest loses the device",
			edit.Remove(device))
	}
	return nil
}

// isGeneratedChannel reports whether a device is a channel for which libvirt generates a socket if
// it names none (qemuDomainPrepareChannel).
func isGeneratedChannel(p *audit.Pass, device audit.Path) bool {
	kind, _ := p.Attr(device.Attr("type"))
	target, _ := p.Attr(device.Elem("target").Attr("type"))
	return kind == "unix" && target == "virtio" && p.Has(device.Elem("source"))
}
