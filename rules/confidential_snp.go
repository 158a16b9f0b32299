package rules

import "github.com/virt-audit/virt-audit/audit"

// Bits of the policy of an SEV-SNP guest (source: SNP_POLICY_MASK_* in Linux, include/linux/psp-sev.h,
// after AMD's SEV-SNP firmware ABI; libvirt's formatdomain, "Launch Security").
const (
	snpABI            = 0xffff // bits 0 to 7: lowest minor version; 8 to 15: lowest major version
	snpSMT            = 16     // the host may use simultaneous multithreading
	snpReserved       = 17     // must be one
	snpMigrationAgent = 18     // the guest may be bound to a migration agent
	snpDebug          = 19     // the host may debug
)

const snpPolicyBits = "https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/include/linux/psp-sev.h"

const usualSNP = `<policy>0x30000</policy>, or 0x20000 where the host runs without multithreading
$ virt-xml DOMAIN --edit --launchSecurity policy=0x30000`

var confidentialSNP = []*audit.Rule{
	{
		ID:       "confidential-snp-debug",
		Title:    "SEV-SNP policy lets the host debug the guest",
		Severity: audit.Critical,
		Profiles: whenConfidential,
		Doc: `With bit 19 of the policy set, the host may have the security processor decrypt the guest's memory, which
leaves nothing of its protection. The bit's sense is the opposite of SEV's: there a clear bit allows it.
Attestation reports show the policy, so whoever verifies them can notice; nothing but work on the firmware needs
it. An SEV-SNP guest without a policy is reported as one that forbids nothing.`,
		Fix:  usualSNP,
		Refs: []string{launchSecurity, snpPolicyBits},
		Check: func(p *audit.Pass) {
			if !isSNP(p) {
				return
			}
			if policy, ok := guestPolicy(p); !ok {
				p.Reportf(launchPolicy, "there is no policy that libvirt could read: nothing keeps the host from debugging the guest")
			} else if policy>>snpDebug&1 == 1 {
				p.Reportf(launchPolicy, "policy %#x lets the host decrypt the guest's memory: bit %d is set", policy, snpDebug)
			}
		},
	},
	{
		ID:       "confidential-snp-smt",
		Title:    "SEV-SNP policy accepts hosts with multithreading",
		Severity: audit.Low,
		Profiles: whenConfidential,
		Doc: `On a host with simultaneous multithreading the other thread of the guest's core belongs to whom the host
likes, and can watch the guest through caches and other shared parts. With bit 16 clear the guest starts only where
multithreading is off. The usual policy, 0x30000, accepts it: a decision between protection and half of the
threads.`,
		Fix: `<policy>0x20000</policy>; the guest then starts only on hosts that have SMT off
$ virt-xml DOMAIN --edit --launchSecurity policy=0x20000`,
		Refs: []string{launchSecurity, hostAsAttacker},
		Check: func(p *audit.Pass) {
			if !isSNP(p) {
				return
			}
			if policy, has := hasBit(p, snpSMT); has {
				p.Reportf(launchPolicy, "policy %#x accepts hosts with multithreading: bit %d is set", policy, snpSMT)
			}
		},
	},
	{
		ID:       "confidential-snp-migration-agent",
		Title:    "SEV-SNP policy allows a migration agent",
		Severity: audit.Medium,
		Profiles: whenConfidential,
		Doc: `With bit 18 set, the host may bind a migration agent to the guest: another guest, of the host's choice,
that can export this one's memory. That is sound only where the owner attests the agent too. QEMU cannot migrate
such guests yet.`,
		Fix:  usualSNP,
		Refs: []string{launchSecurity, snpPolicyBits},
		Check: func(p *audit.Pass) {
			if !isSNP(p) {
				return
			}
			if policy, has := hasBit(p, snpMigrationAgent); has {
				p.Reportf(launchPolicy, "policy %#x lets the host bind a migration agent: bit %d is set", policy, snpMigrationAgent)
			}
		},
	},
	{
		ID:       "confidential-snp-reserved",
		Title:    "SEV-SNP policy with the reserved bit clear",
		Severity: audit.Medium,
		Profiles: whenConfidential,
		Doc: `Bit 17 must be one, or the guest does not start. A policy without it was most likely meant for SEV, where
the bits have other meanings: 0x5 forbids debugging there and only names a firmware version here.`,
		Fix:  usualSNP,
		Refs: []string{launchSecurity, snpPolicyBits},
		Check: func(p *audit.Pass) {
			if !isSNP(p) {
				return
			}
			if policy, lacks := lacksBit(p, snpReserved); lacks {
				p.Reportf(launchPolicy, "policy %#x has bit %d clear, which must be set: the guest will not start", policy, snpReserved)
			}
		},
	},
	{
		ID:       "confidential-snp-min-abi",
		Title:    "SEV-SNP policy accepts firmware of any version",
		Severity: audit.Info,
		Profiles: whenConfidential,
		Doc: `The lowest 16 bits name the oldest version of the security processor's interface that the guest accepts.
Zero accepts all, so a host may go back to firmware with known faults. The usual policy, 0x30000, has zero there;
the version is in the attestation report too, and whoever verifies that may refuse it instead.`,
		Fix: `The version in hexadecimal, major before minor: <policy>0x30133</policy> asks for 1.51 or newer
$ virt-xml DOMAIN --edit --launchSecurity policy=0x30133`,
		Refs: []string{launchSecurity},
		Check: func(p *audit.Pass) {
			if !isSNP(p) {
				return
			}
			if policy, ok := guestPolicy(p); ok && policy&snpABI == 0 {
				p.Reportf(launchPolicy, "policy %#x accepts firmware of any version: bits 0 to 15 are zero", policy)
			}
		},
	},
	{
		ID:       "confidential-snp-no-id",
		Title:    "SEV-SNP launch is bound to nothing of the owner's",
		Severity: audit.Low,
		Profiles: whenConfidential,
		Doc: `With neither an ID block, which the owner signs, nor host data, which the attestation report repeats, the
launch carries no sign of whose guest this is meant to be. An ID block also makes the security processor itself
refuse a guest with another measurement. Whoever compares the measurement in the report with an expected value
needs neither.`,
		Fix:  `<idBlock> with <idAuth>, or <hostData>, inside <launchSecurity type='sev-snp'>`,
		Refs: []string{launchSecurity},
		Check: func(p *audit.Pass) {
			if !isSNP(p) {
				return
			}
			if snp := p.LaunchSecurity.SEVSNP; !given(snp.IDBlock) && !given(snp.HostData) {
				p.Reportf(audit.At("launchSecurity"), "neither <idBlock> nor <hostData> binds the launch to the guest's owner")
			}
		},
	},
}
