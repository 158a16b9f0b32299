package host_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/testdata/need"
)

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// withCapabilities returns the facts of a Debian 12 host that were printed by its virsh.
func withCapabilities(t *testing.T) *host.Facts {
	t.Helper()
	f := &host.Facts{}
	for _, name := range []string{"capabilities.xml", "domcapabilities.xml"} {
		if err := f.AddCapabilities(name, fixture(t, name)); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// tree writes files below a new directory. A name that ends in "/" is a directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		full := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(full, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func find(t *testing.T, root string) *host.Facts {
	t.Helper()
	f, errs := host.Find(host.Places{Root: root})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return f
}

func TestCapabilities(t *testing.T) {
	f := withCapabilities(t)
	if f.Arch() != "x86_64" {
		t.Errorf("arch %q", f.Arch())
	}
	for _, tt := range []struct {
		arch, kind, name, canonical string
		deprecated, ok              bool
	}{
		{"x86_64", "kvm", "pc", "pc-i440fx-7.2", false, true},
		{"x86_64", "kvm", "q35", "pc-q35-7.2", false, true},
		{"x86_64", "qemu", "pc-q35-2.10", "pc-q35-2.10", false, true},
		{"i686", "kvm", "pc-i440fx-1.5", "pc-i440fx-1.5", true, true},
		{"x86_64", "kvm", "isapc", "isapc", false, true},
		{"x86_64", "kvm", "pc-q35-9.2", "", false, false},
		{"x86_64", "kvm", "PC", "", false, false},
		{"x86_64", "xen", "pc", "", false, false},
		{"aarch64", "kvm", "virt", "", false, false},
	} {
		canonical, deprecated, ok := f.Machine(tt.arch, tt.kind, tt.name)
		if canonical != tt.canonical || deprecated != tt.deprecated || ok != tt.ok {
			t.Errorf("%s %s %s: %q %t %t", tt.arch, tt.kind, tt.name, canonical, deprecated, ok)
		}
	}
	if name, ok := f.DefaultMachine("x86_64", "kvm"); name != "pc-i440fx-7.2" || !ok {
		t.Errorf("default %q %t", name, ok)
	}
	if name, ok := f.DefaultMachine("aarch64", "kvm"); name != "" || ok {
		t.Errorf("default %q %t", name, ok)
	}
	if runs, known := f.Runs("x86_64", "kvm"); !runs || !known {
		t.Errorf("x86_64: %t %t", runs, known)
	}
	if runs, known := f.Runs("s390x", "kvm"); runs || !known {
		t.Errorf("s390x: %t %t", runs, known)
	}
	if model, known := f.MAC(); model != "none" || !known {
		t.Errorf("MAC %q %t", model, known)
	}
	if user, where := f.User(); user != "+64055" || where != "the host's capabilities" {
		t.Errorf("user %q of %q", user, where)
	}
	if d := f.DomainCapabilities; len(d) != 1 || d[0].Machine != "pc-i440fx-7.2" || d[0].Type != "kvm" || d[0].MaxCPUs != 255 || d[0].Secure != nil {
		t.Errorf("%+v", d)
	}
}

// TestVirsh parses what this machine's virsh prints for the test driver.
func TestVirsh(t *testing.T) {
	need.Programs(t, "virsh")
	ask := func(command string) []byte {
		cmd := exec.Command("virsh", "-c", "test:///default", command)
		cmd.Env = []string{"LC_ALL=C", "HOME=" + t.TempDir()}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	f := &host.Facts{}
	for _, command := range []string{"capabilities", "version"} {
		if err := f.AddCapabilities(command, ask(command)); err != nil {
			t.Fatal(err)
		}
	}
	if f.Arch() != "i686" || f.LibvirtVersion == "" || f.QEMUVersion != "" {
		t.Errorf("%+v", f)
	}
	if runs, known := f.Runs("i686", "test"); !runs || !known {
		t.Error("the test driver runs i686 guests")
	}
	if _, ok := f.DefaultMachine("i686", "test"); ok {
		t.Error("the test driver has no machines")
	}
	if model, known := f.MAC(); model != "testSecurity" || !known {
		t.Errorf("MAC %q %t", model, known)
	}
}

// arm is part of the capabilities of an aarch64 host, with an emulator and machines of each domain
// type.
const arm = `<capabilities><host><cpu><arch>aarch64</arch></cpu>
<secmodel><model>apparmor</model><doi>0</doi></secmodel><secmodel><model>dac</model><doi>0</doi></secmodel></host>
<guest><os_type>hvm</os_type><arch name='armv7l'><emulator>/usr/bin/qemu-system-arm</emulator>
  <machine canonical='virt-7.2' maxCpus='512'>virt</machine><machine maxCpus='512'>virt-7.2</machine>
  <domain type='qemu'/><domain type='kvm'><emulator>/usr/bin/qemu-system-aarch64</emulator><machine>vexpress-a15</machine></domain></arch></guest>
<guest><os_type>hvm</os_type><arch name='aarch64'><emulator>/usr/libexec/qemu-kvm</emulator>
  <machine canonical='virt-old' deprecated='no'>virt</machine><machine deprecated='yes'>virt-old</machine><machine canonical='self'>self</machine><domain type='kvm'/></arch></guest>
<guest><os_type>hvm</os_type><arch name='x86_64'><machine>xenfv</machine><domain type='xen'/></arch></guest>
<guest><os_type>xen</os_type><arch name='x86_64'><machine>xenpv</machine><domain type='xen'/></arch></guest>
</capabilities>`

func TestPerType(t *testing.T) {
	f := &host.Facts{}
	if err := f.AddCapabilities("arm", []byte(arm)); err != nil {
		t.Fatal(err)
	}
	if name, _ := f.DefaultMachine("armv7l", "qemu"); name != "virt-7.2" {
		t.Error(name)
	}
	if name, _ := f.DefaultMachine("armv7l", "kvm"); name != "vexpress-a15" {
		t.Error(name)
	}
	if name, ok := f.DefaultMachine("x86_64", "xen"); ok {
		t.Errorf("%s, of two", name)
	}
	if name, deprecated, ok := f.Machine("aarch64", "kvm", "virt"); name != "virt-old" || !deprecated || !ok {
		t.Error(name, deprecated, ok)
	}
	if name, _, ok := f.Machine("x86_64", "xen", "xenpv"); name != "xenpv" || !ok {
		t.Error(name, ok)
	}
	for _, tt := range []struct{ arch, kind, emulator, want string }{
		{"armv7l", "qemu", "", "arm"},
		{"armv7l", "kvm", "", "aarch64"},
		{"armv7l", "kvm", "/opt/qemu-system-arm", "arm"},
		{"aarch64", "kvm", "", "aarch64"},
		{"aarch64", "kvm", "/usr/bin/my-qemu", ""},
		{"s390x", "kvm", "", ""},
	} {
		if got := f.Target(tt.arch, tt.kind, tt.emulator); got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
	if model, known := f.MAC(); model != "apparmor" || !known {
		t.Error(model, known)
	}
	if user, _ := f.User(); user != "" {
		t.Errorf("user %q", user)
	}
}

func TestDomainCapabilities(t *testing.T) {
	f := &host.Facts{}
	for _, text := range []string{
		`<?xml version="1.0"?><!-- x --><domainCapabilities><path>/usr/bin/qemu-system-arm</path><domain>kvm</domain><arch>armv7l</arch><features><sev supported='yes'/></features></domainCapabilities>`,
		`<domainCapabilities><domain>kvm</domain><arch>x86_64</arch><features><sev supported='yes'/><launchSecurity supported='yes'><enum name='sectype'><value>sev</value><value>sev-snp</value></enum><enum name='x'><value>y</value></enum></launchSecurity></features></domainCapabilities>`,
		`<domainCapabilities><domain>kvm</domain><arch>x86_64</arch></domainCapabilities>`,
	} {
		if err := f.AddCapabilities("f", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(f.DomainCapabilities[0].Secure, f.DomainCapabilities[1].Secure, f.DomainCapabilities[2].Secure); got != "[sev] [sev sev-snp] []" {
		t.Error(got)
	}
	if got := f.Target("armv7l", "kvm", ""); got != "arm" {
		t.Error(got)
	}
	if f.KnowsCapabilities() {
		t.Error("domain capabilities are not the host's")
	}
}

func TestBadCapabilities(t *testing.T) {
	for _, tt := range []struct{ text, err string }{
		{"", "f: neither capabilities nor a version: no XML element: there is none"},
		{"error: failed to connect\n", "f: neither capabilities nor a version: no XML element: there is none"},
		{"<domain type='kvm'/>", "f: neither capabilities nor domain capabilities: the root element is <domain>"},
		{"<capabilities>\n<host>\n</capabilities>", "f:3: element <host> closed by </capabilities>"},
		{"<domainCapabilities>\n<vcpu", "f:2: unexpected EOF"},
		{"<capabilities><guest><arch><machine maxCpus='x'/></arch></guest></capabilities>", `f: strconv.ParseInt: parsing "x": invalid syntax`},
	} {
		if got := message((&host.Facts{}).AddCapabilities("f", []byte(tt.text))); got != tt.err {
			t.Errorf("%q: got %q", tt.text, got)
		}
	}
	for _, text := range []string{"", "<domain/>"} {
		if _, err := host.ParseCapabilities("f", []byte(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
		if _, err := host.ParseDomainCapabilities("f", []byte(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestParseVersions(t *testing.T) {
	for _, tt := range []struct{ text, libvirt, qemu string }{
		{"Compiled against library: libvirt 8.0.0\nUsing library: libvirt 9.0.0\nUsing API: QEMU 9.0.0\nRunning hypervisor: QEMU 7.2.22\n", "9.0.0", "7.2.22"},
		{"Using library: libvirt 9.0.0\r\nRunning hypervisor: TEST 0.0.2\r\n", "9.0.0", ""},
		{"QEMU emulator version 10.2.0 (Debian 1:10.2.0+ds-1)\nCopyright (c) 2003-2025\n", "", "10.2.0"},
		{"error: failed to connect to the hypervisor\n", "", ""},
	} {
		if libvirt, qemu := host.ParseVersions([]byte(tt.text)); libvirt != tt.libvirt || qemu != tt.qemu {
			t.Errorf("%q: %q %q", tt.text, libvirt, qemu)
		}
	}
}

func TestMAC(t *testing.T) {
	selinux := &host.Capabilities{SecModels: []host.SecModel{{Name: "selinux"}, {Name: "dac"}}}
	for _, tt := range []struct {
		name  string
		facts *host.Facts
		model string
		known bool
	}{
		{"nil", nil, "", false},
		{"nothing", &host.Facts{}, "", false},
		{"capabilities", &host.Facts{Capabilities: selinux}, "selinux", true},
		{"dac alone", &host.Facts{Capabilities: &host.Capabilities{SecModels: []host.SecModel{{Name: "dac"}}}}, "none", true},
		{"capabilities that say nothing", &host.Facts{Capabilities: &host.Capabilities{}}, "none", false},
		{"switched off", &host.Facts{Capabilities: selinux, QEMUConf: conf(t, `security_driver = "none"`)}, "none", true},
		{"asked for", &host.Facts{QEMUConf: conf(t, `security_driver = ["apparmor"]`)}, "apparmor", true},
		{"empty list", &host.Facts{QEMUConf: conf(t, `security_driver = []`)}, "", false},
		{"kernel without", &host.Facts{Kernel: &host.Kernel{MAC: "none"}}, "none", true},
		{"kernel with", &host.Facts{Kernel: &host.Kernel{MAC: "apparmor", Enforcing: true}}, "", false},
	} {
		if model, known := tt.facts.MAC(); known != tt.known || known && model != tt.model {
			t.Errorf("%s: %q %t", tt.name, model, known)
		}
	}
	if !(&host.Facts{Kernel: &host.Kernel{MAC: "selinux"}}).Permissive() || (*host.Facts)(nil).Permissive() {
		t.Error("permissive")
	}
}

func TestNil(t *testing.T) {
	var f *host.Facts
	_, _, machine := f.Machine("x86_64", "kvm", "pc")
	_, standard := f.DefaultMachine("x86_64", "kvm")
	_, runs := f.Runs("x86_64", "kvm")
	_, file := f.File("/etc/passwd")
	user, _ := f.User()
	if f.Arch() != "" || f.Conf() != nil || f.KnowsConf() || f.KnowsCapabilities() || machine || standard || runs || file || user != "" ||
		f.Target("x86_64", "kvm", "/usr/bin/qemu-system-x86_64") != "" || f.For("x") != nil || f.InSession() || f.Manages("br0") || f.KnowsBridges() || f.KnowsFiles() {
		t.Error("nil knows something")
	}
	if f.Conf().String("vnc_listen").Value != "127.0.0.1" {
		t.Error("libvirt's default")
	}
}

func TestFindNothing(t *testing.T) {
	for _, root := range []string{"", t.TempDir()} {
		f := find(t, root)
		if f.KnowsConf() || f.KnowsCapabilities() || f.Arch() != "" || f.Kernel != nil || f.Session != nil || f.KnowsBridges() {
			t.Errorf("%q: %+v", root, f)
		}
	}
}

func TestFindImage(t *testing.T) {
	root := tree(t, map[string]string{
		"etc/libvirt/qemu.conf":     "\nvnc_listen = \"0.0.0.0\"\n",
		"sys/kernel/":               "",
		"proc/net/route":            "br0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
		"sys/class/net/br0/bridge/": "",
		"images/a.img":              "x",
	})
	f := find(t, root)
	s := f.Conf().String("vnc_listen")
	if s.Value != "0.0.0.0" || s.File != filepath.Join(root, "etc/libvirt/qemu.conf") || s.Where() != "qemu.conf:2 vnc_listen" {
		t.Errorf("%+v", s)
	}
	if f.Arch() != "" || f.Kernel != nil || f.KnowsBridges() {
		t.Errorf("facts of a running host from an image: %+v", f)
	}
	if file, ok := f.File("/images/a.img"); !ok || file.Mode != 0o600 || int(file.UID) != os.Getuid() {
		t.Errorf("%+v %t", file, ok)
	}
	for _, name := range []string{"/images/b.img", "images/a.img", "/", "/../../../etc/passwd"} {
		if file, ok := f.File(name); ok {
			t.Errorf("%s: %+v", name, file)
		}
	}
}

func TestFindEmptyConf(t *testing.T) {
	f := find(t, tree(t, map[string]string{"etc/libvirt/qemu.conf": ""}))
	if !f.KnowsConf() || f.Conf().String("vnc_listen").Set {
		t.Error("a file without settings was found")
	}
	f = find(t, tree(t, map[string]string{"usr/local/etc/libvirt/qemu.conf": "vnc_tls = 1"}))
	if !f.Conf().Bool("vnc_tls").Value {
		t.Error("FreeBSD's place")
	}
}

func TestFindArchive(t *testing.T) {
	root := tree(t, map[string]string{
		"etc/libvirt/qemu.conf":                    "user = 'root'",
		"sos_commands/virsh/virsh_-r_capabilities": string(fixture(t, "capabilities.xml")),
		// The read-only connection of sos lacks the permission for it.
		"sos_commands/virsh/virsh_-r_domcapabilities": "error: failed to get emulator capabilities\nerror: operation forbidden\n",
		"sos_commands/virsh/virsh_-r_version":         "Using library: libvirt 11.10.0\nRunning hypervisor: QEMU 10.1.0\n",
		"sos_commands/virsh/virsh_-r_list_--all":      " Id   Name   State\n",
		"sos_commands/kernel/uname_-a":                "Linux kvm1 6.1.0 #1 SMP x86_64 GNU/Linux\n",
	})
	f := find(t, root)
	if f.LibvirtVersion != "11.10.0" || f.QEMUVersion != "10.1.0" || f.Arch() != "x86_64" || f.HostArch != "x86_64" || f.DomainCapabilities != nil {
		t.Errorf("%+v", f)
	}
	if name, ok := f.DefaultMachine("x86_64", "kvm"); name != "pc-i440fx-7.2" || !ok {
		t.Error(name, ok)
	}
	if user, where := f.User(); user != "root" || where != "qemu.conf:1 user" {
		t.Error(user, where)
	}
}

func TestUname(t *testing.T) {
	for text, want := range map[string]string{
		"Linux h 5.14 #1 SMP aarch64 aarch64 aarch64 GNU/Linux": "aarch64",
		"Linux h 6.1 #1 SMP i586 GNU/Linux":                     "i686",
		"Linux h 6.1 amd64 x":                                   "x86_64",
		"Linux h 6.1 arm64 x":                                   "aarch64",
		"FreeBSD h 14.0 GENERIC amd64":                          "",
		"":                                                      "",
	} {
		if got := find(t, tree(t, map[string]string{"uname": text})).Arch(); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestFindErrors(t *testing.T) {
	root := tree(t, map[string]string{
		"etc/libvirt/qemu.conf":                       "vnc_tls = yes\n",
		"usr/local/etc/libvirt/qemu.conf/":            "",
		"sos_commands/virsh/virsh_-r_capabilities":    "<capabilities><host>",
		"sos_commands/virsh/virsh_-r_domcapabilities": "<domain/>",
		"sos_commands/virsh/virsh_capabilities":       "",
	})
	f, errs := host.Find(host.Places{Root: root})
	want := []string{
		root + "/etc/libvirt/qemu.conf:1: expected a value: a string in quotes, a number or a list",
		root + "/usr/local/etc/libvirt/qemu.conf: not a regular file",
		root + "/sos_commands/virsh/virsh_-r_capabilities:1: unexpected EOF",
		root + "/sos_commands/virsh/virsh_-r_domcapabilities: neither capabilities nor domain capabilities: the root element is <domain>",
	}
	var got []string
	for _, err := range errs {
		got = append(got, err.Error())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if f.KnowsConf() || f.KnowsCapabilities() {
		t.Errorf("%+v", f)
	}
	for _, root := range []string{filepath.Join(root, "none"), filepath.Join(root, "etc/libvirt/qemu.conf")} {
		if _, errs := host.Find(host.Places{Root: root}); len(errs) != 1 || !strings.HasPrefix(strings.TrimPrefix(errs[0].Error(), "stat "), root+": ") {
			t.Errorf("%s: %v", root, errs)
		}
	}
}

// TestFindStaysInside searches an image whose links lead out of it.
func TestFindStaysInside(t *testing.T) {
	outside := tree(t, map[string]string{"qemu.conf": "vnc_tls = 1"})
	root := tree(t, map[string]string{"etc/libvirt/": "", "nix/qemu.conf": "vnc_tls = 1"})
	link := filepath.Join(root, "etc/libvirt/qemu.conf")
	if err := os.Symlink(filepath.Join(outside, "qemu.conf"), link); err != nil {
		t.Fatal(err)
	}
	f, errs := host.Find(host.Places{Root: root})
	if f.KnowsConf() || len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), link+": ") {
		t.Errorf("%+v %v", f.QEMUConf, errs)
	}
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../nix/qemu.conf", link); err != nil {
		t.Fatal(err)
	}
	if f := find(t, root); !f.KnowsConf() {
		t.Error("a link within was not followed")
	}
}

func TestTooLarge(t *testing.T) {
	root := tree(t, map[string]string{"etc/libvirt/qemu.conf": strings.Repeat("#", 17<<20)})
	if _, errs := host.Find(host.Places{Root: root}); len(errs) != 1 || !strings.HasSuffix(errs[0].Error(), "qemu.conf: too large: the limit is 16777216 bytes") {
		t.Error(errs)
	}
}

func TestFindHere(t *testing.T) {
	config := tree(t, map[string]string{"libvirt/qemu.conf": "vnc_tls = 1"})
	env := map[string]string{"XDG_CONFIG_HOME": config, "HOME": "/nonexistent"}
	f, _ := host.Find(host.Places{Root: "/", Getenv: func(k string) string { return env[k] }}) // files of this host may be unreadable
	if want := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]; want != "" && f.Arch() != want {
		t.Errorf("arch %q", f.Arch())
	}
	if f.InSession() || f.Session.Directory != filepath.Join(config, "libvirt") {
		t.Errorf("%+v", f.Session)
	}
	system, own := f.For("/etc/libvirt/qemu/a.xml"), f.For(filepath.Join(config, "libvirt/qemu/a.xml"))
	if system != f || !own.InSession() || !own.Conf().Bool("vnc_tls").Value || own.For("x") != own {
		t.Error("the session has a qemu.conf of its own")
	}
	if own.Conf().Bool("dynamic_ownership").Value || len(own.Conf().List("namespaces").Value) != 0 || own.Conf().String("auto_dump_path").Value != "" {
		t.Error("a session has defaults of its own")
	}
	if user, _ := own.User(); user != "the session's own" {
		t.Error(user)
	}
	if f.For(config+"/libvirt-other/a.xml") != f {
		t.Error("a neighbouring directory was treated as the session")
	}
	for uri, want := range map[string]bool{
		"qemu:///session": true, "qemu+ssh://root@kvm1/session?socket=/x": true, "qemu:///system": false, "qemu+tcp://session/system": false, "qemu:///embed?root=/session": false,
	} {
		if live := f.For(uri); live.InSession() != want {
			t.Errorf("%s: %t", uri, live.InSession())
		}
	}
	if other := (&host.Facts{QEMUConf: conf(t, "vnc_tls = 1")}).For("qemu:///session"); other.KnowsConf() {
		t.Error("the session's qemu.conf is not the system's")
	}

	env = map[string]string{"XDG_CONFIG_HOME": "relative", "HOME": "/nonexistent"}
	f, _ = host.Find(host.Places{Root: "/", Getenv: func(k string) string { return env[k] }})
	own = f.For("/nonexistent/.config/libvirt/qemu/a.xml")
	if !own.KnowsConf() || own.Conf().Bool("vnc_tls").Value {
		t.Error("a session without the file has libvirt's defaults")
	}
	f, _ = host.Find(host.Places{Root: "/", Getenv: func(string) string { return "" }})
	if f.Session != nil {
		t.Errorf("%+v", f.Session)
	}
	if file, ok := f.File("/etc/passwd"); !ok || file.Mode == 0 {
		t.Errorf("%+v %t", file, ok)
	}
}

func TestBundle(t *testing.T) {
	f := withCapabilities(t)
	f.QEMUConf = conf(t, "vnc_listen = '::'\nvnc_password = 'hunter2'\nnamespaces = []\nkeepalive_interval = -1\nsecurity_driver = 'selinux'\nvnc_tls = 1")
	f.Session = &host.Session{Directory: "/home/a/.config/libvirt", QEMUConf: conf(t, "")}
	f.Kernel = &host.Kernel{MAC: "selinux", Enforcing: true}
	f.LibvirtVersion, f.QEMUVersion, f.HostArch = "9.0.0", "7.2.22", "x86_64"
	f.ManagementBridges = []string{}
	f.Files = map[string]host.File{"/a.img": {Mode: 0o644, UID: 1}}
	var b bytes.Buffer
	if err := host.WriteFacts(&b, f); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "hunter2") {
		t.Error("a password is in the bundle")
	}
	back, err := host.ReadFacts("facts.json", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := host.WriteFacts(&again, back); err != nil || again.String() != b.String() {
		t.Errorf("%v\n%s", err, &again)
	}
	if s := back.Conf().String("vnc_listen"); s.Value != "::" || s.Where() != "qemu.conf:1 vnc_listen" {
		t.Errorf("%+v", s)
	}
	if s := back.Conf().List("namespaces"); !s.Set || len(s.Value) != 0 {
		t.Errorf("%+v", s)
	}
	if s := back.Conf().Int("keepalive_interval"); s.Value != -1 || s.Line != 4 {
		t.Errorf("%+v", s)
	}
	if s := back.Conf().List("security_driver"); !slices.Equal(s.Value, []string{"selinux"}) {
		t.Errorf("%+v", s)
	}
	if canonical, _, _ := back.Machine("x86_64", "kvm", "q35"); canonical != "pc-q35-7.2" {
		t.Error(canonical)
	}
	if own := back.For("/home/a/.config/libvirt/qemu/a.xml"); !own.InSession() || len(own.Conf().List("namespaces").Value) != 0 {
		t.Error("the session is lost")
	}
	if !back.KnowsBridges() {
		t.Error("bridges are known")
	}
	if file, ok := back.File("/a.img"); !ok || file.Mode != 0o644 || file.Mode.String() != "0644" || !back.KnowsFiles() {
		t.Errorf("%+v %t", file, ok)
	}
	if _, ok := back.File("/b.img"); ok {
		t.Error("another file is known")
	}
	// A missing qemu.conf is not the same as one without settings.
	for _, c := range []*host.QEMUConf{nil, conf(t, "")} {
		b.Reset()
		if err := host.WriteFacts(&b, &host.Facts{QEMUConf: c}); err != nil {
			t.Fatal(err)
		}
		if back, err = host.ReadFacts("f", b.Bytes()); err != nil || back.KnowsConf() != (c != nil) || back.KnowsBridges() {
			t.Errorf("%v %s", err, &b)
		}
	}
}

func TestBadBundle(t *testing.T) {
	setting := func(s string) string {
		return `{"version":1,"qemu_conf":{"file":"f","settings":[` + s + `]}}`
	}
	for _, tt := range []struct{ text, err string }{
		{"", "f:1: not facts of a host: invalid JSON: unexpected end"},
		{"{\n\n]", "f:3: not facts of a host: invalid JSON: invalid character ']' looking for beginning of object key string"},
		{"[]", "f:1: not facts of a host: must be an object, not an array"},
		{"{}", "f: not facts of a host: version is missing"},
		{`{"version":2}`, "f: the facts have version 2; version 1 is supported"},
		{`{"version":"1"}`, "f:1: not facts of a host: version: must be an integer, not a string"},
		{"{\"version\":1,\n\"kernel\":{\"mac\":true}}", "f:2: kernel.mac: must be a string, not true or false"},
		{`{"version":1,"files":[]}`, "f:1: files: must be an object, not an array"},
		{`{"version":1,"new":1}`, `f: unknown field "new"`},
		{`{"version":1}{}`, "f:1: not facts of a host: invalid JSON: invalid character '{' after top-level value"},
		{`{"version":1,"kernel":{"mac":"none","x":1}}`, `f: unknown field "x"`},
		{`{"version":1,"files":{"/a":{"mode":"0999"}}}`, `f: "0999" is not a file mode`},
		{setting(`{"key":"vnc_tls","line":1,"integer":1}`), ""},
		{setting(`{"key":"vnc_tls","line":1,"integer":1,"x":1}`), `f: unknown field "x"`},
		{setting(`{"key":"no_such","line":1,"integer":1}`), `f: qemu_conf: unknown setting "no_such"`},
		{setting(`{"key":"vnc_tls","line":1}`), "f: qemu_conf: setting vnc_tls: must have one of string, integer and list"},
		{setting(`{"key":"vnc_tls","line":1,"integer":1,"string":"1"}`), "f: qemu_conf: setting vnc_tls: must have one of string, integer and list"},
		{setting(`{"key":"vnc_tls","line":1,"integer":2}`), "f: qemu_conf: setting vnc_tls: must be 0 or 1"},
		{setting(`{"key":"vnc_tls","line":1,"integer":1},{"key":"vnc_tls","line":2,"integer":1}`), "f: qemu_conf: setting vnc_tls is given twice"},
		{setting(`{"key":"vnc_password","line":1,"string":"clear"}`), ""},
	} {
		_, err := host.ReadFacts("f", []byte(tt.text))
		if got := message(err); got != tt.err {
			t.Errorf("%s: got %q", tt.text, got)
		}
	}
}

func TestFactsAreStable(t *testing.T) {
	var b bytes.Buffer
	if err := host.WriteFacts(&b, &host.Facts{}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(strings.Fields(b.String()), ""); got != `{"version":1,"management_bridges":null}` {
		t.Error(got)
	}
	if !json.Valid(b.Bytes()) {
		t.Error("no JSON")
	}
}
