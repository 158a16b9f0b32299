package identity

import (
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

func TestParseOwner(t *testing.T) {
	for _, c := range []struct {
		label            string
		user, group      string // their keys
		ok, root, group0 bool
	}{
		{"root:root", "0", "0", true, true, true},
		{"0:0", "0", "0", true, true, true},
		{"+0:+0", "0", "0", true, true, true},
		{" +0:+0", "0", "0", true, true, true},
		{"-0:-0", "0", "0", true, true, true},
		{"++0:++0", "0", "0", true, true, true},
		{"+ 0:\t0", "0", "0", true, true, true},
		{"-1:-1", "0", "0", true, true, true},
		{"4294967295:4294967295", "0", "0", true, true, true},
		{"+64055:-1", "64055", "0", true, false, true},
		{"+64055:+0", "64055", "0", true, false, true},
		{"libvirt-qemu:kvm", "libvirt-qemu", "kvm", true, false, false},
		{"+107:+107", "107", "107", true, false, false},
		{"0x0:0x0", "0x0", "0x0", true, false, false},
		{"+0x0:+0", "", "", false, false, false},
		{"4294967296:0", "", "", false, false, false},
		{"0 :0", "", "", false, false, false},
		{"0", "", "", false, false, false},
		{":", "", "", false, false, false},
		{"", "", "", false, false, false},
		{"a b:c", "", "", false, false, false},
	} {
		user, group, ok := ParseOwner(c.label)
		if ok != c.ok {
			t.Errorf("%q: ok is %v", c.label, ok)
			continue
		}
		if ok && (user.Key() != c.user || group.Key() != c.group || user.Root() != c.root || group.Root() != c.group0) {
			t.Errorf("%q: %s:%s, root %v:%v", c.label, user.Key(), group.Key(), user.Root(), group.Root())
		}
	}
}

func TestLabels(t *testing.T) {
	load := func(text string) *domxml.Domain {
		d, err := domxml.Load("test.xml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct {
		domain, use string
		model, kind string
		value       string
		force, out  bool
	}{
		{`<seclabel type='none'/>`, "none", "", "none", "", true, true},
		{`<seclabel model='none'/>`, "none", "none", "none", "", true, false},
		{`<seclabel type='none' model='dac'/>`, "none", "dac", "none", "", true, false},
		{`<seclabel type='none' model='apparmor'/>`, "none", "apparmor", "none", "", true, true},
		{`<seclabel type='static' model='dac'><label>a:b</label></seclabel>`, "process", "dac", "static", "a:b", true, false},
		{`<seclabel type='dynamic' model='dac'><label>a:b</label></seclabel>`, "process", "dac", "dynamic", "a:b", false, false},
		{`<seclabel model='selinux'><baselabel>u:r:t:s0</baselabel></seclabel>`, "base", "selinux", "dynamic", "u:r:t:s0", true, false},
		{`<seclabel><baselabel>u:r:t:s0</baselabel></seclabel>`, "base", "", "dynamic", "u:r:t:s0", true, false},
		{`<seclabel type='static' model='selinux'><baselabel>u:r:t:s0</baselabel></seclabel>`, "base", "selinux", "static", "u:r:t:s0", false, false},
		{`<seclabel model='dac'><baselabel>0:0</baselabel></seclabel>`, "base", "dac", "dynamic", "0:0", false, false},
		{
			`<devices><disk type='file'><source file='/a'><seclabel model='dac'><label>a:b</label></seclabel></source></disk></devices>`,
			"file", "dac", "", "a:b", true, false,
		},
		{
			`<devices><serial type='unix'><source path='/a'><seclabel model='dac' relabel='no'/></source></serial></devices>`,
			"file", "dac", "", "", true, false,
		},
	} {
		got := Labels(load(`<domain type='kvm'>` + c.domain + `</domain>`))
		if len(got) != 1 {
			t.Errorf("%s: %+v", c.domain, got)
			continue
		}
		l := got[0]
		use := map[Use]string{None: "none", Process: "process", Base: "base", Image: "image", File: "file"}[l.Use]
		if use != c.use || l.Model != c.model || l.Type != c.kind || l.Value != c.value || l.Active() != c.force || l.Unconfined() != c.out {
			t.Errorf("%s: %s %+v, active %v, unconfined %v", c.domain, use, l, l.Active(), l.Unconfined())
		}
	}
	live := Labels(load(`<domain type='kvm' id='1'><seclabel type='dynamic' model='dac' relabel='yes'><label>+0:+0</label><imagelabel>+0:+0</imagelabel></seclabel></domain>`))
	if len(live) != 2 || !live[0].Active() || live[1].Use != Image || live[0].Keep {
		t.Errorf("running guest: %+v", live)
	}
}

// TestKeepsOwner compares with the defaults of libvirt 9.0: relabel='no' for static and none.
func TestKeepsOwner(t *testing.T) {
	for seclabel, want := range map[string]bool{
		`<seclabel type='dynamic' model='dac'/>`:                                          false,
		`<seclabel type='dynamic' model='dac' relabel='yes'/>`:                            false,
		`<seclabel type='static' model='dac'><label>a:b</label></seclabel>`:               true,
		`<seclabel type='static' model='dac' relabel='yes'><label>a:b</label></seclabel>`: false,
		`<seclabel type='static' model='dac' relabel='no'><label>a:b</label></seclabel>`:  true,
		`<seclabel type='none' model='dac'/>`:                                             true,
		`<seclabel type='none'/>`:                                                         true,
		`<seclabel type='none' model='selinux'/>`:                                         false,
		`<seclabel type='static' model='selinux'><label>u:r:t:s0</label></seclabel>`:      false,
	} {
		d, err := domxml.Load("test.xml", []byte(`<domain type='kvm'>`+seclabel+`</domain>`))
		if err != nil {
			t.Fatal(err)
		}
		for e := range d.Root().Children("seclabel") {
			if got := KeepsOwner(e); got != want {
				t.Errorf("%s: %v", seclabel, got)
			}
		}
		for _, l := range Labels(d) {
			if keep := want || l.Model == "selinux" && l.Type != "dynamic"; l.Keep != keep {
				t.Errorf("%s: keeps %v", seclabel, l.Keep)
			}
		}
	}
}

func TestRuns(t *testing.T) {
	d, err := domxml.Load("test.xml", []byte(`<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
<os><inituser>root</inituser><initgroup>+5</initgroup></os>
<qemu:commandline><qemu:arg value='-runas'/><qemu:arg value='0:7'/><qemu:arg value='-run-with'/><qemu:arg value='user=qemu'/></qemu:commandline></domain>`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range Runs(d) {
		got = append(got, r.Account.Key())
	}
	if want := []string{"0", "5", "0", "7", "qemu"}; len(got) != len(want) || got[0] != want[0] || got[2] != want[2] || got[4] != want[4] {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestParseContext(t *testing.T) {
	c, ok := ParseContext("system_u:system_r:svirt_t:s0:c1,c2")
	if !ok || c != (Context{"system_u", "system_r", "svirt_t", "s0:c1,c2"}) {
		t.Errorf("%+v, %v", c, ok)
	}
	for _, label := range []string{"", "unconfined_t", "a:b", "a::c"} {
		if c, ok := ParseContext(label); ok {
			t.Errorf("%q: %+v", label, c)
		}
	}
}
