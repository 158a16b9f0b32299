// Package hostpath finds the file of the host that a name in a document leads to. It does not access
// the file system.
package hostpath

import "strings"

// Opened returns the file of the host that libvirtd and QEMU open for a name in a document, or ""
// for the empty name. Their working directory is the root directory, so a relative name starts
// there (measured: "../../etc/shadow" and "etc/shadow" were opened and changed owner; libvirt 9.0
// and 12.8). It follows only those symbolic links that every Linux host has.
func Opened(name string) string {
	if name == "" || isNormal(name) {
		return name
	}
	return resolve(name)
}

// isNormal reports whether there is nothing to resolve in a name, as in most of them.
func isNormal(name string) bool {
	if name[0] != '/' || len(name) > 1 && name[len(name)-1] == '/' ||
		strings.Contains(name, "//") || strings.Contains(name, "/.") {
		return false
	}
	for _, l := range links {
		if Below(name, l.from) {
			return false
		}
	}
	return !strings.HasPrefix(name, "/proc/")
}

// links are symbolic links that all Linux hosts have. None of them leads to another one.
var links = []struct {
	from  string
	steps []string
}{
	{"/var/run", []string{"run"}},
	{"/var/lock", []string{"run", "lock"}},
	{"/run/shm", []string{"dev", "shm"}},
	{"/dev/fd", []string{"proc", "self", "fd"}},
	{"/dev/stdin", []string{"proc", "self", "fd", "0"}},
	{"/dev/stdout", []string{"proc", "self", "fd", "1"}},
	{"/dev/stderr", []string{"proc", "self", "fd", "2"}},
	{"/etc/mtab", []string{"proc", "self", "mounts"}},
}

// resolve resolves a name step by step: ".." after a link leads to the parent of its target.
func resolve(name string) string {
	at := make([]string, 0, 16)
	for step := range strings.SplitSeq(name, "/") {
		switch step {
		case "", ".":
			continue
		case "..":
			at = at[:max(len(at)-1, 0)]
			continue
		}
		at = append(at, step)
		if target, ok := followed(at); ok {
			at = append(at[:0], target...)
		}
	}
	return "/" + strings.Join(at, "/")
}

// followed returns the target of a path whose last step is a known link.
func followed(at []string) (target []string, ok bool) {
	if at[0] == "proc" && (len(at) == 3 || len(at) == 5 && at[2] == "task") {
		switch at[len(at)-1] {
		case "root", "cwd":
			return nil, true // of the daemon, and of most processes
		}
	}
	if len(at) != 2 {
		return nil, false
	}
	name := "/" + at[0] + "/" + at[1]
	for _, l := range links {
		if l.from == name {
			return l.steps, true
		}
	}
	return nil, false
}

// Below reports whether a path in normal form is the directory or is below it.
func Below(file, directory string) bool {
	rest, ok := strings.CutPrefix(file, strings.TrimSuffix(directory, "/"))
	return ok && (rest == "" || rest[0] == '/')
}
