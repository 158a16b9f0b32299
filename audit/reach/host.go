package reach

import (
	"net/netip"
	"strconv"
	"strings"
)

// Host is one side of a network address: an IP address, or a name that the host resolves.
type Host struct {
	Address netip.Addr // invalid for a name
	Name    string     // in lower case; "" for an address, and where none is given
}

// ParseHost reads a host as getaddrinfo does for libvirt and QEMU: an address of either family,
// also IPv4-mapped, in brackets or with the numbers of inet_aton ("0", "127.1", "0x7f.1").
// Everything else is a name, "localhost4" and "127.0.0.999" too.
func ParseHost(text string) Host {
	inner := text
	if len(text) > 2 && text[0] == '[' && text[len(text)-1] == ']' {
		inner = text[1 : len(text)-1]
	}
	if a, err := netip.ParseAddr(inner); err == nil {
		return Host{Address: a.Unmap()}
	}
	if a, ok := classicAddress(text); ok {
		return Host{Address: a}
	}
	name := strings.ToLower(text)
	if bare := strings.TrimRight(name, "."); bare != name && bare != "" && !ParseHost(bare).Address.IsValid() {
		return Host{Name: bare} // "localhost." is "localhost", but "127.0.0.1." is a name
	}
	return Host{Name: name}
}

// String returns the address or the name; "*" where none is given.
func (h Host) String() string {
	switch {
	case h.Address.IsValid():
		return h.Address.String()
	case h.Name == "":
		return "*"
	}
	return h.Name
}

// Loopback reports whether the host is certainly the machine itself: an address of 127.0.0.0/8,
// ::1.
func (h Host) Loopback() bool { return h.Address.IsLoopback() }

// Every reports whether who listens there listens on all addresses.
func (h Host) Every() bool {
	return h.Address.IsUnspecified() || !h.Address.IsValid() && h.Name == ""
}

// classicAddress is inet_aton: one to four numbers, decimal, octal or hexadecimal; the last fills
// the rest.
func classicAddress(text string) (netip.Addr, bool) {
	parts := strings.Split(text, ".")
	if text == "" || len(parts) > 4 {
		return netip.Addr{}, false
	}
	var address uint64
	for i, part := range parts {
		if strings.ContainsAny(part, "_+-oObB") && !strings.HasPrefix(strings.ToLower(part), "0x") || strings.Contains(part, "_") {
			return netip.Addr{}, false
		}
		n, err := strconv.ParseUint(part, 0, 32)
		last := i == len(parts)-1
		if err != nil || !last && n > 255 {
			return netip.Addr{}, false
		}
		if !last {
			address |= n << (24 - 8*i)
			continue
		}
		if n>>(32-8*i) != 0 {
			return netip.Addr{}, false
		}
		address |= n
	}
	return netip.AddrFrom4([4]byte{byte(address >> 24), byte(address >> 16), byte(address >> 8), byte(address)}), true
}
