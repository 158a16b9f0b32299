package local

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/audit/source"
)

// guest has an example of each construct for expressions.
const guest = `<domain type='kvm' id='7' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>web &amp; co</name>
  <memory unit='GiB'>2</memory>
  <vcpu>4</vcpu>
  <on_lockfailure>poweroff</on_lockfailure>
  <os firmware='efi'>
    <type arch='x86_64' machine='pc-q35-9.0'>hvm</type>
    <firmware><feature enabled='yes' name='secure-boot'/></firmware>
    <boot dev='hd'/><boot dev='network'/>
  </os>
  <features><acpi/><nested-hv state='on'/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <source file='/a.qcow2'><reservations managed='yes'/></source><target dev='vda'/><readonly/>
    </disk>
    <disk type='block'><source dev='/dev/vg/b'/><target dev='vdb'/></disk>
    <disk type='network'>
      <source protocol='rbd' name='pool/c' namespace='n'><host name='m1' port='6789'/><host name='m2'/></source><target dev='vdc'/>
    </disk>
    <disk type='volume'><source pool='p' volume='v'/><target dev='vdd'/></disk>
    <disk type='nvme'><source type='pci' namespace='1'><address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source></disk>
    <controller type='pci' index='0' model='pcie-root-port'><model name='ioh3420'/></controller>
    <interface type='bridge'><source bridge='br0'/><ip address='192.0.2.1'/><ip address='192.0.2.2'/></interface>
    <interface type='network'><source network='default'/><ip address='192.0.2.3'/></interface>
    <graphics type='vnc' listen='0.0.0.0'><listen type='address' address='0.0.0.0'/></graphics>
  </devices>
  <qemu:commandline><qemu:arg value='-no-reboot'/><qemu:env name='A' value='b'/></qemu:commandline>
</domain>`

func load(t *testing.T, text string) *audit.Domain {
	t.Helper()
	d, err := domxml.Load("guest.xml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// spec returns a rule with an expression.
func spec(expression string) Spec {
	return Spec{ID: "site-x", Severity: audit.High, Expression: expression, Message: "this is not fine"}
}

func compile(t *testing.T, s Spec) *audit.Rule {
	t.Helper()
	r, err := Compile(s)
	if err != nil {
		t.Fatalf("%.200s: %v", s.Expression, err)
	}
	return r
}

// run evaluates one rule for a document and returns the messages, with their places, and the
// missing facts.
func run(t *testing.T, s Spec, text string, cfg audit.Settings) (findings []string, lacking audit.Inputs) {
	t.Helper()
	cfg.Rules = []*audit.Rule{compile(t, s)}
	res := audit.Run(load(t, text), &cfg)
	for _, f := range res.Findings {
		if f.Severity != s.Severity {
			t.Errorf("severity %s, want %s", f.Severity, s.Severity)
		}
		findings = append(findings, fmt.Sprintf("%d: %s: %s", f.Pos.Line, f.Path, f.Message))
	}
	for _, u := range res.Unevaluated {
		lacking |= u.Missing
	}
	return findings, lacking
}

// TestTrue evaluates expressions that are true for the guest.
func TestTrue(t *testing.T) {
	for _, expression := range []string{
		// attributes, texts, names without a field in libvirtxml
		`domain.type == 'kvm' && domain.id == '7' && domain.os.type.machine == 'pc-q35-9.0' && domain.os.type.text == 'hvm'`,
		`domain.name.text == 'web & co' && name == domain.name.text && source == 'guest.xml'`,
		`domain.on_lockfailure.text == 'poweroff' && domain.devices.disk[2].source.namespace == 'n'`,
		`int(domain.vcpu.text) <= 4 && kibibytes(domain.memory.text, domain.memory.unit) == 2097152`,
		// missing elements and attributes
		`domain.os.loader.secure == '' && domain.os.loader.text == '' && !has(domain.os.loader) && !has(domain.os.loader.secure)`,
		`domain.devices.tpm.size() == 0 && !has(domain.devices.tpm) && !has(domain.launchSecurity) && has(domain.features.acpi)`,
		`domain.launchSecurity.type == '' && domain.cputune.vcpupin.size() == 0 && domain.cputune.vcpupin == domain.cputune.iothreadpin.filter(x, false).map(x, domain.cputune.vcpupin[0])`,
		`has(domain.devices.disk[0].readonly) && !has(domain.devices.disk[1].readonly) && has(domain.devices.disk[0].device) && !has(domain.devices.disk[1].device)`,
		// lists, and the variants of a disk
		`domain.devices.disk.map(d, d.type) == ['file', 'block', 'network', 'volume', 'nvme']`,
		`domain.devices.disk.map(d, d.source.file + d.source.dev + d.source.name + d.source.volume) == ['/a.qcow2', '/dev/vg/b', 'pool/c', 'v', '']`,
		`domain.devices.disk[2].source.host.map(h, h.name) == ['m1', 'm2'] && domain.devices.disk[0].source.reservations.managed == 'yes'`,
		`domain.devices.disk[4].source.address.bus == '0x01'`,
		`domain.devices.disk.exists_one(d, d.target.dev == 'vda') && domain.devices.disk[0] in domain.devices.disk`,
		`domain.devices.disk[0] == domain.devices.disk[0] && domain.devices.disk[0] != domain.devices.disk[1]`,
		// an attribute and an element with the same name
		`domain.os.firmware == 'efi' && domain.os.firmware_element.feature[0].name == 'secure-boot'`,
		`domain.devices.controller[0].model == 'pcie-root-port' && domain.devices.controller[0].model_element.name == 'ioh3420'`,
		`domain.devices.graphics[0].listen == '0.0.0.0' && domain.devices.graphics[0].listen_element[0].type == 'address'`,
		// names that are not valid in CEL
		"domain.features.`nested-hv`.state == 'on' && has(domain.features.`nested-hv`)",
		`domain.qemu_commandline.qemu_arg[0].value == '-no-reboot' && domain.qemu_commandline.qemu_env[0].name == 'A'`,
		// functions, maps, the boundary
		`'a.b'.split('.')[1] == 'b' && 'abc'.substring(1) == 'bc' && 'A'.lowerAscii() == 'a' && 'abc'.indexOf('c') == 2 && ' a '.trim() == 'a'`,
		`{'kvm': ['br0'], 'qemu': ['br1']}[domain.type] == ['br0'] && 'kvm' in {'kvm': 1} && string(1) == '1' && 'ab1'.matches('^[a-z]+1$')`,
		`kibibytes('1', 'KB') == 1 && kibibytes('3', 'b') == 1 && kibibytes('1', '') == 1 && kibibytes(' 2 ', 'M') == 2048 && kibibytes('1', 'gb') == 976563`,
		`boundary.verdict == 'inside' && boundary.accelerator == 'kvm' && boundary.family == 'q35' && boundary.target == 'x86_64' && boundary.reason == 'listed' && boundary.policy != ''`,
		`!host.known && host == host && boundary == boundary && !has(host.qemu_conf) && !has(host.session) && !has(host.mac)`,
		// unknown facts about the host that do not matter
		`!has(host.arch) || host.arch == 'x86_64'`,
		`!host.known || host.qemu_conf.vnc_tls`,
		`has(host.arch) ? host.arch == 'x86_64' : true`,
		`domain.devices.interface.exists(i, i.source.bridge in host.management_bridges) || true`,
	} {
		if got, lacking := run(t, spec(expression), guest, audit.Settings{}); len(got) > 0 || lacking != 0 {
			t.Errorf("%s: %q, lacking %s", expression, got, lacking)
		}
	}
}

// TestPlaces checks the places of findings, also of rules about single elements.
func TestPlaces(t *testing.T) {
	for _, c := range []struct {
		of, path, expression string
		want                 []string
	}{
		{"", "", `false`, []string{"1: .: this is not fine"}},
		{"", "@type", `false`, []string{"1: @type: this is not fine"}},
		{"", "os/type@machine", `false`, []string{"7: os/type@machine: this is not fine"}},
		{"", "devices/tpm", `false`, []string{"12: devices/tpm: this is not fine"}}, // absent: its nearest ancestor
		{"devices/disk", "", `this.type != 'block'`, []string{"17: devices/disk[2]: this is not fine"}},
		{"devices/disk", "source@file", `this.source.file == '' || domain.id == ''`, []string{"15: devices/disk[1]/source@file: this is not fine"}},
		{"devices/interface/ip", "@address", `this.address.endsWith('.3')`, []string{
			"24: devices/interface[1]/ip[1]@address: this is not fine", "24: devices/interface[1]/ip[2]@address: this is not fine",
		}},
		{"devices/tpm", "", `false`, nil},
		{"qemu:commandline/qemu:arg", "@value", `false`, []string{"28: qemu:commandline/qemu:arg[1]@value: this is not fine"}},
	} {
		s := spec(c.expression)
		s.For, s.Path = c.of, c.path
		if got, _ := run(t, s, guest, audit.Settings{}); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("for %q path %q: %q, want %q", c.of, c.path, got, c.want)
		}
	}
}

// TestTexts checks the texts of a rule.
func TestTexts(t *testing.T) {
	r := compile(t, Spec{ID: "site-x", Expression: "domain.devices.tpm.all(t, // one\n  t.model == 'tpm-crb' &&\n  domain.features.`nested-hv`.state == '')", Message: "no\n TPM"})
	for _, c := range [][2]string{
		{r.ID, "site-x"},
		{r.Title, "no TPM"},
		{r.Doc, "This is a local rule of the configuration."},
		{r.Fix, "Change the document so that this expression is true: domain.devices.tpm.all(t, t.model == \"tpm-crb\" && domain.features.`nested-hv`.state == \"\")"},
		{r.URL(), Page},
		{r.Severity.String(), "info"},
		{fmt.Sprint(r.Profiles), fmt.Sprint(audit.Profiles())},
	} {
		if c[0] != c[1] {
			t.Errorf("%q, want %q", c[0], c[1])
		}
	}
	if _, err := Compile(Spec{ID: "site-x", Expression: r.Fix[len("Change the document so that this expression is true: "):], Message: "x"}); err != nil {
		t.Errorf("the expression in the fix does not compile: %v", err)
	}
	r = compile(t, Spec{ID: "site-x", Title: "T", Doc: "D", Fix: "F", URL: "https://example.org/x", Expression: " true ", Message: "m"})
	if r.Title != "T" || r.Doc != "D" || r.Fix != "F" || r.URL() != "https://example.org/x" {
		t.Errorf("texts are not those that were given: %+v", r)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ expression, want string }{
		{`domain.devices.dsk.size() > 0`, "expression:1:16: <devices> has no dsk; did you mean 'disk'?"},
		{"domain.devices\n  .disk.all(d,\n  d.source. fil == 'ä')", "expression:3:13: <source> has no fil; did you mean 'file'?"},
		{`'äöü' == domain.titel.text`, "expression:1:17: <domain> has no titel; did you mean 'title'?"},
		{`domain.features.nested-hv == 1`, "expression:1:17: <features> has no nested; did you mean `nested-hv`, in backticks?"},
		{`domain.features.nested_hv.state == 'on'`, "expression:1:17: <features> has no nested_hv; did you mean `nested-hv`, in backticks?"},
		{`domain.metadata.text == ''`, "expression:1:8: <domain> has no metadata"},
		{`boundary.verdit == ''`, "expression:1:10: boundary has no verdit; did you mean 'verdict'?"},
		{`host.qemu_conf.vnc_tsl`, "expression:1:16: host/qemu.conf has no vnc_tsl; did you mean 'vnc_tls'?"},
		{`domain.qemu:commandline`, "expression:1:12: syntax error: mismatched input ':'; write a colon in a name as an underscore"},
		{`domain.name == 'x'`, "expression:1:13: == does not accept (domain/name, string); an element is an object; use .text for its text"},
		{`domain.vcpu.text <= 16`, "expression:1:18: <= does not accept (string, int); attributes and texts are strings; use int() to convert them"},
		{`size(domain) == 1`, "expression:1:1: size does not accept (domain); an element is an object; use .text for its text"},
		{`disk.all(d, true)`, "expression:1:1: there is no disk; did you mean 'domain.devices.disk'?"},
		{`os.type.text == 'hvm'`, "expression:1:1: there is no os; did you mean 'domain.os'?"},
		{`domian.type == ''`, "expression:1:1: there is no domian; did you mean 'domain'?"},
		{`this.type == ''`, "expression:1:1: there is no this; it exists only in a rule with 'for'"},
		{`lowerascii('a') == 'a'`, "expression:1:1: there is no lowerascii; did you mean 'lowerAscii'?"},
		{`domain.devices.disk.al(d, true)`, "expression:1:21: there is no al; did you mean 'all'?"},
		{`'a'.replace('a', 'b') == 'b'`, "expression:1:5: there is no replace"},
		{`['a'].join() == 'a'`, "expression:1:7: there is no join"},
		{`dyn(domain).dsk == 1`, "expression:1:1: there is no dyn"},
		{`timestamp('2026-01-01T00:00:00Z') == timestamp('2026-01-01T00:00:00Z')`, "expression:1:1: there is no timestamp"},
		{`int == 1`, "expression:1:1: there is no int"},
		{`1 +`, "expression:1:4: syntax error: unexpected end of the expression"},
		{`domain.type`, "expression:1:1: the expression has type string, but must be true or false"},
		{`'a'.matches('[')`, "expression:1:13: the pattern is invalid, or too large"},
		{`'a'.matches('((a{100}){100}){100}')`, "expression:1:13: the pattern is invalid, or too large"},
		{`name.matches(domain.title.text)`, "expression:1:26: the pattern must be a literal"},
		{`[1, 'a'].size() > 0`, "expression:1:5: expected type 'int' but found 'string'"},
		{`([1] + [2]).size() > 0`, "expression:1:6: lists cannot be added"},
		{`[[1]] == [[1]]`, "expression:1:7: maps, and lists of lists, cannot be compared"},
		{`[1] in [[1]]`, "expression:1:5: maps, and lists of lists, cannot be compared"},
		{`[][0].x == 1`, "expression:1:6: the type of this value is not known, so it has no fields"},
		{`google.protobuf.Struct{} == google.protobuf.Struct{}`, "expression:1:23: there is no google.protobuf.Struct"},
		{`[1].all(a, [1].all(b, [1].all(c, [1].all(d, [1].all(e, true)))))`, "expression:1:52: more than 4 nested macros such as all() and exists()"},
		{`int('99999999999999999999') == 1`, "expression: type conversion error"},
		{strings.Repeat("1+", maxLength) + "1 > 0", "expression:"},
		{strings.Repeat("(", 1000) + "true", "expression:"},
	} {
		_, err := Compile(spec(c.expression))
		var e *source.Error
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), c.want) || (strings.Contains(c.want, "; ") || strings.HasSuffix(c.want, "no int")) && err.Error() != c.want {
			t.Errorf("%.60s:\n%v\nwant\n%s", c.expression, err, c.want)
		}
	}
}

func TestErrorsElsewhere(t *testing.T) {
	ok := Spec{ID: "site-x", Expression: "true", Message: "m"}
	for _, c := range []struct {
		change func(*Spec)
		want   string
	}{
		{func(s *Spec) { s.ID = "" }, "id: is required"},
		{func(s *Spec) { s.ID = "Site X" }, `id: rule "Site X": the ID is not of the form group-name`},
		{func(s *Spec) { s.Message = " " }, "message: is required"},
		{func(s *Spec) { s.Expression = "" }, "expression: is required"},
		{func(s *Spec) { s.For = "devices/dsk" }, "for: libvirt does not know <dsk> in <devices>; did you mean 'disk'?"},
		{func(s *Spec) { s.For = "devices/disk[1]" }, "for: libvirt does not know <disk[1]> in <devices>; did you mean 'disk'?"},
		{func(s *Spec) { s.For = "/devices" }, "for: libvirt does not know <> in <domain>"},
		{func(s *Spec) { s.Path = "os/loader@secur" }, "path: libvirt does not know attribute secur of <loader>; did you mean 'secure'?"},
		{func(s *Spec) { s.For, s.Path = "devices/disk", "devices" }, "path: libvirt does not know <devices> in <disk>"},
		{func(s *Spec) { s.Path = "os@firmware_element" }, "path: libvirt does not know attribute firmware_element of <os>; did you mean 'firmware'?"},
	} {
		s := ok
		c.change(&s)
		_, err := Compile(s)
		var e *source.Error
		if !errors.As(err, &e) || err.Error() != c.want || e.Line != 0 {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// TestUnevaluable: an expression whose evaluation fails is a finding, which shows nothing of the
// document.
func TestUnevaluable(t *testing.T) {
	for _, c := range []struct{ expression, want string }{
		{`domain.devices.disk[9].type == 'file'`, "the index is out of range (1:23 of the expression)"},
		{`int(domain.name.text) == 1`, "the text is not a number, or the number is too large (1:4 of the expression)"},
		{`1 / domain.title.text.size() == 1`, "division by zero (1:3 of the expression)"},
		{`1 % domain.title.text.size() == 1`, "division by zero (1:3 of the expression)"},
		{`9223372036854775807 + int(domain.vcpu.text) == 1`, "the number is too large (1:21 of the expression)"},
		{`{'a': 1}[name] == 1`, "the map has no such key (1:9 of the expression)"},
		{`name.substring(99) == ''`, "the index is out of range (1:15 of the expression)"},
		{`kibibytes(name, '') == 1`, "the text is not a number, or the number is too large (1:10 of the expression)"},
		{`kibibytes('1', name) == 1`, "the text is not a unit of memory (1:10 of the expression)"},
		{`kibibytes('1', 'xb') == 1`, "the text is not a unit of memory (1:10 of the expression)"},
		{`kibibytes('9999999999', 'EiB') == 1`, "the number is too large (1:10 of the expression)"},
	} {
		got, _ := run(t, spec(c.expression), guest, audit.Settings{})
		if want := "1: .: the rule could not be evaluated: " + c.want; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", c.expression, got, want)
		}
	}
}

// TestConcurrent evaluates one rule for many domains concurrently.
func TestConcurrent(t *testing.T) {
	s := spec(`this.source.file.matches('^/a') || domain.devices.disk.size() == 5 && kibibytes('1', 'k') == 1 && host.known`)
	s.For = "devices/disk"
	cfg := audit.Settings{Rules: []*audit.Rule{compile(t, s)}}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				d, err := domxml.Load("guest.xml", []byte(guest))
				if err != nil {
					t.Error(err)
					return
				}
				if n := len(audit.Run(d, &cfg).Findings); n != 4 {
					t.Errorf("%d findings, want 4", n)
				}
			}
		})
	}
	group.Wait()
}

// TestHost evaluates rules about a known host, and about an unknown one.
func TestHost(t *testing.T) {
	conf, err := host.ParseQEMUConf("qemu.conf", []byte("vnc_tls = 1\nuser = \"qemu\"\nnamespaces = [\"mount\"]\nvnc_password = \"hunter2\"\nmax_core = 0\n"))
	if err != nil {
		t.Fatal(err)
	}
	known := &host.Facts{
		HostArch: "x86_64", LibvirtVersion: "9.0.0", QEMUVersion: "7.2.22", QEMUConf: conf,
		Capabilities: &host.Capabilities{SecModels: []host.SecModel{{Name: "selinux"}}}, ManagementBridges: []string{"br0"},
	}
	for _, c := range []struct {
		expression string
		needs      audit.Inputs
	}{
		{`!host.session`, audit.NeedHost},
		{`host.arch == 'x86_64'`, audit.NeedCapabilities},
		{`host.libvirt_version >= 9000000 && host.libvirt_version < 10000000 && host.qemu_version == 7002022`, audit.NeedCapabilities},
		{`host.mac == 'selinux'`, audit.NeedMAC},
		{`domain.devices.interface.exists(i, i.source.bridge in host.management_bridges)`, audit.NeedHostNetwork},
		{`host.qemu_conf.vnc_tls && host.qemu_conf.user == 'qemu' && host.qemu_conf.namespaces == ['mount']`, audit.NeedQEMUConf},
		{`host.qemu_conf.keepalive_count == 5 && host.qemu_conf.vnc_password && !host.qemu_conf.spice_password && host.qemu_conf.max_core == 0`, audit.NeedQEMUConf},
		{`has(host.qemu_conf) && has(host.arch)`, 0},
		{`has(host.qemu_conf.vnc_tls) && !has(host.qemu_conf.spice_tls)`, audit.NeedQEMUConf},
	} {
		s := spec(c.expression)
		if got := compile(t, s).Requires; got != c.needs {
			t.Errorf("%s: needs %d, want %d", c.expression, got, c.needs)
		}
		if got, lacking := run(t, s, guest, audit.Settings{Host: known}); len(got) > 0 || lacking != 0 {
			t.Errorf("%s: %q, lacking %s", c.expression, got, lacking)
		}
		if c.needs == 0 {
			continue
		}
		for _, cfg := range []audit.Settings{{}, {Named: true}, {Host: &host.Facts{}}} {
			if cfg.Host != nil && c.needs == audit.NeedHost {
				continue
			}
			if got, lacking := run(t, s, guest, cfg); len(got) > 0 || lacking != c.needs {
				t.Errorf("%s of an unknown host: %q, lacking %s", c.expression, got, lacking)
			}
		}
	}
	// A known fact decides, although others are unknown.
	for _, expression := range []string{`host.known && host.qemu_conf.vnc_tls`, `has(host.arch) && host.arch == 'x86_64'`} {
		if got, lacking := run(t, spec(expression), guest, audit.Settings{}); len(got) != 1 || lacking != 0 {
			t.Errorf("%s of an unknown host: %q, lacking %s", expression, got, lacking)
		}
	}
	// The capabilities are known, but do not contain the release.
	if got, lacking := run(t, spec(`host.libvirt_version > 1`), guest, audit.Settings{Host: &host.Facts{HostArch: "x86_64"}}); len(got) > 0 || lacking != audit.NeedCapabilities {
		t.Errorf("release that is not known: %q, lacking %s", got, lacking)
	}
	// A rule about elements that a domain does not have requires no facts.
	s := spec(`host.arch == 'x86_64'`)
	s.For = "devices/tpm"
	if got, lacking := run(t, s, guest, audit.Settings{}); len(got) > 0 || lacking != 0 {
		t.Errorf("no TPM to ask about: %q, lacking %s", got, lacking)
	}
	s.For = "devices/disk"
	if _, lacking := run(t, s, guest, audit.Settings{Named: true}); lacking != audit.NeedCapabilities {
		t.Errorf("disks to ask about, lacking %s", lacking)
	}
}

// TestSecrets evaluates rules about passwords and cookies, which a document may omit.
func TestSecrets(t *testing.T) {
	const passwords = `domain.devices.graphics.all(g, g.passwd != '')`
	const cookies = `domain.devices.disk.all(d, d.source.cookies.cookie.all(c, c.name == ''))`
	for _, c := range []struct {
		expression, text, with string
		lacking                audit.Inputs
	}{
		{passwords, "listen='0.0.0.0'", "", audit.NeedSecrets},
		{passwords, "listen='0.0.0.0'", "passwd='x'", 0}, // there is one, so there may be others
		{passwords, "graphics", "hub", 0},                // no display that could have one
		{cookies, "nothing", "", audit.NeedSecrets},
		{cookies, "protocol='rbd'", "", 0}, // no disk that could have one
	} {
		got, lacking := run(t, spec(c.expression), strings.ReplaceAll(guest, c.text, c.with), audit.Settings{})
		if len(got) > 0 || lacking != c.lacking {
			t.Errorf("%s, %q for %q: %q, lacking %s", c.expression, c.with, c.text, got, lacking)
		}
	}
}

// TestCost evaluates expressions that would take very long for large documents. The limit on their
// cost stops them, and that is reported.
func TestCost(t *testing.T) {
	disks := strings.Repeat("<disk type='file'><source file='/"+strings.Repeat("a", 200)+"'/></disk>", 2000)
	large := "<domain type='kvm'><name>x</name><description>" + strings.Repeat("b ", 500_000) + "</description><devices>" + disks + "</devices></domain>"
	for _, c := range []struct{ of, expression string }{
		{"", `domain.devices.disk.all(a, domain.devices.disk.all(b, domain.devices.disk.all(c, a != b || b != c || true)))`},
		{"", `domain.devices.disk.all(a, a.source.file in domain.devices.disk.map(b, b.source.file))`},
		{"", `domain.devices.disk.all(a, domain.description.text.contains('c') || domain.description.text == domain.description.text)`},
		{"", `domain.devices.disk.all(a, domain.description.text.matches('(b *)*c') || true)`},
		{"", `['a']` + strings.Repeat(`.map(x, x`+strings.Repeat(`+x`, 60)+`)`, 4) + `.size() == 1`},
		{"", `domain.description.text.split('').all(x, x != 'z')`},
		{"devices/disk", `domain.devices.disk.all(b, b.source.file == this.source.file)`},
	} {
		s := spec(c.expression)
		s.For = c.of
		got, _ := run(t, s, large, audit.Settings{})
		if len(got) == 0 || !strings.Contains(got[len(got)-1], "could not be evaluated: "+tooExpensive) || len(got) > 50 {
			t.Errorf("%.80s: %d findings, %.200q", c.expression, len(got), got)
		}
	}
	for _, c := range []struct{ of, expression string }{
		{"", `domain.devices.disk.all(d, d.source.file.startsWith('/a'))`},
		{"devices/disk", `this.source.file.startsWith('/a')`},
	} {
		s := spec(c.expression)
		s.For = c.of
		if got, _ := run(t, s, large, audit.Settings{}); len(got) > 0 {
			t.Errorf("%s: %.200q", c.expression, got)
		}
	}
}
