package policy_test

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/policy"
)

func TestKnownWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		what    string
		known   func(string) bool
		yes, no string // words, separated by commas
	}{
		{
			"arch", policy.KnownArch,
			"i686,x86_64,aarch64,armv6l,armv7l,armv7b,ppc64le,s390x,riscv64,loongarch64,openrisc,xtensaeb",
			",none,amd64,arm64,i386,i586,X86_64, x86_64,x86_64 ,arm,or1k,hppa",
		},
		{
			"type", policy.KnownType,
			"kvm,qemu,xen,hvf,hyperv,nvmm,lxc,parallels,bhyve,test",
			",none,KVM, kvm,kvm ,whpx,tcg,mshv,ch",
		},
		{
			"os", policy.KnownOS,
			"hvm,xen,linux,exe,uml,xenpvh",
			",HVM, hvm ,pvh,windows",
		},
	}
	for _, tt := range tests {
		for w := range strings.SplitSeq(tt.yes, ",") {
			if !tt.known(w) {
				t.Errorf("%s %q is not known", tt.what, w)
			}
		}
		for w := range strings.SplitSeq(tt.no, ",") {
			if tt.known(w) {
				t.Errorf("%s %q is known", tt.what, w)
			}
		}
	}
}

func TestArches(t *testing.T) {
	t.Parallel()
	got := policy.Arches()
	if len(got) != 37 {
		t.Errorf("%d architectures, libvirt has 37 without none", len(got))
	}
	got[0] = "changed"
	if policy.Arches()[0] == "changed" {
		t.Error("callers can change the list")
	}
}

func TestTargetOf(t *testing.T) {
	t.Parallel()
	for arch, want := range map[string]string{
		"i686": "i386", "x86_64": "x86_64", "armv6l": "arm", "armv7l": "arm", "armv7b": "armv7b",
		"aarch64": "aarch64", "ppc64": "ppc64", "ppc64le": "ppc64", "ppc": "ppc", "": "", "nonsense": "nonsense",
	} {
		if got := policy.TargetOf(arch); got != want {
			t.Errorf("TargetOf(%q) = %q, want %q", arch, got, want)
		}
	}
}
