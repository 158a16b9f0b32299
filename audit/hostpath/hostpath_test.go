package hostpath

import "testing"

func TestOpened(t *testing.T) {
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
		"/etc/shadow":                      "/etc/shadow",
		"/etc//shadow/":                    "/etc/shadow",
		"/etc/./x/../shadow":               "/etc/shadow",
		"/var/run/docker.sock":             "/run/docker.sock",
		"/var/run/../etc":                  "/etc",
		"/var/running":                     "/var/running",
		"/proc/1/root/etc/shadow":          "/etc/shadow",
		"/proc/1/cwd/etc/shadow":           "/etc/shadow",
		"/proc/1/task/1/root/etc":          "/etc",
		"/proc/self/cwd":                   "/",
		"/proc/self/roots":                 "/proc/self/roots",
		"/dev/fd/3":                        "/proc/self/fd/3",
		"/dev/fdset/1":                     "/dev/fdset/1",
		"/dev/stdin":                       "/proc/self/fd/0",
		"/run/shm/x":                       "/dev/shm/x",
		"/etc/mtab":                        "/proc/self/mounts",
		"/a/...":                           "/a/...",
		"/a/.b":                            "/a/.b",
	} {
		if got := Opened(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
