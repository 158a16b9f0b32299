package domxml

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/policy"
)

// Effect is what one option of the command line does to the accelerator or the machine type, given
// what libvirt has written before it: "-machine TYPE,... -accel KIND" (libvirt 9.0 to 12.8).
type Effect struct {
	Option Option
	Kind   EffectKind
	Value  string // the accelerator or machine type that the option names, as a plain word; or ""
	Why    string // for EffectStops: why QEMU does not start
}

// EffectKind classifies what an option does.
type EffectKind int

// The kinds of effects. Each was observed with QEMU 7.2 under libvirt 9.0, see TestCommandOnQEMU.
const (
	EffectRepeats EffectKind = iota // sets what the document already sets
	EffectIgnored                   // none: libvirt's -accel comes first, or a later -machine overrides it
	EffectChanges                   // selects another machine type than the document
	EffectUnclear                   // depends on more than the document
	EffectStops                     // QEMU does not start
)

// resolve determines the effects of all options. It visits each of them once.
func (c *Command) resolve(t Target) {
	if len(c.Options) == 0 {
		return
	}
	if t.Type == "xen" {
		c.resolveXen()
		return
	}
	r := resolver{target: t, machineEffect: -1, ids: map[string]bool{}}
	for _, o := range c.Options {
		r.option(o)
	}
	r.machine()
	r.fallBack()
	for _, e := range r.effects {
		switch e.Kind {
		case EffectStops:
			c.Override.Stops = true
		case EffectUnclear:
			c.Override.Unknown = true
		case EffectChanges:
			c.Override.Machine, c.MachineAt = e.Value, e.Option.At
		case EffectRepeats, EffectIgnored:
		}
	}
	c.Effects = r.effects
}

type resolver struct {
	target        Target
	effects       []Effect
	machineEffect int // the effect of the last option that names the machine type; or -1
	ids           map[string]bool
	// mayBreakAccelerator: a property is set that may keep the document's accelerator from working.
	mayBreakAccelerator bool
}

func (r *resolver) add(o Option, kind EffectKind, value, why string) {
	r.effects = append(r.effects, Effect{o, kind, value, why})
}

func (r *resolver) option(o Option) {
	switch {
	case o.Fault != "":
		r.add(o, EffectStops, "", o.Fault)
		return
	case o.Name == "accel":
		r.accel(o)
	case o.Name == "machine" || o.Name == "M":
		r.machineOption(o)
	case o.Name == "enable-kvm":
		r.add(o, EffectStops, "", "it means -machine accel=, which QEMU refuses together with libvirt's -accel")
	case o.Name == "icount" && r.target.Type != "qemu":
		r.add(o, EffectStops, "", "QEMU does not allow it with hardware virtualization")
	case o.Name == "readconfig":
		// The file can contain a [machine] group, and can change after the audit.
		r.add(o, EffectUnclear, "", "")
	case o.Name == "set":
		if group, _, _ := strings.Cut(o.Value, "."); group == "machine" || group == "accel" {
			r.add(o, EffectUnclear, "", "")
		}
	}
}

// accel judges -accel. QEMU uses the first accelerator that works, which is libvirt's.
func (r *resolver) accel(o Option) {
	id, named := o.Get("id")
	kind := o.First("accel")
	last, given := o.Get("accel")
	if given {
		kind = last
	}
	switch {
	case named && (r.ids[id] || !wellFormedID(id)):
		r.add(o, EffectStops, "", "its id is malformed or a duplicate")
	case o.Value == "" || kind == "" && !given:
		r.add(o, EffectStops, "", "it names no accelerator")
	case kind == "help" || kind == "?":
		r.add(o, EffectStops, "", "QEMU prints a list and exits")
	case kind == ownAccelerator(r.target.Type):
		r.add(o, EffectRepeats, kind, "")
	default:
		r.add(o, EffectIgnored, plainWord(kind), "")
	}
	if named {
		r.ids[id] = true
	}
}

// machineOption judges -machine, apart from the influence of a later one.
func (r *resolver) machineOption(o Option) {
	name, sets, fault := machineArgument(o.Value)
	switch {
	case fault != "":
		r.add(o, EffectStops, "", fault)
	case sets:
		if r.machineEffect >= 0 {
			r.effects[r.machineEffect].Kind = EffectIgnored
		}
		r.machineEffect = len(r.effects)
		r.add(o, EffectChanges, name, "")
	}
	r.mayBreakAccelerator = r.mayBreakAccelerator || slices.ContainsFunc(o.Args, func(a KeyValue) bool { return !ignoredByKVM[a.Key] })
}

// ignoredByKVM lists the machine properties that KVM does not read during its setup (kvm_init and
// kvm_arch_init in QEMU 7.2 to 11.1). It does read kvm-shadow-mem and bus-lock-ratelimit, and fails
// if the host refuses their values.
var ignoredByKVM = set("", "type", "hmat", "hpet", "vmport", "usb", "sata", "smbus", "pit", "i8042", "nvdimm", "graphics",
	"dump-guest-core", "mem-merge", "suppress-vmdesc", "max-ram-below-4g")

// fallBack marks the accelerator as unclear if another one is passed together with a property that
// may make libvirt's own accelerator fail: QEMU then continues with the next -accel.
func (r *resolver) fallBack() {
	if !r.mayBreakAccelerator || r.target.Type == "qemu" {
		return
	}
	for i := range r.effects {
		if e := &r.effects[i]; e.Kind == EffectIgnored && e.Option.Name == "accel" {
			e.Kind = EffectUnclear
		}
	}
}

// unstartable lists the machine types with which QEMU cannot start a guest of libvirt: libvirt
// passes arguments that they do not accept, or requires features that they do not have.
var unstartable = set("none", "microvm", "x-remote")

// machine judges the last option that names a machine type.
func (r *resolver) machine() {
	if r.machineEffect < 0 {
		return
	}
	e := &r.effects[r.machineEffect]
	switch {
	case r.documentSets(e.Value):
		e.Kind = EffectRepeats
	case plainWord(e.Value) == "":
		e.Kind, e.Value, e.Why = EffectStops, "", "its value cannot be the name of a machine type"
	case unstartable[e.Value]:
		e.Kind, e.Why = EffectStops, "the arguments of libvirt do not work with machine type '"+e.Value+"'"
	}
}

// documentSets reports whether the document already selects the machine: by this name, or by an
// alias for a version of the same family that the host chooses.
func (r *resolver) documentSets(name string) bool {
	targets := []string{policy.TargetOf(r.target.Arch)}
	if r.target.Arch == "" {
		targets = []string{"x86_64", "aarch64", "ppc64", "s390x", "riscv64", "loongarch64"}
	}
	return name == r.target.Machine || slices.ContainsFunc(targets, func(target string) bool {
		own := r.target.Machine
		if own == "" && r.target.Arch != "" {
			own = policy.ImpliedMachine(r.target, target)
		}
		document, option := policy.ParseMachine(target, own), policy.ParseMachine(target, name)
		return name == own || option.Alias && document.WellFormed && option.WellFormed && document.Family == option.Family
	})
}

// machineArgument parses the argument of -machine as keyval_parse_into does (util/keyval.c of QEMU
// 7.2). The first part may be the type alone, and the last type counts. QEMU does not accept JSON
// here.
func machineArgument(s string) (name string, sets bool, fault string) {
	for first := true; s != ""; first = false {
		n := strings.IndexAny(s, "=,")
		if n < 0 {
			n = len(s)
		}
		key := s[:n]
		switch {
		case n > 0 && (n == len(s) || s[n] == ','):
			switch {
			case key == "help" || key == "?":
				return "", false, "QEMU prints a list and exits"
			case !first:
				return "", false, "a part of its argument has no '='"
			}
			name, sets, s = key, true, strings.TrimPrefix(s[n:], ",")
			continue
		case key == "" || strings.Trim(key, keyCharacters) != "" || strings.HasPrefix(key, "type."):
			return "", false, "a part of its argument has no valid key"
		case key == "accel":
			return "", false, "QEMU refuses -machine accel= together with libvirt's -accel"
		}
		var value string
		value, s = cutEscaped(s[n+1:])
		if key == "type" {
			name, sets = value, true
		}
	}
	return name, sets, ""
}

const keyCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

// cutEscaped returns the text before the first single comma, with doubled commas reduced to one,
// and the rest.
func cutEscaped(s string) (value, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == ',' {
			if i+1 == len(s) || s[i+1] != ',' {
				return b.String(), s[i+1:]
			}
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// ownAccelerator returns the accelerator that libvirt passes with -accel for a domain type.
func ownAccelerator(domainType string) string {
	switch domainType {
	case "qemu":
		return "tcg"
	case "hyperv":
		return "mshv"
	default:
		return domainType
	}
}

// wellFormedID is id_wellformed of QEMU's util/id.c.
func wellFormedID(id string) bool {
	return id != "" && strings.Trim(id, keyCharacters) == "" && (id[0] >= 'A' && id[0] <= 'Z' || id[0] >= 'a' && id[0] <= 'z')
}

// plainWord returns s if it can be the name of an accelerator or machine type, else "".
func plainWord(s string) string {
	if s == "" || len(s) > 64 || strings.Trim(s, keyCharacters) != "" {
		return ""
	}
	return s
}

// resolveXen is resolve for Xen's device model. libxl writes its command line; which options it
// passes, and which of them count, is not known here.
func (c *Command) resolveXen() {
	var accelerators []string
	for _, o := range c.Options {
		switch o.Name {
		case "accel":
			accelerators = append(accelerators, o.First("accel"))
		case "machine", "M":
			accel, sets := o.Get("accel")
			if sets {
				accelerators = append(accelerators, strings.Split(accel, ":")...)
			} else if o.First("type") == "" {
				continue // it only sets a property
			}
		case "enable-kvm", "enable-hax", "enable-hvf":
			accelerators = append(accelerators, strings.TrimPrefix(o.Name, "enable-"))
		case "no-kvm":
			accelerators = append(accelerators, "tcg")
		case "readconfig":
		case "set":
			if group, _, _ := strings.Cut(o.Value, "."); group != "machine" && group != "accel" {
				continue
			}
		default:
			continue
		}
		c.Effects = append(c.Effects, Effect{Option: o, Kind: EffectUnclear})
	}
	c.Override.Unknown = len(c.Effects) > 0
	c.Override.TCG = len(accelerators) > 0 && !slices.ContainsFunc(accelerators, func(a string) bool { return a != "tcg" })
}

// Repeated returns the options, by their Path, that name an accelerator or machine type without any
// effect, and whose argument has no other part that matters. It is nil if there are none.
func (c *Command) Repeated() map[Path]bool {
	var out map[Path]bool
	for _, e := range c.Effects {
		if e.Kind != EffectRepeats && e.Kind != EffectIgnored {
			continue
		}
		if slices.ContainsFunc(e.Option.Args, func(a KeyValue) bool { return !tuning[a.Key] }) {
			continue
		}
		if out == nil {
			out = map[Path]bool{}
		}
		out[e.Option.Path] = true
	}
	return out
}

// tuning lists properties of accelerators and machines that do not remove any protection of the
// guest or the host.
var tuning = set("", "type", "accel", "id", "thread", "tb-size", "split-wx", "one-insn-per-tb", "dirty-ring-size",
	"kernel-irqchip", "kernel_irqchip", "kvm-shadow-mem", "notify-vmexit", "notify-window", "hmat", "hpet", "vmport",
	"usb", "sata", "smbus", "pit", "i8042", "its", "gic-version", "highmem", "max-ram-below-4g", "nvdimm", "suppress-vmdesc")
