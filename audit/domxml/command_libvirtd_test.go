package domxml_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/testdata/libvirtd"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// commandCases are arguments of guests of type kvm (or qemu) and machine pc (or q35), with the
// machine that then runs: the type of QEMU's /machine without its version, or "" if the guest does
// not start. The accelerator is that of the domain type, unless KVM refuses the arguments.
var commandCases = []struct {
	domainType, machine string
	args                string // separated by "|"
	runs                string
	word                policy.Word
}{
	// -accel: the one that libvirt writes comes first.
	{"kvm", "pc", "-accel|tcg", "pc-i440fx", in},
	{"kvm", "pc", "--accel|tcg,thread=multi", "pc-i440fx", in},
	{"kvm", "pc", "-accel|accel=tcg", "pc-i440fx", in},
	{"kvm", "pc", "-accel|kvm,accel=tcg", "pc-i440fx", in},
	{"kvm", "pc", `-accel|{"accel":"tcg"}`, "pc-i440fx", in},
	{"kvm", "pc", "-accel|nosuch", "pc-i440fx", in},
	{"kvm", "pc", "-accel|tcg:kvm", "pc-i440fx", in},
	{"kvm", "pc", "-accel|tcg,id=x|-accel|kvm", "pc-i440fx", in},
	{"kvm", "pc", "-accel|kvm,dirty-ring-size=4096", "pc-i440fx", in},
	{"qemu", "pc", "-accel|kvm", "pc-i440fx", out},
	{"kvm", "pc", "-accel|", "", maybe},
	{"kvm", "pc", "-accel|help", "", maybe},
	{"kvm", "pc", "-accel|thread=multi", "", maybe},
	{"kvm", "pc", "-accel|tcg,id=a b", "", maybe},
	{"kvm", "pc", "-accel|tcg,id=a|-accel|tcg,id=a", "", maybe},
	{"kvm", "pc", "-accel", "", maybe},
	{"kvm", "pc", "-accel=tcg", "", maybe},
	{"kvm", "pc", "--accel=tcg", "", maybe},
	{"kvm", "pc", "---accel|tcg", "", maybe},
	{"kvm", "pc", "--", "", maybe},
	{"kvm", "pc", "-no-kvm", "", maybe},
	{"kvm", "pc", "-enable-kvm", "", maybe},
	{"qemu", "pc", "-enable-kvm", "", maybe},
	{"kvm", "pc", "-icount|shift=1", "", maybe},
	{"kvm", "pc", "-singlestep", "pc-i440fx", in},
	{"kvm", "pc", "-accel|tcg|-machine|vmport=off", "pc-i440fx", in},
	{"kvm", "pc", "-accel|tcg|-machine|pc,smm=off", "pc-i440fx", maybe},
	{"kvm", "pc", "-accel|tcg|-machine|kvm-shadow-mem=4096", "pc-i440fx", maybe}, // KVM refuses such a small value, so QEMU falls back to software
	{"kvm", "pc", "-machine|kvm_shadow_mem=4096|-accel|tcg", "pc-i440fx", maybe},
	{"qemu", "pc", "-accel|kvm|-machine|kvm-shadow-mem=4096", "pc-i440fx", out},

	// -machine and -M: the last type counts.
	{"kvm", "pc", "-machine|isapc", "isapc", out},
	{"kvm", "pc", "-M|isapc", "isapc", out},
	{"kvm", "pc", "--machine|type=isapc", "isapc", out},
	{"kvm", "pc", "-machine|pc,type=isapc", "isapc", out},
	{"kvm", "pc", "-machine|isapc,", "isapc", out},
	{"kvm", "pc", "-machine|isapc|-machine|hpet=off", "isapc", out},
	{"kvm", "pc", "-machine|type=pc,type=isapc", "isapc", out},
	{"kvm", "pc", "-M|isapc|-M|pc", "pc-i440fx", in},
	{"kvm", "pc", "-machine|isapc,type=q35", "pc-q35", in},
	{"kvm", "pc", "-M|q35", "pc-q35", in},
	{"kvm", "q35", "-M|pc", "pc-i440fx", in},
	{"kvm", "q35", "-machine|q35,hmat=on", "pc-q35", in},
	{"kvm", "pc", "-machine|vmport=off", "pc-i440fx", in},
	{"kvm", "pc", "-machine|", "pc-i440fx", in},
	{"qemu", "pc", "-M|q35", "pc-q35", out},
	{"qemu", "q35", "-M|q35", "pc-q35", out},
	{"kvm", "pc", "-machine|accel=kvm", "", maybe},
	{"kvm", "pc", "-machine|pc,accel=", "", maybe},
	{"kvm", "pc", "-M|q35,accel=kvm:tcg", "", maybe},
	{"qemu", "pc", "-machine|accel=kvm", "", maybe},
	{"kvm", "pc", `-machine|{"type":"isapc"}`, "", maybe},
	{"kvm", "pc", `-machine|{'type':'isapc'}`, "", maybe},
	{"kvm", "pc", "-machine|,type=isapc", "", maybe},
	{"kvm", "pc", "-machine| isapc", "", maybe},
	{"kvm", "pc", "-machine|isapc,type=", "", maybe},
	{"kvm", "pc", "-machine|type=isapc=x", "", maybe},
	{"kvm", "pc", "-machine|type.x=isapc", "", maybe},
	{"kvm", "pc", "-machine|q35,,x", "", maybe},
	{"kvm", "pc", "-machine|pc,smm", "", maybe},
	{"kvm", "pc", "-machine|help", "", maybe},
	{"kvm", "pc", "-machine=isapc", "", maybe},
	{"kvm", "pc", "-Misapc", "", maybe},
	{"kvm", "pc", "-machine|none", "", maybe},
	{"kvm", "pc", "-machine|microvm", "", maybe},
	{"kvm", "pc", "-machine|microvm,pcie=on", "", maybe},
	{"qemu", "pc", "-M|none", "", maybe},
	// Names are compared exactly. A name that is not known to be invalid counts as a machine that
	// the policy does not list.
	{"kvm", "pc", "-machine|ISAPC", "", out},
	{"kvm", "pc", "-machine|isap", "", out},

	// Files, and other ways of setting options.
	{"kvm", "pc", "-readconfig|/etc/libvirt/isapc.cfg", "isapc", maybe},
	{"qemu", "pc", "-readconfig|/etc/libvirt/isapc.cfg", "isapc", out},
	{"kvm", "pc", "-set|machine.x.type=isapc", "", maybe},
	{"kvm", "pc", "-set|accel.x.accel=tcg", "", maybe},
	{"kvm", "pc", "-accel|tcg,id=x|-set|accel.x.accel=tcg", "pc-i440fx", maybe},

	// Other reasons why QEMU exits.
	{"kvm", "pc", "-foo", "", maybe},
	{"kvm", "pc", "-version", "", maybe},
	{"kvm", "pc", "-cpu|help", "", maybe},
	{"kvm", "pc", "-device|help", "", maybe},
	{"kvm", "pc", "-device|virtio-rng-pci,help", "", maybe},
	{"kvm", "pc", "-object|rng-random,?", "", maybe},
	{"kvm", "pc", "-smp|1,help", "", maybe},
	{"kvm", "pc", "-vga|help", "", maybe},
	{"kvm", "pc", "-L|help", "", maybe},
	{"kvm", "pc", "-accel|tcg,help", "pc-i440fx", in},
	{"kvm", "pc", "-preconfig", "", maybe},
	{"kvm", "pc", "-daemonize", "", maybe},
	{"kvm", "pc", "-name", "", maybe},
	{"kvm", "pc", `-chardev|{'backend':'null','id':'c'}`, "", maybe},
	{"kvm", "pc", `-drive|{'if':'none'}`, "", maybe},
	{"kvm", "pc", `-device| {'driver':'virtio-rng-pci'}`, "", maybe},
}

const (
	in    = policy.Inside
	out   = policy.Outside
	maybe = policy.Undetermined
)

// TestCommandVerdicts judges the cases, and requires an effect that stops QEMU exactly where the
// verdict is that the guest does not start.
func TestCommandVerdicts(t *testing.T) {
	t.Parallel()
	for _, c := range commandCases {
		d := loadPassing(t, c.domainType, c.machine, strings.Split(c.args, "|")...)
		v := (&audit.Settings{}).Judge(d)
		if v.Verdict != c.word {
			t.Errorf("%s, %s, %s: %+v, want %s", c.domainType, c.machine, c.args, v, c.word)
		}
		if c.runs != "" && v.Reason == policy.DoesNotStart {
			t.Errorf("%s, %s, %s: %s, but it starts", c.domainType, c.machine, c.args, v.Reason)
		}
		stops := false
		for _, e := range d.Command.Effects {
			stops = stops || e.Kind == domxml.EffectStops
		}
		if stops != (v.Reason == policy.DoesNotStart) {
			t.Errorf("%s, %s, %s: %s, but an effect stops QEMU: %v", c.domainType, c.machine, c.args, v.Reason, stops)
		}
	}
}

// TestCommandOnQEMU starts a guest for each case and queries its QEMU for the machine. Without KVM,
// guests of type kvm are started as type qemu, which tests everything except that KVM is used.
func TestCommandOnQEMU(t *testing.T) {
	daemon := libvirtd.Start(t, libvirtd.Options{KVM: true})
	kvm := daemon.KVM
	if !kvm {
		t.Log("the daemon has no KVM: guests of type kvm are started as type qemu")
	}
	config := []byte("[machine]\n  type = \"isapc\"\n")
	if err := os.WriteFile(daemon.Path("/etc/libvirt/isapc.cfg"), config, 0o644); err != nil { //nolint:gosec // QEMU reads it
		t.Fatal(err)
	}
	const atOnce = 4
	for n := range atOnce {
		guest := fmt.Sprintf("g%d", n)
		t.Run(guest, func(t *testing.T) {
			t.Parallel()
			d := daemon.For(t)
			for i := n; i < len(commandCases); i += atOnce {
				c := commandCases[i]
				if !kvm && strings.HasPrefix(c.args, "-icount") {
					continue // software emulation allows it
				}
				domainType := c.domainType
				if !kvm {
					domainType = "qemu"
				}
				runs, accelerated := startPassing(d, guest, passing(domainType, c.machine, strings.Split(c.args, "|")...))
				if c.runs == "" && runs != "" || !strings.HasPrefix(runs, c.runs) {
					t.Errorf("%s, %s, %s: %q runs, want %q", c.domainType, c.machine, c.args, runs, c.runs)
				}
				if want := domainType == "kvm" && !strings.Contains(c.args, "shadow"); runs != "" && accelerated != want {
					t.Errorf("%s, %s, %s: KVM is used: %v, want %v", c.domainType, c.machine, c.args, accelerated, want)
				}
			}
		})
	}
}

// startPassing starts a guest, stops it, and returns the machine that ran, or "" if QEMU did not
// start, and whether KVM was used.
func startPassing(d *libvirtd.Daemon, guest, doc string) (machine string, accelerated bool) {
	d.Define(strings.Replace(doc, "<name>g</name>", "<name>"+guest+"</name>", 1))
	defer d.MustVirsh("undefine", guest)
	if _, err := d.Virsh("start", guest); err != nil {
		return "", false
	}
	defer d.MustVirsh("destroy", guest)
	answer := d.MustVirsh("qemu-monitor-command", guest, `{"execute":"qom-get","arguments":{"path":"/machine","property":"type"}}`)
	_, machine, _ = strings.Cut(answer, `"return":"`)
	machine, _, _ = strings.Cut(machine, `-machine"`)
	return machine, strings.Contains(d.MustVirsh("qemu-monitor-command", guest, `{"execute":"query-kvm"}`), `"enabled":true`)
}

// TestJSONOnQEMU passes the JSON of TestCommandJSON to QEMU, which exits at the first option that
// it refuses, and with success at -version.
func TestJSONOnQEMU(t *testing.T) {
	t.Parallel()
	need.Programs(t, "qemu-system-x86_64")
	for _, c := range jsonCases {
		out, err := exec.Command("qemu-system-x86_64", "-object", c.text, "-version").CombinedOutput()
		if (err == nil) != (c.want != nil) {
			t.Errorf("-object %s: %v: %s", c.text, err, out)
		}
	}
}

// TestEmulatorOnLibvirt requires that libvirt refuses QEMU for another architecture than the
// guest's.
func TestEmulatorOnLibvirt(t *testing.T) {
	d := libvirtd.Start(t, libvirtd.Options{})
	doc := strings.NewReplacer("arch='x86_64'", "arch='aarch64'", "machine='pc'", "machine='virt'",
		"<devices>", "<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>").Replace(passing("qemu", "pc"))
	_, err := d.Virsh("define", d.File("guest.xml", doc))
	if err == nil || !strings.Contains(err.Error(), "does not support arch 'aarch64'") {
		t.Errorf("libvirt: %v", err)
	}
	loaded, err := domxml.Load("guest.xml", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	if v := (&audit.Settings{}).Judge(loaded); v.Reason != policy.DoesNotStart {
		t.Errorf("Judge: %+v", v)
	}
}

// TestOverrideOnLibvirt requires that <qemu:override> can replace a device of libvirt, but reaches
// neither machine nor accelerator.
func TestOverrideOnLibvirt(t *testing.T) {
	d := libvirtd.Start(t, libvirtd.Options{})
	arguments := func(alias, property, value string) string {
		override := fmt.Sprintf("<qemu:override><qemu:device alias='%s'><qemu:frontend><qemu:property name='%s' type='string' value='%s'/>"+
			"</qemu:frontend></qemu:device></qemu:override>", alias, property, value)
		doc := strings.NewReplacer("<qemu:commandline></qemu:commandline>", override,
			"<memballoon model='none'/>", "<memballoon model='none'/><rng model='virtio'><backend model='random'>/dev/urandom</backend><alias name='ua-r'/></rng>").
			Replace(passing("qemu", "pc"))
		return d.MustVirsh("domxml-to-native", "qemu-argv", d.File("guest.xml", doc))
	}
	if got := arguments("ua-r", "driver", "nvme"); !strings.Contains(got, `"driver":"nvme"`) || strings.Contains(got, "virtio-rng") {
		t.Errorf("the driver is not replaced: %s", got)
	}
	for _, alias := range []string{"machine", "accel", ""} {
		if got := arguments(alias, "type", "isapc"); strings.Contains(got, "isapc") {
			t.Errorf("alias %q: %s", alias, got)
		}
	}
}
