package domxml

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/policy"
)

// Command is what <qemu:commandline> (for type xen: <xen:commandline>) adds to QEMU's command line,
// taken apart as QEMU takes it apart.
type Command struct {
	Options []Option
	Effects []Effect // of the options that bear on accelerator, machine or start, in their order

	Override  policy.Override // what they amount to
	MachineAt Path            // the argument that sets Override.Machine
}

// Option is one option of QEMU's command line.
type Option struct {
	Name  string // without dashes: "device"; "" for a word that is no option, which QEMU takes for a disk image
	Value string // the raw argument; "" when the option takes none
	Path  Path   // the <qemu:arg> that holds the name
	At    Path   // the <qemu:arg> that holds the argument, or the name where there is none
	Args  []KeyValue
	Fault string // why QEMU does not take the option, and ends: "" where nothing is known against it
}

// KeyValue is one part of an argument such as "driver=nvme,serial=1". The key is empty for a first
// part without one: each option has a key of its own that is meant then.
type KeyValue struct{ Key, Value string }

// First returns the value of the first part, whether it was written with the key or without.
func (o Option) First(key string) string {
	if len(o.Args) > 0 && o.Args[0].Key == "" {
		return o.Args[0].Value
	}
	v, _ := o.Get(key)
	return v
}

// Get returns the value of a key; QEMU takes the last where it is given twice.
func (o Option) Get(key string) (value string, ok bool) {
	for _, a := range o.Args {
		if a.Key == key {
			value, ok = a.Value, true
		}
	}
	return value, ok
}

// Named walks the options of one of the names, in order.
func (c Command) Named(names ...string) []Option {
	var out []Option
	for _, o := range c.Options {
		if slices.Contains(names, o.Name) {
			out = append(out, o)
		}
	}
	return out
}

// withoutArgument are QEMU's options that stand alone (source: DEF(..., 0, ...) in qemu-options.hx,
// of QEMU 2.12 to 11.1, removed ones included).
var withoutArgument = set(strings.Fields(`h help version S s snapshot nographic curses full-screen no-quit
	alt-grab ctrl-grab no-frame no-fd-bootchk no-acpi no-hpet no-reboot no-shutdown daemonize enable-kvm
	no-kvm no-kvm-irqchip no-kvm-pit no-kvm-pit-reinjection enable-hax enable-hvf no-user-config nodefaults
	nodefconfig usb win2k-hack rtc-td-hack localtime portrait semihosting old-param mem-prealloc enable-fips
	sdl singlestep one-insn-per-tb xen-attach xen-create enable-sync-profile preconfig audio-help perfmap
	jitdump only-migratable xen-domid-restrict tdf async-teardown show-cursor`)...)

// withArgument are those that swallow the next word whatever it looks like. A word that begins with
// a dash is left alone behind options in neither list: to take an option for an argument would hide it.
var withArgument = set(strings.Fields(`machine M cpu accel smp numa add-fd set global boot m k audio audiodev device
	name uuid fda fdb pflash hda hdb hdc hdd cdrom blockdev drive mtdblock sd fsdev virtfs iscsi usbdevice display rotate
	vga g spice vnc acpitable smbios netdev nic net chardev tpmdev kernel shim append initrd dtb compat fw_cfg
	serial parallel monitor qmp qmp-pretty mon debugcon pidfile gdb d D dfilter seed L bios option-rom rtc icount
	watchdog watchdog-action echr incoming prom-env semihosting-config sandbox readconfig writeconfig trace
	plugin object run-with overcommit kvm-shadow-memory mem-path xen-domid loadvm tb-size vmstate dump-vmstate
	msg action qtest qtest-log balloon chroot runas bt soundhw redir bootindex cpu-map smp-cache igd-passthru`)...)

// decodeCommand joins the arguments of the passthrough element that the domain's driver reads.
func decodeCommand(d *Domain) Command {
	var words []string
	base := "qemu:commandline/qemu:arg"
	switch {
	case d.Type == "xen":
		base = "xen:commandline/xen:arg"
		if d.XenCommandline != nil {
			for _, a := range d.XenCommandline.Args {
				words = append(words, a.Value)
			}
		}
	case d.QEMUCommandline != nil:
		for _, a := range d.QEMUCommandline.Args {
			words = append(words, a.Value)
		}
	}
	place := func(i int) Path { return Path{base: base, index: i + 1, attr: "value"} }
	var c Command
	for i := 0; i < len(words); i++ {
		o := Option{Path: place(i), At: place(i)}
		name, dashed := strings.CutPrefix(words[i], "-")
		if !dashed {
			o.Value = words[i]
			c.Options = append(c.Options, o)
			continue
		}
		o.Name = strings.TrimPrefix(name, "-") // QEMU takes --name for -name
		next := i+1 < len(words)
		if next && (withArgument[o.Name] || !withoutArgument[o.Name] && !strings.HasPrefix(words[i+1], "-")) {
			i++
			o.Value, o.At = words[i], place(i)
			o.Args, o.Fault = decodeArgument(o.Name, o.Value)
		}
		if d.Type != "xen" {
			o.check(next)
		}
		c.Options = append(c.Options, o)
	}
	return c
}

// jsonOptions are those whose argument may be JSON, if it begins with a brace: where QEMU calls
// qobject_input_visitor_new_str, and -device and -object (softmmu/vl.c of QEMU 7.2).
var jsonOptions = set("device", "object", "netdev", "blockdev", "display", "audiodev", "compat")

// decodeArgument decodes an option's argument. A fault says why QEMU refuses it.
func decodeArgument(name, value string) (args []KeyValue, fault string) {
	text := strings.TrimLeft(value, " \t\r\n")
	switch {
	case !strings.HasPrefix(text, "{"), name == "machine", name == "M", name == "accel":
		return keyValues(value), ""
	case jsonOptions[name] && text != value:
		return keyValues(value), "a blank stands before the brace of JSON"
	}
	args, err := decodeJSON(value)
	switch {
	case err == nil && (name == "chardev" || name == "drive"):
		return args, "the option does not take JSON"
	case err == nil:
		return args, ""
	case jsonOptions[name]:
		return nil, "the JSON is malformed: " + err.Error()
	default:
		return keyValues(value), ""
	}
}

// check notes why QEMU would refuse the option itself. It compares names exactly (lookup_opt in QEMU's
// softmmu/vl.c): "-accel=tcg" and "-Misapc" are no options. libvirt writes further options after those
// that are passed, so the last one never ends the command line.
func (o *Option) check(next bool) {
	switch {
	case o.Fault != "":
	case withArgument[o.Name]:
		if !next {
			o.Fault = "its argument is missing"
		}
	case o.Name == "h" || o.Name == "help" || o.Name == "version":
		o.Fault = "QEMU prints a text and ends"
	case o.Name == "preconfig" || o.Name == "daemonize":
		o.Fault = "libvirt waits in vain for QEMU"
	case removedAccelerators[o.Name]:
		o.Fault = "QEMU has no such option any more"
	case !withoutArgument[o.Name]:
		o.Fault = "no QEMU up to 11.1 has such an option"
	}
	asks := func(s string) bool { return s == "help" || s == "?" }
	if listsOnHelp[o.Name] && asks(o.Value) || helpInParts[o.Name] && slices.ContainsFunc(o.Args, func(a KeyValue) bool { return asks(a.Key) }) {
		o.Fault = "QEMU prints a list and ends"
	}
}

// removedAccelerators chose the accelerator, the last of them until QEMU 5.
var removedAccelerators = set("no-kvm", "enable-hax", "enable-hvf")

// listsOnHelp are options for which QEMU prints what there is, and ends, if they ask for help.
var listsOnHelp = set("machine", "M", "accel", "cpu", "device", "object", "netdev", "chardev", "display", "audiodev", "vga", "audio",
	"trace", "L", "smp", "boot")

// helpInParts are options that take "help" among the parts of their argument.
var helpInParts = set("device", "object", "chardev", "smp", "boot")

// keyValues splits "a,b=c,,d" as QEMU does: a doubled comma is a comma; a part without "=" is a
// switch, but for the first.
func keyValues(value string) []KeyValue {
	var out []KeyValue
	for i, part := range splitCommas(value) {
		key, v, ok := strings.Cut(part, "=")
		switch {
		case ok:
			out = append(out, KeyValue{key, v})
		case i == 0:
			out = append(out, KeyValue{"", part})
		default:
			if off, ok := strings.CutPrefix(part, "no"); ok && off != "" {
				out = append(out, KeyValue{off, "off"})
			}
			out = append(out, KeyValue{part, "on"})
		}
	}
	return out
}

func splitCommas(value string) []string {
	var parts []string
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] != ',' {
			b.WriteByte(value[i])
			continue
		}
		if i+1 < len(value) && value[i+1] == ',' {
			b.WriteByte(',')
			i++
			continue
		}
		parts = append(parts, b.String())
		b.Reset()
	}
	return append(parts, b.String())
}
