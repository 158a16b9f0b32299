package domxml_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// passing returns a document of an x86 guest that passes arguments to QEMU.
func passing(domainType, machine string, args ...string) string {
	var b strings.Builder
	for _, a := range args {
		fmt.Fprintf(&b, "<qemu:arg value='%s'/>", xmlText.Replace(a))
	}
	return fmt.Sprintf(`<domain type='%s' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>g</name>
<memory unit='MiB'>32</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='%s'>hvm</type></os><features><acpi/></features>
<devices><controller type='usb' model='none'/><memballoon model='none'/></devices>
<qemu:commandline>%s</qemu:commandline></domain>`, domainType, machine, b.String())
}

var xmlText = strings.NewReplacer("&", "&amp;", "<", "&lt;", "'", "&apos;", `"`, "&quot;")

func loadPassing(tb testing.TB, domainType, machine string, args ...string) *domxml.Domain {
	tb.Helper()
	d, err := domxml.Load("guest.xml", []byte(passing(domainType, machine, args...)))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// jsonCases are arguments of -object, with the result of QEMU 7.2, which TestJSONOnQEMU checks.
var jsonCases = []struct {
	text string
	want map[string]string // nil if QEMU refuses the text
}{
	{`{"qom-type":"secret","id":"s","data":"x"}`, map[string]string{"qom-type": "secret", "id": "s", "data": "x"}},
	{`{'qom-type':"secret",'id':'s',"data":'x'}`, map[string]string{"qom-type": "secret", "id": "s", "data": "x"}},
	{`{'qom-type':'s\u0065cret','id':'s','data':'a"\'\/\\b\ud83d\ude00'}`, map[string]string{"qom-type": "secret", "id": "s", "data": `a"'/\b😀`}},
	{"{\n'qom-type' :\t'secret' , 'id':'s','data':'x'\r}\n", map[string]string{"qom-type": "secret", "id": "s", "data": "x"}},
	{`{'qom-type':'memory-backend-ram','id':'m','size':4096,'share':false,'prealloc':true}`, map[string]string{"qom-type": "memory-backend-ram", "id": "m", "size": "4096", "share": "off", "prealloc": "on"}},
	{`{'qom-type':'memory-backend-ram','id':'m','size':4096,'host-nodes':[0],'policy':'bind'}`, map[string]string{"qom-type": "memory-backend-ram", "id": "m", "size": "4096", "host-nodes.0": "0", "policy": "bind"}},
	{`{'qom-type':'secret','id':'s','data':'x'`, nil},
	{`{'qom-type':'secret','id':'s','data':'x'}}`, nil},
	{`{'qom-type':'secret','id':'s','data':'x'} x`, nil},
	{`{'qom-type':'secret','id':'s','data':'x',}`, nil},
	{`{'qom-type':'secret','id':'s','data':'x','data':'y'}`, nil},
	{`{'qom-type':'secret','id':'s','data':"x'}`, nil},
	{`{'qom-type':'secret','id':'s','data':'\x41'}`, nil},
	{`{'qom-type':'secret','id':'s','data':'\u00g1'}`, nil},
	{`{'qom-type':'secret','id':'s','data':'\ud800'}`, nil},
	{`{'qom-type':'secret','id':'s','data':'\udc00'}`, nil},
	{`{'qom-type':'secret','id':'s','data':'\uffff'}`, nil},
	{`{'qom-type':'secret','id':'s' 'data':'x'}`, nil},
	{`{'qom-type':'secret','id':'s','data':x}`, nil},
	{`{'qom-type':'secret','id':'s','data':%s}`, nil},
	{`{qom-type:'secret','id':'s','data':'x'}`, nil},
	{`{'qom-type'='secret','id':'s','data':'x'}`, nil},
	{`{'qom-type':'memory-backend-ram','id':'m','size':04096}`, nil},
	{`{'qom-type':'memory-backend-ram','id':'m','size':+4096}`, nil},
	{`{'qom-type':'memory-backend-ram','id':'m','size':4096.}`, nil},
	{`{'qom-type':'memory-backend-ram','id':'m','size':4096,'share':FALSE}`, nil},
	{`{'qom-type':'memory-backend-ram','id':'m','size':4096,'host-nodes':[0,]}`, nil},
	{` {'qom-type':'secret','id':'s','data':'x'}`, nil},
	{"\n{'qom-type':'secret','id':'s','data':'x'}", nil},
	{`{`, nil},
}

func TestCommandJSON(t *testing.T) {
	t.Parallel()
	for _, tt := range jsonCases {
		o := loadPassing(t, "kvm", "pc", "-object", tt.text).Command.Options[0]
		if tt.want == nil {
			if o.Fault == "" {
				t.Errorf("%s is accepted: %v", tt.text, o.Args)
			}
			continue
		}
		got := map[string]string{}
		for _, a := range o.Args {
			got[a.Key] = a.Value
		}
		if o.Fault != "" || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s\n got %v (%s)\nwant %v", tt.text, got, o.Fault, tt.want)
		}
	}
	// Where the standard library and QEMU read the same language, they agree.
	for _, text := range []string{
		`{"a":{"b":{"c":1}},"d":[{"e":null},[true]]}`, `{"a":1e5,"b":-0.5E-3,"c":0,"d":-0}`, `{}`, `{"a":[],"b":{}}`, `{"":""}`,
		`{"a":1.}`, `{"a":.5}`, `{"a":1e}`, `{"a":--1}`, `{"a":-}`, `{"a":00}`, `{"a":1,"b"}`, `{"a"}`, `{,}`, `[1]`, `{"a":[1 2]}`, `{"a":tru}`,
	} {
		o := loadPassing(t, "kvm", "pc", "-object", text).Command.Options[0]
		if ok := json.Valid([]byte(text)) && text[0] == '{'; ok != (o.Fault == "") && text[0] == '{' {
			t.Errorf("%s: fault %q, the standard library accepts it: %v", text, o.Fault, ok)
		}
	}
}

// TestCommandJSONBounded requires that the keys do not need more memory than a multiple of the
// text, however they are nested.
func TestCommandJSONBounded(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("k", 500)
	for name, text := range map[string]string{
		"deep":      strings.Repeat("{'a':", 100_000),
		"lists":     "{'a':" + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}",
		"long keys": "{'" + key + "':{" + strings.Repeat("'a':", 1) + "[" + strings.Repeat("0,", 100_000) + "0]}}",
		"long key":  "{'" + strings.Repeat("k", 100_000) + "':{'a':1}}",
	} {
		if o := loadPassing(t, "kvm", "pc", "-device", text).Command.Options[0]; o.Fault == "" || len(o.Args) > 0 {
			t.Errorf("%s: %d arguments, fault %q", name, len(o.Args), o.Fault)
		}
	}
}

// TestCommandXen requires an undetermined verdict for each such argument, because libxl's command
// line is not known.
func TestCommandXen(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]policy.Word{
		"-device virtio-rng-pci": policy.Inside,
		"-machine smm=off":       policy.Inside,
		"-machine pc":            policy.Undetermined,
		"-accel kvm":             policy.Undetermined,
		"-readconfig /x":         policy.Undetermined,
		"-accel tcg":             policy.Outside,
		"-M pc,accel=tcg":        policy.Outside,
		"-no-kvm":                policy.Outside,
	} {
		doc := strings.NewReplacer("qemu:", "xen:", "xmlns:qemu", "xmlns:xen", "domain/qemu", "domain/xen").
			Replace(passing("xen", "xenfv", strings.Fields(args)...))
		d, err := domxml.Load("guest.xml", []byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		if v := (&audit.Settings{}).Judge(d); v.Verdict != want {
			t.Errorf("%s: %+v, want %s", args, v, want)
		}
	}
}

// TestScopeNotes requires one note for each kind of back-end that the policy excludes, if the guest
// is inside.
func TestScopeNotes(t *testing.T) {
	t.Parallel()
	const devices = `<memballoon model='none'/><interface type='vhostuser'><source type='unix' path='/s' mode='server'/></interface>
<interface type='vhostuser'><source type='unix' path='/t' mode='server'/></interface>
<disk type='vhostuser' device='disk'><driver name='qemu' type='raw'/><source type='unix' path='/b'/><target dev='vda' bus='virtio'/></disk>
<filesystem type='mount'><driver type='virtiofs'/><source dir='/x'/><target dir='x'/></filesystem>
<filesystem type='mount'><source dir='/y'/><target dir='y'/></filesystem>
<video><driver name='vhostuser'/><model type='virtio'/></video>`
	judge := func(domainType, edition, more string, args ...string) []string {
		doc := strings.Replace(passing(domainType, "q35", args...), "<memballoon model='none'/>", more, 1)
		d, err := domxml.Load("guest.xml", []byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		e, err := policy.Named(edition)
		if err != nil {
			t.Fatal(err)
		}
		return audit.Run(d, &audit.Settings{Policy: e}).Notes
	}
	const all = "the policy does not cover the back-ends of these devices: vhost-user network interface, vhost-user disk, virtiofs filesystem, " +
		"vhost-user video card, vfio-user device of qemu:commandline, vhost-user device of qemu:commandline"
	got := judge("kvm", "qemu-11.1", devices, "-device", "{'driver':'vfio-user-pci'}", "-device", "vhost-user-rng-pci,chardev=c", "-netdev", "vhost-user,id=n")
	if len(got) != 1 || got[0] != all {
		t.Errorf("%q", got)
	}
	for _, none := range [][]string{
		judge("kvm", "qemu-11.1", ""), judge("qemu", "qemu-11.1", devices), judge("kvm", "qemu-10.2", devices),
	} {
		if len(none) > 0 {
			t.Errorf("%q", none)
		}
	}
}

func TestOptionAt(t *testing.T) {
	d, err := domxml.Load("a.xml", []byte(`<domain type="kvm" xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0"><name>a</name><os><type>hvm</type></os>
		<devices><serial/></devices>
		<qemu:commandline><qemu:arg value="-s"/><qemu:arg value="-device"/><qemu:arg value="x"/></qemu:commandline></domain>`))
	if err != nil {
		t.Fatal(err)
	}
	for e := range d.Elements() {
		want := map[string]string{"qemu:commandline/qemu:arg[1]": "s", "qemu:commandline/qemu:arg[2]": "device", "qemu:commandline/qemu:arg[3]": "device"}[e.Path().String()]
		if o, ok := d.OptionAt(e.Path().Attr("value")); o.Name != want || ok != (want != "") {
			t.Errorf("%s: %q, %t, want %q", e.Path(), o.Name, ok, want)
		}
	}
	for _, o := range d.Command.Options {
		if found, _ := d.OptionAt(o.At); found.Name != o.Name {
			t.Errorf("%s: %q, want %q", o.At, found.Name, o.Name)
		}
	}
}
