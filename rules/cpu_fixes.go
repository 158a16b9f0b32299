package rules

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
	"github.com/virt-audit/virt-audit/rules/internal/cpumodel"
)

// useCPU returns the edits that set the mode of the CPU, and its model unless that is "". Topology,
// NUMA cells and features stay. What belongs to another mode goes: libvirt refuses some of it, such
// as a vendor without a model (source: libvirt, virCPUDefParseXML and qemuValidateDomainDefCpu).
func useCPU(p *audit.Pass, mode, model string) []edit.Edit {
	cpu := audit.At("cpu")
	edits := append([]edit.Edit{edit.Set(cpu.Attr("mode"), mode)},
		dropped(p, cpu.Attr("check"), cpu.Attr("migratable"), cpu.Elem("vendor"))...)
	if model == "" {
		return append(edits, dropped(p, cpu.Attr("match"), cpu.Elem("model"))...)
	}
	edits = append(edits, edit.Set(cpu.Attr("match"), "exact"),
		p.Put(cpu, "model", "<model fallback='forbid'>"+model+"</model>"))
	for _, at := range []audit.Path{cpu.Elem("cache"), cpu.Elem("maxphysaddr")} {
		if m, _ := p.Attr(at.Attr("mode")); m == "passthrough" {
			edits = append(edits, edit.Remove(at))
		}
	}
	return edits
}

func fixUnmitigatedModel(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if p.CPU != nil && expandedByLibvirt(p) {
		return nil // the features are libvirt's, and wrong beside another mode
	}
	var passed []edit.Edit
	for _, o := range passedOptions(p, "cpu") {
		passed = append(passed, edit.RemoveOption(o)...)
	}
	if lacks, known := statedCPU(p).lacks(p); len(passed) > 0 && known && len(lacks) == 0 {
		return onlyUnsafe(
			"Delete -cpu, so that the guest gets the CPU of <cpu>, with other features", passed...)
	}
	use := func(text, mode string) audit.Fix {
		return audit.UnsafeFix(text, slices.Concat(passed, useCPU(p, mode, ""))...)
	}
	passthrough := use("Use the host's CPU as it is; the guest sees other features, "+
		"and can migrate only between equal hosts", "host-passthrough")
	cluster := audit.ManualFix("In a cluster, use the model of the oldest host and add the features " +
		"for mitigations that all hosts have")
	if p.Type == "hvf" { // it has no other mode
		return []audit.Fix{passthrough, cluster}
	}
	return append(addFeatures(p, f),
		use("Use the model of the host's CPU; the guest sees other features, "+
			"and can migrate only to hosts that have them", "host-model"),
		passthrough, cluster)
}

// addFeatures returns the fix that keeps the model and adds what it lacks. There is none for a model
// that hosts of any vendor run: the features depend on the vendor.
func addFeatures(p *audit.Pass, f *audit.Finding) []audit.Fix {
	cpu := usedCPU(p)
	lacks, _ := cpu.lacks(p)
	if len(lacks) == 0 || slices.ContainsFunc(lacks, func(l cpumodel.Lack) bool { return l.AMD != "" }) {
		return nil
	}
	names := features(lacks)
	var edits []edit.Edit
	text := "; the guest starts only on hosts that have them"
	if o, ok := p.OptionAt(f.Path); ok {
		text = "; the guest sees them if the host has them"
		value := withItems(o.Value, func(item string) (string, bool) {
			key, _, _ := strings.Cut(strings.TrimLeft(item, "+-"), "=")
			return item, !slices.Contains(names, qemuFeature(key))
		})
		edits = append(edits, edit.Set(o.At, value+",+"+strings.Join(names, ",+")))
	} else {
		if check, _ := p.Attr(audit.At("cpu@check")); check == "none" {
			text = "; the guest sees them if the host has them"
		}
		for _, name := range names {
			edits = append(edits, requireFeature(p, name))
		}
	}
	return onlyUnsafe("Add "+enumerate(names)+" to the model"+text, edits...)
}

// requireFeature returns the edit that adds a feature to the CPU.
func requireFeature(p *audit.Pass, name string) edit.Edit {
	for at, f := range processorFeatures(p) {
		if f.Name == name {
			return edit.Set(at.Attr("policy"), "require")
		}
	}
	return edit.Insert(audit.At("cpu"), "<feature policy='require' name='"+name+"'/>")
}

func fixDisabledMitigation(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if o, ok := p.OptionAt(f.Path); ok {
		return onlyUnsafe(
			"Delete what disables protections from -cpu; the guest sees the features if the host has them",
			edit.Set(o.At, withItems(o.Value, func(item string) (string, bool) {
				return item, !disablesProtection(item)
			})))
	}
	if expandedByLibvirt(p) {
		return nil
	}
	return []audit.Fix{
		audit.UnsafeFix("Delete the element; the guest sees the feature if model and host have it, "+
			"and does not start if the model has it and the host does not", edit.Remove(f.Path)),
		audit.UnsafeFix("Require the feature; the guest then starts only on hosts that have it",
			edit.Set(f.Path.Attr("policy"), "require")),
	}
}

// disablesProtection reports whether a part of -cpu disables a feature that protects the guest.
func disablesProtection(item string) bool {
	name, minus := strings.CutPrefix(item, "-")
	if !minus {
		key, value, _ := strings.Cut(item, "=")
		if value != "off" || strings.HasPrefix(key, "+") {
			return false
		}
		name = key
	}
	name, _, _ = strings.Cut(name, "=")
	name = qemuFeature(name)
	return name == "umip" || slices.Contains(kernelProtections, name) ||
		slices.Contains(mitigations, name)
}

// fixPseries states the protection instead of deleting the element: the default of the machine type
// can be 'broken', see brokenByDefault.
func fixPseries(p *audit.Pass, f *audit.Finding) []audit.Fix {
	var edits []edit.Edit
	switch o, passed := p.OptionAt(f.Path); {
	case f.Key == "default":
		edits = protectPower(p)
	case passed:
		edits = append(edits, edit.Set(o.At, withItems(o.Value, func(item string) (string, bool) {
			if key, value, _ := strings.Cut(item, "="); isPowerCap(key) && value == "broken" {
				return key + "=workaround", true
			}
			return item, true
		})))
	default:
		edits = append(edits, edit.Set(f.Path, "workaround"))
	}
	return onlyUnsafe("Protect the guest by software; it does not start on hosts whose "+
		"firmware does not support that", edits...)
}

// protectPower returns the edits that state what the document leaves to the machine type.
func protectPower(p *audit.Pass) (edits []edit.Edit) {
	for _, c := range powerCaps {
		if !p.Has(c.at) {
			edits = append(edits, edit.Set(c.at.Attr("value"), "workaround"))
		}
	}
	return edits
}

func fixNested(p *audit.Pass, f *audit.Finding) []audit.Fix {
	const text = "Disable nested virtualization; the guest can no longer run guests of its own"
	if o, ok := p.OptionAt(f.Path); ok {
		return onlyUnsafe(text, edit.Set(o.At, withItems(o.Value, withoutNesting)))
	}
	switch attribute := f.Path.Attribute(); {
	case f.Key == "running":
		return nil
	case f.Key == "requested":
		return onlyUnsafe(text, edit.Set(f.Path.Attr("policy"), "disable"))
	case attribute != "":
		return onlyUnsafe(text, edit.Set(f.Path, "off"))
	default:
		return onlyUnsafe(text, edit.Set(f.Path.Attr("state"), "off"))
	}
}

// nestingKeys are the keys of -cpu and -machine that enable nested virtualization, as users write
// them.
var nestingKeys = strings.Fields("vmx svm +vmx +svm virtualization cap-nested-hv")

// withoutNesting disables nested virtualization if a part of -cpu or -machine enables it. A feature
// that is not named at all is that of the CPU model.
func withoutNesting(item string) (string, bool) {
	key, value, _ := strings.Cut(item, "=")
	if slices.Contains(nestingKeys, key) && value != "off" {
		return strings.TrimPrefix(key, "+") + "=off", true
	}
	return item, true
}
