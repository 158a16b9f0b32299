package edit_test

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/edit"
)

func load(tb testing.TB, text string) *domxml.Domain {
	tb.Helper()
	d, err := domxml.Load("a.xml", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

const qemuNS = "http://libvirt.org/schemas/domain/qemu/1.0"

// made are documents of one form each, and every byte of what edits make of them.
var made = map[string]struct {
	before string
	edits  []edit.Edit
	after  string
}{
	"values keep their quotes": {
		"<domain type='kvm' id=\"7\">\n  <cpu><model fallback = \"x\"\tvendor_id='pc' >hvm</model></cpu>\n</domain>\n",
		[]edit.Edit{edit.Set(domxml.At("cpu/model@fallback"), `a"'&<>`), edit.Set(domxml.At("cpu/model@vendor_id"), `{"a": "b'c"}`), edit.Set(domxml.At("@id"), "8")},
		"<domain type='kvm' id=\"8\">\n  <cpu><model fallback = \"a&quot;'&amp;&lt;&gt;\"\tvendor_id='{\"a\": \"b&apos;c\"}' >hvm</model></cpu>\n</domain>\n",
	},
	"new attributes": {
		"<domain type='kvm'>\n  <os/>\n  <cpu mode=\"custom\"  />\n  <clock\n    offset='utc'\n  >\n  </clock>\n</domain>\n",
		[]edit.Edit{edit.Set(domxml.At("cpu@check"), "full"), edit.Set(domxml.At("cpu@match"), "exact\n"), edit.Set(domxml.At("os@firmware"), "efi"), edit.Set(domxml.At("clock@basis"), "utc")},
		"<domain type='kvm'>\n  <os firmware='efi'/>\n  <cpu mode=\"custom\" check=\"full\" match=\"exact&#xa;\"  />\n  <clock\n    offset='utc'\n    basis='utc'\n  >\n  </clock>\n</domain>\n",
	},
	"removed attributes": {
		"<domain type='kvm'>\n  <cpu mode='custom'\n       match='exact' check=\"full\"/>\n</domain>\n",
		[]edit.Edit{edit.Remove(domxml.At("cpu@match")), edit.Remove(domxml.At("cpu@check")), edit.Set(domxml.At("cpu@migratable"), "on")},
		"<domain type='kvm'>\n  <cpu mode='custom' migratable=\"on\"/>\n</domain>\n",
	},
	"text": {
		"<domain type='kvm'>\n  <name>a</name>\n  <title >old <!-- about it --></title >\n  <description/>\n  <on_crash><![CDATA[x]]></on_crash>\n  <memory unit='KiB' />\n</domain>",
		[]edit.Edit{edit.Set(domxml.At("name"), "b<c>\"'\r\n"), edit.Set(domxml.At("title"), "new"), edit.Set(domxml.At("description"), ""), edit.Set(domxml.At("on_crash"), "destroy"), edit.Set(domxml.At("memory"), "5"), edit.Set(domxml.At("memory@unit"), "MiB"), edit.Set(domxml.At("memory@dumpCore"), "off")},
		"<domain type='kvm'>\n  <name>b&lt;c&gt;\"'&#xd;&#xa;</name>\n  <title >new<!-- about it --></title >\n  <description/>\n  <on_crash>destroy</on_crash>\n  <memory unit='MiB' dumpCore='off'>5</memory>\n</domain>",
	},
	"missing parents are created once, in libvirt's order": {
		"<domain type='kvm'>\n  <name>a</name>\n  <memory>1</memory>\n  <devices>\n  </devices>\n</domain>\n",
		[]edit.Edit{
			edit.Set(domxml.At("memoryBacking/access@mode"), "private"), edit.Set(domxml.At("memoryBacking/source@type"), "memfd"), edit.Set(domxml.At("title"), "t"),
			edit.Insert(domxml.At("memoryBacking"), "<locked/>"), edit.Set(domxml.At("features/kvm/hidden@state"), "on"), edit.Set(domxml.At("memoryBacking/access@x"), ""),
		},
		"<domain type='kvm'>\n  <name>a</name>\n  <title>t</title>\n  <memory>1</memory>\n  <memoryBacking>\n    <locked/>\n    <source type='memfd'/>\n    <access mode='private' x=''/>\n  </memoryBacking>\n" +
			"  <features>\n    <kvm>\n      <hidden state='on'/>\n    </kvm>\n  </features>\n  <devices>\n  </devices>\n</domain>\n",
	},
	"tabs, carriage returns and the mark": {
		"\ufeff<?xml version='1.0'?>\r\n<domain type=\"kvm\">\r\n\t<name>a</name>\r\n\t<devices>\r\n\t\t<emulator>/e</emulator>\t<!-- x -->\r\n\t\t<disk/>\r\n\t</devices>\r\n</domain>\r\n",
		[]edit.Edit{
			edit.Insert(domxml.At("devices"), "<disk type='file'>\n  <source file='/a'/> <target dev='a&amp;b'/></disk>"), edit.Insert(domxml.At("devices"), "<rng model='virtio'><backend model='random'>/dev/random</backend></rng>"),
			edit.Insert(domxml.At("devices"), "<lease/>"), edit.Insert(domxml.At(""), "<unknown/>"),
		},
		"\ufeff<?xml version='1.0'?>\r\n<domain type=\"kvm\">\r\n\t<name>a</name>\r\n\t<devices>\r\n\t\t<emulator>/e</emulator>\t<!-- x -->\r\n\t\t<disk/>\r\n" +
			"\t\t<disk type=\"file\">\r\n\t\t\t<source file=\"/a\"/>\r\n\t\t\t<target dev=\"a&amp;b\"/>\r\n\t\t</disk>\r\n\t\t<lease/>\r\n\t\t<rng model=\"virtio\">\r\n\t\t\t<backend model=\"random\">/dev/random</backend>\r\n\t\t</rng>\r\n\t</devices>\r\n\t<unknown/>\r\n</domain>\r\n",
	},
	"one line": {
		"<domain type='kvm'><os><type>hvm</type></os><devices/></domain>",
		[]edit.Edit{edit.Insert(domxml.At("devices"), "<hub><a/></hub>"), edit.Set(domxml.At("os/loader@secure"), "yes"), edit.Set(domxml.At("name"), "x"), edit.Set(domxml.At("features/acpi"), "")},
		"<domain type='kvm'><name>x</name><os><type>hvm</type><loader secure='yes'/></os><features><acpi></acpi></features><devices><hub><a/></hub></devices></domain>",
	},
	"comments stay with what they follow": {
		"<domain type='kvm'>\n  <!-- all -->\n  <memory>1</memory> <!-- m --> <!-- n -->\n  <devices> <!-- d -->\n    <!-- the disk -->\n    <disk/> <!-- two\n    lines -->\n    <!-- end -->\n  </devices>\n  <features>\n    <!-- none -->\n  </features>\n</domain>\n",
		[]edit.Edit{
			edit.Set(domxml.At("name"), "x"), edit.Set(domxml.At("currentMemory"), "1"), edit.Set(domxml.At("devices/emulator"), "/e"), edit.Insert(domxml.At("devices"), "<hub/>"),
			edit.Insert(domxml.At("features"), "<acpi/>"),
		},
		"<domain type='kvm'>\n  <!-- all -->\n  <name>x</name>\n  <memory>1</memory> <!-- m --> <!-- n -->\n  <currentMemory>1</currentMemory>\n  <devices> <!-- d -->\n    <!-- the disk -->\n    <emulator>/e</emulator>\n    <disk/>\n    <hub/> <!-- two\n    lines -->\n    <!-- end -->\n  </devices>\n  <features>\n    <!-- none -->\n    <acpi/>\n  </features>\n</domain>\n",
	},
	"removed elements": {
		"<domain type='kvm'>\n  <name>a</name>\n  <devices>\n    <disk device='a'>\n      <x/>\n    </disk>  \n    <disk device='b'/> <!-- b -->\n    <hub/><input/> <sound/>\n    <input/>\t<input/> \n  </devices>\n  <pm/> <clock/>\n</domain>",
		[]edit.Edit{
			edit.Remove(domxml.At("devices/disk[1]")), edit.Remove(domxml.At("devices/disk[2]")), edit.Remove(domxml.At("devices/hub")), edit.Remove(domxml.At("devices/sound")),
			edit.Remove(domxml.At("devices/input[3]")), edit.Remove(domxml.At("pm")), edit.Set(domxml.At("devices/input[2]@type"), "mouse"),
		},
		"<domain type='kvm'>\n  <name>a</name>\n  <devices>\n    <!-- b -->\n    <input/>\n    <input type='mouse'/>\n  </devices>\n  <clock/>\n</domain>",
	},
	"removal and insertion at one place": {
		"<domain type='kvm'>\n  <name>a</name>  \n  <title>t</title>\n  <devices>\n    <disk/>  \n    <disk/>\n  </devices>\n  <features><acpi/> <apic/></features>\n</domain>\n",
		[]edit.Edit{
			edit.Remove(domxml.At("devices/disk[1]")), edit.Remove(domxml.At("devices/disk[2]")), edit.Insert(domxml.At("devices"), "<hub/>"), edit.Remove(domxml.At("title")), edit.Set(domxml.At("uuid"), "u"),
			edit.Remove(domxml.At("name")), edit.Remove(domxml.At("features/acpi")), edit.Remove(domxml.At("features/apic")), edit.Set(domxml.At("features/pae"), ""),
		},
		"<domain type='kvm'>\n  <uuid>u</uuid>\n  <devices>\n    <hub/>\n  </devices>\n  <features><pae></pae></features>\n</domain>\n",
	},
	"replaced elements": {
		"<domain type=\"kvm\">\n  <devices>\n    <interface type='user'>\n      <mac/>\n    </interface> <!-- i -->\n    <tpm/><hub/>\n  </devices>\n</domain>\n",
		[]edit.Edit{edit.Replace(domxml.At("devices/interface"), "<interface type='network'><source network='default'/></interface>"), edit.Replace(domxml.At("devices/tpm"), "<tpm><backend type='passthrough'/></tpm>"), edit.Insert(domxml.At("devices"), "<interface/>")},
		"<domain type=\"kvm\">\n  <devices>\n    <interface type=\"network\">\n      <source network=\"default\"/>\n    </interface> <!-- i -->\n    <interface/>\n    <tpm>\n      <backend type=\"passthrough\"/>\n    </tpm><hub/>\n  </devices>\n</domain>\n",
	},
	"arguments, under another prefix": {
		"<domain type='kvm' xmlns:q='" + qemuNS + "'>\n  <q:commandline>\n    <q:arg value='-accel'/>\n    <q:arg value='tcg'/>\n    <q:arg value=\"-S\"/>\n    <q:env name='A' value='b'/>\n    <q:env name='B' value='b'/>\n  </q:commandline>\n</domain>\n",
		[]edit.Edit{
			edit.Remove(domxml.At("qemu:commandline/qemu:arg[1]")), edit.Remove(domxml.At("qemu:commandline/qemu:arg[2]")), edit.Set(domxml.At("qemu:commandline/qemu:arg[3]@value"), `-name "a"`),
			edit.Remove(domxml.At("qemu:commandline/qemu:env[1]")), edit.Insert(domxml.At("qemu:commandline"), "<qemu:arg value='-x'/>"), edit.Set(domxml.At("qemu:deprecation@behavior"), "reject"),
		},
		"<domain type='kvm' xmlns:q='" + qemuNS + "'>\n  <q:commandline>\n    <q:arg value=\"-name &quot;a&quot;\"/>\n    <q:arg value='-x'/>\n    <q:env name='B' value='b'/>\n  </q:commandline>\n  <q:deprecation behavior='reject'/>\n</domain>\n",
	},
	"no prefix": {
		"<domain type='kvm'>\n  <commandline xmlns='" + qemuNS + "'>\n    <arg value='-S'/>\n  </commandline>\n</domain>\n",
		[]edit.Edit{edit.Insert(domxml.At("qemu:commandline"), "<qemu:arg value='-x'/>"), edit.Insert(domxml.At(""), "<qemu:capabilities><qemu:del capability='a'/></qemu:capabilities>")},
		"<domain type='kvm'>\n  <commandline xmlns='" + qemuNS + "'>\n    <arg value='-S'/>\n    <arg value='-x'/>\n  </commandline>\n  <qemu:capabilities xmlns:qemu='" + qemuNS + "'>\n    <qemu:del capability='a'/>\n  </qemu:capabilities>\n</domain>\n",
	},
	"metadata": {
		"<domain type='kvm'>\n  <name>a</name>\n  <memory>1</memory>\n</domain>\n",
		[]edit.Edit{edit.Insert(domxml.At(""), "<metadata><o:x xmlns:o='urn:o'><o:y/></o:x></metadata>")},
		"<domain type='kvm'>\n  <name>a</name>\n  <metadata>\n    <o:x xmlns:o='urn:o'>\n      <o:y/>\n    </o:x>\n  </metadata>\n  <memory>1</memory>\n</domain>\n",
	},
	"merged containers": {
		"<domain type='kvm'>\n  <devices/>\n  <devices>\n    <disk/>\n  </devices>\n  <features/>\n  <features/>\n</domain>\n",
		[]edit.Edit{edit.Insert(domxml.At("devices"), "<hub/>"), edit.Set(domxml.At("devices/emulator"), "/e"), edit.Insert(domxml.At("features"), "<acpi/>")},
		"<domain type='kvm'>\n  <devices/>\n  <devices>\n    <emulator>/e</emulator>\n    <disk/>\n    <hub/>\n  </devices>\n  <features/>\n  <features>\n    <acpi/>\n  </features>\n</domain>\n",
	},
	"the same edit twice": {
		"<domain type='kvm'>\n  <cpu/>\n</domain>\n",
		[]edit.Edit{edit.Insert(domxml.At("cpu"), "<feature name='a'/>"), edit.Insert(domxml.At("cpu"), "<feature name='a'/>"), edit.Insert(domxml.At("cpu"), "<feature name='b'/>"), edit.Set(domxml.At("cpu@x"), "1"), edit.Set(domxml.At("cpu@x"), "1")},
		"<domain type='kvm'>\n  <cpu x='1'>\n    <feature name='a'/>\n    <feature name='b'/>\n  </cpu>\n</domain>\n",
	},
}

// TestApply compares every byte.
func TestApply(t *testing.T) {
	for name, test := range made {
		d := load(t, test.before)
		got, err := edit.Apply(d, test.edits)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if string(got) != test.after {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, test.after)
		}
		list, err := edit.Ranges(d, test.edits)
		var b strings.Builder
		from := 0
		for _, r := range list {
			if r.Start < from {
				t.Errorf("%s: ranges overlap at %d", name, r.Start)
			}
			b.WriteString(test.before[from:r.Start] + r.Text)
			from = r.End
		}
		if b.WriteString(test.before[from:]); err != nil || b.String() != string(got) {
			t.Errorf("%s: %v, ranges make\n%s", name, err, b.String())
		}
	}
}
