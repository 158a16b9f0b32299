package policy_test

import (
	"testing"

	"github.com/virt-audit/virt-audit/audit/policy"
)

func version(t *testing.T, s string) policy.Version {
	t.Helper()
	v, err := policy.ParseVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestStageIn(t *testing.T) {
	t.Parallel()
	const (
		none = policy.NotYet
		good = policy.Supported
		old  = policy.Deprecated
		gone = policy.Removed
	)
	tests := []struct {
		target, machine, qemu string
		want                  policy.Stage
	}{
		// By age.
		{"x86_64", "pc-q35-7.1", "10.1.0", old},
		{"x86_64", "pc-q35-7.2", "10.1.0", good},
		{"x86_64", "pc-q35-4.1", "10.1.0", gone},
		{"x86_64", "pc-q35-4.2", "10.1.0", old},
		{"x86_64", "pc-q35-7.2", "10.2", old},
		{"x86_64", "pc-q35-8.0", "10.2", good},
		{"x86_64", "pc-q35-4.2", "10.2", gone},
		{"x86_64", "pc-q35-5.0", "10.2", old},
		{"aarch64", "virt-8.1", "11.1", old},
		{"aarch64", "virt-8.2", "11.1", good},
		{"aarch64", "virt-5.1", "11.1", gone},
		{"aarch64", "virt-5.2", "11.1", old},
		{"x86_64", "pc-q35-6.0", "12.0", gone},
		{"x86_64", "pc-q35-6.1", "12.0", old},
		{"x86_64", "pc-q35-9.0", "12.0", old},
		{"x86_64", "pc-q35-9.1", "12.0", good},
		{"loongarch64", "virt-11.0", "11.1", good},
		// The rules became effective late.
		{"x86_64", "pc-q35-2.4", "9.0", good},
		{"x86_64", "pc-q35-2.4", "9.1", old},
		{"x86_64", "pc-q35-2.4", "10.0.5", old},
		{"x86_64", "pc-q35-2.4", "10.1", gone},
		{"s390x", "s390-ccw-virtio-2.9", "10.0", old},
		{"s390x", "s390-ccw-virtio-2.9", "10.1", gone},
		{"s390x", "s390-ccw-virtio-4.2", "10.2", gone},
		{"ppc64", "pseries-3.0", "10.0", old},
		{"ppc64", "pseries-3.0", "10.1", gone},
		// Decided individually.
		{"x86_64", "pc-0.10", "3.1", good},
		{"x86_64", "pc-0.11", "4.0", gone},
		{"x86_64", "pc-0.12", "4.2", old},
		{"x86_64", "pc-0.15", "5.0", gone},
		{"x86_64", "pc-1.0", "5.2", old},
		{"x86_64", "pc-1.3", "6.0", gone},
		{"x86_64", "pc-i440fx-1.4", "6.2", good},
		{"x86_64", "pc-i440fx-1.7", "8.1", old},
		{"x86_64", "pc-i440fx-1.7", "8.2", gone},
		{"x86_64", "pc-i440fx-2.0", "8.2", old},
		{"x86_64", "pc-i440fx-2.3", "9.1", gone},
		{"x86_64", "pc-q35-1.4", "2.5", good},
		{"x86_64", "pc-q35-2.3", "2.6", gone},
		{"s390x", "s390-ccw-virtio-2.8", "9.2", old},
		{"s390x", "s390-ccw-virtio-2.8", "10.0", gone},
		{"ppc64", "pseries-2.12-sxxm", "9.1", old},
		{"ppc64", "pseries-2.12", "9.2", gone},
		{"x86_64", "xenfv-3.1", "4.2", none},
		{"x86_64", "xenfv-3.1", "11.1", good},
		{"x86_64", "xenfv-4.2", "12.0", good},
		// Stable releases, snapshots, and names of later releases.
		{"x86_64", "pc-q35-4.0.1", "4.0.0", none},
		{"x86_64", "pc-q35-4.0.1", "4.0.1", good},
		{"x86_64", "pc-q35-4.0.1", "10.0", old},
		{"x86_64", "pc-q35-4.0.1", "10.1", gone},
		{"x86_64", "pc-q35-11.0", "10.2.4", none},
		{"x86_64", "pc-q35-11.0", "10.2.50", good},
		{"x86_64", "pc-q35-10.2", "10.1.91", good},
		{"x86_64", "pc-q35-5.0", "10.2.50", gone},
		{"x86_64", "pc-q35-12.0", "11.1", none},
	}
	for _, tt := range tests {
		got, ok := policy.ParseMachine(tt.target, tt.machine).StageIn(version(t, tt.qemu))
		if !ok || got != tt.want {
			t.Errorf("%s in QEMU %s is %s, %v; want %s", tt.machine, tt.qemu, got, ok, tt.want)
		}
	}
	for _, name := range []string{
		"pc", "q35", "microvm", "xenpv", "xenfv", "isapc", "pc-q35-foobar", "pc-q35-rhel9.6.0", "pc-q35-noble", "pc-q35-9.2+pve1", "",
	} {
		if stage, ok := policy.ParseMachine("x86_64", name).StageIn(policy.NewestQEMU()); ok {
			t.Errorf("%q has no known life, but is %s", name, stage)
		}
	}
	if stage, ok := policy.ParseMachine("x86_64", "pc-q35-9.2").StageIn(policy.Version{}); ok {
		t.Errorf("%s in no release", stage)
	}
}

func TestLife(t *testing.T) {
	t.Parallel()
	life, ok := policy.ParseMachine("x86_64", "pc-q35-8.0").Life()
	want := policy.Life{Introduced: version(t, "8.0"), Deprecated: version(t, "11.0"), Removed: version(t, "14.0")}
	if !ok || life != want {
		t.Errorf("pc-q35-8.0 lives %+v", life)
	}
	life, ok = policy.ParseMachine("x86_64", "xenfv-4.2").Life()
	if want := (policy.Life{Introduced: version(t, "5.0")}); !ok || life != want {
		t.Errorf("xenfv-4.2 lives %+v", life)
	}
}
