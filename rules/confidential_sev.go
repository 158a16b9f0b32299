package rules

import "github.com/virt-audit/virt-audit/audit"

// Bits of the policy of an SEV or SEV-ES guest (source: libvirt's formatdomain, "Launch Security",
// and QEMU's target/i386/sev.h; bits 16 to 31, the oldest firmware to migrate to, are not checked).
const (
	sevNoDebug      = 0 // the host may not debug
	sevNoKeySharing = 1 // no other guest may use the key
	sevES           = 2 // registers are encrypted too
	sevNoSend       = 3 // the guest must not be sent to another platform
	sevDomain       = 4 // it may be sent only to platforms of the same owner
	sevOnly         = 5 // it may be sent only to platforms that have SEV
)

const strictSEV = `Set <policy>0x000f</policy>: no debugging, no key sharing, encrypted registers, no sending. Use 0x000b if the
CPU has no SEV-ES. A new policy requires new session data.`

var confidentialSEV = []*audit.Rule{
	{
		ID:       "confidential-sev-debug",
		Title:    "SEV policy lets the host debug the guest",
		Severity: audit.Critical,
		Profiles: confidentialProfiles,
		Doc: `With bit 0 of the policy clear, the host may request the secure processor to decrypt
any page of the guest, which removes all of its protection. The number is hexadecimal with or
without 0x, so a policy of 10 is sixteen and has bit 0 clear. Only development of the firmware
itself requires such a guest. libvirt refuses an SEV guest without a policy; it is reported here as
one that forbids nothing.`,
		Fix:  strictSEV,
		Refs: []string{launchSEV, launchSecurity, qemuSEV},
		Check: func(p *audit.Pass) {
			if !isSEV(p) {
				return
			}
			if policy, ok := guestPolicy(p); !ok {
				p.Reportf(launchPolicy, "there is no valid policy: the host may debug the guest")
			} else if policy>>sevNoDebug&1 == 0 {
				p.Reportf(launchPolicy, "policy %#x lets the host decrypt the guest's memory: bit %d is clear", policy, sevNoDebug)
			}
		},
		Fixes: fixSEV(sevNoDebug, "the host may not debug the guest"),
	},
	{
		ID:       "confidential-sev-no-es",
		Title:    "SEV without encrypted registers",
		Severity: audit.High,
		Profiles: confidentialProfiles,
		Doc: `With bit 2 clear the host can read and change the guest's registers each time the
guest is interrupted, and so read keys and make the guest run any code, without any bug. SEV-ES
encrypts them. The first EPYC CPUs (7001) have no SEV-ES; a guest that must run there cannot be
protected.`,
		Fix:  strictSEV,
		Refs: []string{launchSecurity, qemuSEV},
		Check: func(p *audit.Pass) {
			if !isSEV(p) {
				return
			}
			if policy, lacks := lacksBit(p, sevES); lacks {
				p.Reportf(launchPolicy, "policy %#x does not require SEV-ES: bit %d is clear, so the host can read the registers", policy, sevES)
			}
		},
		Fixes: fixSEV(sevES, "the guest starts only on CPUs with SEV-ES, EPYC 7002 or later"),
	},
	{
		ID:       "confidential-sev-key-sharing",
		Title:    "SEV policy lets another guest share the memory key",
		Severity: audit.Medium,
		Profiles: confidentialProfiles,
		Doc: `With bit 1 clear, the host may start another guest with the same memory key, which can
read this guest's memory. The host decides what runs in that guest. Designs that migrate guests by
means of a mirror guest require key sharing; the mirror guest must then be attested as well.`,
		Fix:  strictSEV,
		Refs: []string{launchSecurity},
		Check: func(p *audit.Pass) {
			if !isSEV(p) {
				return
			}
			if policy, lacks := lacksBit(p, sevNoKeySharing); lacks {
				p.Reportf(launchPolicy, "policy %#x lets another guest use the same memory key: bit %d is clear", policy, sevNoKeySharing)
			}
		},
		Fixes: fixSEV(sevNoKeySharing, "no other guest may use the key"),
	},
	{
		ID:       "confidential-sev-migration",
		Title:    "SEV policy lets the host send the guest to any platform",
		Severity: audit.Low,
		Profiles: confidentialProfiles,
		Doc: `With bits 3, 4 and 5 clear the secure processor may send the guest to any other
platform, including one with broken firmware. QEMU does not migrate such guests yet, so only a host
with custom software can exploit it. Bit 3 forbids sending. Bits 4 and 5, which OpenStack sets,
allow it only to platforms of the same owner or with SEV; they are treated as a deliberate decision
and not reported.`,
		Fix:  strictSEV,
		Refs: []string{launchSecurity, qemuSEV},
		Check: func(p *audit.Pass) {
			if !isSEV(p) {
				return
			}
			policy, ok := guestPolicy(p)
			if ok && policy&(1<<sevNoSend|1<<sevDomain|1<<sevOnly) == 0 {
				p.Reportf(launchPolicy, "policy %#x does not limit where the guest may be sent: bits %d to %d are clear", policy, sevNoSend, sevOnly)
			}
		},
		Fixes: fixSEV(sevNoSend, "the guest may not be sent to another platform"),
	},
	{
		ID:       "confidential-sev-legacy",
		Title:    "SEV or SEV-ES instead of SEV-SNP",
		Severity: audit.Info,
		Profiles: confidentialProfiles,
		Doc: `SEV and SEV-ES encrypt the guest's memory but do not protect its integrity: the host
can swap pages or restore old ones, and so change what the guest does. SEV-SNP adds that protection,
and attestation reports that the guest can request while it runs. It requires an EPYC 7003 or later,
QEMU 9.1 and libvirt 10.5. Older hardware does not support it.`,
		Fix: `Use <launchSecurity type='sev-snp'><policy>0x30000</policy></launchSecurity>
The layout of the policy, the firmware and the measurements differ from SEV.`,
		Refs: []string{launchSecurity, hostAsAttacker},
		Check: func(p *audit.Pass) {
			if isSEV(p) {
				p.Reportf(audit.At("launchSecurity@type"), "type 'sev' does not protect the integrity of the guest's memory, unlike 'sev-snp'")
			}
		},
		NoFix: "Decide whether the guest can move to hosts with SEV-SNP: it needs other firmware, and its owner another " +
			"policy and measurement",
	},
	{
		// A running guest without session data was not attested. A stored definition does not show
		// it: the data must differ for each launch, so the software that starts the guest adds it.
		// That is low.
		ID:       "confidential-sev-no-session",
		Title:    "SEV guest without the owner's session data",
		Severity: audit.Medium,
		Profiles: confidentialProfiles,
		Doc: `Without <dhCert> and <session> the guest's owner cannot verify what was started: the
host may have replaced the firmware or the system, and the memory encryption then protects the
replacement. Both must be generated for each launch, and the software that starts the guest usually
adds them. A stored definition without them is therefore low. OpenStack and KubeVirt start such
guests without attestation by default.`,
		Fix: `Add <dhCert>...</dhCert><session>...</session>, both from "sevctl session" with the host's certificate. Verify
the measurement with virt-qemu-sev-validate on another machine before the guest gets a secret.`,
		Refs: []string{launchSEV, "https://libvirt.org/manpages/virt-qemu-sev-validate.html"},
		Check: func(p *audit.Pass) {
			if !isSEV(p) {
				return
			}
			sev := p.LaunchSecurity.SEV
			switch cert, session := hasText(sev.DHCert), hasText(sev.Session); {
			case cert && session:
			case cert:
				p.Key("no-session").Reportf(audit.At("launchSecurity"), "<dhCert> without <session>: the launch cannot be attested")
			case session:
				p.Key("no-certificate").Reportf(audit.At("launchSecurity"), "<session> without <dhCert>: the launch cannot be attested")
			case p.Live():
				p.Key("started-without").Reportf(audit.At("launchSecurity"), "the guest was started without <dhCert> and <session>: its owner did not attest it")
			default:
				p.Key("stored-without").ReportAs(audit.Low, audit.At("launchSecurity"), "no <dhCert> and <session>: unless each start adds them, the guest cannot be attested")
			}
		},
		NoFix: "Let the guest's owner create <dhCert> and <session> for each launch, and verify the measurement: only the " +
			"owner can do both",
	},
}
