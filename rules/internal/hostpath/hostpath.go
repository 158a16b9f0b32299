// Package hostpath finds the file of the host that a name in a document leads to.
package hostpath

import (
	"path"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// Opened returns the file of the host that libvirtd and QEMU open for a name in a document, or ""
// for the empty name. Their working directory is the root directory, so a relative name starts
// there (measured: "../../etc/shadow" and "etc/shadow" were opened and changed owner; libvirt 9.0
// and 12.8). It does not access the file system, and follows only those symbolic links that every
// host has.
func Opened(name string) string {
	if name == "" || plainPath(name) {
		return name
	}
	return resolved(name)
}

// plainPath reports whether there is nothing to resolve in a name, as in most of them.
func plainPath(name string) bool {
	if name[0] != '/' || len(name) > 1 && strings.HasSuffix(name, "/") ||
		strings.Contains(name, "//") || strings.Contains(name, "/.") {
		return false
	}
	for _, l := range links {
		if Under(name, l.from) {
			return false
		}
	}
	return !strings.HasPrefix(name, "/proc/")
}

// links are symbolic links that all Linux hosts have. None of them leads to another one.
var links = []struct{ from, to string }{
	{"/var/run", "/run"},
	{"/var/lock", "/run/lock"},
	{"/run/shm", "/dev/shm"},
	{"/dev/fd", "/proc/self/fd"},
	{"/etc/mtab", "/proc/self/mounts"},
}

// resolved resolves a name step by step: ".." after a link leads to the parent of its target.
func resolved(name string) string {
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
		if target, ok := followedLink(at); ok {
			at = append(at[:0], target...)
		}
	}
	return "/" + strings.Join(at, "/")
}

// followedLink returns the target of a path whose last step is a known link.
func followedLink(at []string) (target []string, ok bool) {
	if len(at) == 3 && at[0] == "proc" && (at[2] == "root" || at[2] == "cwd") {
		return nil, true // of the daemon, and of most processes
	}
	if len(at) != 2 {
		return nil, false
	}
	name := "/" + at[0] + "/" + at[1]
	for _, l := range links {
		if l.from == name {
			return strings.Split(l.to[1:], "/"), true
		}
	}
	return nil, false
}

// Named quotes a name from the document for a message, with the file that it leads to if that
// differs.
func Named(name string) string {
	if file := Opened(name); file != name && file != path.Clean(name) {
		return "'" + name + "' (" + file + ")"
	}
	return "'" + name + "'"
}

// Under reports whether a resolved path is the directory or is below it.
func Under(file, directory string) bool {
	rest, ok := strings.CutPrefix(file, strings.TrimSuffix(directory, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

// Allowed reports whether the configuration allows guests the file that a name leads to.
func Allowed(p *audit.Pass, name string) bool { return p.AllowsPath(Opened(name)) }
