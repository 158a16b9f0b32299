package rules

import (
	"maps"
	"slices"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
)

const qemuCPUModels = "https://www.qemu.org/docs/master/system/qemu-cpu-models.html"

var processors = []*audit.Rule{
	{
		ID:       "cpu-model-baseline",
		Title:    "CPU model without protection against speculative execution",
		Severity: audit.Medium,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `The guest's kernel can use only the mitigations for which its CPU model shows the
feature, and models from before 2018 show none: without spec-ctrl (AMD: ibpb), a process can steer
what the kernel and other processes execute speculatively, and so read their memory. Retpolines and
page table isolation need no feature, but do not replace it. This includes qemu64 and kvm64, which
QEMU's manual strongly discourages, a guest that names no model, since it gets qemu64, and models
such as SandyBridge, Haswell-v1 and EPYC; their variants with -IBRS and -IBPB have the feature. If
only ssbd or md-clear is missing, the finding is low: the kernel then clears buffers without knowing
whether that works, and cannot protect sandboxes from speculative stores. A model that QEMU does not
have is low, too, since it cannot be judged. The host is not affected. In a cluster with migration,
use the model of the oldest host, and add the features that all hosts have.`,
		Fix: `Use <cpu mode='host-model'/> or 'host-passthrough', or add <feature policy='require'> for spec-ctrl, ssbd and md-clear
(AMD: ibpb, virt-ssbd)`,
		Refs: []string{qemuCPUModels, "https://security.libvirt.org/2018/0001.html"},
		// Medium, since only the guest is affected. TCG does not speculate. With match='minimum'
		// and a model libvirt adds the features of the host; without a model it uses qemu64.
		// A feature that the model has and the document disables is a finding of
		// cpu-mitigation-disabled alone.
		Check: reportUnmitigatedModel,
		Fixes: fixUnmitigatedModel,
		NoFix: "Change the stored definition, such as to <cpu mode='host-model'/>: this is the model that the " +
			"running guest has until it is shut down",
	},
	{
		ID:       "cpu-mitigation-disabled",
		Title:    "CPU feature that protects the guest is disabled",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `Without the feature the guest's kernel cannot use the protection that requires it:
barriers against Spectre and related attacks, clearing of buffers, or the separation of kernel and
user memory that most kernel exploits must bypass. In the document of a running guest, libvirt
itself lists the features of the model that this host lacks: there the finding is low, except for
nx, smep and smap. Features that only report "not affected" can be disabled: the guest then uses
mitigations that it does not require.`,
		Fix:  `Delete the <feature> element; if the host lacks the feature, update its microcode`,
		Refs: []string{qemuCPUModels, "https://security.libvirt.org/2018/0005.html", "https://security.libvirt.org/2019/0008.html"},
		// Not rdctl-no, mds-no, taa-no, gds-no, ibrs-all, skip-l1dfl-vmentry and arch-capabilities,
		// which report that a flaw is absent; not pcid and invpcid, which are about speed; not
		// virt-ssbd, which amd-ssbd replaces.
		Check: func(p *audit.Pass) {
			judge := func(at audit.Path, name string, derived bool) {
				switch {
				case slices.Contains(kernelProtections, name):
					p.Key("kernel-bar", name).Reportf(at, "feature '%s' is disabled: the guest's kernel cannot use it", name)
				case name == "umip" || slices.Contains(mitigations, name) && derived:
					p.Key("minor", name).ReportAs(audit.Low, at, "feature '%s' is disabled: the guest's kernel cannot use it", name)
				case slices.Contains(mitigations, name):
					p.Key("mitigation", name).Reportf(at, "feature '%s' is disabled: the guest's kernel cannot use this mitigation", name)
				}
			}
			for at, f := range processorFeatures(p) {
				if f.Policy == "disable" || f.Policy == "forbid" {
					judge(at, f.Name, expandedByLibvirt(p))
				}
			}
			if o, ok := lastCPU(p); ok {
				features := passedCPU(o).features
				for _, name := range slices.Sorted(maps.Keys(features)) {
					if !features[name] {
						judge(o.At, name, false)
					}
				}
			}
		},
		Fixes: fixDisabledMitigation,
		NoFix: "Look for the feature in the stored definition, and delete it there; if only the running guest " +
			"lacks it, update the host's microcode: libvirt lists what the host's CPU lacks",
	},
	{
		ID:       "cpu-pseries-broken",
		Title:    "POWER guest runs without protection against Meltdown or Spectre",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `The value 'broken' reports to the guest that its CPU has no such protection, so the
guest does not use it: flushing the cache when the privilege level changes, a barrier for bounds
checks, or indirect branches that an attacker cannot control. Processes in the guest can then read
the memory of its kernel. The only reason for it is migration to hosts with old firmware. Without
the elements QEMU uses the defaults of the machine type, which are 'broken' before pseries-4.0,
before pseries-rhel8.0.0 and before Ubuntu's pseries-eoan, except in variants that end in -sxxm: this
finding is medium.`,
		Fix: `Set <cfpc>, <sbbc> and <ibs> in <features> to value='workaround', or cfpc and sbbc to 'fixed' if the host's CPU is fixed, or use
a newer machine type.`,
		Refs:  []string{"https://libvirt.org/formatdomain.html#hypervisor-features"},
		Check: reportBrokenPower,
		Fixes: fixPseries,
	},
	{
		ID:       "cpu-nested-explicit",
		Title:    "Guest can run nested guests",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `A guest with nested virtualization uses the most complex part of the host's kernel,
where two escapes with root access to the host were published in 2026. Red Hat and SUSE support it
only for evaluation. Build machines and clusters in guests require it: waive the rule for them, on
hosts that run nothing else. If libvirt expanded the CPU model of a running guest, the feature may
come from the host, and the finding is low. host-passthrough and host-model without such a feature
element are not reported.`,
		Fix: `Set <feature policy='disable' name='vmx'/> (AMD: 'svm')`,
		Refs: []string{
			"https://github.com/V4bel/Zapscape", "https://github.com/SUSE/doc-sle/blob/main/xml/virt_support.xml",
			"https://nvd.nist.gov/vuln/detail/CVE-2020-2732", "https://libvirt.org/formatdomain.html#hypervisor-features",
		},
		// On s390x every model supports nesting, and a module option of the host's kernel decides.
		Check: func(p *audit.Pass) {
			for at, f := range processorFeatures(p) {
				if f.Name != "vmx" && f.Name != "svm" || f.Policy == "disable" || f.Policy == "forbid" {
					continue
				}
				if expandedByLibvirt(p) {
					p.Key("running").ReportAs(audit.Low, at, "feature '%s' is enabled in the running guest: it can run nested guests", f.Name)
				} else {
					p.Key("requested").Reportf(at, "feature '%s' is requested: the guest can run nested guests", f.Name)
				}
			}
			if v := audit.At("features/virtualization"); p.Has(v) {
				if state, ok := p.Attr(v.Attr("state")); !ok || state == "on" {
					p.Reportf(v, "virtualization is enabled: the guest can run nested guests")
				}
			}
			if n := p.Features.NestedHV; n != nil && n.State == "on" {
				p.Reportf(audit.At("features/nested-hv@state"), "nested-hv is enabled: the guest can run nested guests")
			}
			for _, o := range passedOptions(p, "cpu", "machine", "M") {
				for _, key := range nestingKeys {
					if switchedOn(o, key) {
						p.Key("passed", strings.TrimPrefix(key, "+")).Reportf(o.At, "-%s enables %s: the guest can run nested guests", o.Name, strings.TrimPrefix(key, "+"))
					}
				}
			}
		},
		Fixes: fixNested,
		NoFix: "Decide whether the guest runs guests of its own; if not, disable the feature in the <cpu> of the " +
			"stored definition: libvirt made this model for the running guest",
	},
}

// mitigations are features that a guest's kernel requires to protect itself from speculation.
var mitigations = strings.Fields(`spec-ctrl ibrs ibpb stibp amd-stibp ssbd amd-ssbd amd-psfd md-clear fb-clear flush-l1d
	rfds-clear bhi-ctrl tsx-ctrl sbpb ibpb-brtype`)

// kernelProtections are features that prevent a kernel from executing or accessing user memory by
// mistake.
var kernelProtections = strings.Fields("nx smep smap")

// processorFeatures walks the features that the document names.
func processorFeatures(p *audit.Pass) func(func(audit.Path, *libvirtxml.DomainCPUFeature) bool) {
	return func(yield func(audit.Path, *libvirtxml.DomainCPUFeature) bool) {
		if p.CPU == nil {
			return
		}
		for at, f := range audit.Each("cpu/feature", p.CPU.Features) {
			if !yield(at, f) {
				return
			}
		}
	}
}

// expandedByLibvirt reports whether the features may come from libvirt instead of the author: the
// document of a running guest with mode 'host-model' shows the model that libvirt selected.
func expandedByLibvirt(p *audit.Pass) bool { return p.Live() && p.CPU.Mode == "custom" }
