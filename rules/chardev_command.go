package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/reach"
)

// isPassed reports whether a resource comes from the passthrough command line or from an override.
func isPassed(r *audit.Resource) bool { return strings.HasPrefix(r.ID, "qemu-") }

// passedResource is a resource of the passthrough command line, with its option.
type passedResource struct {
	*audit.Resource
	option audit.Option
}

// passedResources returns what the command line reaches. What <qemu:override> reaches is not among
// it.
func passedResources(p *audit.Pass) []passedResource {
	options := passedOptions(p)
	if len(options) == 0 {
		return nil
	}
	byPlace := make(map[audit.Path]audit.Option, len(options))
	for _, o := range options {
		byPlace[o.At] = o
	}
	var out []passedResource
	resources := p.Reach()
	for i := range resources {
		if r := &resources[i]; isPassed(r) {
			if o, ok := byPlace[r.At]; ok {
				out = append(out, passedResource{r, o})
			}
		}
	}
	return out
}

// passedChardevs returns the character devices of the command line that are on the network, except
// those that are written as a monitor.
func passedChardevs(p *audit.Pass) []passedResource {
	var out []passedResource
	for _, r := range passedResources(p) {
		if r.Endpoint != nil && isPassedChardev(r) {
			out = append(out, r)
		}
	}
	return out
}

// isPassedChardev reports whether a resource is the backend of a character device: of -chardev, or
// in the short form of -serial and its like, without a monitor.
func isPassedChardev(r passedResource) bool {
	return strings.HasPrefix(r.ID, "qemu-chardev") || r.ID == "qemu-serial" && !strings.HasPrefix(r.option.Value, "mon:")
}

// chardevUse is what is connected to a character device of the command line.
type chardevUse int

const (
	usedAsMonitor chardevUse = iota + 1 // a monitor, or the debugger stub
	usedAsConsole                       // a serial port or console
)

// isConsoleDevice reports whether a type of device is a terminal of the guest: isa-serial,
// virtconsole, sclpconsole, spapr-vty.
func isConsoleDevice(driver string) bool {
	return driver != "virtserialport" && (strings.Contains(driver, "serial") || strings.Contains(driver, "console") || strings.Contains(driver, "vty"))
}

// chardevUses returns what uses the character devices of -chardev, by their IDs. A monitor counts
// more than a console.
func chardevUses(p *audit.Pass) map[string]chardevUse {
	options := passedOptions(p)
	if len(options) == 0 {
		return nil
	}
	out := map[string]chardevUse{}
	for _, o := range options {
		id, isShort := strings.CutPrefix(o.Value, "chardev:")
		switch o.Name {
		case "serial", "virtioconsole":
			if isShort && out[id] == 0 {
				out[id] = usedAsConsole
			}
		case "device":
			if id, ok := o.Get("chardev"); ok && isConsoleDevice(o.First("driver")) && out[id] == 0 {
				out[id] = usedAsConsole
			}
		case "mon":
			out[o.First("chardev")] = usedAsMonitor
		case "monitor", "qmp", "qmp-pretty", "gdb":
			if isShort {
				out[id] = usedAsMonitor
			}
		}
	}
	delete(out, "") // of a use without an ID, and of devices that need none
	return out
}

// useOf returns what uses the character device that an option defines. Options of other kinds have
// IDs of their own.
func useOf(uses map[string]chardevUse, o audit.Option) chardevUse {
	if o.Name != "chardev" {
		return 0
	}
	id, _ := o.Get("id")
	return uses[id]
}

// openCredentials returns the IDs of the TLS credentials of the command line that do not require
// certificates of clients. By default they do (verify-peer in QEMU's documentation of TLS).
func openCredentials(p *audit.Pass) map[string]bool {
	out := map[string]bool{}
	for _, o := range passedOptions(p, "object") {
		id, _ := o.Get("id")
		_, set := o.Get("verify-peer")
		out[id] = o.First("qom-type") == "tls-creds-anon" || set && !switchedOn(o, "verify-peer")
	}
	return out
}

// bridgesData reports whether the guest's own data goes to the other end unchanged: the resource is
// the backend of a character device, or the destination of a forwarded connection.
func bridgesData(r *audit.Resource) bool {
	return strings.HasPrefix(r.ID, "chr-") || strings.HasPrefix(r.ID, "qemu-chardev") || r.ID == "qemu-serial" ||
		r.ID == "qemu-netdev-guestfwd" && r.Access&reach.Connect != 0
}
