package rules

import (
	"cmp"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/rules/internal/cpumodel"
)

// cpuModel is the CPU that a document or a command line names.
type cpuModel struct {
	at       audit.Path
	name     string          // "" for QEMU's default, which is qemu64
	features map[string]bool // those that it enables, and those that it disables
	host     bool            // it is a CPU of the host, or has all of its features
}

// statedCPU returns the CPU of <cpu>.
func statedCPU(p *audit.Pass) cpuModel {
	out := cpuModel{at: audit.At("cpu/model"), features: map[string]bool{}}
	c := p.CPU
	if c == nil {
		return out
	}
	if c.Model != nil {
		out.name = strings.TrimSpace(c.Model.Value)
	}
	out.host = c.Mode != "" && c.Mode != "custom" || c.Match == "minimum" && out.name != ""
	for _, f := range c.Features {
		out.features[f.Name] = f.Policy != "disable" && f.Policy != "forbid"
	}
	return out
}

// passedCPU returns the CPU of a -cpu. Of the three ways to name a feature, "-f" overrides "+f", and
// both override "f=on" (observed with QEMU 7.2 and 11.1, which warn about features that TCG does not
// have; source: x86_cpu_parse_featurestr in target/i386/cpu.c).
func passedCPU(o audit.Option) cpuModel {
	out := cpuModel{at: o.At, name: o.First("model"), features: map[string]bool{}}
	out.host = out.name == "host" || out.name == "max"
	rank := map[string]int{}
	for _, a := range o.Args {
		key, on, r := a.Key, !switchedOff(a.Value), 1
		switch {
		case strings.HasPrefix(key, "+"):
			key, on, r = key[1:], true, 2
		case strings.HasPrefix(key, "-"):
			key, on, r = key[1:], false, 3
		}
		if key = qemuFeature(key); r >= rank[key] {
			out.features[key], rank[key] = on, r
		}
	}
	return out
}

// qemuFeature returns a feature's name in -cpu with dashes, as QEMU does (feat2prop).
func qemuFeature(name string) string { return strings.ReplaceAll(name, "_", "-") }

// usedCPU returns the CPU that the guest gets.
func usedCPU(p *audit.Pass) cpuModel {
	if o, ok := lastCPU(p); ok {
		return passedCPU(o)
	}
	return statedCPU(p)
}

// lastCPU returns the -cpu that replaces the CPU of <cpu> and of those before it.
func lastCPU(p *audit.Pass) (o audit.Option, ok bool) {
	passed := passedOptions(p, "cpu")
	if len(passed) == 0 {
		return audit.Option{}, false
	}
	return passed[len(passed)-1], true
}

// lacks returns the mitigations that the guest's kernel cannot use. known is false if QEMU has no
// model with the name.
func (c cpuModel) lacks(p *audit.Pass) (lacks []cpumodel.Lack, known bool) {
	if c.host {
		return nil, true
	}
	name := cmp.Or(c.name, "qemu64")
	m, known := cpumodel.Find(name)
	if newest, ok := cpumodel.Newest(name); ok && p.Machine().Family == "microvm" {
		m = newest
	}
	if !known {
		return nil, false
	}
	return m.Lacks(func(f string) bool { return c.features[f] }), true
}

// unsafe reports whether a guest with an accelerator has no protection against Spectre v2.
func (c cpuModel) unsafe(p *audit.Pass) bool {
	lacks, _ := c.lacks(p)
	return lacksSpectreV2(lacks)
}

func lacksSpectreV2(lacks []cpumodel.Lack) bool {
	return slices.ContainsFunc(lacks, func(l cpumodel.Lack) bool {
		return l.Flaw == cpumodel.SpectreV2
	})
}

func reportUnmitigatedModel(p *audit.Pass) {
	if p.Type != "kvm" && p.Type != "hvf" || p.VerdictIs("not-qemu") ||
		p.Boundary.Accelerator == "tcg" {
		return
	}
	cpu := usedCPU(p)
	lacks, known := cpu.lacks(p)
	if known && len(lacks) == 0 {
		return
	}
	switch target := p.Boundary.Target; {
	case target == "":
		p.Unknown(audit.NeedCapabilities) // the rule applies only to x86
	case target != "x86_64" && target != "i386":
	case !known:
		p.Key("unknown").ReportAs(audit.Low, cpu.at, "CPU model '%s' is not one of QEMU's: "+
			"whether it provides mitigations for Spectre is unknown", cpu.name)
	case !lacksSpectreV2(lacks):
		p.Key("partial", features(lacks)...).ReportAs(audit.Low, cpu.at, "CPU model '%s' provides no mitigation for %s",
			cmp.Or(cpu.name, "qemu64"), flaws(lacks))
	case cpu.name == "":
		p.Reportf(audit.At("cpu"), "the document states no CPU model: "+
			"QEMU's default, qemu64, provides no mitigations")
	default:
		p.Reportf(cpu.at, "CPU model '%s' provides no mitigation for %s", cpu.name, flaws(lacks))
	}
}

// features returns the names of the features that are lacking, which identify a finding.
func features(lacks []cpumodel.Lack) (names []string) {
	for _, l := range lacks {
		names = append(names, l.Feature)
	}
	return names
}

// flaws lists the flaws, each with the feature that mitigates it.
func flaws(lacks []cpumodel.Lack) string {
	var items []string
	for _, l := range lacks {
		feature := l.Feature
		if l.AMD != "" {
			feature += "; AMD: " + l.AMD
		}
		items = append(items, l.Flaw+" ("+feature+")")
	}
	return enumerate(items)
}

// enumerate writes a list: "a, b and c".
func enumerate(items []string) string {
	if n := len(items) - 1; n > 0 {
		return strings.Join(items[:n], ", ") + " and " + items[n]
	}
	return strings.Join(items, "")
}
