package audit_test

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/edit"
)

// TestFixSecrets: neither the text of a fix, nor what it removes, nor what it adds shows a secret.
func TestFixSecrets(t *testing.T) {
	const doc = `<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>web</name><memory>1024</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices>
  <graphics type='vnc' passwd='canary'/>
</devices>
</domain>`
	d, err := domxml.Load("a.xml", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	at := audit.At("devices/graphics[1]")
	r := &audit.Rule{
		ID: "a-b", Check: func(p *audit.Pass) { p.Reportf(at, "m") },
		Fixes: func(*audit.Pass, *audit.Finding) []audit.Fix {
			return []audit.Fix{
				audit.SafeFix("x", edit.Set(at.Attr("listen"), "127.0.0.1")).With("Set it beside %s", "password=canary"),
				audit.SafeFix("Remove it after password=canary", edit.Remove(at.Attr(""))),
				audit.UnsafeFix("Move it", edit.Insert(audit.At("qemu:commandline"), `<qemu:arg value='secret,id=a,password=canary'/>`)),
			}
		},
	}
	f := audit.Run(d, &audit.Settings{Rules: []*audit.Rule{r}}).Findings[0]
	if len(f.Fixes) != 3 {
		t.Fatalf("%+v", f.Fixes)
	}
	for i, x := range f.Fixes {
		parts := []string{x.Text, x.Diff}
		for _, c := range x.Changes {
			parts = append(parts, c.Text)
		}
		shown := strings.Join(parts, "\n")
		if x.Fault != "" || strings.Contains(shown, "canary") {
			t.Errorf("fix %d, %v: %s", i, x.Fault, shown)
		}
		if (x.Diff != "") != (i < 2) || (x.Changes != nil) != (i < 2) {
			t.Errorf("fix %d: %q, %+v", i, x.Diff, x.Changes)
		}
	}
}
