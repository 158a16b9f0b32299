package rules

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// TestSeverities pins the severities of findings that depend on more than the rule. Each row lists
// those of a fixture, in the order of the findings.
func TestSeverities(t *testing.T) {
	planned := policy.Version{Major: 11, Minor: 1}
	for _, tt := range []struct {
		file string
		qemu policy.Version
		want string
	}{
		{"machine-removed/bad.xml", policy.Version{}, "low"},
		{"machine-removed/bad.xml", planned, "medium"},
		{"machine-removed/bad-host.xml", policy.Version{}, "medium"},
		{"machine-removed/bad-no-arch.xml", planned, "medium"},
		{"sharing-shmem/bad.xml", policy.Version{}, "medium high"},
		{"sharing-shmem/bad-looking-glass.xml", policy.Version{}, "info"},
		{"sharing-shmem/bad-two.xml", policy.Version{}, "medium medium"},
		{"sharing-shmem/bad-beside.xml", policy.Version{}, "medium"},
		{"sharing-shmem/bad-served.xml", policy.Version{}, "high"},
		{"boundary-cmdline-device/bad-screen.xml", policy.Version{}, "info"},
		{"boundary-cmdline-device/bad-memory.xml", policy.Version{}, "medium"},
		{
			"boundary-cmdline-device/bad-legacy.xml",
			policy.Version{},
			"medium medium medium medium medium medium medium low medium medium medium medium medium medium high",
		},
		{"boundary-device-not-marked/bad-many.xml", policy.Version{}, "info"},
	} {
		file := filepath.Join(fixtures, tt.file)
		id, _, _ := strings.Cut(tt.file, "/")
		settings := settingsOf(t, file, slices.DeleteFunc(All(), func(r *audit.Rule) bool { return r.ID != id }))
		settings.QEMU = tt.qemu
		d, _ := load(t, file)
		var got []string
		for _, f := range audit.Run(d, settings).Findings {
			got = append(got, f.Severity.String())
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s with QEMU %v: %q, want %q", tt.file, tt.qemu, got, tt.want)
		}
	}
}
