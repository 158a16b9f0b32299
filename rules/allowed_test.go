package rules

import (
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
)

// TestAllowed audits a guest with executables and directories that the site allows.
func TestAllowed(t *testing.T) {
	const guest = `<domain type='kvm'><name>a</name><memory>1</memory><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
<emulator>/home/qemu/bin/qemu-system-x86_64</emulator>
<disk type='file'><driver name='qemu' type='raw'/><source file='/etc/guests/a.img'/><target dev='vda'/></disk>
<filesystem type='mount'><source dir='/etc/libvirt'/><target dir='x'/></filesystem>
</devices></domain>`
	d, err := domxml.Load("a.xml", []byte(guest))
	if err != nil {
		t.Fatal(err)
	}
	about := map[string]bool{"confinement-emulator-custom": true, "storage-sensitive-path": true, "sharing-fs-dangerous-path": true}
	for _, test := range []struct {
		allowed audit.Allowed
		want    int
	}{
		{audit.Allowed{}, 3},
		{audit.Allowed{Emulators: []string{"/home/qemu/bin/qemu-system-x86_64"}}, 2},
		{audit.Allowed{Emulators: []string{"/home/qemu/bin"}}, 3},
		{audit.Allowed{Directories: []string{"/etc/guests"}}, 2},
		{audit.Allowed{Directories: []string{"/etc/"}}, 1},
		{audit.Allowed{Directories: []string{"/etc/guest"}}, 3},
		{audit.Allowed{Directories: []string{"/etc/libvirt"}}, 2},
	} {
		n := 0
		for _, f := range audit.Run(d, &audit.Settings{Rules: All(), Allowed: test.allowed}).Findings {
			if about[f.Rule.ID] {
				n++
			}
		}
		if n != test.want {
			t.Errorf("%+v: %d findings, want %d", test.allowed, n, test.want)
		}
	}
}
