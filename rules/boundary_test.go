package rules

import (
	"path/filepath"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// TestEveryReason wants each reason of the policy for which a guest is not inside to have its finding: at
// medium or worse, so that a gate stops the guest, but for guests that QEMU does not run. It goes over all
// fixtures by both editions, and every reason must come up.
func TestEveryReason(t *testing.T) {
	var files []string
	for _, pattern := range []string{"bnd-*", "mach-*"} {
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
			res := audit.Run(d, &audit.Config{Rules: boundary, Policy: edition})
			seen[res.Boundary.Reason] = true
			worst := audit.Severity(-1)
			for _, f := range res.Findings {
				worst = max(worst, f.Severity)
			}
			switch word := res.Boundary.Word; {
			case word == policy.NotApplicable && worst < audit.Info,
				word == policy.Undetermined && worst < audit.Medium,
				word == policy.NonVirtualization && worst < audit.Critical:
				t.Errorf("%s by %s: %s for %s has no finding that fits", file, name, word, res.Boundary.Reason)
			}
		}
	}
	for _, r := range policy.Reasons() {
		if !seen[r] {
			t.Errorf("no fixture is judged for the reason %s", r)
		}
	}
}
