package audit

import (
	"path"
	"slices"
	"strings"
)

// drivers are the connections of the system by the directory in which a driver keeps its guests.
var drivers = map[string]string{
	"qemu": "qemu:///system", "lxc": "lxc:///system", "libxl": "xen:///system", "bhyve": "bhyve:///system", "ch": "ch:///system",
}

// types are the directories of drivers by the type of their domains.
var types = map[string]string{"kvm": "qemu", "qemu": "qemu", "hvf": "qemu", "lxc": "lxc", "xen": "libxl", "bhyve": "bhyve"}

// SystemURI returns the connection to the libvirt of a machine that runs domains of a type; "" if no
// driver is known for it.
func SystemURI(domainType string) string { return drivers[types[domainType]] }

// Connection returns the URI of the libvirt that keeps the guest's definition: a change is made
// there, and not in the document, which libvirt would write again. file is the absolute name of the
// document if it is a file. It is "" for a file that its author keeps.
//
// A file that libvirt wrote begins with a warning (virXMLEmitWarning in src/util/virxml.c). A copy has
// the warning too, and that of another libvirt cannot be distinguished.
func (r *Result) Connection(file string) string {
	if r.Origin.Host != "" {
		return r.Origin.Host
	}
	above, below, found := strings.Cut(path.Clean(file), "/libvirt/")
	driver, _, inside := strings.Cut(below, "/")
	uri, known := drivers[driver]
	switch {
	case found && inside && known && slices.Contains(libvirtDirectories, above+"/libvirt/"):
		return uri
	case found && inside && known && driver == "qemu" && sessionDirectory(above):
		return "qemu:///session"
	case r.Generated:
		return SystemURI(r.Target.Type)
	}
	return ""
}

// sessionDirectory reports whether a directory is one in which a user's own libvirt has a directory:
// those of the XDG base directory specification, at their usual places.
func sessionDirectory(dir string) bool {
	return strings.HasSuffix(dir, "/.config") || strings.HasSuffix(dir, "/.cache") ||
		strings.HasSuffix(dir, "/.local/share") || strings.HasPrefix(dir, "/run/user/")
}

// Copied reports whether libvirt wrote the document for another purpose than to start the guest from
// it: it is part of a snapshot, a checkpoint, a saved state or the status of a running guest. A fix
// belongs into the guest's definition.
func (r *Result) Copied() bool {
	return r.Wrapped || r.Origin.Kind != "" && r.Origin.Kind != Stored && r.Origin.Kind != Running
}
