package cpumodel

import (
	"slices"
	"strings"
)

// Lack is a mitigation that the kernel of a guest cannot use, since its CPU lacks the feature for it.
type Lack struct {
	Flaw    string // such as "Spectre v2"
	Feature string // what to add to an Intel CPU; for AMD's models, to an AMD CPU
	AMD     string // of a model for hosts of any vendor: what to add to an AMD CPU
}

// SpectreV2 is the flaw that makes a model unsafe. For the others kernels also have mitigations
// that need no feature, or that only programs that ask for it use: Linux clears buffers with VERW
// even if md-clear is absent, and disables speculative stores for sandboxes alone (source:
// Documentation/admin-guide/hw-vuln of Linux).
const SpectreV2 = "Spectre v2"

// A requirement is a flaw and the features of which any protects a guest from it, or reports that the CPU
// does not have it. The first is the one to add. Source: "Important CPU features" in QEMU's
// docs/system/cpu-models-x86.rst.inc.
type requirement struct {
	flaw     string
	features []string
}

var (
	intel = []requirement{
		{SpectreV2, []string{"spec-ctrl"}},
		{"Spectre v4", []string{"ssbd", "ssb-no"}},
		{"MDS", []string{"md-clear", "mds-no"}},
	}
	// AMD's CPUs are not vulnerable to MDS. Kernels that do not know amd-ssbd know virt-ssbd, which
	// KVM emulates with any of the CPU's own means.
	amd = []requirement{
		{SpectreV2, []string{"ibpb"}},
		{"Spectre v4", []string{"virt-ssbd", "amd-ssbd", "amd-no-ssb"}},
	}
)

// anyVendor are models so old that hosts of both vendors run them. Other models of Intel or AMD have
// features that hosts of the other vendor may lack.
var anyVendor = strings.Fields(`qemu32 qemu64 kvm32 kvm64 cpu64-rhel5 cpu64-rhel6 base 486 pentium
	pentium2 pentium3 pentiumpro`)

// withoutMDS are the beginnings of the names of models that run only on CPUs without MDS, although
// their first versions do not report it (source: Intel's list of CPUs affected by transient
// execution attacks; cpu_vuln_whitelist in arch/x86/kernel/cpu/common.c of Linux).
var withoutMDS = strings.Fields("Icelake- Denverton Snowridge")

// Lacks returns the mitigations that a guest lacks. added reports whether its configuration adds a
// feature to those of the model.
func (m Model) Lacks(added func(feature string) bool) []Lack {
	lacks := func(needs []requirement) (out []Lack) {
		for _, n := range needs {
			if n.flaw == "MDS" && slices.ContainsFunc(withoutMDS, func(s string) bool {
				return strings.HasPrefix(m.Name, s)
			}) {
				continue
			}
			if !slices.ContainsFunc(n.features, func(f string) bool {
				return slices.Contains(m.features, f) || added(f)
			}) {
				out = append(out, Lack{Flaw: n.flaw, Feature: n.features[0]})
			}
		}
		return out
	}
	switch onIntel, onAMD := lacks(intel), lacks(amd); {
	case !slices.Contains(anyVendor, m.Name):
		if m.vendor == "AuthenticAMD" || m.vendor == "HygonGenuine" {
			return onAMD
		}
		return onIntel
	case unsafe(onIntel) && unsafe(onAMD):
		for i := range onIntel {
			for _, l := range onAMD {
				if l.Flaw == onIntel[i].Flaw {
					onIntel[i].AMD = l.Feature
				}
			}
		}
		return onIntel
	case len(onAMD) == 0 || unsafe(onIntel): // the features show which vendor's host is meant
		return onAMD
	default:
		return onIntel
	}
}

func unsafe(lacks []Lack) bool {
	return slices.ContainsFunc(lacks, func(l Lack) bool { return l.Flaw == SpectreV2 })
}
