package policy_test

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/policy"
)

func TestParseMachine(t *testing.T) {
	t.Parallel()
	const alias, bad = "alias", "bad"
	tests := []struct {
		targets, names string // separated by blanks
		family         string
		version        string
		vendor         string
		kind           string
	}{
		{"i386 x86_64", "pc", "pc", "", "", alias},
		{"i386 x86_64", "pc-i440fx-1.4", "pc", "1.4", "", ""},
		{"i386 x86_64", "pc-i440fx-2.12", "pc", "2.12", "", ""},
		{"i386 x86_64", "pc-i440fx-12.0", "pc", "12.0", "", ""},
		{"i386 x86_64", "pc-0.10", "pc", "0.10", "", ""},
		{"i386 x86_64", "pc-0.15", "pc", "0.15", "", ""},
		{"i386 x86_64", "pc-1.0", "pc", "1.0", "", ""},
		{"i386 x86_64", "pc-1.3", "pc", "1.3", "", ""},
		{"x86_64", "rhel5.4.0 rhel6.0.0 rhel6.6.0", "pc", "", "rhel", ""},
		{"x86_64", "pc-i440fx-rhel7.0.0 pc-i440fx-rhel8.2.0", "pc", "", "rhel", ""},
		{"x86_64", "pc-i440fx-trusty pc-i440fx-bionic-hpb pc-i440fx-jammy-maxcpus pc-i440fx-noble-v2", "pc", "", "ubuntu", ""},
		{"x86_64", "ubuntu", "pc", "", "ubuntu", alias},
		{"x86_64", "pc-i440fx-9.2+pve1 pc-i440fx-9.2+pve0.pxe pc-i440fx-9.2.pxe", "pc", "9.2", "proxmox", ""},
		{"x86_64", "pc+pve0", "pc", "", "proxmox", alias},
		{
			"i386 x86_64", "pc-0.9 pc-0.16 pc-1.4 pc-2.0 pc-1.0.0 pc-1.0-precise pc-1.0-qemu-kvm pc-00.10 pc-i440fx- " +
				"pc-i440fx-1.3 pc-i440fx-9 pc-i440fx-9.2.1.1 pc-i440fx-09.2 pc-i440fx-9.02 pc-i440fx-9.2- pc-i440fx-+9.2 pc-i440fx-9.-2 " +
				"pc-i440fx-9.2+ pc-i440fx-9.2+pve pc-i440fx-9.2+pve01 pc-i440fx-9.2+pve1x pc-i440fx-9.2+pve1+pve1 pc-i440fx-9.2.pxe.pxe " +
				"pc-i440fx-foo+pve1 pc-i440fx-9.2-sxxm pc-i440fx-rhel7.0 pc-i440fx-rhel7.0.0.0 pc-i440fx-rhel07.0.0 pc-i440fx-rhel " +
				"pc-i440fx-rhel7.6.0-sxxm pc-i440fx-noble-v3 pc-i440fx-noble- pc-i440fx-Noble pc-i440fx-nobles pc-i440fx-99999.0 " +
				"pc+ pc+pve pc+pve0.pxe rhel6.7.0 rhel7.3.0 rhel",
			"pc", "", "", bad,
		},
		{"i386 x86_64", "pc-compatible pc-i440fx pc-q35 pc- pcx PC Pc-q35-9.2 isapc xpc x-remote none nitro nitro-enclave virt-9.0 xenner ubuntu-foo", "", "", "", bad},

		{"i386 x86_64", "q35", "q35", "", "", alias},
		{"i386 x86_64", "pc-q35-9.2 pc-q35-9.2.0", "q35", "9.2", "", ""},
		{"i386 x86_64", "pc-q35-4.0.1", "q35", "4.0.1", "", ""},
		{"x86_64", "pc-q35-rhel10.2.0 pc-q35-rhel9.8.0", "q35", "", "rhel", ""},
		{"x86_64", "pc-q35-noble-v2 pc-q35-jammy-hpb-maxcpus pc-q35-resolute", "q35", "", "ubuntu", ""},
		{"x86_64", "ubuntu-q35", "q35", "", "ubuntu", alias},
		{"x86_64", "pc-q35-11.0+pve2 pc-q35-11.0+pve2.pxe", "q35", "11.0", "proxmox", ""},
		{"x86_64", "q35+pve0", "q35", "", "proxmox", alias},
		{"i386 x86_64", "pc-q35-foobar pc-q35- pc-q35-1.3 q35-9.2 q35+foo pc-q35-9.2\n", "q35", "", "", bad},

		{"i386 x86_64", "microvm", "microvm", "", "", ""},
		{"i386 x86_64", "microvm-1.0 microvm+pve0", "microvm", "", "", bad},
		{"i386 x86_64", "xenpv", "xenpv", "", "", ""},
		{"i386 x86_64", "xenpv-4.2", "xenpv", "", "", bad},
		{"i386 x86_64", "xenpvh", "xenpvh", "", "", ""},
		{"i386 x86_64", "xenpvh-1", "xenpvh", "", "", bad},
		{"i386 x86_64", "xenfv", "xenfv", "", "", alias},
		{"i386 x86_64", "xenfv-3.1", "xenfv", "3.1", "", ""},
		{"i386 x86_64", "xenfv-4.2", "xenfv", "4.2", "", ""},
		{"i386 x86_64", "xenfv-4.1 xenfv-9.0 xenfv-", "xenfv", "", "", bad},

		{"arm aarch64", "virt", "virt", "", "", alias},
		{"arm aarch64", "virt-2.6", "virt", "2.6", "", ""},
		{"arm aarch64", "virt-11.1", "virt", "11.1", "", ""},
		{"aarch64", "virt-rhel9.6.0", "virt", "", "rhel", ""},
		{"aarch64", "virt-xenial virt-resolute", "virt", "", "ubuntu", ""},
		{"aarch64", "virt-9.2+pve1", "virt", "9.2", "proxmox", ""},
		{"aarch64", "virt+pve1", "virt", "", "proxmox", alias},
		{"arm aarch64", "virt-2.5 virt-foo virt- virt-9.2.pxe virt-noble-v2 virt-rhel9 virt+9.2", "virt", "", "", bad},
		{
			"arm aarch64", "xlnx-versal-virt amd-versal-virt amd-versal2-virt virtex-ml507 loongson3-virt xenpvh virtual VIRT machvirt " +
				"sbsa-ref imx8mp-evk imx8mm-evk raspi4b vmapple x-remote", "", "", "", bad,
		},

		{"loongarch64", "virt", "virt", "", "", ""},
		{"loongarch64", "virt-11.0", "virt", "11.0", "", ""},
		{"loongarch64", "virt-9.0 virt-rhel9.6.0 virt-noble virt-11.0+pve0 virt+pve0", "virt", "", "", bad},
		{"riscv32 riscv64", "virt", "virt", "", "", ""},
		{"riscv32 riscv64", "virt-9.0 virt-rhel9.6.0 virt-noble", "virt", "", "", bad},
		{"riscv32 riscv64", "spike sifive_u virtex-ml507", "", "", "", bad},
		{"m68k openrisc or1k xtensa xtensaeb mips64el ppc ppc64 s390x", "virt virt-8.0 loongson3-virt virtex-ml507", "", "", "", bad},
		{"", "virt pc q35", "", "", "", bad},

		{"ppc64", "pseries", "pseries", "", "", alias},
		{"ppc64", "pseries-2.1", "pseries", "2.1", "", ""},
		{"ppc64", "pseries-2.12-sxxm", "pseries", "2.12", "", ""},
		{"ppc64", "pseries-rhel7.6.0 pseries-rhel7.6.0-sxxm", "pseries", "", "rhel", ""},
		{"ppc64", "pseries-bionic-sxxm", "pseries", "", "ubuntu", ""},
		{"ppc64", "pseries-xenial", "pseries", "", "ubuntu", ""},
		{"ppc64", "pseries-2.0 pseries-2.12-sxx pseries-sxxm pseries-bionic-sxx pseries-bionic-v2-sxxm pseries-9.0+pve0 pseries-noble-v2 pseries-", "pseries", "", "", bad},
		{"ppc64", "powernv powernv9 mac99 ppce500 pc q35", "", "", "", bad},
		{"ppc", "pseries", "", "", "", bad},

		{"s390x", "s390-ccw-virtio", "s390-ccw-virtio", "", "", alias},
		{"s390x", "s390-ccw-virtio-2.4", "s390-ccw-virtio", "2.4", "", ""},
		{"s390x", "s390-ccw-virtio-rhel9.6.0", "s390-ccw-virtio", "", "rhel", ""},
		{"s390x", "s390-ccw-virtio-noble", "s390-ccw-virtio", "", "ubuntu", ""},
		{"s390x", "s390-ccw-virtio-2.3 s390-ccw-virtio-foo s390-ccw-virtio-9.0-sxxm", "s390-ccw-virtio", "", "", bad},
		{"s390x", "s390-ccw s390-virtio s390-ccw-kvmibm-1.1.1", "", "", "", bad},
	}
	for _, tt := range tests {
		for target := range strings.SplitSeq(tt.targets, " ") {
			for name := range strings.SplitSeq(tt.names, " ") {
				want := policy.Machine{
					Target: target, Name: name, Family: tt.family, Vendor: tt.vendor,
					Alias: tt.kind == alias, WellFormed: tt.kind != bad,
				}
				if tt.version != "" {
					var err error
					if want.Version, err = policy.ParseVersion(tt.version); err != nil {
						t.Fatal(err)
					}
				}
				if got := policy.ParseMachine(target, name); got != want {
					t.Errorf("ParseMachine(%q, %q)\n got %+v\nwant %+v", target, name, got, want)
				}
			}
		}
	}
}

func TestParseAnyMachine(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"pc-q35-4.2": "x86_64", "pc-i440fx-rhel7.6.0": "x86_64", "pc": "x86_64", "ubuntu-q35": "x86_64", "pc-q35-foo": "x86_64",
		"virt-6.2": "aarch64", "virt-rhel9.6.0": "aarch64", "pseries-2.12": "ppc64", "s390-ccw-virtio-5.1": "s390x",
		"virt-11.0": "aarch64", "virt-foo": "aarch64", "virt": "", "isapc": "", "none": "", "": "", "xenpvh": "x86_64",
	} {
		got := policy.ParseAnyMachine(name)
		if got.Name != name || (want == "") != (got.Family == "") {
			t.Errorf("%q: %+v, want a machine of %q", name, got, want)
		}
		if exact := policy.ParseMachine(want, name); want != "" && (exact.Family != got.Family || exact.Version != got.Version ||
			exact.Vendor != got.Vendor || exact.Alias != got.Alias || exact.WellFormed != got.WellFormed) {
			t.Errorf("%q: %+v, and on %s %+v", name, got, want, exact)
		}
	}
}

// Every family that a built-in edition lists must be a valid machine name on its target.
func TestListedFamiliesAreNames(t *testing.T) {
	t.Parallel()
	for _, name := range policy.Names() {
		e := named(t, name)
		for _, target := range e.Targets() {
			for _, family := range e.Families(target) {
				v := e.Judge(guest("kvm", "hvm", archOf(t, target), family))
				if v.Verdict != in || v.Reason != policy.Listed || v.Family != family {
					t.Errorf("%s: %s on %s: %+v", name, family, target, v)
				}
				m := policy.ParseMachine(target, family)
				if m.Family != family && family != "isapc" {
					t.Errorf("%s: %s on %s is not a known family: %+v", name, family, target, m)
				}
			}
		}
	}
}

func TestNewest(t *testing.T) {
	for _, c := range []struct{ target, name, qemu, want string }{
		{"x86_64", "pc-q35-4.2", "", "q35"},
		{"x86_64", "pc-q35-rhel8.2.0", "", "q35"},
		{"x86_64", "pc-1.0", "9.2", "pc-i440fx-9.2"},
		{"x86_64", "pc-i440fx-2.1", "10.2.50", "pc-i440fx-11.0"},
		{"aarch64", "virt-3.0", "", "virt"},
		{"s390x", "s390-ccw-virtio-2.9", "10.0.3", "s390-ccw-virtio-10.0"},
		{"ppc64", "pseries-2.1", "", "pseries"},
		{"riscv64", "virt", "10.0", "virt"},
		{"x86_64", "microvm", "10.0", "microvm"},
		{"x86_64", "isapc", "10.0", ""},
		{"aarch64", "raspi3b", "", ""},
	} {
		var qemu policy.Version
		if c.qemu != "" {
			qemu, _ = policy.ParseVersion(c.qemu)
		}
		if got := policy.ParseMachine(c.target, c.name).Newest(qemu); got != c.want {
			t.Errorf("%s %s in %q: %q, want %q", c.target, c.name, c.qemu, got, c.want)
		}
	}
}
