package domxml_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

func TestElements(t *testing.T) {
	d, err := domxml.Load("vm.xml", []byte(`<domain type='kvm' id='1' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <metadata><a:b xmlns:a='urn:x'/></metadata>
  <devices><disk type = "file" device='disk'><source file='/a>b'/></disk></devices>
  <name>x</name>
  <devices><disk><source/></disk><emulator>/e</emulator></devices>
  <emulator/>
  <qemu:commandline><qemu:arg value='-s'/></qemu:commandline>
</domain>`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for e := range d.Elements() {
		line := []string{strings.Repeat(" ", e.Depth) + e.Name, e.Path().String()}
		for name := range e.Attributes {
			line = append(line, "@"+string(name))
		}
		got = append(got, strings.Join(line, " "))
		if !d.Has(e.Path()) {
			t.Errorf("%s does not exist", e.Path())
		}
	}
	want := []string{
		"domain . @type @id",
		" metadata metadata",
		" devices devices",
		"  disk devices/disk[1] @type @device",
		"   source devices/disk[1]/source @file",
		"  disk devices/disk[2]",
		"   source devices/disk[2]/source",
		"  emulator devices/emulator",
		" name name",
		" emulator emulator",
		" qemu:commandline qemu:commandline",
		"  qemu:arg qemu:commandline/qemu:arg[1] @value",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for e := range d.Elements() {
		if e.Name == "disk" {
			break
		}
	}
}

func TestElementsMany(t *testing.T) {
	doc := "<domain type='kvm'><devices>" + strings.Repeat("<disk/><hub type='usb'/>", 100) + "</devices></domain>"
	d, err := domxml.Load("vm.xml", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for e := range d.Elements() {
		last = e.Path().String()
	}
	if last != "devices/hub[100]" {
		t.Errorf("the last element is %s", last)
	}
	if n := testing.AllocsPerRun(10, func() {
		for e := range d.Elements() {
			for range e.Attributes {
			}
		}
	}); n != 0 {
		t.Errorf("the walk allocates %v times", n)
	}
}
