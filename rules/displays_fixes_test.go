package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
)

// TestFixesHideSecrets requires that no fix shows a password of the argument that it changes.
func TestFixesHideSecrets(t *testing.T) {
	for _, c := range []struct{ name, argument string }{
		{"spice", "port=5999,password=canary"},
		{"spice", "port=5999,addr=0.0.0.0,password=canary,disable-ticketing=on"},
		{"serial", "tcp:0.0.0.0:1,server=on,password=canary"},
		{"serial", "mon:unix:/tmp/password=canary,server=on"},
		{"netdev", "tap,id=n0,script=/etc/up,password=canary"},
	} {
		doc := "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>" +
			"<name>a</name><os><type arch='x86_64' machine='q35'>hvm</type></os>" +
			"<qemu:commandline><qemu:arg value='-" + c.name + "'/>" +
			"<qemu:arg value='" + c.argument + "'/></qemu:commandline></domain>"
		_, res := newProof(&audit.Settings{Rules: slices.Concat(interfaces, network)}).judge(t, "test", []byte(doc))
		fixes := 0
		for _, f := range res.Findings {
			for _, x := range f.Fixes {
				fixes++
				if shown := fmt.Sprint(x.Text, x.Changes, x.Diff); strings.Contains(shown, "canary") {
					t.Errorf("-%s %s: %s %q shows the password: %s", c.name, c.argument, f.Rule.ID, x.Text, shown)
				}
			}
		}
		if fixes == 0 {
			t.Errorf("-%s %s: no fix", c.name, c.argument)
		}
	}
}
