package audit

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/host"
)

func domainOf(t *testing.T, source, xml string) *Domain {
	t.Helper()
	d, err := domxml.Load(source, []byte(xml))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func capable(t *testing.T, xml string) *host.Facts {
	t.Helper()
	f := &host.Facts{}
	if err := f.AddCapabilities("capabilities", []byte("<capabilities>"+xml+"</capabilities>")); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestJudgeOnHost judges with capabilities what the document leaves open.
func TestJudgeOnHost(t *testing.T) {
	x86 := capable(t, `<host><cpu><arch>x86_64</arch></cpu></host>
<guest><os_type>hvm</os_type><arch name='x86_64'><emulator>/usr/bin/qemu-system-x86_64</emulator><machine canonical='pc-q35-9.2'>house</machine>
<machine>pc-q35-foobar</machine><machine>pc-q35-9.2</machine><domain type='kvm'/></arch></guest>
<guest><os_type>hvm</os_type><arch name='x86_64'><machine>xenfv</machine><domain type='xen'/></arch></guest>`)
	arm := capable(t, `<host><cpu><arch>aarch64</arch></cpu></host>
<guest><os_type>hvm</os_type><arch name='armv7l'><emulator>/usr/bin/qemu-system-arm</emulator><machine>virt-9.2</machine><domain type='kvm'/></arch></guest>`)
	for _, tt := range []struct {
		facts   *host.Facts
		domain  string
		verdict string
	}{
		{nil, "<type>hvm</type>", "undetermined arch-absent"},
		{&host.Facts{}, "<type>hvm</type>", "undetermined arch-absent"},
		{&host.Facts{HostArch: "x86_64"}, "<type>hvm</type>", "inside default-machine"},
		{x86, "<type>hvm</type>", "inside default-machine"},
		{x86, "<type machine='house'>hvm</type>", "inside listed"},
		{nil, "<type arch='x86_64' machine='house'>hvm</type>", "outside machine-not-listed"},
		{x86, "<type arch='x86_64' machine='pc-q35-foobar'>hvm</type>", "inside listed"},
		{x86, "<type arch='x86_64' machine='pc-q35-other'>hvm</type>", "undetermined unknown-suffix"},
		{x86, "<type arch='aarch64'>hvm</type>", "undetermined machine-absent"},
		{arm, "<type arch='armv7l' machine='virt'>hvm</type>", "outside arch-not-listed"},
		{&host.Facts{HostArch: "aarch64"}, "<type arch='armv7l' machine='virt'>hvm</type>", "inside listed"},
	} {
		d := domainOf(t, "f", "<domain type='kvm'><os>"+tt.domain+"</os></domain>")
		v := (&Settings{Host: tt.facts}).Judge(d)
		if got := string(v.Verdict) + " " + string(v.Reason); got != tt.verdict {
			t.Errorf("%s: %s", tt.domain, got)
		}
	}
	// For Xen the type of OS decides; the architecture that the user sets overrides the facts.
	d := domainOf(t, "f", "<domain type='xen'><os><type arch='x86_64'>xenpvh</type></os></domain>")
	if v := (&Settings{Host: x86}).Judge(d); v.Family != "xenpvh" {
		t.Errorf("%+v", v)
	}
	d = domainOf(t, "f", "<domain type='kvm'><os><type>hvm</type></os></domain>")
	if v := (&Settings{Host: x86, HostArch: "s390x"}).Judge(d); v.Target != "s390x" {
		t.Errorf("%+v", v)
	}
}

// TestFactsOf selects the facts of the host and of the daemon that a domain belongs to.
func TestFactsOf(t *testing.T) {
	const xml = "<domain type='kvm'><os><type arch='x86_64'>hvm</type></os></domain>"
	conf := func(text string) *host.QEMUConf {
		c, err := host.ParseQEMUConf("qemu.conf", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	here := &host.Facts{QEMUConf: conf("user = 'here'"), Session: &host.Session{Directory: "/home/a/.config/libvirt", QEMUConf: conf("user = 'session'")}}
	there := &host.Facts{QEMUConf: conf("user = 'there'")}
	cfg := &Settings{Host: here, Hosts: map[string]*host.Facts{"qemu+ssh://there/system": there, "qemu+ssh://there/session": there}}
	for _, tt := range []struct{ source, host, user string }{
		{"/etc/libvirt/qemu/a.xml", "", "here"},
		{"/home/a/.config/libvirt/qemu/a.xml", "", "session"},
		{"a", "qemu+ssh://there/system", "there"},
		{"a", "qemu+ssh://there/session", ""},
		{"a", "qemu+ssh://elsewhere/system", "here"},
	} {
		d := domainOf(t, tt.source, xml)
		d.Origin.Host = tt.host
		if got := cfg.facts(d).Conf().String("user").Value; got != tt.user {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}

func TestHostNeeds(t *testing.T) {
	conf, err := host.ParseQEMUConf("qemu.conf", nil)
	if err != nil {
		t.Fatal(err)
	}
	d := domainOf(t, "f", "<domain type='kvm'><os><type arch='x86_64'>hvm</type></os></domain>")
	for _, tt := range []struct {
		name  string
		cfg   Settings
		needs Inputs
		want  string
	}{
		{"no host", Settings{}, NeedQEMUConf, "skipped"},
		{"no host, named", Settings{Named: true}, NeedQEMUConf, "lacking"},
		{"architecture alone", Settings{HostArch: "x86_64"}, NeedCapabilities, "ran"},
		{"architecture alone", Settings{HostArch: "x86_64"}, NeedQEMUConf, "skipped"},
		{"nothing of the host", Settings{Host: &host.Facts{}}, NeedQEMUConf, "lacking"},
		{"qemu.conf", Settings{Host: &host.Facts{QEMUConf: conf}}, NeedQEMUConf | NeedMAC, "ran"},
		{"qemu.conf", Settings{Host: &host.Facts{QEMUConf: conf}}, NeedCapabilities, "lacking"},
		{"capabilities", Settings{Host: &host.Facts{Capabilities: &host.Capabilities{}}}, NeedCapabilities, "ran"},
		{"files", Settings{Host: &host.Facts{Files: map[string]host.File{}}}, NeedHostFiles, "ran"},
		{"bridges", Settings{Host: &host.Facts{ManagementBridges: []string{}}}, NeedHostNetwork, "ran"},
		{"kernel", Settings{Host: &host.Facts{Kernel: &host.Kernel{MAC: "none"}}}, NeedMAC, "ran"},
	} {
		got := "skipped"
		r := &Rule{ID: "x-y", Requires: tt.needs, Check: func(*Pass) { got = "ran" }}
		tt.cfg.Rules = []*Rule{r}
		if res := Run(d, &tt.cfg); len(res.Unevaluated) > 0 {
			got = "lacking"
		}
		if got != tt.want {
			t.Errorf("%s, %s: %s", tt.name, tt.needs, got)
		}
	}
	r := &Rule{ID: "x-y", Requires: NeedSecrets, Applies: func(p *Pass) bool { return p.Name != "" }, Check: func(*Pass) {}}
	if res := Run(d, &Settings{Rules: []*Rule{r}}); len(res.Unevaluated) > 0 {
		t.Error("nothing is lacking for a domain that the rule does not concern")
	}
	d.Name = "a"
	if res := Run(d, &Settings{Rules: []*Rule{r}}); len(res.Unevaluated) != 1 {
		t.Error("something is lacking for a domain that the rule concerns")
	}
}

// TestInherited requests settings that a guest inherits: only QEMU's driver has them.
func TestInherited(t *testing.T) {
	conf, err := host.ParseQEMUConf("/etc/libvirt/qemu.conf", []byte("user = 'root'"))
	if err != nil {
		t.Fatal(err)
	}
	for domainType, want := range map[string]string{"kvm": "root", "qemu": "root", "xen": "", "lxc": ""} {
		d := domainOf(t, "f", "<domain type='"+domainType+"'><os><type arch='x86_64'>hvm</type></os></domain>")
		var user, set string
		r := &Rule{ID: "x-y", Check: func(p *Pass) {
			user, _ = p.HostUser()
			set = p.Conf().String("user").Value
		}}
		Run(d, &Settings{Rules: []*Rule{r}, Host: &host.Facts{QEMUConf: conf}})
		if user != want || set != want {
			t.Errorf("%s: %q %q", domainType, user, set)
		}
	}
}

func TestFileModeAndFires(t *testing.T) {
	d := domainOf(t, "f", "<domain type='kvm'><name>a</name><os><type arch='x86_64'>hvm</type></os></domain>")
	modes := func(source string) (host.Mode, bool) { return 0o644, source == "f" }
	info := &Rule{ID: "x-a", Severity: Info, Check: func(p *Pass) { p.Reportf(At("name"), "remark") }}
	high := &Rule{ID: "x-b", Severity: High, Check: func(p *Pass) { p.Unknown(NeedSecrets); p.Reportf(At("name"), "bad") }}
	var said []string
	r := &Rule{ID: "x-c", Severity: Low, Check: func(p *Pass) {
		mode, ok := p.FileMode()
		if ok {
			said = append(said, mode.String())
		}
		if p.Fires(high) && !p.Fires(info) {
			p.Reportf(At("name"), "mine")
		}
	}}
	for range 2 {
		res := Run(d, &Settings{Rules: []*Rule{r}, FileMode: modes})
		if len(res.Findings) != 1 || res.Findings[0].Rule != r || res.Findings[0].Severity != Low || len(res.Unevaluated) != 0 {
			t.Errorf("%+v", res)
		}
		d.Origin.Host = "qemu:///system" // not a file of this machine
	}
	Run(d, &Settings{Rules: []*Rule{r}})
	if got := strings.Join(said, " "); got != "0644" {
		t.Error(got)
	}
}
