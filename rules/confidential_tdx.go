package rules

import "github.com/virt-audit/virt-audit/audit"

// Bits of the attributes of a trust domain (source: TDX_ATTR_* in Linux,
// arch/x86/include/asm/shared/tdx.h; QEMU's docs/system/i386/tdx.rst). The element is optional:
// without it QEMU uses 0x10000000 (source: libvirt, commit e919a4dd), which is the recommended
// value.
const (
	tdxDebug         = 0  // the host may debug
	tdxSeptVEDisable = 28 // no #VE when the guest accesses a page that is not present
)

const usualTDX = `Set <policy>0x10000000</policy>, or delete <policy>: QEMU's default is the same`

var confidentialTDX = []*audit.Rule{
	{
		ID:       "confidential-tdx-debug",
		Title:    "TDX policy lets the host debug the guest",
		Severity: audit.Critical,
		Profiles: confidentialProfiles,
		Doc: `With bit 0 of the attributes set, the guest runs in "off-TD debug mode": the host may
read its memory and registers through the TDX module, which removes all of its protection. The quote
contains the bit, so a verifier can detect it. The example in libvirt's documentation had the bit
set for some time.`,
		Fix:  usualTDX,
		Refs: []string{qemuTDX, launchSecurity},
		Check: func(p *audit.Pass) {
			if !isTDX(p) || !p.Has(launchPolicy) {
				return
			}
			if policy, ok := guestPolicy(p); !ok {
				p.Reportf(launchPolicy, "the policy is not a valid number: whether the host may debug the guest is unknown")
			} else if policy>>tdxDebug&1 == 1 {
				p.Reportf(launchPolicy, "policy %#x lets the host read the guest's memory and registers: bit %d is set", policy, tdxDebug)
			}
		},
		Fixes: fixTDX(func(policy uint64) uint64 { return policy &^ (1 << tdxDebug) },
			"the host may not debug the guest"),
	},
	{
		ID:       "confidential-tdx-sept-ve",
		Title:    "TDX host may raise exceptions on the guest's memory accesses",
		Severity: audit.Medium,
		Profiles: confidentialProfiles,
		Doc: `With bit 28 clear, a host that removes a page causes a virtualization exception in the
guest at any instruction, including the first ones of a system call, where a kernel cannot handle
it. Linux stops at boot in this case. Another system may request these exceptions on purpose.`,
		Fix:  usualTDX,
		Refs: []string{qemuTDX, launchSecurity, "https://nvd.nist.gov/vuln/detail/CVE-2022-49886"},
		Check: func(p *audit.Pass) {
			if !isTDX(p) {
				return
			}
			if policy, lacks := lacksBit(p, tdxSeptVEDisable); lacks {
				p.Reportf(launchPolicy, "policy %#x lets the host inject #VE exceptions: bit %d is clear", policy, tdxSeptVEDisable)
			}
		},
		Fixes: fixTDX(func(policy uint64) uint64 { return policy | 1<<tdxSeptVEDisable },
			"the host may not inject exceptions"),
	},
	{
		ID:       "confidential-tdx-no-qgs",
		Title:    "TDX guest cannot get a quote",
		Severity: audit.Medium,
		Profiles: confidentialProfiles,
		Doc: `A trust domain proves its identity by a quote, which an enclave on the host signs at
the request of a service. Without <quoteGenerationService> QEMU does not forward the guest's
requests. The guest then cannot be verified from outside, and the host may have started something
else. The host cannot forge quotes, so the service need not be trusted. A guest with a vsock may
reach the service in another way, and the finding is info.`,
		Fix:  `Add <quoteGenerationService path='/var/run/tdx-qgs/qgs.socket'/> to <launchSecurity>`,
		Refs: []string{launchSecurity},
		Check: func(p *audit.Pass) {
			switch {
			case !isTDX(p) || p.LaunchSecurity.TDX.QuoteGenerationService != nil:
			case p.Devices.VSock != nil:
				p.Key("vsock").ReportAs(audit.Info, audit.At("launchSecurity"), "no <quoteGenerationService>: quotes require an agent that the vsock reaches")
			default:
				p.Key("no-quotes").Reportf(audit.At("launchSecurity"), "no <quoteGenerationService>: the guest gets no quote and cannot be attested")
			}
		},
		Fixes: fixQuotes,
		NoFix: "Check that the guest gets quotes over its vsock; if not, add <quoteGenerationService/>",
	},
}
