package audit

import (
	"testing"

	"github.com/virt-audit/virt-audit/audit/host"
)

// TestOnHost requires that documents are of one host if the user states it, or if they are in
// libvirt's directories.
func TestOnHost(t *testing.T) {
	for _, c := range []struct {
		source, connection string
		cfg                Settings
		want               string
	}{
		{source: "web.xml"},
		{source: "guests/etc/libvirt/qemu/web.xml"},
		{source: "/home/joe/guests/etc/libvirt/qemu/web.xml"},
		{source: "/etc/libvirtd/web.xml"},
		{source: "/etc/libvirt/../../srv/web.xml"},
		{source: "/etc/libvirt/qemu/web.xml", want: "this host"},
		{source: "/run/libvirt/qemu/web.xml", want: "this host"},
		{source: "/var/run/libvirt/qemu/web.xml", want: "this host"},
		{source: "/var/lib/libvirt/qemu/save/web.save", want: "this host"},
		{source: "web.xml", cfg: Settings{OneHost: true}, want: "the host"},
		{source: "/etc/libvirt/qemu/web.xml", cfg: Settings{OneHost: true}, want: "the host"},
		{source: "web.xml", cfg: Settings{Host: &host.Facts{}}, want: "the host"},
		{source: "web", connection: "qemu:///system", want: "qemu:///system"},
		{source: "web", connection: "qemu+ssh://b/system", cfg: Settings{OneHost: true}, want: "qemu+ssh://b/system"},
	} {
		d := &Domain{Source: c.source, Origin: Origin{Host: c.connection}}
		if got := c.cfg.HostName(d); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.source, c.connection, got, c.want)
		}
	}
}
