package audit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// TestLarge reads documents in which one thing occurs fifty thousand times. Each once took minutes,
// which would exceed the time limit of the tests.
func TestLarge(t *testing.T) {
	need.Full(t, "seconds for long documents")
	const many = 50_000
	var names, disks, waivers strings.Builder
	for i := range many {
		fmt.Fprintf(&names, "<unknown%d/>", i)
		fmt.Fprintf(&disks, "<disk><target dev='d%d'/></disk>", i)
		fmt.Fprintf(&waivers, `<va:waive rule="storage-x" device="d%d">ok</va:waive>`, i)
	}
	prefixes := strings.NewReplacer("<", " xmlns:", "/>", "='urn:x'").Replace(names.String())
	for name, text := range map[string]string{
		"reason in pieces":   "<metadata>" + in(`<va:waive rule="storage-x">`+strings.Repeat("aaaa<!---->", 2*many)+"</va:waive>") + "</metadata>",
		"unknown elements":   names.String(),
		"repeated elements":  strings.Repeat("<memory>1</memory>", many),
		"joined containers":  "<devices>" + names.String() + "</devices>" + strings.Repeat("<devices><disk/></devices>", many),
		"prefixes":           "<other" + prefixes + ">" + strings.Repeat("<unknown0:x/>", many) + "</other>",
		"waivers and disks":  "<metadata>" + in(waivers.String()) + "</metadata><devices>" + disks.String() + "</devices>",
		"waivers out of use": "<metadata>" + in(waivers.String()) + in(waivers.String()) + "</metadata>",
	} {
		d, err := domxml.Load("a.xml", []byte("<domain type='kvm'><name>a</name>"+text+"</domain>"))
		if err != nil {
			t.Errorf("%s: %.200v", name, err)
			continue
		}
		res := Run(d, &Settings{Rules: []*Rule{onDisks}})
		if found := len(res.Findings) + len(res.Waived); found != len(d.Devices.Disks) {
			t.Errorf("%s: %d findings at %d disks", name, found, len(d.Devices.Disks))
		}
		if name == "reason in pieces" && len(d.Waivers[0].Reason) != domxml.MaxMessage+len("…") {
			t.Errorf("%s: a reason of %d bytes", name, len(d.Waivers[0].Reason))
		}
		if name == "waivers and disks" && len(res.Waived) != many {
			t.Errorf("%s: %d waived", name, len(res.Waived))
		}
	}
}
