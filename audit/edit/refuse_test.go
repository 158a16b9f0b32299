package edit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/edit"
)

const guest = `<domain type='kvm' xmlns:qemu='` + qemuNS + `'>
  <name>a</name>
  <memory>1</memory>
  <memory>2</memory>
  <os><type>hvm</type></os>
  <features>
    <acpi/>
  </features>
  <devices>
    <emulator>/e<!-- c -->/f</emulator>
    <disk type='file'>
      <driver name='qemu'/>
    </disk>
    <f:disk xmlns:f='urn:f'/>
    <disk device='cdrom'/>
  </devices>
  <devices>
    <hub>t</hub>
  </devices>
  <metadata><o:x xmlns:o='urn:o'/></metadata>
  <qemu:commandline>
    <qemu:arg value='-accel'/>
    <qemu:arg value='tcg'/>
    <qemu:arg value='-S'/>
  </qemu:commandline>
</domain>
`

// TestRefused requires an error that names the fault, and both edits if there are two.
func TestRefused(t *testing.T) {
	at := domxml.At
	for _, test := range []struct {
		want  string
		edits []edit.Edit
	}{
		{"set @type: XML cannot hold the character U+0007", []edit.Edit{edit.Set(at("@type"), "a\a")}},
		{"set name: XML cannot hold the character U+FFFE", []edit.Edit{edit.Set(at("name"), "a\ufffe")}},
		{"the value is not UTF-8 text", []edit.Edit{edit.Set(at("name"), "a\xff")}},
		{"is not the name of an attribute", []edit.Edit{edit.Set(at("os@a b"), "x")}},
		{"is not the name of an attribute", []edit.Edit{edit.Set(at("os@xmlns"), "x")}},
		{"is not the name of an attribute", []edit.Edit{edit.Set(at("os@xml:space"), "x")}},
		{"there is no a b", []edit.Edit{edit.Set(at("os/a b@x"), "x")}},
		{"there is no disk[3]", []edit.Edit{edit.Set(at("devices/disk[3]@x"), "x")}},
		{"there is no rng in <devices>: one of several must be inserted", []edit.Edit{edit.Set(at("devices/rng@model"), "virtio")}},
		{"the path is too long", []edit.Edit{edit.Set(at("os"+strings.Repeat("/a", 300)+"@x"), "x")}},
		{"the element contains elements", []edit.Edit{edit.Set(at("os"), "x")}},
		{"the text is in pieces", []edit.Edit{edit.Set(at("devices/emulator"), "x")}},
		{"there is no such attribute", []edit.Edit{edit.Remove(at("os@x"))}},
		{"there is no such attribute", []edit.Edit{edit.Remove(at("pm/x@type"))}},
		{"there is no such element", []edit.Edit{edit.Remove(at("pm"))}},
		{"there is no such element", []edit.Edit{edit.Replace(at("devices/disk[3]"), "<a/>")}},
		{"the root element cannot be", []edit.Edit{edit.Remove(at(""))}},
		{"as this one", []edit.Edit{edit.Remove(at("devices"))}},
		{"the path is that of an attribute", []edit.Edit{edit.Insert(at("os@x"), "<a/>")}},
		{"<metadata> belongs to others", []edit.Edit{edit.Set(at("metadata/x@y"), "1")}},
		{"libvirt would not read the new <x>", []edit.Edit{edit.Insert(at("metadata"), "<x/>")}},
		{"there already is a <acpi>", []edit.Edit{edit.Insert(at("features"), "<acpi/>")}},
		{"not well-formed", []edit.Edit{edit.Insert(at("features"), "<pae>")}},
		{"not well-formed", []edit.Edit{edit.Insert(at("features"), "<pae></a>")}},
		{"more than one", []edit.Edit{edit.Insert(at("features"), "<pae/><apic/>")}},
		{"both text and elements", []edit.Edit{edit.Insert(at("features"), "<pae>a<b/></pae>")}},
		{"text around", []edit.Edit{edit.Insert(at("features"), "a<pae/>")}},
		{"a comment or an instruction", []edit.Edit{edit.Insert(at("features"), "<pae><!-- --></pae>")}},
		{"not well-formed", []edit.Edit{edit.Insert(at("features"), "")}},
		{`unknown operation "x"`, []edit.Edit{{Op: "x"}}},

		// The result would not be what the edit demands.
		{"could not be read: a.xml:1:9: unknown domain type", []edit.Edit{edit.Set(at("@type"), "x")}},
		{"is inside the text of <type>", []edit.Edit{edit.Insert(at("os/type"), "<a/>")}},
		{"libvirt would read memory in line 3, which it does not read now", []edit.Edit{edit.Remove(at("memory"))}},
		{"libvirt would not read the new <a:b>", []edit.Edit{edit.Insert(at("devices"), "<disk><a:b xmlns:a='urn:a'/></disk>")}},
		{"libvirt would not read the new <x>", []edit.Edit{edit.Insert(at("devices"), "<hub><x/><x/></hub>")}},
		{"libvirt would drop more of the document than it does now: <hub>", []edit.Edit{edit.Insert(at("devices/hub"), "<a/>")}},

		// Edits that overlap or depend on each other.
		{"set @type and set @type overlap", []edit.Edit{edit.Set(at("@type"), "kvm"), edit.Set(at("@type"), "qemu")}},
		{"set devices/disk[1]@type and remove devices/disk@type overlap", []edit.Edit{edit.Set(domxml.At("devices/disk[1]@type"), "dir"), edit.Remove(at("devices/disk@type"))}},
		{"set devices/disk/driver@name and remove devices/disk overlap", []edit.Edit{edit.Set(at("devices/disk/driver@name"), "x"), edit.Remove(at("devices/disk"))}},
		{"remove devices/disk and set devices/disk/driver@name overlap", []edit.Edit{edit.Remove(at("devices/disk")), edit.Set(at("devices/disk/driver@name"), "x")}},
		{"remove devices/disk and set devices/disk/a/b@c overlap", []edit.Edit{edit.Remove(at("devices/disk")), edit.Set(at("devices/disk/a/b@c"), "x")}},
		{"remove devices/disk and replace devices/disk overlap", []edit.Edit{edit.Remove(at("devices/disk")), edit.Replace(at("devices/disk"), "<disk/>")}},
		{"insert below features and set features/pae@x overlap", []edit.Edit{edit.Insert(at("features"), "<pae/>"), edit.Set(at("features/pae@x"), "y")}},
		{"set pm/a@x and insert below . overlap", []edit.Edit{edit.Set(at("pm/a@x"), "y"), edit.Insert(at(""), "<pm/>")}},
		{"insert below features and insert below features overlap", []edit.Edit{edit.Insert(at("features"), "<pae/>"), edit.Insert(at("features"), "<pae x='y'/>")}},
		{"set features/acpi and insert below features/acpi overlap", []edit.Edit{edit.Set(at("features/acpi"), "a"), edit.Insert(at("features/acpi"), "<b/>")}},
		{"set pm and set pm/a@x overlap", []edit.Edit{edit.Set(at("pm"), "a"), edit.Set(at("pm/a@x"), "y")}},
	} {
		d := load(t, guest)
		out, err := edit.Apply(d, test.edits)
		if err == nil || !strings.Contains(err.Error(), test.want) || out != nil {
			t.Errorf("%v: %v, want %q", test.edits, err, test.want)
		}
		if out, applied := edit.ApplyAll(d, [][]edit.Edit{test.edits}); applied[0] || string(out) != guest {
			t.Errorf("%v: applied %v, %t", test.edits, applied, string(out) == guest)
		}
	}
}

// TestInside requires that no document in another one is edited.
func TestInside(t *testing.T) {
	d := load(t, "<domstatus>"+guest+"</domstatus>")
	edits := []edit.Edit{edit.Set(domxml.At("name"), "b")}
	const want = "the domain is part of another document, which libvirt writes"
	if _, err := edit.Apply(d, edits); err == nil || err.Error() != want {
		t.Error(err)
	}
	if _, err := edit.Ranges(d, edits); err == nil || err.Error() != want {
		t.Error(err)
	}
	if _, applied := edit.ApplyAll(d, [][]edit.Edit{edits}); applied[0] {
		t.Error("applied")
	}
}

// TestApplyAll requires that each list is applied as a whole or not at all.
func TestApplyAll(t *testing.T) {
	set := func(path, value string) edit.Edit { return edit.Set(domxml.At(path), value) }
	lists := [][]edit.Edit{
		{set("memoryBacking/access@mode", "private"), set("@type", "qemu")},
		{set("memoryBacking/access@mode", "shared"), set("name", "b")},                                         // overlaps with 0
		{set("memoryBacking/source@type", "memfd"), set("@type", "qemu")},                                      // agrees with 0
		{edit.Remove(domxml.At("memory"))},                                                                     // shows the other <memory>
		{edit.Insert(domxml.At("features"), "<pae/>")},                                                         //
		{edit.Insert(domxml.At("features"), "<pae/>"), edit.Insert(domxml.At("features"), "<apic eoi='on'/>")}, // agrees with 4
		{set("vcpu", "x")},                   // cannot be read
		{edit.Remove(domxml.At("features"))}, // overlaps with 4
		{},                                   //
		{set("nothing[2]@x", "1")},           // does not exist
		edit.RemoveOption(load(t, guest).Command.Options[0]), edit.RemoveOption(load(t, guest).Command.Options[1]), // all of the command line
	}
	want := []bool{true, false, true, false, true, true, false, false, true, false, true, true}
	out, applied := edit.ApplyAll(load(t, guest), lists)
	if !slices.Equal(applied, want) {
		t.Errorf("applied %v, want %v", applied, want)
	}
	after := strings.NewReplacer(
		"type='kvm'", "type='qemu'",
		"  <os>", "  <memoryBacking>\n    <source type='memfd'/>\n    <access mode='private'/>\n  </memoryBacking>\n  <os>",
		"<acpi/>", "<acpi/>\n    <apic eoi='on'/>\n    <pae/>",
	).Replace(guest)
	after, _, _ = strings.Cut(after, "  <qemu:commandline>")
	after += "</domain>\n"
	after = strings.Replace(after, "  <memory>2</memory>\n  <memoryBacking>\n    <source type='memfd'/>\n    <access mode='private'/>\n  </memoryBacking>\n", "  <memoryBacking>\n    <source type='memfd'/>\n    <access mode='private'/>\n  </memoryBacking>\n  <memory>2</memory>\n", 1)
	if string(out) != after {
		t.Errorf("%s\nwant\n%s", out, after)
	}
}

// TestCommandline removes options, and the element around them only if nothing else is in it.
func TestCommandline(t *testing.T) {
	for content, left := range map[string]string{
		"<qemu:arg value='-S'/>":                                               "",
		" <qemu:arg value='-accel'/> <qemu:arg value='tcg'/> ":                 "",
		"<qemu:arg value='-S'/><!-- why -->":                                   "<qemu:commandline><!-- why --></qemu:commandline>",
		"<qemu:arg value='-S'/><f:x xmlns:f='urn:f'/>":                         "<qemu:commandline><f:x xmlns:f='urn:f'/></qemu:commandline>",
		"<qemu:arg value='-S'/><qemu:env name='A'/>":                           "<qemu:commandline><qemu:env name='A'/></qemu:commandline>",
		"</qemu:commandline><qemu:commandline><qemu:arg value='-S'/>":          "<qemu:commandline></qemu:commandline><qemu:commandline></qemu:commandline>",
		"<qemu:arg value='-device'/><qemu:arg value='a'/><qemu:arg value=''/>": "",
	} {
		text := "<domain type='kvm' xmlns:qemu='" + qemuNS + "'><name>a</name><qemu:commandline>%</qemu:commandline></domain>"
		d := load(t, strings.Replace(text, "%", content, 1))
		var edits []edit.Edit
		for _, o := range d.Command.Options {
			edits = append(edits, edit.RemoveOption(o)...)
		}
		out, err := edit.Apply(d, edits)
		want := strings.Replace(text, "<qemu:commandline>%</qemu:commandline>", left, 1)
		if err != nil || string(out) != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", content, err, out, want)
		}
	}
}
