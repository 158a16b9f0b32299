package edit

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

func TestHunks(t *testing.T) {
	doc := "<domain type='qemu'>\n  <name>a</name>\n  <os>\n    <type>hvm</type>\n  </os>\n  <devices>\n    <sound model='ac97'/>\n    <video/>\n  </devices>\n</domain>\n"
	for _, c := range []struct {
		doc   string
		edits []Edit
		want  string
	}{
		{doc, []Edit{Set(domxml.At("@type"), "kvm")}, "-<domain type='qemu'>\n+<domain type='kvm'>\n   <name>a</name>\n"},
		{doc, []Edit{Remove(domxml.At("devices/sound"))}, "   <devices>\n-    <sound model='ac97'/>\n     <video/>\n"},
		{
			doc,
			[]Edit{Set(domxml.At("@type"), "kvm"), Insert(domxml.At("devices"), "<rng/>")},
			"-<domain type='qemu'>\n+<domain type='kvm'>\n   <name>a</name>\n ...\n     <video/>\n+    <rng/>\n   </devices>\n",
		},
		{
			strings.Replace(doc, "<video/>", "<graphics type='vnc' passwd='hunter2' listen='0.0.0.0'/>", 1),
			[]Edit{Set(domxml.At("devices/graphics@listen"), "127.0.0.1")},
			"     <sound model='ac97'/>\n-    <graphics type='vnc' passwd='******' listen='0.0.0.0'/>\n+    <graphics type='vnc' passwd='******' listen='127.0.0.1'/>\n   </devices>\n",
		},
		{
			"<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n  <name>a</name>\n  <os>\n    <type>hvm</type>\n  </os>\n  <qemu:commandline>\n    <qemu:arg value='-spice'/>\n    <qemu:arg value='port=5999,password=hunter2'/>\n  </qemu:commandline>\n</domain>\n",
			[]Edit{Set(domxml.At("qemu:commandline/qemu:arg[2]@value"), "port=5999,password=hunter2,addr=127.0.0.1")},
			"     <qemu:arg value='-spice'/>\n-    <qemu:arg value='******'/>\n+    <qemu:arg value='******'/>\n   </qemu:commandline>\n",
		},
		{
			strings.Replace(doc, "<video/>", "<serial type='tcp'>\n      <source mode='bind'/>\n    </serial>", 1),
			[]Edit{Set(domxml.At("devices/serial@type"), "pty"), Remove(domxml.At("devices/serial/source"))},
			"     <sound model='ac97'/>\n-    <serial type='tcp'>\n-      <source mode='bind'/>\n+    <serial type='pty'>\n     </serial>\n",
		},
		{
			"<domain type='qemu'><title>" + strings.Repeat("é", 200) + "</title><name>a</name></domain>",
			[]Edit{Set(domxml.At("name"), "b")},
			"-…" + strings.Repeat("é", 73) + "</title><name>a</name></domain>\n+…" + strings.Repeat("é", 73) + "</title><name>b</name></domain>\n",
		},
		{"<domain type='qemu'><name>a</name></domain>", []Edit{Set(domxml.At("@type"), "kvm")}, "-<domain type='qemu'><name>a</name></domain>\n+<domain type='kvm'><name>a</name></domain>\n"},
	} {
		d, err := domxml.Load("a.xml", []byte(c.doc))
		if err != nil {
			t.Fatal(err)
		}
		changes, err := Ranges(d, c.edits)
		if err != nil {
			t.Fatal(err)
		}
		if got := Hunks(d, changes); got != c.want {
			t.Errorf("%v:\n%swant\n%s", c.edits, got, c.want)
		}
	}
}
