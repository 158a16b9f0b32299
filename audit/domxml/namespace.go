package domxml

// The namespaces in which libvirt's drivers read their own elements below <domain>. Outside
// <metadata>, libvirt does not see any element in another namespace, because it looks elements up
// by XPath; a decoder that matches by local name does (source: libvirt, virXMLNamespace users of
// src/*/; the "namespaces" of the schema domaincommon.rng).
var hypervisorNamespaces = map[string]struct {
	prefix   string
	elements map[string]bool // the elements that libvirt reads directly below <domain>
}{
	"http://libvirt.org/schemas/domain/qemu/1.0":   {"qemu", set("commandline", "capabilities", "override", "deprecation")},
	"http://libvirt.org/schemas/domain/lxc/1.0":    {"lxc", set("namespace")},
	"http://libvirt.org/schemas/domain/xen/1.0":    {"xen", set("commandline")},
	"http://libvirt.org/schemas/domain/bhyve/1.0":  {"bhyve", set("commandline")},
	"http://libvirt.org/schemas/domain/vmware/1.0": {"vmware", set("datacenterpath", "moref")},
	// The elements of the test driver configure its mock domain; they do not reach a real guest.
	"http://libvirt.org/schemas/domain/test/1.0": {"test", set("runstate", "transient", "hasmanagedsave", "domainsnapshot", "domaincheckpoint")},
}

// Namespace returns the namespace for which libvirt and Element.Name have a prefix, such as "qemu".
func Namespace(prefix string) (uri string, ok bool) {
	for uri, n := range hypervisorNamespaces {
		if n.prefix == prefix {
			return uri, true
		}
	}
	return "", false
}

// The two namespaces that XML itself defines.
const (
	xmlURI   = "http://www.w3.org/XML/1998/namespace"
	xmlnsURI = "http://www.w3.org/2000/xmlns/"
)

// forbiddenBinding reports whether Namespaces in XML forbids a declaration. libxml2 reports such a
// declaration and ignores it, so that the element keeps the namespace that it has without it; other
// readers obey it. (xmlParseStartTag2 in libxml2's parser.c; seen with libvirt 9.0 and 12.8.)
func forbiddenBinding(prefix, uri string) bool {
	switch prefix {
	case "xmlns":
		return true
	case "xml":
		return uri != xmlURI
	case "":
		return uri == xmlURI || uri == xmlnsURI
	}
	return uri == "" || uri == xmlURI || uri == xmlnsURI
}

// binding is one declaration of a namespace prefix; "" is the default namespace.
type binding struct{ prefix, uri string }

// namespaces are the declarations that are in effect at the current element.
type namespaces struct {
	bindings []binding
	bound    map[string][]int // the indices of the bindings that declare a prefix, the innermost last
}

// bind declares a prefix for the content of the current element.
func (n *namespaces) bind(prefix, uri string) {
	if n.bound == nil {
		n.bound = map[string][]int{}
	}
	n.bound[prefix] = append(n.bound[prefix], len(n.bindings))
	n.bindings = append(n.bindings, binding{prefix, uri})
}

// unbind removes all declarations but the first count.
func (n *namespaces) unbind(count int) {
	for _, b := range n.bindings[count:] {
		list := n.bound[b.prefix]
		n.bound[b.prefix] = list[:len(list)-1]
	}
	n.bindings = n.bindings[:count]
}

// resolve returns the namespace of a prefix at this point of the document.
func (n *namespaces) resolve(prefix string) (uri string, declared bool) {
	if list := n.bound[prefix]; len(list) > 0 {
		return n.bindings[list[len(list)-1]].uri, true
	}
	switch prefix {
	case "":
		return "", true
	case "xml":
		return xmlURI, true
	}
	return "", false
}
