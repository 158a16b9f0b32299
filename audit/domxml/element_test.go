package domxml

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestElement reads elements directly, below a parent with few children and below one with many.
func TestElement(t *testing.T) {
	const document = `<domain type='kvm'><name>a&amp;b</name><devices>%s<disk type='file'
		device='cd&lt;'><source file='/a'/></disk><tpm/><disk type='block'/></devices></domain>`
	for _, others := range []int{0, 2 * manyChildren} {
		d, err := Load("x.xml", fmt.Appendf(nil, document, strings.Repeat("<hub/>", others)))
		if err != nil {
			t.Fatal(err)
		}
		root := d.Root()
		if name := slices.Collect(root.Children("name")); len(name) != 1 || name[0].Text() != "a&b" {
			t.Errorf("%d others: <name> is %v", others, name)
		}
		var disks []Element
		for devices := range root.Children("devices") {
			disks = slices.Collect(devices.Children("disk"))
			for range devices.Children("disk") {
				break // the iterator must not be called again
			}
		}
		if len(disks) != 2 || disks[0] == disks[1] || disks[1].Path().String() != "devices/disk[2]" {
			t.Fatalf("%d others: disks are %v", others, disks)
		}
		if v, ok := disks[0].Attr("device"); !ok || v != "cd<" {
			t.Errorf("device is %q, %t", v, ok)
		}
		if v, ok := disks[0].Attr("dev"); ok || v != "" {
			t.Errorf("dev is %q, %t", v, ok)
		}
		if tag, content := disks[0].Size(); tag != len("<disk type='file'\n\t\tdevice='cd&lt;'>") || content != len("<source file='/a'/>") {
			t.Errorf("sizes are %d and %d", tag, content)
		}
	}
	if !Repeats("devices", "disk") || Repeats("disk", "driver") {
		t.Error("lists are not distinguished from single elements")
	}
}
