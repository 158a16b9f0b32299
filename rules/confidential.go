package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// confidential is about guests that are protected from their host. Every rule of the table requires
// <launchSecurity>: any other guest trusts its host, so these rules do not apply to it.
var confidential = slices.Concat(confidentialSEV, confidentialSNP, confidentialTDX, confidentialBoot, confidentialDevices)

// confidentialProfiles includes the default profile, since the rules apply to confidential guests
// only.
var confidentialProfiles = []audit.Profile{audit.Baseline, audit.Confidential}

const (
	launchSecurity = "https://libvirt.org/formatdomain.html#launch-security"
	launchSEV      = "https://libvirt.org/kbase/launch_security_sev.html"
	launchS390     = "https://libvirt.org/kbase/s390_protected_virt.html"
	qemuSEV        = "https://www.qemu.org/docs/master/system/i386/amd-memory-encryption.html"
	qemuTDX        = "https://www.qemu.org/docs/master/system/i386/tdx.html"
	qemuS390       = "https://www.qemu.org/docs/master/system/s390x/protvirt.html"
	qemuGuestAgent = "https://www.qemu.org/docs/master/interop/qemu-ga.html"
	hostAsAttacker = "https://docs.kernel.org/security/snp-tdx-threat-model.html"
)

// notX86 is why there is no fix for a guest with protection of another architecture.
const notX86 = "Use a protection that the architecture has: SEV and TDX exist on x86_64 only"

var launchPolicy = audit.At("launchSecurity/policy")

func isSEV(p *audit.Pass) bool  { return p.LaunchSecurity != nil && p.LaunchSecurity.SEV != nil }
func isSNP(p *audit.Pass) bool  { return p.LaunchSecurity != nil && p.LaunchSecurity.SEVSNP != nil }
func isTDX(p *audit.Pass) bool  { return p.LaunchSecurity != nil && p.LaunchSecurity.TDX != nil }
func isS390(p *audit.Pass) bool { return p.LaunchSecurity != nil && p.LaunchSecurity.S390PV != nil }

// guestPolicy returns the number in <policy>, which libvirt reads as hexadecimal with or without 0x
// (source: src/conf/domain_conf.c, base 16). It uses the whole text of the element, as libvirt
// does: the decoder stops at the first comment, and would read 0x1 where libvirt reads 0x10.
func guestPolicy(p *audit.Pass) (policy uint64, ok bool) {
	text, _ := p.Text(launchPolicy)
	text = strings.TrimLeft(text, " \t\r\n")
	policy, err := strconv.ParseUint(strings.TrimPrefix(text, "0x"), 16, 64)
	return policy, err == nil
}

// lacksBit and hasBit report whether the policy can be read and has the bit clear, or set.
func lacksBit(p *audit.Pass, bit uint) (policy uint64, yes bool) {
	policy, ok := guestPolicy(p)
	return policy, ok && policy>>bit&1 == 0
}

func hasBit(p *audit.Pass, bit uint) (policy uint64, yes bool) {
	policy, ok := guestPolicy(p)
	return policy, ok && policy>>bit&1 == 1
}

// hasText reports whether the text of an element is more than white space.
func hasText(text string) bool { return strings.TrimSpace(text) != "" }
