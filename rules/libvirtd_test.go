package rules

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/hostpath"
	"github.com/virt-audit/virt-audit/testdata/libvirtd"
)

// TestLibvirt compares the assumptions of rules with a real libvirtd, one for all of them.
func TestLibvirt(t *testing.T) {
	d := libvirtd.Start(t, libvirtd.Options{})
	t.Run("labels", func(t *testing.T) { labelsAndLibvirt(t, d.For(t)) })
	t.Run("implied", func(t *testing.T) { impliedAndLibvirt(t, d.For(t)) })
	t.Run("dumps", func(t *testing.T) { dumpsAndLibvirt(t, d.For(t)) })
	t.Run("relative", func(t *testing.T) { relativeAndLibvirt(t, d.For(t)) })
}

// labelledGuest returns a small guest with a DAC label.
func labelledGuest(label string) string {
	label = strings.NewReplacer("\t", "&#9;", "\n", "&#10;").Replace(label)
	return strings.Replace(libvirtd.Guest("a", ""), "</domain>",
		"<seclabel type='static' model='dac' relabel='yes'><label>"+label+"</label></seclabel></domain>", 1)
}

// labelsAndLibvirt starts guests with labels and checks which user QEMU runs as. (All labels had
// the result in the table; most of those that start are omitted, since each takes half a second.)
func labelsAndLibvirt(t *testing.T, d *libvirtd.Daemon) {
	t.Helper()
	names := strings.NewReplacer("libvirt-qemu", "64055")
	for _, l := range labels {
		if l.user != "" && !l.start {
			continue
		}
		user, group := names.Replace(l.user), names.Replace(l.group)
		if strings.Trim(user+group, "0123456789") != "" { // names that no host has
			user, group = "", ""
		}
		d := d.For(t)
		if _, err := d.Virsh("create", d.File("a.xml", labelledGuest(l.label))); (err == nil) != (user != "") {
			t.Errorf("%q: want %s:%s: %v", l.label, user, group, err)
		}
		if out, err := d.Command("sh", "-c", "cat /proc/$(cat /run/libvirt/qemu/a.pid)/status").Output(); err == nil {
			var got []string
			for _, m := range regexp.MustCompile(`(?m)^[UG]id:\t(\d+)`).FindAllStringSubmatch(string(out), -1) {
				got = append(got, m[1])
			}
			if !slices.Equal(got, []string{user, group}) {
				t.Errorf("%q: QEMU ran as %s, want %s:%s", l.label, strings.Join(got, ":"), user, group)
			}
		}
		_, _ = d.Virsh("destroy", "a")
	}
}

// machines are guests of different architectures. The test logs those whose QEMU is not installed.
var machines = []struct{ program, arch, machine string }{
	{"x86_64", "x86_64", "pc"},
	{"x86_64", "x86_64", "q35"},
	{"arm", "armv7l", "virt"},
	{"arm", "armv7l", "vexpress-a9"},
	{"arm", "armv6l", "versatilepb"},
	{"aarch64", "aarch64", "virt"},
	{"aarch64", "aarch64", "raspi3b"},
	{"ppc64", "ppc64", "pseries"},
	{"ppc64", "ppc64le", "pseries"},
	{"ppc64", "ppc64", "powernv"},
	{"ppc", "ppc", "mac99"},
	{"mips", "mips", "malta"},
	{"mips64el", "mips64el", "malta"},
	{"riscv64", "riscv64", "virt"},
	{"riscv64", "riscv64", "sifive_u"},
	{"s390x", "s390x", "s390-ccw-virtio"},
	{"alpha", "alpha", "clipper"},
}

// impliedDevices are devices that libvirt completes, or that require others.
var impliedDevices = []string{
	"<interface type='user'/>",
	"<interface type='bridge'><source bridge='br0'/><model type=''/></interface>",
	"<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>",
	"<interface type='vhostuser'><source type='unix' path='/tmp/s' mode='server'/></interface>",
	"<video/>",
	"<video><model type='default'/></video>",
	"<graphics type='vnc'/>",
	"<graphics type='egl-headless'/>",
	"<tpm><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>",
	"<controller type='scsi'/>",
	"<controller type='scsi' model='auto'/>",
	"<controller type='scsi' model='virtio-scsi'/><controller type='scsi'/>",
	"<controller type='scsi'/><controller type='scsi' index='0' model='virtio-scsi'/>",
	scsiDisk("sda"),
	"<disk type='file' device='cdrom'><target dev='sda'/></disk>",
	"<disk type='file' device='floppy'><source file='/x'/><target dev='fda'/></disk>",
	"<disk type='file'><source file='/x'/><target dev='xvda'/></disk>",
	"<controller type='scsi' model='virtio-scsi'/>" + scsiDisk("sda"),
	"<controller type='scsi' model='virtio-scsi'/>" + scsiDisk("sdg"),
	"<controller type='scsi' model='virtio-scsi'/>" + scsiDisk("sdh"),
	"<controller type='scsi' model='virtio-scsi'/><controller type='scsi' model='virtio-scsi'/>" + scsiDisk("sdh"),
	"<controller type='scsi' index='1' model='virtio-scsi'/>" + scsiDisk("sda"),
	"<controller type='scsi' index='0' model='virtio-scsi'/>" + scsiDisk("sda") + scsiDisk("sdaa"),
	"<controller type='scsi' index='0' model='virtio-scsi'/><disk type='file'><source file='/x'/><target dev='sdb'/><address type='drive' controller='2'/></disk>",
	scsiHostdev,
	scsiHostdev + "<controller type='scsi' model='virtio-scsi'/>",
	scsiHostdev + "<controller type='scsi' index='0' model='virtio-scsi'/>",
	scsiHostdev + "<controller type='scsi' index='3' model='virtio-scsi'/>",
	scsiHostdev + "<controller type='scsi' index='0' model='virtio-scsi'/>" +
		strings.NewReplacer("target='0'", "target='1'", "</hostdev>", "<address type='drive' controller='1'/></hostdev>").Replace(scsiHostdev),
}

const scsiHostdev = "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/><address bus='0' target='0' unit='0'/></source></hostdev>"

func scsiDisk(name string) string {
	return "<disk type='file'><source file='/" + name + "'/><target dev='" + name + "'/></disk>"
}

// models returns the different models that walkers find, by kind.
func models(p *audit.Pass) string {
	var found []string
	for kind, walk := range map[string]func(func(device) bool){
		"nic": nics(p), "video": videoCards(p), "tpm": tpmModels(p), "scsi": scsiControllers(p), "bus": diskBuses(p), "iommu": iommus(p),
	} {
		for d := range walk {
			found = append(found, kind+" "+d.model)
		}
	}
	slices.Sort(found)
	return strings.Join(slices.Compact(found), ", ")
}

// modelsOf returns the models of a document.
func modelsOf(t *testing.T, doc string) (out string) {
	t.Helper()
	d, err := domxml.Load("test", []byte(doc))
	if err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	look := &audit.Rule{ID: "t-models", Check: func(p *audit.Pass) { out = models(p) }}
	audit.Run(d, &audit.Settings{Rules: []*audit.Rule{look}})
	return out
}

// impliedAndLibvirt requires that the models of a document are those of libvirt's dump of it.
func impliedAndLibvirt(t *testing.T, d *libvirtd.Daemon) {
	t.Helper()
	defined := 0
	for _, m := range machines {
		program, err := exec.LookPath("qemu-system-" + m.program)
		if err != nil {
			t.Logf("%s %s: not tried, for lack of qemu-system-%s", m.arch, m.machine, m.program)
			continue
		}
		for _, devices := range impliedDevices {
			doc := fmt.Sprintf(`<domain type='qemu'><name>i</name><memory unit='MiB'>16</memory><os><type arch='%s' machine='%s'>hvm</type></os>
				<devices><emulator>%s</emulator>%s</devices></domain>`, m.arch, m.machine, program, devices)
			d := d.For(t)
			if _, err := d.Virsh("define", d.File("i.xml", doc)); err != nil {
				continue // not on this machine
			}
			defined++
			dump := d.MustVirsh("dumpxml", "--inactive", "i")
			d.MustVirsh("undefine", "i")
			if ours, theirs := modelsOf(t, doc), modelsOf(t, dump); ours != theirs {
				t.Errorf("%s %s %s:\nwe take %s\nlibvirt %s", m.arch, m.machine, devices, ours, theirs)
			}
		}
	}
	if defined < 2*(len(impliedDevices)-1) {
		t.Errorf("libvirt took %d documents only", defined)
	}
}

// dumpsAndLibvirt audits documents that libvirt completes, or reads in part, and its dumps of them:
// a rule with a finding in one must have a finding in the other.
func dumpsAndLibvirt(t *testing.T, d *libvirtd.Daemon) {
	t.Helper()
	for _, c := range []struct{ rule, inside, devices string }{
		{"cpu-model-baseline", "<cpu match='minimum'/>", ""},
		{"cpu-model-baseline", "<cpu mode='custom' match='minimum'><topology sockets='1' cores='1' threads='1'/></cpu>", ""},
		{"cpu-model-baseline", "<cpu match='minimum'><model>Skylake-Server-IBRS</model></cpu>", ""},
		{"cpu-model-baseline", "<cpu/>", ""},
		{"confinement-seclabel-none", "<seclabel model='none'/>", ""},
		{"confinement-seclabel-none", "<seclabel type='dynamic' model='none'/>", ""},
		{"confinement-seclabel-none", "<seclabel type='static' model='none'><label>x</label></seclabel>", ""},
		{"confinement-seclabel-none", "<seclabel model='none'/><seclabel type='none' model='dac'/>", ""},
		{"confinement-seclabel-none", "<seclabel type='none' model='dac'/>", ""},
		{"endpoint-vnc-public", "", "<graphics type='vnc' listen='0.0.0.0' passwdValidTo='2031-01-01T00:00:00'/>"},
		{"endpoint-spice-public", "", "<graphics type='spice' autoport='yes' listen='0.0.0.0' passwdValidTo='1970-01-01T00:00:01'/>"},
		{"endpoint-spice-plaintext", "", spiceChannelsTwice("secure", "insecure")},
		{"endpoint-spice-plaintext", "", spiceChannelsTwice("insecure", "secure")},
		{"storage-sensitive-path", "", "<disk type='file'><source file='/a'/><target dev='vda'/><mirror type='file' job='copy'><format type='raw'/><source file='/dev/mem'/></mirror></disk>"},
		{"secret-http-cookie", "", "<disk type='network' device='cdrom'><source protocol='ftp' name='a'><host name='h'/><cookies><cookie name='a'>b</cookie></cookies></source><target dev='hda'/></disk>"},
		{"secret-http-cookie", "", "<disk type='network' device='cdrom'><source protocol='https' name='a'><host name='h'/><cookies><cookie name='a'>b</cookie></cookies></source><target dev='hda'/></disk>"},
		{"storage-sensitive-path", "", "<disk type='file'><source file='../../etc/shadow'/><target dev='vda'/></disk>"},
		{"sharing-fs-dangerous-path", "", "<filesystem><source dir='.'/><target dir='a'/></filesystem>"},
		{"sharing-fs-dangerous-path", "", "<filesystem type='mount'><source dir='srv/share/web'/><target dir='a'/></filesystem>"},
	} {
		doc := "<domain type='kvm'><name>c</name><memory unit='MiB'>16</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>" +
			c.inside + "<devices>" + c.devices + "</devices></domain>"
		d := d.For(t)
		d.MustVirsh("define", d.File("c.xml", strings.Replace(doc, "type='kvm'", "type='qemu'", 1)))
		dump := strings.Replace(d.MustVirsh("dumpxml", "--inactive", "--security-info", "c"), "type='qemu'", "type='kvm'", 1)
		d.MustVirsh("undefine", "c")
		ours, theirs := runOne(t, c.rule, doc).Findings, runOne(t, c.rule, dump).Findings
		if (len(ours) > 0) != (len(theirs) > 0) {
			t.Errorf("%s: %s: %d findings; %d in the dump", c.rule, c.inside+c.devices, len(ours), len(theirs))
		}
	}
}

// spiceChannelsTwice is a SPICE display with a mode for each channel, and another one for the
// first.
func spiceChannelsTwice(first, last string) string {
	others := strings.Join(spiceChannels[1:], "' mode='secure'/><channel name='")
	return "<graphics type='spice' port='5900' listen='0.0.0.0'><channel name='main' mode='" + first + "'/><channel name='" +
		others + "' mode='secure'/><channel name='main' mode='" + last + "'/></graphics>"
}

// relativeAndLibvirt starts a guest whose disk has a relative name, which is relative to the root
// directory.
func relativeAndLibvirt(t *testing.T, d *libvirtd.Daemon) {
	t.Helper()
	if out, err := d.Command("sh", "-c", "mkdir -p /run/rel && truncate -s 1M /run/rel/x.img").CombinedOutput(); err != nil {
		t.Fatal(string(out))
	}
	for _, name := range []string{"run/rel/x.img", "../../run/rel/x.img", "/var/run/../run//rel/./x.img"} {
		disk := "<disk type='file'><driver name='qemu' type='raw'/><source file='" + name + "'/><target dev='hda'/></disk>"
		d.MustVirsh("create", d.File("r.xml", libvirtd.Guest("r", disk)))
		out, err := d.Command("sh", "-c", "stat -c %U /run/rel/x.img; ls -l /proc/$(cat /run/libvirt/qemu/r.pid)/fd").Output()
		if err != nil || !strings.HasPrefix(string(out), "libvirt-qemu\n") || !strings.Contains(string(out), hostpath.Opened(name)) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		d.MustVirsh("destroy", "r")
	}
}
