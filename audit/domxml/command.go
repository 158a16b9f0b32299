package domxml

import (
	"slices"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit/policy"
)

// Command is what <qemu:commandline> (for type xen: <xen:commandline>) adds to QEMU's command line,
// parsed as QEMU parses it.
type Command struct {
	Options []Option
	Effects []Effect // of the options that affect accelerator, machine type or start, in their order

	Override  policy.Override // the combined result of the effects
	MachineAt Path            // the argument that sets Override.Machine
}

// Option is one option of QEMU's command line.
type Option struct {
	// Name is without dashes: "device". It is "" for a word that does not begin with a dash, which
	// QEMU reads as a disk image.
	Name  string
	Value string // the raw argument; "" if the option has none
	Path  Path   // the <qemu:arg> that holds the name
	At    Path   // the <qemu:arg> that holds the argument, or the name if there is none
	Args  []KeyValue
	Fault string // why QEMU exits at the option; "" if no reason is known
}

// KeyValue is one part of an argument such as "driver=nvme,serial=1". The key is empty for a first
// part without one: each option has an implied key for that case.
type KeyValue struct{ Key, Value string }

// First returns the value of the first part, written with the key or without.
func (o Option) First(key string) string {
	if len(o.Args) > 0 && o.Args[0].Key == "" {
		return o.Args[0].Value
	}
	v, _ := o.Get(key)
	return v
}

// Get returns the value of a key. QEMU uses the last value if the key is given twice.
func (o Option) Get(key string) (value string, ok bool) {
	for _, a := range o.Args {
		if a.Key == key {
			value, ok = a.Value, true
		}
	}
	return value, ok
}

// OptionAt returns the option of the passthrough command line whose name or value is in the argument
// that a path leads to. ok is false for every other path.
func (d *Domain) OptionAt(p Path) (o Option, ok bool) {
	text, index, indexed := strings.Cut(strings.TrimSuffix(p.element(), "]"), "[")
	number := 1
	if indexed {
		number, _ = strconv.Atoi(index)
	}
	if found := d.optionOf(number); found != nil && found.Path.base == text {
		return *found, true
	}
	return Option{}, false
}

// optionOf returns the option that the argument with a number, from one, belongs to, or nil.
func (d *Domain) optionOf(number int) *Option {
	if d.options == nil {
		d.options = map[int]*Option{}
		for i := range d.Command.Options {
			o := &d.Command.Options[i]
			d.options[o.Path.index], d.options[o.At.index] = o, o
		}
	}
	return d.options[number]
}

// Named returns the options with one of the names, in order.
func (c Command) Named(names ...string) []Option {
	var out []Option
	for _, o := range c.Options {
		if slices.Contains(names, o.Name) {
			out = append(out, o)
		}
	}
	return out
}

// withoutArgument lists QEMU's options that take no argument (source: DEF(..., 0, ...) in
// qemu-options.hx of QEMU 2.12 to 11.1, removed options included).
var withoutArgument = set(strings.Fields(`h help version S s snapshot nographic curses full-screen no-quit
	alt-grab ctrl-grab no-frame no-fd-bootchk no-acpi no-hpet no-reboot no-shutdown daemonize enable-kvm
	no-kvm no-kvm-irqchip no-kvm-pit no-kvm-pit-reinjection enable-hax enable-hvf no-user-config nodefaults
	nodefconfig usb win2k-hack rtc-td-hack localtime portrait semihosting old-param mem-prealloc enable-fips
	sdl singlestep one-insn-per-tb xen-attach xen-create enable-sync-profile preconfig audio-help perfmap
	jitdump only-migratable xen-domid-restrict tdf async-teardown show-cursor`)...)

// withArgument lists the options that consume the next word whatever it is. After an option in
// neither list, a word that begins with a dash is not consumed: reading an option as an argument
// would hide it.
var withArgument = set(strings.Fields(`machine M cpu accel smp numa add-fd set global boot m k audio audiodev device
	name uuid fda fdb pflash hda hdb hdc hdd cdrom blockdev drive mtdblock sd fsdev virtfs iscsi usbdevice display rotate
	vga g spice vnc acpitable smbios netdev nic net chardev tpmdev kernel shim append initrd dtb compat fw_cfg
	serial parallel monitor qmp qmp-pretty mon debugcon pidfile gdb d D dfilter seed L bios option-rom rtc icount
	watchdog watchdog-action echr incoming prom-env semihosting-config sandbox readconfig writeconfig trace
	plugin object run-with overcommit kvm-shadow-memory mem-path xen-domid loadvm tb-size vmstate dump-vmstate
	msg action qtest qtest-log balloon chroot runas bt soundhw redir bootindex cpu-map smp-cache igd-passthru`)...)

// decodeCommand parses the arguments of the passthrough element that the domain's driver reads.
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
		o.Name = strings.TrimPrefix(name, "-") // QEMU reads --name as -name
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

// jsonOptions lists the options whose argument may be JSON if it begins with a brace: where QEMU
// calls qobject_input_visitor_new_str, and -device and -object (softmmu/vl.c of QEMU 7.2).
var jsonOptions = set("device", "object", "netdev", "blockdev", "display", "audiodev", "compat")

// decodeArgument decodes an option's argument. fault is the reason if QEMU refuses it.
func decodeArgument(name, value string) (args []KeyValue, fault string) {
	text := strings.TrimLeft(value, " \t\r\n")
	switch {
	case !strings.HasPrefix(text, "{"), name == "machine", name == "M", name == "accel":
		return keyValues(value), ""
	case jsonOptions[name] && text != value:
		return keyValues(value), "there is a blank before the brace of its JSON"
	}
	args, err := DecodeJSON(value)
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

// check records why QEMU would refuse the option itself. QEMU compares names exactly (lookup_opt in
// softmmu/vl.c), so "-accel=tcg" and "-Misapc" are unknown options. libvirt writes further options
// after the passthrough options, so the last one never ends the command line.
func (o *Option) check(next bool) {
	switch {
	case o.Fault != "":
	case withArgument[o.Name]:
		if !next {
			o.Fault = "its argument is missing"
		}
	case o.Name == "h" || o.Name == "help" || o.Name == "version":
		o.Fault = "QEMU prints a text and exits"
	case o.Name == "preconfig" || o.Name == "daemonize":
		o.Fault = "QEMU does not become ready, and libvirt gives up"
	case removedAccelerators[o.Name]:
		o.Fault = "QEMU no longer has this option"
	case !withoutArgument[o.Name]:
		o.Fault = "QEMU up to 11.1 has no such option"
	}
	asks := func(s string) bool { return s == "help" || s == "?" }
	if listsOnHelp[o.Name] && asks(o.Value) || helpInParts[o.Name] && slices.ContainsFunc(o.Args, func(a KeyValue) bool { return asks(a.Key) }) {
		o.Fault = "QEMU prints a list and exits"
	}
}

// removedAccelerators lists removed options that chose the accelerator; QEMU 5 had the last of
// them.
var removedAccelerators = set("no-kvm", "enable-hax", "enable-hvf")

// listsOnHelp lists the options for which QEMU prints the available values and exits if their
// argument is "help".
var listsOnHelp = set("machine", "M", "accel", "cpu", "device", "object", "netdev", "chardev", "display", "audiodev", "vga", "audio",
	"trace", "L", "smp", "boot")

// helpInParts lists the options that accept "help" as any part of their argument.
var helpInParts = set("device", "object", "chardev", "smp", "boot")

// keyValues splits "a,b=c,,d" as QEMU does: a doubled comma is a literal comma; a part without "="
// is a switch, except for the first.
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
