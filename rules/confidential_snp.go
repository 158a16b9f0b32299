package rules

import "github.com/virt-audit/virt-audit/audit"

// Bits of the policy of an SEV-SNP guest (source: SNP_POLICY_MASK_* in Linux,
// include/linux/psp-sev.h, after AMD's SEV-SNP firmware ABI; libvirt's formatdomain, "Launch
// Security").
const (
	snpABI            = 0xffff // bits 0 to 7: lowest minor version; 8 to 15: lowest major version
	snpSMT            = 16     // the host may use simultaneous multithreading
	snpReserved       = 17     // must be one
	snpMigrationAgent = 18     // the guest may be bound to a migration agent
	snpDebug          = 19     // the host may debug
)

const snpPolicyBits = "https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/include/linux/psp-sev.h"

// snpDefault is the policy that libvirt's formatdomain shows, QEMU's default (source: target/i386/sev.c,
// DEFAULT_SEV_SNP_POLICY).
const snpDefault = 1<<snpReserved | 1<<snpSMT

// leftToSMT reports whether confidential-snp-smt reports the policy as a whole, with what other rules
// find in nearly every guest that has it.
func leftToSMT(p *audit.Pass) bool {
	policy, ok := guestPolicy(p)
	return ok && policy == snpDefault && p.Runs("confidential-snp-smt")
}

// bindsOwner reports whether the launch shows who owns the guest.
func bindsOwner(p *audit.Pass) bool {
	return hasText(p.LaunchSecurity.SEVSNP.IDBlock) || hasText(p.LaunchSecurity.SEVSNP.HostData)
}

const usualSNP = `Set <policy>0x30000</policy>, or 0x20000 if the host runs without multithreading`

var confidentialSNP = []*audit.Rule{
	{
		ID:       "confidential-snp-debug",
		Title:    "SEV-SNP policy lets the host debug the guest",
		Severity: audit.Critical,
		Profiles: confidentialProfiles,
		Doc: `With bit 19 of the policy set, the host may request the secure processor to decrypt
the guest's memory, which removes all of its protection. The meaning is the opposite of SEV's, where
a clear bit allows debugging. Attestation reports contain the policy, so a verifier can detect it.
Only development of the firmware requires it. An SEV-SNP guest without a policy is reported as one
that forbids nothing.`,
		Fix:  usualSNP,
		Refs: []string{launchSecurity, snpPolicyBits},
		Check: func(p *audit.Pass) {
			if !isSNP(p) {
				return
			}
			if policy, ok := guestPolicy(p); !ok {
				p.Reportf(launchPolicy, "there is no valid policy: the host may debug the guest")
			} else if policy>>snpDebug&1 == 1 {
				p.Reportf(launchPolicy, "policy %#x lets the host decrypt the guest's memory: bit %d is set", policy, snpDebug)
			}
		},
		Fixes: fixSNP(func(policy uint64) uint64 { return policy &^ (1 << snpDebug) },
			"the host may not debug the guest"),
	},
	{
		ID:       "confidential-snp-smt",
		Title:    "SEV-SNP policy accepts hosts with multithreading",
		Severity: audit.Low,
		Profiles: confidentialProfiles,
		Doc: `On a host with simultaneous multithreading (SMT) the host decides what runs on the
other thread of the guest's core, and that code can observe the guest through caches and other
shared resources. With bit 16 clear the guest starts only if multithreading is off. The default
policy, 0x30000, accepts it, since forbidding it costs half of the threads. For that policy this
finding includes those of confidential-snp-min-abi and confidential-snp-no-id.`,
		Fix:  `Set <policy>0x20000</policy>; the guest then starts only on hosts with SMT off`,
		Refs: []string{launchSecurity, hostAsAttacker},
		Check: func(p *audit.Pass) {
			if !isSNP(p) {
				return
			}
			switch policy, has := hasBit(p, snpSMT); {
			case policy == snpDefault && bindsOwner(p):
				p.Key("default").Reportf(launchPolicy, "policy %#x, the default, accepts hosts with multithreading and firmware of any version", policy)
			case policy == snpDefault:
				p.Key("default-without-id").Reportf(launchPolicy, "policy %#x, the default, accepts hosts with multithreading and firmware of any version, "+
					"and neither <idBlock> nor <hostData> binds the launch to the guest's owner", policy)
			case has:
				p.Reportf(launchPolicy, "policy %#x accepts hosts with multithreading: bit %d is set", policy, snpSMT)
			}
		},
		Fixes: fixSNP(func(policy uint64) uint64 { return policy &^ (1 << snpSMT) },
			"the guest starts only on hosts with multithreading off"),
	},
	{
		ID:       "confidential-snp-migration-agent",
		Title:    "SEV-SNP policy allows a migration agent",
		Severity: audit.Medium,
		Profiles: confidentialProfiles,
		Doc: `With bit 18 set, the host may bind a migration agent to the guest: another guest,
chosen by the host, that can export this one's memory. That is safe only if the owner attests the
agent too. QEMU cannot migrate such guests yet.`,
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
		Fixes: fixSNP(func(policy uint64) uint64 { return policy &^ (1 << snpMigrationAgent) },
			"the host may not bind a migration agent"),
	},
	{
		ID:       "confidential-snp-reserved",
		Title:    "SEV-SNP policy with the reserved bit clear",
		Severity: audit.Medium,
		Profiles: confidentialProfiles,
		Doc: `Bit 17 must be set, or the guest does not start. A policy without it was probably
written for SEV, where the bits have other meanings: 0x5 forbids debugging there but only sets a
firmware version here.`,
		Fix:  usualSNP,
		Refs: []string{launchSecurity, snpPolicyBits},
		Check: func(p *audit.Pass) {
			if !isSNP(p) {
				return
			}
			if policy, lacks := lacksBit(p, snpReserved); lacks {
				p.Reportf(launchPolicy, "policy %#x has bit %d clear, which must be set: the guest does not start", policy, snpReserved)
			}
		},
		Fixes: fixSNP(usualBits, "the reserved bit is set as it must be"),
	},
	{
		ID:       "confidential-snp-min-abi",
		Title:    "SEV-SNP policy accepts firmware of any version",
		Severity: audit.Info,
		Profiles: confidentialProfiles,
		Doc: `The lowest 16 bits set the oldest version of the secure processor's interface that the
guest accepts. Zero accepts every version, so a host can downgrade to firmware with known
vulnerabilities. The usual policy, 0x30000, has zero there. The attestation report contains the
version too, and a verifier can refuse it instead.`,
		Fix:  `Set the version in hexadecimal, major before minor: <policy>0x30133</policy> requires 1.51 or later`,
		Refs: []string{launchSecurity},
		Check: func(p *audit.Pass) {
			if !isSNP(p) {
				return
			}
			if policy, ok := guestPolicy(p); ok && policy&snpABI == 0 && !leftToSMT(p) {
				p.Reportf(launchPolicy, "policy %#x accepts firmware of any version: bits 0 to 15 are zero", policy)
			}
		},
		NoFix: "Choose the oldest firmware version that all of the guest's hosts have, and write it into the lowest 16 " +
			"bits, or let the verifier refuse older versions",
	},
	{
		ID:       "confidential-snp-no-id",
		Title:    "SEV-SNP launch is not bound to the guest's owner",
		Severity: audit.Low,
		Profiles: confidentialProfiles,
		Doc: `Without an ID block, which the owner signs, or host data, which the attestation report
repeats, the launch does not show who owns the guest. An ID block also makes the secure processor
refuse a guest with another measurement. A verifier that compares the measurement in the report with
an expected value needs neither.`,
		Fix:  `Add <idBlock> with <idAuth>, or <hostData>, to <launchSecurity type='sev-snp'>`,
		Refs: []string{launchSecurity},
		Check: func(p *audit.Pass) {
			if !isSNP(p) {
				return
			}
			if !bindsOwner(p) && !leftToSMT(p) {
				p.Reportf(audit.At("launchSecurity"), "neither <idBlock> nor <hostData> binds the launch to the guest's owner")
			}
		},
		NoFix: "Let the guest's owner sign an <idBlock> or choose <hostData>, or let the verifier compare the measurement " +
			"with an expected value",
	},
}
