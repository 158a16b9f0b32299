package rules

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// TestEveryReason requires a finding for each reason of the policy for which a guest is not inside.
// The finding must be medium or worse, so that a gate stops the guest, except for guests that QEMU
// does not run. The test audits all fixtures by each edition, and every reason must occur.
func TestEveryReason(t *testing.T) {
	var files []string
	for _, pattern := range []string{"boundary-*", "machine-*"} {
		found, _ := filepath.Glob(filepath.Join(fixtures, pattern, "*.xml"))
		files = append(files, found...)
	}
	fleet, _ := filepath.Glob("../testdata/fleet/*.xml")
	seen := map[policy.Reason]bool{}
	for _, name := range policy.Names() {
		edition, err := policy.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range append(fleet, files...) {
			d, _ := load(t, file)
			res := audit.Run(d, &audit.Settings{Rules: boundary, Policy: edition})
			seen[res.Boundary.Reason] = true
			worst := audit.Severity(-1)
			for _, f := range res.Findings {
				worst = max(worst, f.Severity)
			}
			switch word := res.Boundary.Verdict; {
			case word == policy.NotQEMU && worst < audit.Info,
				word == policy.Undetermined && worst < audit.Medium,
				word == policy.Outside && worst < audit.Critical:
				t.Errorf("%s by %s: verdict %s for reason %s has no finding of sufficient severity", file, name, word, res.Boundary.Reason)
			}
		}
	}
	for _, r := range policy.Reasons() {
		if !seen[r] {
			t.Errorf("no fixture has a verdict for reason %s", r)
		}
	}
}

// TestRepeatedArguments: arguments that repeat the document or have no effect lead to findings of
// severity info only. Those that also remove protection lead to worse ones.
func TestRepeatedArguments(t *testing.T) {
	const head = `<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>g</name><memory>65536</memory>
<os><type arch='x86_64' machine='pc-q35-10.2'>hvm</type></os><cpu mode='host-model'/><qemu:commandline>`
	for args, quiet := range map[string]bool{
		"-accel kvm,dirty-ring-size=4096":      true,
		"-accel tcg":                           true,
		"-machine q35,hmat=on":                 true,
		"-machine pc-q35-10.2 -accel kvm":      true,
		"-machine isapc -machine q35":          true,
		"-machine q35,dump-guest-core=on":      false,
		"-machine q35 -device virtio-rng-pci":  false,
		"-machine pc":                          false,
		"-machine pc-q35-10.1":                 false,
		"-machine q35,memory-encryption=other": false,
	} {
		var b strings.Builder
		for a := range strings.FieldsSeq(args) {
			fmt.Fprintf(&b, "<qemu:arg value='%s'/>", a)
		}
		d, err := domxml.Load("guest.xml", []byte(head+b.String()+"</qemu:commandline></domain>"))
		if err != nil {
			t.Fatal(err)
		}
		res := audit.Run(d, &audit.Settings{Rules: All()})
		loud := slices.ContainsFunc(res.Findings, func(f audit.Finding) bool { return f.Severity > audit.Info && f.Path.String() != "." })
		if loud == quiet || len(res.Findings) == 0 {
			t.Errorf("%s: %v", args, res.Findings)
		}
	}
}
