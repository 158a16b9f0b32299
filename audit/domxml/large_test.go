package domxml

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestFindAfterMany finds an element after many elements of another name.
func TestFindAfterMany(t *testing.T) {
	var padding strings.Builder
	for i := range manyChildren + 1 {
		fmt.Fprintf(&padding, "<unknown%d/>", i)
	}
	d, err := Load("a.xml", []byte("<domain type='kvm'>"+padding.String()+"<memory>1</memory><memory>2</memory><devices><disk/></devices><devices><disk/></devices></domain>"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for e := range d.Elements() {
		if e.Name == "disk" {
			names = append(names, e.Path().String())
		}
	}
	if !d.Has(At("devices/disk[2]")) || !slices.Equal(names, []string{"devices/disk[1]", "devices/disk[2]"}) {
		t.Errorf("disks at %v, devices there: %t", names, d.Has(At("devices")))
	}
}
