package inventory

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit/hostpath"
	"github.com/virt-audit/virt-audit/audit/reach"
	"github.com/virt-audit/virt-audit/audit/secret"
)

// shown returns the name without secrets. As in excerpts of reports, the value of an environment
// variable and the query of a URL are secret as a whole: what they contain is not known.
func shown(r reach.Resource) string {
	name := r.Name
	switch r.Kind {
	case reach.Variable:
		if variable, _, ok := strings.Cut(name, "="); ok {
			return secret.Mask(variable) + "=" + secret.Hidden
		}
	case reach.Remote:
		if before, _, ok := strings.Cut(name, "?"); ok {
			name = before + "?" + secret.Hidden
		}
	default:
	}
	return strings.Clone(secret.MaskWords(name))
}

// keyOf returns what is equal for two guests that touch the same thing of one host, and the path, or
// "" for what has none. Everything that has a path has one name space: a document does not have to
// state that a file is a device.
func keyOf(r reach.Resource) (key, path string) {
	if onDisk(r) {
		path = strings.Clone(r.Name)
		return hostpath.LogicalVolume(path), path
	}
	return r.Kind.String() + " " + r.Name, ""
}

// onDisk reports whether the resource is named by a path of the host.
func onDisk(r reach.Resource) bool {
	return strings.HasPrefix(r.Name, "/") && (r.Kind.OnDisk() || r.Kind == reach.Descriptor)
}

// scope is how far a name means the same thing.
type scope uint8

const (
	onHost     scope = iota // on one host
	everywhere              // on any host that has the same network
	nowhere                 // in no other guest
)

// scopeOf returns how far the name of a resource means the same.
func scopeOf(r reach.Resource) scope {
	switch r.Kind {
	case reach.Unknown, reach.Variable, reach.Descriptor:
		return nowhere
	case reach.Remote:
		if !ofThisHost(r.Name) {
			return everywhere
		}
	case reach.Network:
		switch e := r.Endpoint; {
		case e.Transport == reach.VSOCK:
		case r.Access&reach.Listen != 0 && e.Port == "":
			return nowhere // libvirt chooses another port for each guest
		case r.Access&reach.Listen == 0 && !local(e.Host) || e.Transport == reach.Multicast:
			return everywhere
		}
	default:
	}
	return onHost
}

func local(h reach.Host) bool {
	return h.Loopback() || h.Every() || strings.HasPrefix(h.Name, "localhost")
}

// ofThisHost reports whether the server in the name of an image is the host itself, or a socket.
func ofThisHost(name string) bool {
	_, rest, _ := strings.Cut(name, "://")
	if strings.HasPrefix(rest, "[/") || strings.HasPrefix(rest, "[@") {
		return true
	}
	server, _, _ := strings.Cut(rest, "/")
	if strings.HasPrefix(server, "[") {
		server, _, _ = strings.Cut(server[1:], "]")
	} else {
		server, _, _ = strings.Cut(server, ":")
	}
	h := reach.ParseHost(server)
	return server != "" && local(h)
}

// systemDirectories hold what packages install, and the configuration of the host.
var systemDirectories = []string{"/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store"}

// byDesign is the group of sensitive.txt of devices that every process can open for itself.
const byDesign = "dev-kvm"

// commonByNature reports whether guests have a thing in common without a connection between them:
// settings of the host, devices such as /dev/urandom, and files of the system that they only read or
// execute, unless it is bad that they do.
func commonByNature(r reach.Resource, place reach.Place, severity string) bool {
	switch {
	case r.Kind == reach.Setting || r.Kind == reach.Filter || place.Name == byDesign:
		return true
	case r.Access&^(reach.Read|reach.Execute) != 0:
		return false
	case r.Kind == reach.Executable && !strings.HasPrefix(r.Name, "/"):
		return true // libvirt finds it in its own directories
	case severity != "" && severity != "low":
		return false
	}
	for _, directory := range systemDirectories {
		if onDisk(r) && hostpath.Below(r.Name, directory) {
			return true
		}
	}
	return false
}
