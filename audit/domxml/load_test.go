package domxml_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/source"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// body is an ordinary document, which the tests modify.
const body = `<domain type='kvm'>
  <name>web</name>
  <memory unit='KiB'>65536</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-9.2'>hvm</type>
  </os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <source file='/ok.img'/>
      <target dev='vda' bus='virtio'/>
    </disk>
  </devices>
</domain>
`

// with replaces one part of the ordinary document.
func with(t *testing.T, old, changed string) string {
	t.Helper()
	if !strings.Contains(body, old) {
		t.Fatalf("the document holds no %q", old)
	}
	return strings.Replace(body, old, changed, 1)
}

func load(t *testing.T, doc string) *domxml.Domain {
	t.Helper()
	d, err := domxml.Load("vm.xml", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLoad(t *testing.T) {
	d := load(t, body)
	if want := (domxml.Target{Type: "kvm", OS: "hvm", Arch: "x86_64", Machine: "pc-q35-9.2"}); d.Target != want {
		t.Errorf("target %+v", d.Target)
	}
	if d.Devices.Disks[0].Source.File.File != "/ok.img" || len(d.Dropped) != 0 {
		t.Errorf("disk %+v, dropped %v", d.Devices.Disks[0].Source.File, d.Dropped)
	}
	for path, want := range map[string]domxml.Pos{
		".":                             {Line: 1, Column: 1, EndLine: 1, EndColumn: 20},
		"@type":                         {Line: 1, Column: 9, EndLine: 1, EndColumn: 19},
		"os/type@machine":               {Line: 6, Column: 25, EndLine: 6, EndColumn: 45},
		"os/type@absent":                {Line: 6, Column: 5, EndLine: 6, EndColumn: 46},
		"devices/disk[1]/source@file":   {Line: 11, Column: 15, EndLine: 11, EndColumn: 29},
		"devices/disk[2]/source@file":   {Line: 8, Column: 3, EndLine: 8, EndColumn: 12},
		"devices/disk/driver/x@cache":   {Line: 10, Column: 5, EndLine: 10, EndColumn: 37},
		"seclabel":                      {Line: 1, Column: 1, EndLine: 1, EndColumn: 20},
		"devices/emulator":              {Line: 9, Column: 5, EndLine: 9, EndColumn: 42},
		"devices/graphics[3]/listen[1]": {Line: 8, Column: 3, EndLine: 8, EndColumn: 12},
	} {
		if path == "." {
			path = ""
		}
		if got := d.Pos(domxml.At(path)); got != want {
			t.Errorf("%s: %+v, want %+v", path, got, want)
		}
	}
}

// TestRefused loads documents that libvirt refuses, or that readers interpret differently. Each is
// refused with a position, and no error repeats a secret of the document.
func TestRefused(t *testing.T) {
	long := strings.Repeat("<x>", 300) + strings.Repeat("</x>", 300)
	for name, c := range map[string]struct {
		doc  string
		want string
	}{
		"empty":                      {"", "vm.xml: the document is empty"},
		"blank":                      {" \n", "vm.xml:2:1: the document ends before its root element"},
		"binary":                     {"\x7fELF\x02\x01\x01\x00", "vm.xml:1:5: the control character U+0002"},
		"NUL":                        {with(t, "web", "we\x00b"), "vm.xml:2:11: the control character U+0000"},
		"UTF-16":                     {"\xff\xfe<\x00d\x00", "vm.xml:1:1: the document is in UTF-16"},
		"UTF-16 without a mark":      {"<\x00d\x00", "vm.xml:1:1: the document is in UTF-16"},
		"latin-1":                    {with(t, "web", "w\xe9b"), "vm.xml:2:10: bytes that are not UTF-8"},
		"latin-1 declared":           {"<?xml version='1.0' encoding='ISO-8859-1'?>" + body, "vm.xml:1:1: the encoding iso-8859-1"},
		"ASCII declared, not kept":   {"<?xml version='1.0' encoding='US-ASCII'?>" + with(t, "web", "wéb"), "vm.xml:2:10: a character outside"},
		"XML 1.1":                    {"<?xml version='1.1'?>" + body, "vm.xml:1:1: an XML declaration"},
		"declaration without one":    {"<?xml encoding='UTF-8'?>" + body, "vm.xml:1:1: an XML declaration"},
		"late declaration":           {"\n<?xml version='1.0'?>" + body, "vm.xml:2:1: an XML declaration that is not"},
		"truncated":                  {body[:200], "vm.xml:9:26: the document ends in the middle"},
		"DOCTYPE":                    {"<!DOCTYPE domain [<!ENTITY h 'hvm'>]>" + strings.Replace(body, "hvm", "&h;", 1), "vm.xml:1:1: a DOCTYPE"},
		"entity":                     {with(t, "hvm", "&h;"), "vm.xml:6:46: a reference"},
		"password with a bare &":     {with(t, "<disk", "<graphics type='vnc' passwd='hunter2&secret'/><disk"), "vm.xml:10:41: a reference"},
		"text before":                {"x" + body, "vm.xml:1:1: text outside the root"},
		"CDATA before":               {"<![CDATA[ ]]>" + body, "vm.xml:1:1: text outside the root"},
		"text after":                 {body + "x", "vm.xml:15:10: text outside the root"},
		"second root":                {body + body, "vm.xml:16:1: a second root element <domain>: put each document into its own file"},
		"stray end tag":              {body + "</domain>", "vm.xml:16:1: an end tag </domain>"},
		"crossed tags":               {with(t, "</os>", "</type>"), "vm.xml:7:3: <os> is closed by </type>"},
		"default namespace":          {with(t, "type='kvm'", "type='kvm' xmlns='urn:x'"), "vm.xml:1:1: a default namespace"},
		"empty prefix":               {with(t, "<os>", "<f:os xmlns:f=''/><os>"), "vm.xml:5:3: <os> has a namespace declaration that XML forbids"},
		"empty prefix in metadata":   {with(t, "<os>", "<metadata><f:x xmlns:f=''/></metadata><os>"), "vm.xml:5:13: <x> has a namespace declaration that XML forbids"},
		"xml as the default":         {with(t, "<type", "<type xmlns='http://www.w3.org/XML/1998/namespace'"), "vm.xml:6:5: <type> has a namespace declaration"},
		"xmlns as the default":       {with(t, "<type", "<type xmlns='http://www.w3.org/2000/xmlns/'"), "vm.xml:6:5: <type> has a namespace declaration"},
		"xml with another prefix":    {with(t, "<type", "<type xmlns:f='http://www.w3.org/XML/1998/namespace'"), "vm.xml:6:5: <type> has a namespace declaration"},
		"xmlns with another prefix":  {with(t, "<type", "<type xmlns:f='http://www.w3.org/2000/xmlns&#47;'"), "vm.xml:6:5: <type> has a namespace declaration"},
		"another xml":                {with(t, "<type", "<type xmlns:xml='urn:x'"), "vm.xml:6:5: <type> has a namespace declaration"},
		"another xmlns":              {with(t, "<type", "<type xmlns:xmlns='urn:x'"), "vm.xml:6:5: <type> has a namespace declaration"},
		"attribute in a namespace":   {with(t, "type='kvm'", "type='qemu' f:type='kvm' xmlns:f='urn:f'"), "vm.xml:1:1: the attribute f:type"},
		"inner foreign attribute":    {with(t, "machine=", "xmlns:f='urn:f' f:machine="), "vm.xml:6:5: the attribute f:machine"},
		"undeclared prefix":          {with(t, "machine=", "f:machine="), "vm.xml:6:5: the attribute f:machine"},
		"attribute twice":            {with(t, "type='kvm'", "type='qemu' type='kvm'"), "vm.xml:1:1: <domain> has the attribute type twice"},
		"attributes without space":   {with(t, " machine=", "machine="), "vm.xml:6:24: no white space before an attribute"},
		"depth":                      {with(t, "</devices>", long+"</devices>"), "vm.xml:14:"},
		"no type":                    {with(t, " type='kvm'", ""), "vm.xml:1:1: <domain> has no type"},
		"empty type":                 {with(t, "'kvm'", "''"), "vm.xml:1:1: <domain> has no type"},
		"type in capitals":           {with(t, "'kvm'", "'KVM'"), `vm.xml:1:9: unknown domain type "KVM"`},
		"type with blanks":           {with(t, "'kvm'", "' kvm '"), `vm.xml:1:9: unknown domain type " kvm "`},
		"type with a newline":        {with(t, "'kvm'", "'kvm\n'"), `vm.xml:1:9: unknown domain type "kvm "`},
		"os with blanks":             {with(t, "hvm", " hvm "), `vm.xml:6:5: unknown OS type " hvm "`},
		"os in capitals":             {with(t, "hvm", "HVM"), `vm.xml:6:5: unknown OS type "HVM"`},
		"arch of another tool":       {with(t, "x86_64", "amd64"), `vm.xml:6:11: unknown architecture "amd64"`},
		"arch in capitals":           {with(t, "x86_64", "X86_64"), `vm.xml:6:11: unknown architecture "X86_64"`},
		"machine in a second os":     {strings.Replace(with(t, " machine='pc-q35-9.2'", ""), "</os>", "</os><os><type machine='isapc'>hvm</type></os>", 1), "vm.xml:7:12: a second <type> with the attribute machine"},
		"last of a feature counts":   {with(t, "<devices>", "<features><kvm><hidden state='on'/><hidden state='off'/></kvm></features><devices>"), "vm.xml:8:38: a second <hidden>"},
		"feature in two blocks":      {with(t, "<devices>", "<features><pmu state='on'/></features><features><pmu state='off'/></features><devices>"), "vm.xml:8:51: a second <pmu>"},
		"two balloons":               {with(t, "</devices>", "<memballoon model='none'/><memballoon model='virtio'/></devices>"), "vm.xml:14:29: a second <memballoon>"},
		"element inside text":        {with(t, "/usr/bin/", "/usr/<x>bin</x>/"), "vm.xml:9:20: <x> is inside the text of <emulator>"},
		"element instead of text":    {with(t, ">hvm<", "><b>hvm</b><"), "vm.xml:6:46: <b> is inside the text of <type>"},
		"CDATA in an argument":       {with(t, "</os>", "<initarg>a<![CDATA[b]]></initarg></os>"), "vm.xml:7:13: the text of <initarg> is in pieces"},
		"instruction in an argument": {with(t, "</os>", "<initenv name='a'>a<?b?></initenv></os>"), "vm.xml:7:22: the text of <initenv> is in pieces"},
		"blank after a comment":      {with(t, "web", "<!-- -->web<!-- --> "), "vm.xml:2:28: white space after a comment inside the text of <name>"},
		"element in an nvram":        {with(t, "</os>", "<nvram><x>/etc/shadow</x></nvram></os>"), "vm.xml:7:10: <x> is inside the text of <nvram>"},
		"element in a random file":   {with(t, "</devices>", "<rng model='virtio'><backend model='random'><x>/dev/mem</x></backend></rng></devices>"), "vm.xml:14:47: <x> is inside the text of <backend>"},
		"foreign element in text":    {with(t, "web", "<f:x xmlns:f='urn:f'>w</f:x>eb"), "vm.xml:2:9: <x> is inside the text of <name>"},
		"two CPUs with NUMA":         {with(t, "<devices>", "<cpu><numa/></cpu><cpu><numa/></cpu><devices>"), "vm.xml:8:26: two <cpu> with <numa> in both: delete one"},
		"foreign feature":            {with(t, "<devices>", "<features><f:pmu xmlns:f='urn:f' state='on'/></features><devices>"), "vm.xml:8:13: <pmu> below <features> is in a foreign namespace"},
		"comment in an argument":     {with(t, "</os>", "<initarg>a<!-- -->b</initarg></os>"), "vm.xml:7:13: the text of <initarg> is in pieces"},
		"not a number":               {with(t, "65536", "many"), "vm.xml:3:3: a value in <memory> is not a decimal number"},
		"unknown kind of a device":   {with(t, "<disk type='file'", "<graphics type='hologram'/><disk type='file'"), "vm.xml:10:5: <graphics> is not understood"},
		"comment with two dashes":    {"<!-- a -- b -->" + body, "vm.xml:1:"},
		"attribute without quotes":   {with(t, "'kvm'", "kvm"), "vm.xml:1:"},
		"less-than in an attribute":  {with(t, "'kvm'", "'<kvm'"), "vm.xml:1:"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := domxml.Load("vm.xml", []byte(c.doc))
			if _, ok := errors.AsType[*source.Error](err); !ok {
				t.Fatalf("%v is not a source.Error", err)
			}
			if !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "secret") {
				t.Errorf("the error holds a secret: %v", err)
			}
		})
	}
}

func TestNotDomain(t *testing.T) {
	for doc, libvirt := range map[string]bool{
		"<network><name>default</name></network>": true,
		"<!-- x --><pool type='dir'/>":            true,
		"<project/>":                              false,
		"<Domain type='kvm'/>":                    false,
		"<v:domain type='kvm'/>":                  false, // the prefix is not declared: libxml2 keeps it in the name
	} {
		_, err := domxml.Load("x.xml", []byte(doc))
		var other *domxml.NotDomainError
		if !errors.As(err, &other) || other.Libvirt() != libvirt {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

// TestAsLibvirt loads documents that libvirt reads differently than a plain decoder.
func TestAsLibvirt(t *testing.T) {
	t.Run("first of a repeated element", func(t *testing.T) {
		d := load(t, with(t, "</os>", "</os><os><type arch='i686' machine='isapc'>hvm</type></os>"))
		if d.Target.Machine != "pc-q35-9.2" || len(d.Dropped) != 1 || d.Dropped[0].Name != "type" || d.Dropped[0].Reason != domxml.Repeated {
			t.Errorf("%+v, dropped %v", d.Target, d.Dropped)
		}
		if pos := d.DroppedPos(d.Dropped[0]); pos.Line != 7 || pos.Column != 12 {
			t.Errorf("dropped at %+v", pos)
		}
	})
	t.Run("first source of a disk", func(t *testing.T) {
		d := load(t, with(t, "<source file='/ok.img'/>", "<source file='/etc/shadow'/><source file='/ok.img'/>"))
		if got := d.Devices.Disks[0].Source.File.File; got != "/etc/shadow" {
			t.Errorf("source %q", got)
		}
	})
	t.Run("a second os adds what the first does not have", func(t *testing.T) {
		d := load(t, with(t, "</os>", "</os><os><type arch='i686'>hvm</type><kernel>/k</kernel><boot dev='hd'/></os>"))
		if d.Target.Arch != "x86_64" || d.OS.Kernel != "/k" || len(d.OS.BootDevices) != 1 || len(d.Dropped) != 1 || d.Dropped[0].Name != "type" {
			t.Errorf("%+v, kernel %q, dropped %v", d.Target, d.OS.Kernel, d.Dropped)
		}
	})
	t.Run("two blocks of devices are one", func(t *testing.T) {
		d := load(t, with(t, "<name>", "<devices><disk><source file='/a.img'/></disk></devices><name>"))
		if len(d.Devices.Disks) != 2 || d.Devices.Disks[1].Source.File.File != "/ok.img" || len(d.Dropped) != 0 {
			t.Errorf("disks %+v, dropped %v", d.Devices.Disks, d.Dropped)
		}
		if pos := d.Pos(domxml.At("devices/disk[2]/source@file")); pos.Line != 11 {
			t.Errorf("the second disk is at %+v", pos)
		}
	})
	t.Run("foreign element", func(t *testing.T) {
		d := load(t, with(t, "</os>", "</os><f:os xmlns:f='urn:f'><type machine='isapc'>hvm</type></f:os>"))
		if d.Target.Machine != "pc-q35-9.2" || len(d.Dropped) != 1 || d.Dropped[0].Name != "f:os" || d.Dropped[0].Reason != domxml.ForeignNamespace {
			t.Errorf("%+v, dropped %v", d.Target, d.Dropped)
		}
	})
	t.Run("hypervisor's element in the wrong place", func(t *testing.T) {
		d := load(t, with(t, "<os>", "<os><q:kernel xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>/k</q:kernel>"))
		if d.OS.Kernel != "" || len(d.Dropped) != 1 {
			t.Errorf("kernel %q, dropped %v", d.OS.Kernel, d.Dropped)
		}
	})
	t.Run("passthrough under any prefix", func(t *testing.T) {
		d := load(t, with(t, "</domain>", "<commandline xmlns='http://libvirt.org/schemas/domain/qemu/1.0'><arg value='-s'/></commandline></domain>"))
		if len(d.Command.Options) != 1 || d.Command.Options[0].Name != "s" {
			t.Errorf("%+v", d.Command)
		}
		if pos := d.Pos(d.Command.Options[0].Path); pos.Line != 15 || pos.Column != 70 {
			t.Errorf("at %+v", pos)
		}
	})
	t.Run("argument outside of the namespace", func(t *testing.T) {
		d := load(t, with(t, "</domain>", "<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><arg value='-s'/></q:commandline></domain>"))
		if len(d.Command.Options) != 0 || len(d.Dropped) != 1 {
			t.Errorf("%+v, dropped %v", d.Command, d.Dropped)
		}
	})
	t.Run("defaults and leniency", func(t *testing.T) {
		d := load(t, with(t, "<disk type", "<interface/><hostdev type='usb'><source><vendor id='0x1'/><product id='0x2'/></source></hostdev><disk type"))
		if d.Devices.Interfaces[0].Source.User == nil || d.Devices.Hostdevs[0].SubsysUSB == nil {
			t.Errorf("%+v", d.Devices)
		}
		if d := load(t, with(t, "type='kvm'", "type='kvm' id='x'")); d.ID != nil {
			t.Errorf("id %d", *d.ID)
		}
		if d := load(t, with(t, "type='kvm'", "type='kvm' id='3'")); !d.Live() {
			t.Error("a domain with an id is live")
		}
		d = load(t, with(t, "arch='x86_64' machine='pc-q35-9.2'", "arch='' machine=''"))
		if d.Target.Arch != "" || d.Target.Machine != "" {
			t.Errorf("%+v", d.Target)
		}
	})
	t.Run("white space in attributes", func(t *testing.T) {
		d := load(t, with(t, "/ok.img", "/a\n\tb&#10;&amp;\r\nc"))
		if got := d.Devices.Disks[0].Source.File.File; got != "/a  b\n& c" {
			t.Errorf("%q", got)
		}
		if v, ok := d.Attr(domxml.At("devices/disk/source@file")); !ok || v != "/a  b\n& c" {
			t.Errorf("%q", v)
		}
	})
	t.Run("byte order mark and declaration", func(t *testing.T) {
		d := load(t, "\xef\xbb\xbf<?xml version=\"1.0\" encoding='utf-8'?>\n"+body)
		if pos := d.Pos(domxml.At("@type")); pos.Line != 2 || pos.Column != 9 {
			t.Errorf("%+v", pos)
		}
		load(t, "<?xml version='1.0' encoding='us-ascii' standalone='yes' ?>"+body)
	})
	t.Run("prefix on the root", func(t *testing.T) {
		doc := strings.NewReplacer("<domain type='kvm'>", "<v:domain xmlns:v='urn:v' type='kvm'>", "</domain>", "</v:domain>").Replace(body)
		if d := load(t, doc); d.Name != "web" {
			t.Errorf("%q", d.Name)
		}
	})
	t.Run("metadata is kept unchanged", func(t *testing.T) {
		const inner = "\n<a:x xmlns:a='urn:a' a:b='1'><a:x/><a:x/><os/></a:x>\n"
		d := load(t, with(t, "<os>", "<metadata>"+inner+"</metadata><os>"))
		if d.Metadata.XML != inner || len(d.Dropped) != 0 {
			t.Errorf("%q, dropped %v", d.Metadata.XML, d.Dropped)
		}
	})
	t.Run("text in pieces", func(t *testing.T) {
		d := load(t, with(t, ">web<", "> w<!-- x -->e<![CDATA[b&]]> <"))
		if d.Name != " web& " {
			t.Errorf("%q", d.Name)
		}
		if text, ok := d.Text(domxml.At("name")); !ok || text != " web& " {
			t.Errorf("%q", text)
		}
	})
}

// TestHuge loads documents that are designed to exhaust a reader.
func TestHuge(t *testing.T) {
	need.Full(t, "seconds for long documents")
	var attrs bytes.Buffer
	for i := range 1_000_000 {
		attrs.WriteString(" a")
		for n := i; n > 0; n /= 26 {
			attrs.WriteByte(byte('a' + n%26))
		}
		attrs.WriteString("='1'")
	}
	for name, doc := range map[string]string{
		"attributes": with(t, "type='kvm'", "type='kvm' "+attrs.String()),
		"disks":      with(t, "</devices>", strings.Repeat("<disk type='file'><source file='/x'/></disk>", 100_000)+"</devices>"),
		"unknown":    with(t, "</devices>", strings.Repeat("<x/>", 500_000)+"</devices>"),
		"text":       with(t, "web", strings.Repeat("w", 8_000_000)),
		"nesting":    with(t, "</devices>", strings.Repeat("<x>", 1_000_000)),
	} {
		t.Run(name, func(t *testing.T) {
			d, err := domxml.Load("vm.xml", []byte(doc))
			if name == "nesting" || name == "attributes" {
				if err == nil && name == "nesting" {
					t.Fatal("accepted")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if name == "disks" {
				for at := range domxml.Each("devices/disk", d.Devices.Disks) {
					d.Pos(at.Elem("source").Attr("file"))
				}
			}
		})
	}
}
