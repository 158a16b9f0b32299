package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/policy"
)

// Command is what <qemu:commandline> (for type xen: <xen:commandline>) adds to QEMU's command line,
// taken apart as QEMU takes it apart.
type Command struct {
	Options []Option
}

// Option is one option of QEMU's command line.
type Option struct {
	Name  string // without dashes: "device"; "" for a word that is no option, which QEMU takes for a disk image
	Value string // the raw argument; "" when the option takes none
	Path  Path   // the <qemu:arg> that holds the name
	At    Path   // the <qemu:arg> that holds the argument, or the name where there is none
	Args  []KeyValue
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
	jitdump only-migratable tdf async-teardown show-cursor`)...)

// withArgument are those that swallow the next word whatever it looks like. A word that begins with
// a dash is left alone behind options in neither list: to take an option for an argument would hide it.
var withArgument = set(strings.Fields(`machine M cpu accel smp numa add-fd set global boot m k audio audiodev device
	name uuid fda fdb hda hdb hdc hdd cdrom blockdev drive mtdblock sd fsdev virtfs iscsi usbdevice display rotate
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
			o.Args = keyValues(o.Value)
		}
		c.Options = append(c.Options, o)
	}
	return c
}

// keyValues splits "a,b=c,,d" as QEMU does: a doubled comma is a comma; a part without "=" is a
// switch, but for the first. An argument in braces is JSON, whose nested keys are joined by dots.
func keyValues(value string) []KeyValue {
	if strings.HasPrefix(value, "{") {
		var object map[string]any
		if json.Unmarshal([]byte(value), &object) == nil {
			return flatten(nil, "", object)
		}
	}
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

// maxPrefix is how long, in bytes, a key of nested JSON gets. Of a longer one the end is kept, by which rules know
// what it sets; nothing of QEMU's nests so deep.
const maxPrefix = 1000

func flatten(out []KeyValue, prefix string, object map[string]any) []KeyValue {
	if len(prefix) > maxPrefix {
		prefix = prefix[len(prefix)-maxPrefix/2:]
	}
	keys := make([]string, 0, len(object))
	for k := range object {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		switch v := object[k].(type) {
		case map[string]any:
			out = flatten(out, prefix+k+".", v)
		case bool:
			out = append(out, KeyValue{prefix + k, map[bool]string{true: "on", false: "off"}[v]})
		default:
			out = append(out, KeyValue{prefix + k, fmt.Sprint(v)})
		}
	}
	return out
}

// overrides returns the options that set accelerator or machine type, and what they amount to.
// An option such as "-machine smm=off" that only sets a property of the machine is none of them.
func (c Command) overrides() ([]Option, policy.Override) {
	var out []Option
	var o policy.Override
	var accelerators []string
	for _, opt := range c.Options {
		switch opt.Name {
		case "accel":
			accelerators = append(accelerators, opt.First("accel"))
		case "machine", "M":
			accel, sets := opt.Get("accel")
			if sets {
				accelerators = append(accelerators, strings.Split(accel, ":")...)
			}
			// "-machine smm=off" begins with a key, so First finds no type.
			if machine := opt.First("type"); machine != "" {
				o.Machine = machine
			} else if !sets {
				continue
			}
		case "enable-kvm":
			accelerators = append(accelerators, "kvm")
		case "enable-hax", "enable-hvf":
			accelerators = append(accelerators, strings.TrimPrefix(opt.Name, "enable-"))
		case "no-kvm":
			accelerators = append(accelerators, "tcg")
		case "readconfig":
			// The file may hold a [machine] or [accel] group, and may change after the audit.
		case "set":
			if group, _, _ := strings.Cut(opt.Value, "."); group != "machine" && group != "accel" {
				continue
			}
		default:
			continue
		}
		out = append(out, opt)
	}
	o.Set = len(out) > 0
	o.Accelerator = strings.Join(accelerators, ":")
	o.MaybeTCG = slices.Contains(accelerators, "tcg")
	o.TCG = o.MaybeTCG && !slices.ContainsFunc(accelerators, func(a string) bool { return a != "tcg" })
	return out, o
}

// Overrides returns the options by which the command line sets the accelerator or the machine type.
func (c Command) Overrides() []Option {
	out, _ := c.overrides()
	return out
}
