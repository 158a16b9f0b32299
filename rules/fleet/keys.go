package fleet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
)

// imageKey returns the key of the image that a <source> names, or "" if it is not an image or not
// known. never reports that the protocol does not support writes.
func imageKey(s *libvirtxml.DomainDiskSource) (key, attribute, what string, never bool) {
	if s == nil {
		return "", "", "", false
	}
	local := func(name, attribute string) (string, string, string, bool) {
		return devicePath(name), attribute, name, false
	}
	switch {
	case s.File != nil:
		return local(s.File.File, "file")
	case s.Block != nil:
		return local(s.Block.Dev, "dev")
	case s.VHostVDPA != nil:
		return local(s.VHostVDPA.Dev, "dev")
	case s.VHostUser != nil && s.VHostUser.UNIX != nil:
		return local(s.VHostUser.UNIX.Path, "path")
	case s.Volume != nil && s.Volume.Volume != "":
		name := s.Volume.Pool + "/" + s.Volume.Volume
		return "volume " + name, "volume", name, false
	case s.Network != nil:
		n := s.Network
		key = remoteKey(n.Protocol, n.Name, n.Hosts)
		if n.Query != "" {
			key += "?" + n.Query
		}
		if n.Snapshot != nil && n.Snapshot.Name != "" {
			key, never = key+"@"+n.Snapshot.Name, true
		}
		never = never || slices.Contains([]string{"http", "https", "ftp", "ftps", "tftp"}, n.Protocol)
		return key, "name", strings.TrimSuffix(n.Protocol+":"+n.Name, ":"), never
	}
	return "", "", "", false
}

// defaultPorts are the ports that libvirt and QEMU use for a host without a port.
var defaultPorts = map[string]string{
	"nbd": "10809", "rbd": "6789", "iscsi": "3260", "gluster": "24007", "sheepdog": "7000", "ssh": "22", "nfs": "2049",
	"http": "80", "https": "443", "ftp": "21", "ftps": "990", "tftp": "69", "vxhs": "9999",
}

// remoteKey returns the key of an image on a server. The hosts of a cluster can be listed in any
// order.
func remoteKey(protocol, name string, hosts []libvirtxml.DomainDiskSourceHost) string {
	var list []string
	for _, h := range hosts {
		if h.Socket != "" {
			list = append(list, hostPath(h.Socket))
			continue
		}
		port := h.Port
		if port == "" {
			port = defaultPorts[protocol]
		}
		list = append(list, strings.ToLower(h.Name)+":"+port)
	}
	slices.Sort(list)
	if protocol == "iscsi" && !strings.Contains(name, "/") {
		name += "/0" // the default is the first unit
	}
	return protocol + " " + strings.Join(list, ",") + " " + name
}

// pciKey writes a PCI address as lspci does.
func pciKey(a *libvirtxml.DomainAddressPCI) string {
	if a == nil || a.Bus == nil && a.Slot == nil {
		return ""
	}
	n := func(u *uint) uint {
		if u == nil {
			return 0
		}
		return *u
	}
	return fmt.Sprintf("%04x:%02x:%02x.%x", n(a.Domain), n(a.Bus), n(a.Slot), n(a.Function))
}

// pciFromText reads "06:12.0" or "0000:06:12.0", as QEMU's command line has them.
func pciFromText(s string) string {
	if strings.Count(s, ":") == 1 {
		s = "0000:" + s
	}
	var domain, bus, slot, function uint
	if n, _ := fmt.Sscanf(s, "%x:%x:%x.%x", &domain, &bus, &slot, &function); n != 4 {
		return ""
	}
	return fmt.Sprintf("%04x:%02x:%02x.%x", domain, bus, slot, function)
}

// macKey writes a MAC address with two lower-case digits for each byte; libvirt also accepts one
// digit.
func macKey(mac string) string {
	parts := strings.Split(strings.ToLower(strings.TrimSpace(mac)), ":")
	if len(parts) != 6 {
		return ""
	}
	for i, s := range parts {
		if len(s) == 1 {
			parts[i] = "0" + s
		}
	}
	if key := strings.Join(parts, ":"); key != "00:00:00:00:00:00" {
		return key
	}
	return ""
}

// idKey returns a vendor's or product's ID as four digits without a prefix.
func idKey(id *libvirtxml.DomainHostDevProductVendorID) string {
	if id == nil {
		return ""
	}
	n, err := strconv.ParseUint(id.ID, 0, 32)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%04x", n)
}

// uuidForm writes a UUID in lower case without dashes; "" for the empty one.
func uuidForm(s string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), "-", ""))
}

// numberSet is a set of CPUs, or of categories, that is large enough for any host.
type numberSet [128]uint64

const maxNumber = 128 * 64

// add parses a list in libvirt's syntax, such as "0-3,^2,8"; dash is the separator of a range.
func (s *numberSet) add(list, dash string) {
	for part := range strings.SplitSeq(list, ",") {
		part, without := strings.CutPrefix(strings.TrimSpace(part), "^")
		from, to, span := strings.Cut(part, dash)
		a, err := strconv.Atoi(from)
		b := a
		if span && err == nil {
			b, err = strconv.Atoi(to)
		}
		if err != nil || a < 0 || b >= maxNumber {
			continue
		}
		for i := a; i <= b; {
			mask, step := uint64(1)<<(i%64), 1
			if i%64 == 0 && i+63 <= b {
				mask, step = ^uint64(0), 64
			}
			if without {
				s[i/64] &^= mask
			} else {
				s[i/64] |= mask
			}
			i += step
		}
	}
}

func (s *numberSet) has(i int) bool { return s[i/64]>>(i%64)&1 != 0 }

// chardev is one end of a character device.
type chardev struct {
	at     audit.Path // the <source>
	source *libvirtxml.DomainChardevSource
}

// chardevs lists the character devices, except the <console> with which libvirt repeats a <serial>.
func chardevs(p *audit.Pass) []chardev {
	var out []chardev
	add := func(at audit.Path, source *libvirtxml.DomainChardevSource) {
		if source != nil {
			out = append(out, chardev{at.Elem("source"), source})
		}
	}
	for at, d := range audit.Each("devices/serial", p.Devices.Serials) {
		add(at, d.Source)
	}
	for at, d := range audit.Each("devices/parallel", p.Devices.Parallels) {
		add(at, d.Source)
	}
	for at, d := range audit.Each("devices/console", p.Devices.Consoles) {
		if len(p.Devices.Serials) == 0 || d.Target == nil || d.Target.Type != "serial" {
			add(at, d.Source)
		}
	}
	for at, d := range audit.Each("devices/channel", p.Devices.Channels) {
		add(at, d.Source)
	}
	for at, d := range audit.Each("devices/redirdev", p.Devices.RedirDevs) {
		add(at, d.Source)
	}
	for at, d := range audit.Each("devices/smartcard", p.Devices.Smartcards) {
		add(at, d.Passthrough)
	}
	for at, d := range audit.Each("devices/rng", p.Devices.RNGs) {
		if d.Backend != nil && d.Backend.EGD != nil {
			add(at.Elem("backend"), d.Backend.EGD.Source)
		}
	}
	return out
}

// listening is an endpoint on which the guest's process accepts connections.
type listening struct {
	at      audit.Path
	network string // "tcp", "udp", "unix"
	host    string // or the path
	port    string
}

// commandListeners returns the endpoints that the command line opens.
func commandListeners(p *audit.Pass) []listening {
	var out []listening
	for _, o := range p.Command.Named("monitor", "qmp", "qmp-pretty", "serial", "parallel", "debugcon", "gdb", "s", "chardev") {
		l := listening{at: o.At}
		server, ok := o.Get("server")
		listens := ok && server != "off" || o.Name == "gdb" || o.Name == "s"
		switch o.Name {
		case "s":
			l.network, l.port = "tcp", "1234"
		case "chardev":
			if o.First("backend") != "socket" {
				continue
			}
			l.network = "tcp"
			l.host, _ = o.Get("host")
			l.port, _ = o.Get("port")
			if name, ok := o.Get("path"); ok {
				l.network, l.host = "unix", name
			}
		default:
			spec, _, _ := strings.Cut(o.Value, ",")
			scheme, rest, _ := strings.Cut(spec, ":")
			switch scheme {
			case "unix":
				l.network, l.host = "unix", rest
			case "tcp", "telnet", "websocket":
				i := strings.LastIndex(rest, ":")
				l.network, l.host, l.port = "tcp", rest[:max(i, 0)], rest[i+1:]
			}
		}
		if listens && l.network != "" {
			out = append(out, l)
		}
	}
	return out
}
