package live

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseURI(t *testing.T) {
	for uri, want := range map[string]string{ // transport, and the URI for the daemon
		"qemu:///system":                        "unix qemu:///system",
		"qemu:///session":                       "unix qemu:///session",
		"qemu+unix:///system?socket=/s":         "unix qemu:///system",
		"qemu://host/system":                    "tls qemu:///system",
		"qemu+tcp://host:1234/system":           "tcp qemu:///system",
		"qemu+ssh://root@host/system?keyfile=k": "ssh qemu:///system",
		"xen+libssh2://host":                    "libssh2 xen:///",
		"qemu+tls://host/x?name=ch:///system":   "tls ch:///system",
		"lxc:///":                               "unix lxc:///",
		"test+unix:///default":                  "unix test:///default",
		"test:///default?socket=/s":             "unix test:///default",
	} {
		target, err := parseURI(uri)
		if err != nil {
			t.Errorf("%s: %v", uri, err)
			continue
		}
		if got := target.transport + " " + target.remote(); got != want {
			t.Errorf("%s: %s, want %s", uri, got, want)
		}
	}
	for uri, want := range map[string]string{
		"":                              "empty connection URI",
		"web01":                         "not a connection URI",
		"web.xml":                       "not a connection URI",
		"qemu:system":                   "not a connection URI",
		"qemu+carrier-pigeon://h/":      `unsupported transport "carrier-pigeon"`,
		"qemu+ext:///system":            `unsupported transport "ext"`,
		"qemu+unix://host/system":       "a host name with a local socket",
		"qemu+ssh:///system":            "no host name for the transport ssh",
		"test:///default":               "the driver test runs inside",
		"esx://host/":                   "the driver esx runs inside",
		"qemu:///embed?root=/x":         "an embedded driver",
		"qemu+ssh://u:hunter2@h:x/sys":  "malformed connection URI",
		"qemu+ssh://u:hunter2%zz@h/sys": "malformed connection URI",
	} {
		h := Fetch(uri, Options{})
		if len(h.Problems) != 1 || !strings.Contains(h.Problems[0].Err.Error(), want) {
			t.Errorf("%s: %v, want %s", uri, h.Problems, want)
		}
		for _, p := range h.Problems {
			if strings.Contains(p.Error(), "hunter2") || strings.Contains(h.URI, "hunter2") {
				t.Errorf("a password is shown: %v", p)
			}
		}
	}
}

func TestWithoutPassword(t *testing.T) {
	for uri, want := range map[string]string{
		"qemu:///system?socket=/s":           "qemu:///system?socket=/s",
		"qemu+ssh://root@host/system":        "qemu+ssh://root@host/system",
		"qemu+libssh://root:pw@host/system":  "qemu+libssh://root:****@host/system",
		"qemu+libssh://a:b@c@host?x=y@z:q":   "qemu+libssh://a:****@host?x=y@z:q",
		"qemu+ssh://[::1]:22/system":         "qemu+ssh://[::1]:22/system",
		"qemu+ssh://u:p@[::1]:22/system#a:b": "qemu+ssh://u:****@[::1]:22/system#a:b",
	} {
		if got := withoutPassword(uri); got != want {
			t.Errorf("%s: %s, want %s", uri, got, want)
		}
	}
}

// TestSocketPath checks the choice of the socket.
func TestSocketPath(t *testing.T) {
	dir := t.TempDir()
	env := map[string]string{"XDG_RUNTIME_DIR": dir}
	getenv := func(key string) string { return env[key] }
	at := func(uri string, readOnly bool, euid int) (string, error) {
		target, err := parseURI(uri)
		if err != nil {
			t.Fatal(err)
		}
		return target.socketPath(readOnly, euid, getenv)
	}
	touch := func(name string) {
		if err := os.MkdirAll(filepath.Join(dir, "libvirt"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "libvirt", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := at("qemu:///session", false, 1000); err == nil || !strings.Contains(err.Error(), "virtqemud-sock nor "+dir+"/libvirt/libvirt-sock exists") {
		t.Error(err)
	}
	expect := func(uri string, readOnly bool, euid int, want string) {
		t.Helper()
		if got, err := at(uri, readOnly, euid); got != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", uri, got, err, want)
		}
	}
	touch("libvirt-sock")
	expect("qemu:///session", false, 1000, dir+"/libvirt/libvirt-sock")
	touch("virtqemud-sock")
	expect("qemu:///session", false, 1000, dir+"/libvirt/virtqemud-sock")
	expect("qemu:///session", true, 1000, dir+"/libvirt/virtqemud-sock") // a session has no read-only socket
	expect("qemu:///session?mode=legacy", false, 1000, dir+"/libvirt/libvirt-sock")
	expect("lxc:///session", false, 1000, dir+"/libvirt/libvirt-sock")
	expect("qemu:///session?socket=/s", true, 1000, "/s")
	expect("qemu:///system?mode=direct", true, 1000, "/var/run/libvirt/virtqemud-sock-ro")
	expect("qemu:///session?mode=legacy", true, 0, "/var/run/libvirt/libvirt-sock-ro") // root has no session
	if _, err := at("qemu:///system?mode=x", false, 0); err == nil {
		t.Error("an unknown mode is accepted")
	}
	env = map[string]string{"HOME": "/home/u", "XDG_RUNTIME_DIR": "relative"}
	expect("qemu:///session?mode=direct", false, 1000, "/home/u/.cache/libvirt/virtqemud-sock")
	env = nil
	if _, err := at("qemu:///session", false, 1000); err == nil {
		t.Error("a session without a directory")
	}
}
