package rules

import (
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
