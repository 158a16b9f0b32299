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
		Title:    "Processor model without protection against speculative execution",
		Severity: audit.Medium,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `The guest's kernel can use only the defences that its processor shows, and the models that come from
before 2018 show none: any program in the guest may read the kernel's memory and its neighbours' by Spectre. That
holds for qemu64 and kvm64, which QEMU's manual calls strongly discouraged, and so for a guest that names no model
at all, for qemu64 is what it gets. It does not open the host. A cluster that has to migrate guests names a model
of its oldest host and the features on top.`,
		Fix: `<cpu mode='host-model'/> or 'host-passthrough'; or <feature policy='require'> for spec-ctrl and ssbd (AMD: ibpb, virt-ssbd)
$ virt-xml DOMAIN --edit --cpu host-model`,
		Refs: []string{qemuCPUModels, "https://security.libvirt.org/2018/0001.html"},
		// Medium, for what is lost is lost inside the guest. Under TCG there is no speculation; with
		// match='minimum' and a model libvirt adds what the host has. Without a model it makes qemu64 of it.
		Check: baselineModel,
	},
	{
		ID:       "cpu-mitigation-disabled",
		Title:    "Processor feature that protects the guest is switched off",
		Severity: audit.High,
		Profiles: every,
		Doc: `Without the feature the guest's kernel cannot use the defence that needs it: barriers against Spectre
and its kin, clearing of buffers, or the bars between kernel and user memory that most exploits of kernels have to
pass. In a running guest, libvirt itself lists what a model has and this host has not: there it is low, except for
nx, smep and smap. Features that only say "not affected" may be disabled: the guest then protects itself for
nothing.`,
		Fix: `Delete the <feature> element; a host that lacks the feature needs new microcode.
$ virt-xml DOMAIN --edit --cpu host-passthrough,clearxml=yes`,
		Refs: []string{qemuCPUModels, "https://security.libvirt.org/2018/0005.html", "https://security.libvirt.org/2019/0008.html"},
		// Not rdctl-no, mds-no, taa-no, gds-no, ibrs-all, skip-l1dfl-vmentry and arch-capabilities, which
		// report that a flaw is absent; not pcid and invpcid, which are about speed; not virt-ssbd, which
		// amd-ssbd replaces.
		Check: func(p *audit.Pass) {
			judge := func(at audit.Path, name string, derived bool) {
				switch {
				case slices.Contains(kernelBars, name):
					p.Key("kernel-bar", name).Reportf(at, "feature '%s' is off: the guest's kernel does without it", name)
				case name == "umip" || slices.Contains(mitigations, name) && derived:
					p.Key("minor", name).ReportAs(audit.Low, at, "feature '%s' is off: the guest's kernel does without it", name)
				case slices.Contains(mitigations, name):
					p.Key("mitigation", name).Reportf(at, "feature '%s' is off: the guest cannot protect itself with it", name)
				}
			}
			for at, f := range processorFeatures(p) {
				if f.Policy == "disable" || f.Policy == "forbid" {
					judge(at, f.Name, expandedModel(p))
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
	},
	{
		ID:       "cpu-pseries-broken",
		Title:    "POWER guest runs without protection against Meltdown or Spectre",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `The value 'broken' tells the guest that its processor has no defence and needs none to be looked for:
flushing the cache when privilege changes, a barrier before bounds checks, or indirect branches that cannot be
steered. Programs in the guest can then read its kernel. A guest that has to migrate to hosts with old firmware is
the only reason for it; without the element QEMU takes what its machine type is defined with.`,
		Fix:  `Delete the element, or say value='workaround'; for cfpc and sbbc value='fixed' where the host's processor is.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#hypervisor-features"},
		// ccf-assist is left out: without it the guest flushes by software, which is slower, not weaker.
		Check: func(p *audit.Pass) {
			f := p.Features
			if f.CFPC != nil && f.CFPC.Value == "broken" {
				p.Reportf(audit.At("features/cfpc@value"), "cfpc is 'broken': the cache is not flushed when privilege changes")
			}
			if f.SBBC != nil && f.SBBC.Value == "broken" {
				p.Reportf(audit.At("features/sbbc@value"), "sbbc is 'broken': no barrier keeps bounds checks from being passed by speculation")
			}
			if f.IBS != nil && f.IBS.Value == "broken" {
				p.Reportf(audit.At("features/ibs@value"), "ibs is 'broken': indirect branches can be steered from outside")
			}
		},
	},
	{
		ID:       "cpu-nested-explicit",
		Title:    "Guest may run guests of its own",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `A guest with virtualization of its own drives the most intricate part of the host's kernel, where two
escapes to the host's root were published in 2026. Red Hat and SUSE offer it for trying out only. Build machines
and clusters in guests need it: waive the rule for those, on hosts that run nothing else. Where a running guest's
model was expanded by libvirt the feature may merely be the host's, and the finding is low; host-passthrough and
host-model without such a line are not reported.`,
		Fix: `<feature policy='disable' name='vmx'/> (AMD: 'svm')
$ virt-xml DOMAIN --edit --cpu disable=vmx,disable=svm`,
		Refs: []string{
			"https://github.com/V4bel/Zapscape", "https://github.com/SUSE/doc-sle/blob/main/xml/virt_support.xml",
			"https://nvd.nist.gov/vuln/detail/CVE-2020-2732", "https://libvirt.org/formatdomain.html#hypervisor-features",
		},
		// On s390x every model has what nesting needs, and a module option of the host's kernel decides.
		Check: func(p *audit.Pass) {
			for at, f := range processorFeatures(p) {
				if f.Name != "vmx" && f.Name != "svm" || f.Policy == "disable" || f.Policy == "forbid" {
					continue
				}
				if expandedModel(p) {
					p.Key("running").ReportAs(audit.Low, at, "feature '%s' is on in the running guest: it may run guests of its own", f.Name)
				} else {
					p.Key("requested").Reportf(at, "feature '%s' is asked for: the guest may run guests of its own", f.Name)
				}
			}
			if v := audit.At("features/virtualization"); p.Has(v) {
				if state, ok := p.Attr(v.Attr("state")); !ok || state == "on" {
					p.Reportf(v, "virtualization is switched on: the guest may run guests of its own")
				}
			}
			if n := p.Features.NestedHV; n != nil && n.State == "on" {
				p.Reportf(audit.At("features/nested-hv@state"), "nested-hv is on: the guest may run guests of its own")
			}
			for _, o := range passedOptions(p, "cpu", "machine", "M") {
				for _, key := range []string{"vmx", "svm", "+vmx", "+svm", "virtualization", "cap-nested-hv"} {
					if switchedOn(o, key) {
						p.Key("passed", strings.TrimPrefix(key, "+")).Reportf(o.At, "-%s switches %s on: the guest may run guests of its own", o.Name, strings.TrimPrefix(key, "+"))
					}
				}
			}
		},
	},
}

// mitigations are features that a guest's kernel needs to protect itself from speculation.
var mitigations = strings.Fields(`spec-ctrl ibrs ibpb stibp amd-stibp ssbd amd-ssbd amd-psfd md-clear fb-clear flush-l1d
	rfds-clear bhi-ctrl tsx-ctrl sbpb ibpb-brtype`)

// kernelBars are features that keep a kernel from running or touching its programs' memory by mistake.
var kernelBars = strings.Fields("nx smep smap")

// oldModels are those that cannot tell a guest of any mitigation.
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

// expandedModel reports whether the features may be libvirt's words instead of the author's: when a
// guest with mode 'host-model' runs, its document shows what that came to.
func expandedModel(p *audit.Pass) bool { return p.Live() && p.CPU.Mode == "custom" }

func baselineModel(p *audit.Pass) {
	if p.Type != "kvm" && p.Type != "hvf" || because(p, "not-qemu") {
		return
	}
	at, model := audit.At("cpu/model"), "" // QEMU's default, which is qemu64
	var branches, stores bool
	note := func(feature string) {
		branches = branches || slices.Contains([]string{"spec-ctrl", "ibrs", "ibpb"}, feature)
		stores = stores || slices.Contains([]string{"ssbd", "virt-ssbd", "amd-ssbd"}, feature)
	}
	if c := p.CPU; c != nil {
		if c.Mode != "" && c.Mode != "custom" {
			return
		}
		if c.Model != nil {
			model = strings.TrimSpace(c.Model.Value)
		}
		if c.Match == "minimum" && model != "" {
			return
		}
		for _, f := range c.Features {
			if f.Policy != "disable" && f.Policy != "forbid" {
				note(f.Name)
			}
		}
	}
	for _, o := range passedOptions(p, "cpu") { // the last one counts, and replaces what libvirt says
		at, model, branches, stores = o.At, o.First("model"), false, false
		for _, a := range o.Args {
			if name, plus := strings.CutPrefix(a.Key, "+"); plus || a.Value == "on" {
				note(name)
			}
		}
	}
	if model != "" && !slices.Contains(oldModels, model) || branches && stores {
		return
	}
	switch target := p.Boundary.Target; {
	case target == "":
		p.Unknown(audit.NeedCapabilities) // of use on x86 alone
	case target != "x86_64" && target != "i386":
	case model == "":
		p.Reportf(audit.At("cpu"), "no processor model is stated: QEMU's default, qemu64, shows the guest no mitigations")
	default:
		p.Reportf(at, "processor model '%s' shows the guest no mitigations for Spectre", model)
	}
}
