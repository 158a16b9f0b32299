package rules

import "github.com/virt-audit/virt-audit/audit/reach"

// isLoopback reports whether an address of the document can only be reached from this host.
func isLoopback(address string) bool { return isLocal(reach.ParseHost(address)) }

// isLocal reports whether a host is certainly this one: a loopback address, or the name localhost,
// which every resolver has to answer with one (RFC 6761, section 6.3). Other names, such as
// localhost4, mean what the host's files and name servers say.
func isLocal(h reach.Host) bool { return h.Loopback() || h.Name == "localhost" }

// staysHere reports whether a connection to a host ends on this one. Linux, and QEMU's default,
// take an address that is not specified for the host itself.
func staysHere(h reach.Host) bool { return isLocal(h) || h.Every() }

// addressOrAny returns an address for messages.
func addressOrAny(host string) string {
	if host == "" {
		return "every address"
	}
	return host
}

// hostOrAny returns a host for messages.
func hostOrAny(h reach.Host) string {
	if !h.Address.IsValid() {
		return addressOrAny(h.Name)
	}
	return h.String()
}
