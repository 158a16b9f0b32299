package rules

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/edit"
)

// passWith calls do with a guest that has these arguments for QEMU, and the path of the last one.
func passWith(t *testing.T, args []string, do func(p *audit.Pass, last audit.Path)) {
	t.Helper()
	var b strings.Builder
	b.WriteString("<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>" +
		"<name>a</name><memory>1024</memory>" +
		"<os><type arch='x86_64' machine='q35'>hvm</type></os><qemu:commandline>")
	for _, a := range args {
		b.WriteString("<qemu:arg value='" + domxml.Escape(a, "'") + "'/>")
	}
	b.WriteString("</qemu:commandline></domain>")
	d, err := domxml.Load("test", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	called := false
	rule := &audit.Rule{ID: "test-rule", Check: func(p *audit.Pass) {
		called = true
		do(p, p.Command.Options[len(p.Command.Options)-1].At)
	}}
	audit.Run(d, &audit.Settings{Rules: []*audit.Rule{rule}})
	if !called {
		t.Fatal("the rule was not called")
	}
}

// TestDropParts requires that only the part goes, that doubled commas stay, and that the option goes
// as a whole where what remains would be read differently.
func TestDropParts(t *testing.T) {
	const whole = "(the option is removed)"
	for _, test := range []struct{ value, want string }{
		{"on,x=1", "on"},
		{"x=1,on", whole},
		{"x=1,y=2", "y=2"},
		{"y=a,,x=1,x=1", "y=a,,x=1"},
		{"y=2,x=1,x=2,z=3", "y=2,z=3"},
		{"x=1", whole},
		{`{"x":1}`, whole},
		{"y=2", whole},
		{"y=2,x=1,", "y=2"},
	} {
		passWith(t, []string{"-foo", test.value}, func(p *audit.Pass, at audit.Path) {
			got := whole
			if edits := dropParts(p, at, isKey("x")); edits[0].Op == edit.OpSet {
				got = edits[0].Text
			}
			if got != test.want {
				t.Errorf("%s: %s, want %s", test.value, got, test.want)
			}
		})
	}
}

// TestDeleteArgument counts the arguments that go with the last one.
func TestDeleteArgument(t *testing.T) {
	for _, test := range []struct {
		args []string
		want int
	}{
		{[]string{"-device", "a,id=x", "-netdev", "user,id=n"}, 2},
		{[]string{"-device", "a,netdev=n", "-netdev", "user,id=n"}, 4},
		{[]string{"-device", "user,host=n", "-mon", "n", "-chardev", "null,id=n"}, 6},
		{[]string{"-set", "device.n.x=1", "-set", "device.m.n=1", "-device", "a,id=n"}, 4},
		{[]string{"-serial", "chardev:n", "-chardev", "null,id=n"}, 4},
		{[]string{"-device", `{"driver":"b","drive":"n"}`, "-blockdev", `{"node-name":"n"}`}, 4},
		{[]string{"-device", "b,bus=c,id=d", "-device", "e,bus=d.0", "-device", "bus,id=c"}, 6},
		{[]string{"-device", "n,id=m", "-device", "x,id=n2,name=n", "-object", "rng,id=n"}, 2},
	} {
		passWith(t, test.args, func(p *audit.Pass, at audit.Path) {
			if got := len(deleteArgument(p, at)); got != test.want {
				t.Errorf("%q: %d arguments, want %d", test.args, got, test.want)
			}
		})
	}
}
