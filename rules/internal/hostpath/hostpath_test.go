package hostpath

import "testing"

func TestOpenedPath(t *testing.T) {
	for name, want := range map[string]string{
		"":                                 "",
		"/":                                "/",
		"/var/lib/libvirt/images/a.qcow2":  "/var/lib/libvirt/images/a.qcow2",
		"etc/shadow":                       "/etc/shadow",
		"./etc/shadow":                     "/etc/shadow",
		"../../etc/shadow":                 "/etc/shadow",
		"/../etc/shadow":                   "/etc/shadow",
		"//etc//shadow":                    "/etc/shadow",
		"/etc/./shadow":                    "/etc/shadow",
		"/etc/shadow/":                     "/etc/shadow",
		"/srv/../etc/shadow":               "/etc/shadow",
		"srv/x/../../etc/shadow":           "/etc/shadow",
		".":                                "/",
		"..":                               "/",
		"/..":                              "/",
		"/etc/..":                          "/",
		"/var/run":                         "/run",
		"/var/run/libvirt/libvirt-sock":    "/run/libvirt/libvirt-sock",
		"var/run/libvirt/libvirt-sock":     "/run/libvirt/libvirt-sock",
		"/var/./run/libvirt":               "/run/libvirt",
		"/var/run/../etc/shadow":           "/etc/shadow",
		"/var/lock/../../etc/shadow":       "/etc/shadow",
		"/dev/fd/../root/etc/shadow":       "/etc/shadow",
		"/proc/self/root/etc/shadow":       "/etc/shadow",
		"/proc/1/root/../etc/shadow":       "/etc/shadow",
		"/proc/1/cwd/etc":                  "/etc",
		"/proc/self/root/proc/1/root/etc":  "/etc",
		"/proc/1/mem":                      "/proc/1/mem",
		"/var/runner/a":                    "/var/runner/a",
		"/srv/..a":                         "/srv/..a",
		"/srv/.ssh/id":                     "/srv/.ssh/id",
		"/var/lib/libvirt/images/../../..": "/var",
	} {
		if got := Opened(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
