package audit

import "slices"

// The namespaces in which libvirt's drivers read elements of their own below <domain>. Everything
// outside <metadata> in another namespace is invisible to libvirt, which looks elements up by XPath,
// but not to a decoder that matches by local name (source: libvirt, virXMLNamespace users of
// src/*/; the "namespaces" of the schema domaincommon.rng).
var hypervisorNamespaces = map[string]struct {
	prefix   string
	elements map[string]bool // what libvirt looks for directly below <domain>
}{
	"http://libvirt.org/schemas/domain/qemu/1.0":   {"qemu", set("commandline", "capabilities", "override", "deprecation")},
	"http://libvirt.org/schemas/domain/lxc/1.0":    {"lxc", set("namespace")},
	"http://libvirt.org/schemas/domain/xen/1.0":    {"xen", set("commandline")},
	"http://libvirt.org/schemas/domain/bhyve/1.0":  {"bhyve", set("commandline")},
	"http://libvirt.org/schemas/domain/vmware/1.0": {"vmware", set("datacenterpath", "moref")},
	// The test driver's own elements say how its mock domain behaves; they reach no real guest.
	"http://libvirt.org/schemas/domain/test/1.0": {"test", set("runstate", "transient", "hasmanagedsave", "domainsnapshot", "domaincheckpoint")},
}

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

const xmlURI = "http://www.w3.org/XML/1998/namespace"

// binding is one declaration of a namespace prefix; "" is the default namespace.
type binding struct{ prefix, uri string }

// resolve returns the namespace that a prefix stands for at this point of the document.
func (r *reader) resolve(prefix string) (uri string, declared bool) {
	for _, b := range slices.Backward(r.bindings) {
		if b.prefix == prefix {
			return b.uri, true
		}
	}
	switch prefix {
	case "":
		return "", true
	case "xml":
		return xmlURI, true
	}
	return "", false
}
