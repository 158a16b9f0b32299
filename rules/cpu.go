package rules

import (
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
		Doc: `The guest's kernel can use only the mitigations that its CPU model provides, and
models from before 2018 provide none: any process in the guest can read the memory of the kernel and
of other processes by Spectre. This includes qemu64 and kvm64, which QEMU's manual strongly
discourages, and a guest that names no model, since it gets qemu64. The host is not affected. In a
cluster with migration, use the model of the oldest host, and add the features that all hosts have.`,
		Fix:  `Use <cpu mode='host-model'/> or 'host-passthrough', or add <feature policy='require'> for spec-ctrl and ssbd (AMD: ibpb, virt-ssbd)`,
		Refs: []string{qemuCPUModels, "https://security.libvirt.org/2018/0001.html"},
		// Medium, since only the guest is affected. TCG does not speculate. With match='minimum'
		// and a model libvirt adds the features of the host; without a model it uses qemu64.
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
			for _, o := range passedOptions(p, "cpu") {
				for _, a := range o.Args {
					name, minus := strings.CutPrefix(a.Key, "-")
					if minus || a.Value == "off" && !strings.HasPrefix(a.Key, "+") {
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
the element QEMU uses the default of the machine type.`,
		Fix: `Set value='workaround', or value='fixed' for cfpc and sbbc if the host's CPU is fixed. Without the element, machine types
before pseries-4.0 are still broken.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#hypervisor-features"},
		// ccf-assist is not checked: without it the guest flushes by software, which is slower, not
		// weaker.
		Check: func(p *audit.Pass) {
			f := p.Features
			if f.CFPC != nil && f.CFPC.Value == "broken" {
				p.Reportf(audit.At("features/cfpc@value"), "cfpc is 'broken': the cache is not flushed when the privilege level changes")
			}
			if f.SBBC != nil && f.SBBC.Value == "broken" {
				p.Reportf(audit.At("features/sbbc@value"), "sbbc is 'broken': no barrier prevents speculation from bypassing bounds checks")
			}
			if f.IBS != nil && f.IBS.Value == "broken" {
				p.Reportf(audit.At("features/ibs@value"), "ibs is 'broken': an attacker can control indirect branches")
			}
		},
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

// oldModels are the models without any mitigation.
var oldModels = strings.Fields(`qemu32 qemu64 kvm32 kvm64 cpu64-rhel5 cpu64-rhel6 486 pentium pentium2 pentium3 pentiumpro athlon
	coreduo core2duo n270 phenom`)

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

// cpuModel is the CPU that a document or a command line names.
type cpuModel struct {
	at               audit.Path
	name             string // "" for QEMU's default, which is qemu64
	branches, stores bool   // it has a feature against Spectre's variants 2 and 4
	host             bool   // it is a CPU of the host, or has all of its features
}

// mitigated reports whether the guest's kernel has what it requires.
func (c cpuModel) mitigated() bool {
	return c.host || c.branches && c.stores || c.name != "" && !slices.Contains(oldModels, c.name)
}

func (c *cpuModel) note(feature string) {
	c.branches = c.branches || slices.Contains([]string{"spec-ctrl", "ibrs", "ibpb"}, feature)
	c.stores = c.stores || slices.Contains([]string{"ssbd", "virt-ssbd", "amd-ssbd"}, feature)
}

// statedCPU returns the CPU of <cpu>.
func statedCPU(p *audit.Pass) cpuModel {
	out := cpuModel{at: audit.At("cpu/model")}
	c := p.CPU
	if c == nil {
		return out
	}
	if c.Model != nil {
		out.name = strings.TrimSpace(c.Model.Value)
	}
	out.host = c.Mode != "" && c.Mode != "custom" || c.Match == "minimum" && out.name != ""
	for _, f := range c.Features {
		if f.Policy != "disable" && f.Policy != "forbid" {
			out.note(f.Name)
		}
	}
	return out
}

func reportUnmitigatedModel(p *audit.Pass) {
	if p.Type != "kvm" && p.Type != "hvf" || p.VerdictIs("not-qemu") {
		return
	}
	cpu := statedCPU(p)
	for _, o := range passedOptions(p, "cpu") { // the last one is effective, and replaces libvirt's
		cpu = cpuModel{at: o.At, name: o.First("model")}
		for _, a := range o.Args {
			if name, plus := strings.CutPrefix(a.Key, "+"); plus || a.Value == "on" {
				cpu.note(name)
			}
		}
	}
	if cpu.mitigated() {
		return
	}
	switch target := p.Boundary.Target; {
	case target == "":
		p.Unknown(audit.NeedCapabilities) // the rule applies only to x86
	case target != "x86_64" && target != "i386":
	case cpu.name == "":
		p.Reportf(audit.At("cpu"), "the document states no CPU model: QEMU's default, qemu64, provides no mitigations")
	default:
		p.Reportf(cpu.at, "CPU model '%s' provides no mitigations for Spectre", cpu.name)
	}
}
