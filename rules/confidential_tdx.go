package rules

import "github.com/virt-audit/virt-audit/audit"

// Bits of the attributes of a trust domain (source: TDX_ATTR_* in Linux, arch/x86/include/asm/shared/tdx.h;
// QEMU's docs/system/i386/tdx.rst). The element is optional: without it QEMU takes 0x10000000
// (source: libvirt, commit e919a4dd), which is what one wants.
const (
	tdxDebug         = 0  // the host may debug
	tdxSeptVEDisable = 28 // no #VE when the guest touches a page that is not there
)

const usualTDX = `<policy>0x10000000</policy>, or no <policy> at all: QEMU's default is the same
$ virt-xml DOMAIN --edit --launchSecurity policy=0x10000000`

var confidentialTDX = []*audit.Rule{
	{
		ID:       "confidential-tdx-debug",
		Title:    "TDX guest may be debugged by the host",
		Severity: audit.Critical,
		Profiles: whenConfidential,
		Doc: `With bit 0 of the attributes set, the guest runs in "off-TD debug mode": the host may read its memory and
registers through the TDX module, which leaves nothing of its protection. The quote shows the bit, so whoever
verifies it can notice. libvirt's own documentation had the bit set in its example for a time.`,
		Fix:  usualTDX,
		Refs: []string{qemuTDX, launchSecurity},
		Check: func(p *audit.Pass) {
			if !isTDX(p) || !p.Has(launchPolicy) {
				return
			}
			if policy, ok := guestPolicy(p); !ok {
				p.Reportf(launchPolicy, "the policy is no number that libvirt could read: whether the host may debug is open")
			} else if policy>>tdxDebug&1 == 1 {
				p.Reportf(launchPolicy, "policy %#x lets the host read the guest's memory and registers: bit %d is set", policy, tdxDebug)
			}
		},
	},
	{
		ID:       "confidential-tdx-sept-ve",
		Title:    "TDX host may raise exceptions on the guest's memory accesses",
		Severity: audit.Medium,
		Profiles: whenConfidential,
		Doc: `With bit 28 clear, a host that takes a page away makes the guest see a virtualization exception in the
middle of whatever it does, the first instructions of a system call included, where a kernel cannot stand it. Linux
stops at boot rather than run so. A guest of another kind may ask for these exceptions on purpose.`,
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
	},
	{
		ID:       "confidential-tdx-no-qgs",
		Title:    "TDX guest has no way to a quote",
		Severity: audit.Medium,
		Profiles: whenConfidential,
		Doc: `A trust domain proves what it is by a quote, which a service on the host has an enclave sign. Without
<quoteGenerationService> QEMU does not pass the guest's requests on: nobody outside can verify the guest, and the
host may have started something else. The host cannot forge quotes, so it need not be trusted for this. A guest
with a vsock may have another way to the service, and is only told.`,
		Fix: `<quoteGenerationService path='/var/run/tdx-qgs/qgs.socket'/> inside <launchSecurity>
$ virt-xml DOMAIN --edit --xml ./launchSecurity/quoteGenerationService/@path=/var/run/tdx-qgs/qgs.socket`,
		Refs: []string{launchSecurity},
		Check: func(p *audit.Pass) {
			switch {
			case !isTDX(p) || p.LaunchSecurity.TDX.QuoteGenerationService != nil:
			case p.Devices.VSock != nil:
				p.Key("vsock").ReportAs(audit.Info, audit.At("launchSecurity"), "no <quoteGenerationService>: quotes need an agent behind the vsock")
			default:
				p.Key("no-quotes").Reportf(audit.At("launchSecurity"), "no <quoteGenerationService>: the guest gets no quote, so nobody can attest it")
			}
		},
	},
}
