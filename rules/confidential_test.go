package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
)

// TestConfidential covers what fixtures cannot: documents that libvirt refuses, or that other rules
// report.
func TestConfidential(t *testing.T) {
	sev := func(inside string) string { return "<launchSecurity type='sev'>" + inside + "</launchSecurity>" }
	snp := func(inside string) string { return "<launchSecurity type='sev-snp'>" + inside + "</launchSecurity>" }
	const pc = "<os><type arch='x86_64' machine='pc'>hvm</type><kernel>/k</kernel></os>"
	const passthrough = "<cpu mode='host-passthrough'/>"
	for _, tt := range []struct {
		rule, body string
		found      int
	}{
		{"confidential-sev-debug", sev(""), 1},
		{"confidential-sev-debug", sev("<policy/>"), 1},
		{"confidential-sev-debug", sev("<policy>1<!-- -->0</policy>"), 1},
		{"confidential-sev-no-es", sev(""), 0},
		{"confidential-snp-debug", snp(""), 1},
		{"confidential-snp-reserved", snp(""), 0},
		{"confidential-tdx-debug", "<launchSecurity type='tdx'><policy/></launchSecurity>", 1},
		{"confidential-tdx-sept-ve", "<launchSecurity type='tdx'/>", 0},
		{"confidential-cpu-model", passthrough + sev("<policy>0x1</policy>"), 0},
		{"confidential-cpu-model", passthrough + sev("<policy>0x5</policy>"), 1},
		{"confidential-cpu-model", passthrough, 0},
		{"confidential-machine", "<os firmware='efi'><type machine='pc-q35-10.2'>hvm</type></os>" + sev("<policy>0x5</policy>"), 0},
		{"confidential-machine", "<os firmware='bios'><type arch='x86_64' machine='q35'>hvm</type></os>" + snp("<policy>0x30000</policy>"), 1},
		{"confidential-machine", pc + sev("<policy>0x5</policy>"), 2},
		{"confidential-machine", pc + "<launchSecurity type='s390-pv'/>", 0},
		{"confidential-firmware-stateful", pc + "<launchSecurity type='s390-pv'/>", 0},
		{"confidential-host-vtpm", "<launchSecurity/><devices><tpm/></devices>", 1},
		{"confidential-host-channels", "<launchSecurity/><devices><channel type='unix'/><channel type='pty'><target type='virtio'/></channel></devices>", 0},
	} {
		d, err := domxml.Load("test", []byte("<domain type='kvm'><name>t</name>"+tt.body+"</domain>"))
		if err != nil {
			t.Errorf("%s: %v", tt.body, err)
			continue
		}
		for _, r := range confidential {
			if r.ID != tt.rule {
				continue
			}
			if res := audit.Run(d, &audit.Settings{Rules: []*audit.Rule{r}}); len(res.Findings) != tt.found {
				t.Errorf("%s: %s: %d findings, want %d", tt.rule, tt.body, len(res.Findings), tt.found)
			}
		}
	}
}

// TestDefaultSNPPolicy requires one finding for the policy that nearly every SEV-SNP guest has, and
// the findings of the other rules if the one that reports it does not run.
func TestDefaultSNPPolicy(t *testing.T) {
	const both = "confidential-snp-min-abi confidential-snp-no-id"
	for _, tt := range []struct{ inside, skip, want string }{
		{"<policy>0x30000</policy>", "", "confidential-snp-smt"},
		{"<policy>30000</policy><hostData>AA==</hostData>", "", "confidential-snp-smt"},
		{"<policy>0x30000</policy>", "confidential-snp-smt", both},
		{"<policy>0x20000</policy>", "", both},
		{"<policy>0x130000</policy>", "", "confidential-snp-smt " + both},
	} {
		d, err := domxml.Load("test", []byte("<domain type='kvm'><name>t</name><launchSecurity type='sev-snp'>"+tt.inside+"</launchSecurity></domain>"))
		if err != nil {
			t.Fatal(err)
		}
		chosen := slices.DeleteFunc(slices.Clone(confidentialSNP), func(r *audit.Rule) bool { return r.ID == tt.skip })
		var got []string
		for _, f := range audit.Run(d, &audit.Settings{Rules: chosen}).Findings {
			got = append(got, f.Rule.ID)
		}
		slices.Sort(got)
		want := strings.Fields(tt.want)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s without %q: %q, want %q", tt.inside, tt.skip, got, want)
		}
	}
}
