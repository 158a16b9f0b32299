package reach

import (
	"strings"
	"testing"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/hostpath"
)

func TestSensitive(t *testing.T) {
	own := &domxml.Domain{Domain: &libvirtxml.Domain{Name: "web", UUID: "11111111-2222-4333-8444-555555555555"}}
	for _, c := range []struct {
		name   string
		access Access
		group  string
		want   string
	}{
		{"/", Read, "root", "critical"},
		{"/etc", Write, "etc", "critical"},
		{"/etc/shadow", Read, "shadow", "critical"},
		{"/etc/shadow.d", Read, "etc-any", "medium"},
		{"/etc/cron.d", Create | Write, "cron", "critical"},
		{"/etc/cron.d/x", Create | Write, "cron", "critical"},
		{"/etc/cron.dx", Read, "etc-any", "medium"},
		{"/usr/share/x", Read, "usr", ""},
		{"/usr/bin/x", Write, "bin", "critical"},
		{"/usr/lib/systemd/system/x.service", Write, "systemd-etc", "critical"},
		{"/usr/share/OVMF/OVMF_CODE.fd", Read, "ovmf", ""},
		{"/usr/share/OVMF/OVMF_CODE.fd", Read | Write, "ovmf", "critical"},
		{"/var/lib/libvirt/images/a.qcow2", Read | Write, "lv-images", ""},
		{"/var/lib/libvirt/qemu/nvram/web_VARS.fd", Read | Write, "lv-nvram", ""},
		{"/var/lib/libvirt/qemu/nvram/db_VARS.fd", Read | Write, "lv-nvram", "low"},
		{"/var/lib/libvirt/qemu/domain-3-web/vnc.sock", Listen, "lv-domdir", ""},
		{"/var/lib/libvirt/qemu/domain-3-db/master-key.aes", Read, "lv-domdir", "high"},
		{"/var/lib/libvirt/qemu/domain-3-db/monitor.sock", Connect, "lv-mon", "critical"},
		{"/var/lib/libvirt/swtpm/11111111-2222-4333-8444-555555555555/tpm2", Read, "lv-swtpm", ""},
		{"/var/lib/libvirt/swtpm/99999999-2222-4333-8444-555555555555/tpm2", Read, "lv-swtpm", "critical"},
		{"/run/docker.sock", Connect, "docker", "critical"},
		{"/run/docker.socks", Connect, "run", "medium"},
		{"/run/podman/podman.sock", Connect, "docker", "critical"},
		{"/run/systemd/private", Connect, "systemd-sock", "critical"},
		{"/run/snapd.socket", Connect, "snapd", "high"},
		{"/run/libvirt/libvirt-sock", Connect, "lv-sock", "critical"},
		{"/run/libvirt/libvirt-sock-ro", Connect, "lv-sock", "high"},
		{"/home/bob", Read, "home", "high"},
		{"/home/bob/x.qcow2", Read | Write, "home-file", ""},
		{"/home/bob/.ssh/id_rsa", Read, "sshkeys", "critical"},
		{"/home/bob/.ssh/authorized_keys", Write, "authkeys", "critical"},
		{"/root/x.qcow2", Read | Write, "root-file", ""},
		{"/root/x.txt", Read, "root-home", "low"},
		{"/dev/sda", Read | Write | Whole, "dev-disk", ""},
		{"/dev/mapper/vg-root", Read, "dev-lvroot", "critical"},
		{"/dev/mapper/vg-guest", Read, "dev-lvm", ""},
		{"/dev/mapper/vg-web--root", Read | Write, "dev-lvm", ""},
		{"/dev/vg/web-root", Read | Write, "dev", ""},
		{"/dev/vg/root", Read | Write, "dev-lvroot", "critical"},
		{"/dev/ttyS0", Read, "dev-serial", "low"},
		{"/dev/tty1", Read, "dev-tty", "high"},
		{"/dev/null", Read, "dev-kvm", ""},
		{"/bin/sh", Execute, "interp", "critical"},
		{"/usr/bin/qemu-system-x86_64", Execute, "emulator", ""},
		{"/usr/bin/qemu-system-x86_64", Write, "emulator", "critical"},
		{"/usr/bin/ls", Execute, "bin", "low"},
		{"/var/lib/libvirt/qemu/nvram/x.fd", Read | Write, "lv-nvram-dir", ""},
		{"/tmp/x", Execute, "tmp", "critical"},
		{"/tmp/x", Read, "tmp", ""},
		{"/etc/libvirt/qemu/nvram/11111111-2222-4333-8444-555555555555_VARS-pure-efi.fd", Read | Write, "lv-nvram-alt", ""},
		{"/srv/x", Read, "mnt", ""},
	} {
		kind := File
		if c.access&(Connect|Listen) != 0 {
			kind = Socket
		}
		place, severity, ok := Sensitive(Resource{Kind: kind, Name: c.name, Access: c.access}, own)
		if !ok || place.Name != c.group || severity != c.want {
			t.Errorf("%s [%s]: %s %q, want %s %q", c.name, c.access, place.Name, severity, c.group, c.want)
		}
	}
	for _, c := range []struct {
		name   string
		access Access
		group  string
		want   string
	}{
		{"/var/spool", Read | Write, "cron", "critical"},
		{"/usr/share", Read, "usr", ""},
		{"/usr/share/doc", Read | Write, "usr", "critical"},
		{"/mnt", Read | Write, "mnt", ""},
		{"/mnt/nas", Read | Write, "mnt", ""},
		{"/var/lib/libvirt", Read, "lv-lib", "critical"},
		{"/var/lib/libvirt/qemu", Read, "lv-qemu", "critical"},
		{"/var/lib/libvirt/images/web", Read | Write, "lv-images", ""},
		{"/home/alice", Read | Write, "home", "critical"},
		{"/home/alice/Public", Read | Write, "home-file", ""},
		{"/srv/share/web", Read | Write, "mnt", ""},
	} {
		place, severity, ok := Sensitive(Resource{Kind: Directory, Name: c.name, Access: c.access}, own)
		if !ok || place.Name != c.group || severity != c.want {
			t.Errorf("directory %s [%s]: %s %q, want %s %q", c.name, c.access, place.Name, severity, c.group, c.want)
		}
	}
	for _, name := range []string{"/unheard/of", "relative"} {
		if place, _, ok := Sensitive(Resource{Kind: File, Name: name, Access: Read}, own); ok {
			t.Errorf("%s: %s", name, place.Name)
		}
	}
}

func TestSensitiveAddresses(t *testing.T) {
	for _, c := range []struct{ host, port, group string }{
		{"169.254.169.254", "80", "net-meta"},
		{"::ffff:169.254.169.254", "80", "net-meta"},
		{"Metadata.google.internal.", "80", "net-meta"},
		{"10.0.0.1", "2375", "net-mgmt"},
		{"10.0.0.1", "5950", "net-mgmt"},
		{"10.0.0.1", "80", ""},
	} {
		e := &Endpoint{Host: ParseHost(c.host), Port: c.port, Transport: TCP}
		place, _, _ := Sensitive(Resource{Kind: Network, Endpoint: e, Access: Connect}, nil)
		if place.Name != c.group {
			t.Errorf("%s:%s: %q, want %q", c.host, c.port, place.Name, c.group)
		}
	}
}

// TestSensitiveTable holds that every pattern is in normal form and is found by a path that it is
// made for.
func TestSensitiveTable(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(sensitiveText) {
		fields := strings.Fields(line)
		if line[0] != ' ' {
			if line[0] != '#' && len(fields) == 1 {
				t.Errorf("%s: no reason", fields[0])
			}
			continue
		}
		for _, pattern := range fields[4:] {
			if seen[pattern] {
				t.Errorf("%s: twice", pattern)
			}
			seen[pattern] = true
			if !strings.HasPrefix(pattern, "/") {
				continue
			}
			name := strings.NewReplacer("/**", "/QQ", "*", "QQ", "{name}", "QQ", "{uuid}", "QQ", "{short}", "1-QQ").Replace(pattern)
			if !strings.HasPrefix(pattern, "/proc/") && hostpath.Opened(name) != name {
				t.Errorf("%s: the normal form is %s", pattern, hostpath.Opened(name))
			}
			place, _, ok := Sensitive(Resource{Kind: File, Name: name, Access: Read}, nil)
			if !ok || strings.Count(place.Pattern, "/") < strings.Count(pattern, "/") {
				t.Errorf("%s: %s is taken for %q", pattern, name, place.Pattern)
			}
		}
	}
	t.Logf("patterns of sensitive places: %d", len(seen))
}
