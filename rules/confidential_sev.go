package rules

import "github.com/virt-audit/virt-audit/audit"

// Bits of the policy of an SEV or SEV-ES guest (source: libvirt's formatdomain, "Launch Security", and
// QEMU's target/i386/sev.h; bits 16 to 31, the oldest firmware to move to, are not looked at).
const (
	sevNoDebug      = 0 // the host may not debug
	sevNoKeySharing = 1 // no other guest gets the key
	sevES           = 2 // registers are encrypted too
	sevNoSend       = 3 // the guest stays on this platform
	sevDomain       = 4 // it moves only among platforms of one owner
	sevOnly         = 5 // it moves only to platforms that have SEV
)

const strictSEV = `<policy>0x000f</policy>: no debugging, no key sharing, encrypted registers, no sending; 0x000b where the
processor has no SEV-ES. A new policy needs new session data.
$ virt-xml DOMAIN --edit --launchSecurity policy=0x000f`

var confidentialSEV = []*audit.Rule{
	{
		ID:       "confidential-sev-debug",
		Title:    "SEV policy lets the host debug the guest",
		Severity: audit.Critical,
		Profiles: whenConfidential,
		Doc: `While bit 0 of the policy is clear, the host may ask the security processor to decrypt any page of the
guest, which leaves nothing of its protection. The number is hexadecimal with or without 0x, so a policy of 10 is
sixteen and has bit 0 clear. Nothing but work on the firmware itself needs such a guest. An SEV guest without a
policy is refused by libvirt; it is reported here as one that forbids nothing.`,
		Fix:  strictSEV,
		Refs: []string{launchSEV, launchSecurity, qemuSEV},
		Check: func(p *audit.Pass) {
			if !isSEV(p) {
				return
			}
			if policy, ok := guestPolicy(p); !ok {
				p.Reportf(launchPolicy, "there is no policy that libvirt could read: nothing keeps the host from debugging the guest")
			} else if policy>>sevNoDebug&1 == 0 {
				p.Reportf(launchPolicy, "policy %#x lets the host decrypt the guest's memory: bit %d is clear", policy, sevNoDebug)
			}
		},
	},
	{
		ID:       "confidential-sev-no-es",
		Title:    "SEV without encrypted registers",
		Severity: audit.High,
		Profiles: whenConfidential,
		Doc: `Without bit 2 the host sees the guest's registers each time the guest is interrupted, and may change
them: it reads keys out of them and makes the guest run what it likes, without any bug. SEV-ES encrypts them. The
first EPYC processors (7001) have no SEV-ES; a guest that must run there cannot be helped.`,
		Fix:  strictSEV,
		Refs: []string{launchSecurity, qemuSEV},
		Check: func(p *audit.Pass) {
			if !isSEV(p) {
				return
			}
			if policy, lacks := lacksBit(p, sevES); lacks {
				p.Reportf(launchPolicy, "policy %#x does not ask for SEV-ES: bit %d is clear, so the host sees the registers", policy, sevES)
			}
		},
	},
	{
		ID:       "confidential-sev-key-sharing",
		Title:    "SEV policy lets another guest share the memory key",
		Severity: audit.Medium,
		Profiles: whenConfidential,
		Doc: `While bit 1 is clear, the host may start another guest with the same memory key, and have it read this
one's memory. The host chooses what runs in that guest. Designs that move guests by means of a mirror guest need
it; there the helper has to be attested as well.`,
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
	},
	{
		ID:       "confidential-sev-migration",
		Title:    "SEV policy lets the host send the guest to any platform",
		Severity: audit.Low,
		Profiles: whenConfidential,
		Doc: `With bits 3, 4 and 5 clear the security processor may hand the guest to any other platform, one with
broken firmware included. QEMU does not migrate such guests yet, so only a host with software of its own gains by
it. Bit 3 forbids sending; bits 4 and 5, which OpenStack sets, allow it within an owner's platforms or to SEV alone
and are taken for a decision.`,
		Fix:  strictSEV,
		Refs: []string{launchSecurity, qemuSEV},
		Check: func(p *audit.Pass) {
			if !isSEV(p) {
				return
			}
			policy, ok := guestPolicy(p)
			if ok && policy&(1<<sevNoSend|1<<sevDomain|1<<sevOnly) == 0 {
				p.Reportf(launchPolicy, "policy %#x sets no limit to where the guest may be sent: bits %d to %d are clear", policy, sevNoSend, sevOnly)
			}
		},
	},
	{
		ID:       "confidential-sev-legacy",
		Title:    "SEV or SEV-ES instead of SEV-SNP",
		Severity: audit.Info,
		Profiles: whenConfidential,
		Doc: `SEV and SEV-ES hide the guest's memory but do not keep its contents in place: the host can exchange
pages, bring back old ones, and so lead the guest astray. SEV-SNP adds that protection, and reports that the guest
itself can ask for while it runs. It needs an EPYC 7003 or later, QEMU 9.1 and libvirt 10.5; older hardware has no
choice.`,
		Fix: `<launchSecurity type='sev-snp'><policy>0x30000</policy></launchSecurity>
The policy has another layout, and firmware and measurements are others too.`,
		Refs: []string{launchSecurity, hostAsAttacker},
		Check: func(p *audit.Pass) {
			if isSEV(p) {
				p.Reportf(audit.At("launchSecurity@type"), "type 'sev' does not protect the integrity of the guest's memory, 'sev-snp' does")
			}
		},
	},
	{
		// A guest that runs without session data was not attested. About a stored one nothing is known:
		// the data must differ for each launch, so it is put in by whoever starts the guest. That is low.
		ID:       "confidential-sev-no-session",
		Title:    "SEV guest without the owner's session data",
		Severity: audit.Medium,
		Profiles: whenConfidential,
		Doc: `Without <dhCert> and <session> the guest's owner cannot verify what was started: the host may have put in
other firmware or another system, and the memory encryption then protects that. Both must be made anew for each
launch, and are usually put in by what starts the guest; their absence in a stored definition is therefore only
low. OpenStack and KubeVirt start such guests without attestation by default.`,
		Fix: `<dhCert>...</dhCert><session>...</session>, both from "sevctl session" with the host's certificate; then
compare the measurement with virt-qemu-sev-validate on another machine before the guest gets a secret`,
		Refs: []string{launchSEV, "https://libvirt.org/manpages/virt-qemu-sev-validate.html"},
		Check: func(p *audit.Pass) {
			if !isSEV(p) {
				return
			}
			sev := p.LaunchSecurity.SEV
			switch cert, session := given(sev.DHCert), given(sev.Session); {
			case cert && session:
			case cert:
				p.Key("no-session").Reportf(audit.At("launchSecurity"), "<dhCert> is given but no <session>: the launch cannot be attested")
			case session:
				p.Key("no-certificate").Reportf(audit.At("launchSecurity"), "<session> is given but no <dhCert>: the launch cannot be attested")
			case p.Live():
				p.Key("started-without").Reportf(audit.At("launchSecurity"), "the guest was started without <dhCert> and <session>: its owner cannot have attested it")
			default:
				p.Key("stored-without").ReportAs(audit.Low, audit.At("launchSecurity"), "no <dhCert> and <session>: unless each start adds them, nobody can attest the guest")
			}
		},
	},
}
