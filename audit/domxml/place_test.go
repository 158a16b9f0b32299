package domxml

import (
	"slices"
	"strings"
	"testing"
)

// TestPlaces compares the text of an element's ranges.
func TestPlaces(t *testing.T) {
	d, err := Load("a.xml", []byte(`<domain type='kvm' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>
<memory  unit='KiB' >5</memory ><memory/>
<devices a='>'/>
<devices><disk
/><hub></hub></devices> <!-- c -->
<features/><features><acpi/></features><features/>
<q:commandline><q:arg value='-S'/></q:commandline>
</domain>`))
	if err != nil {
		t.Fatal(err)
	}
	text := func(s Span) string { return string(d.Document()[s.Start:s.End]) }
	for path, want := range map[string]struct {
		tag, inside, whole string
		merged             bool
	}{
		"memory":                    {"<memory  unit='KiB' >", "5", "<memory  unit='KiB' >5</memory >", false},
		"devices":                   {"<devices a='>'/>", "<disk\n/><hub></hub>", "<devices a='>'/>\n<devices><disk\n/><hub></hub></devices>", true},
		"devices/disk":              {"<disk\n/>", "", "<disk\n/>", false},
		"devices/hub[1]":            {"<hub>", "", "<hub></hub>", false},
		"features":                  {"<features/>", "", "<features/><features><acpi/></features><features/>", true},
		"qemu:commandline/qemu:arg": {"<q:arg value='-S'/>", "", "<q:arg value='-S'/>", false},
	} {
		e, missing := d.Find(At(path))
		if missing != nil || text(e.Tag()) != want.tag || text(e.Inside()) != want.inside || text(e.Whole()) != want.whole || e.Merged() != want.merged {
			t.Errorf("%s: missing %q, tag %q, inside %q, whole %q, merged %t", path, missing, text(e.Tag()), text(e.Inside()), text(e.Whole()), e.Merged())
		}
		if parent, ok := e.Parent(); !ok || !slices.Contains(slices.Collect(parent.All()), e) {
			t.Errorf("%s is not a child of its parent", path)
		}
	}
	for path, want := range map[string]string{
		"devices/disk[2]/driver@x": "devices: disk[2] driver", "pm/a": ".: pm a", "devices/hub/a[1]@b": "devices/hub[1]: a[1]",
	} {
		e, missing := d.Find(At(path))
		if got := e.Path().String() + ": " + strings.Join(missing, " "); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if _, ok := d.Root().Parent(); ok {
		t.Error("the root has a parent")
	}
	if e, _ := d.Find(At("qemu:commandline")); e.Written() != "q:commandline" {
		t.Errorf("written as %s", e.Written())
	}
}

// TestEndOfLine looks for the line end after <a>.
func TestEndOfLine(t *testing.T) {
	for text, want := range map[string]int{
		"\n": 0, " \t\r\n": 2, " \r": 0, "<b/>\n": 0, " <!-- c --> \n": 12, " <!-- c --><b/>\n": 0, "<!--\n-->\n": 0, "": 0,
	} {
		x := index{src: []byte("<a>" + text)}
		if got := x.EndOfLine(3); got != 3+want {
			t.Errorf("%q: %d, want %d", text, got-3, want)
		}
	}
}
