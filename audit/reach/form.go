package reach

import (
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit/hostpath"
)

// name sets the resource's name, and its endpoint. Without a name there is no resource.
func (w *walker) name(out *Resource, r *row, value string) bool {
	switch {
	case r.as != "":
		out.Name = r.as
		return true
	case r.form == formEndpoint:
		return w.endpoint(out, r, value)
	case out.Implied:
		out.Name = w.expand(r.fallback)
		return out.Name != ""
	}
	text := value
	if r.prefix != "" {
		text = r.prefix + value
	}
	switch r.form {
	case formPath:
		out.Name = w.path(r.kind, text)
	case formSocket:
		out.Name = SocketPath(text)
	case formRemote:
		out.Name = w.remote(value)
	case formPCI:
		out.Name = pciAddress(w.number("domain"), w.number("bus"), w.number("slot"), w.number("function"))
	case formUSB:
		out.Name = w.usb()
	case formSCSI:
		out.Name = w.scsi(text)
	case formVolume:
		out.Name = w.attr("pool") + "/" + text
	case formALSA:
		alsa(out, text)
	case formUUID:
		out.Name = deviceUUID(text)
	case formVariable:
		if name := w.attr("name"); name != "" {
			text = name + "=" + text
		}
		out.Name = text
	default:
		out.Name = text
	}
	return out.Name != ""
}

// path is the normal form of a path, except for the names of VMware, which are not of this host.
func (w *walker) path(kind Kind, name string) string {
	if strings.HasPrefix(name, "[") && (w.domain.Type == "vmware" || w.domain.Type == "esx") {
		return name
	}
	return normal(kind, name)
}

// attr returns an attribute of the element at the top of the stack.
func (w *walker) attr(name string) string {
	value, _ := w.stack[len(w.stack)-1].Attr(name)
	return value
}

// number returns an attribute that holds a number, 0 where it is absent; libvirt reads it in any
// base of C.
func (w *walker) number(name string) uint64 {
	n, _ := strconv.ParseUint(w.attr(name), 0, 32)
	return n
}

// pciAddress is an address as Linux writes it: "0000:01:00.0".
func pciAddress(domain, bus, slot, function uint64) string {
	hex := func(b []byte, n uint64, digits int) []byte {
		s := strconv.FormatUint(n, 16)
		for i := len(s); i < digits; i++ {
			b = append(b, '0')
		}
		return append(b, s...)
	}
	b := append(hex(make([]byte, 0, 12), domain, 4), ':')
	b = append(hex(b, bus, 2), ':')
	b = append(hex(b, slot, 2), '.')
	return string(strconv.AppendUint(b, function, 10))
}

// usb names a device by its place or, at <vendor>, by what it is.
func (w *walker) usb() string {
	e := w.stack[len(w.stack)-1]
	if e.Name != "vendor" {
		bus, device, port := w.attr("bus"), w.attr("device"), w.attr("port")
		if device == "" && port != "" {
			return "port " + bus + "-" + port
		}
		return usbAddress(w.number("bus"), w.number("device"))
	}
	product := ""
	for p := range w.stack[len(w.stack)-2].Children("product") {
		product, _ = p.Attr("id")
	}
	return usbID(w.attr("id"), product)
}

// usbAddress is bus and device as /dev/bus/usb has them: "001:002".
func usbAddress(bus, device uint64) string {
	three := func(n uint64) string {
		s := strconv.FormatUint(n, 10)
		return strings.Repeat("0", max(0, 3-len(s))) + s
	}
	return three(bus) + ":" + three(device)
}

// usbID is vendor and product as lsusb writes them: "046d:c31c".
func usbID(vendor, product string) string {
	four := func(s string) string {
		n, err := strconv.ParseUint(s, 0, 16)
		if err != nil {
			return "*"
		}
		s = strconv.FormatUint(n, 16)
		return strings.Repeat("0", max(0, 4-len(s))) + s
	}
	return four(vendor) + ":" + four(product)
}

// scsi names a LUN by its address, and the target of vhost-scsi by its WWPN.
func (w *walker) scsi(wwpn string) string {
	if wwpn != "" {
		return strings.ToLower(wwpn)
	}
	adapter := ""
	for a := range w.stack[len(w.stack)-2].Children("adapter") {
		adapter, _ = a.Attr("name")
	}
	part := func(name string) string { return ":" + strconv.FormatUint(w.number(name), 10) }
	return adapter + part("bus") + part("target") + part("unit")
}

// remote names an image on another machine: protocol, servers, the name there, and the snapshot.
func (w *walker) remote(name string) string {
	e := w.stack[len(w.stack)-1]
	protocol := w.attr("protocol")
	var servers []string
	for host := range e.Children("host") {
		if socket, ok := host.Attr("socket"); ok {
			servers = append(servers, "["+SocketPath(socket)+"]")
			continue
		}
		server, _ := host.Attr("name")
		port, _ := host.Attr("port")
		servers = append(servers, remoteServer(protocol, ParseHost(server).String(), port))
	}
	for snapshot := range e.Children("snapshot") {
		if at, _ := snapshot.Attr("name"); at != "" {
			return remoteName(protocol, name+"@"+at, w.attr("query"), servers...)
		}
	}
	return remoteName(protocol, name, w.attr("query"), servers...)
}

// alsa reads the name of an ALSA device, which can be an expression: "file:PATH" creates a file and
// "file:'|COMMAND'" runs a command (QEMU 7.2 did both).
func alsa(out *Resource, name string) {
	out.Name = name
	rest, ok := strings.CutPrefix(name, "file:")
	if !ok {
		if strings.HasPrefix(name, "/") {
			out.Name = hostpath.Opened(name)
		}
		return
	}
	rest = strings.Trim(rest, `'"`)
	if command, ok := strings.CutPrefix(rest, "|"); ok {
		out.Kind, out.Access, out.Name = Executable, Execute, command
		return
	}
	file, _, _ := strings.Cut(rest, ",")
	out.Kind, out.Access, out.Name = File, Create|Write, hostpath.Opened(strings.Trim(file, `'"`))
}

// endpoint makes a network address out of its parts. An empty host is the default of who opens it.
func (w *walker) endpoint(out *Resource, r *row, value string) bool {
	host := value
	if r.host.places != nil {
		host = w.first(r.host)
	}
	if host == "" && r.fallback != "" {
		host = r.fallback
		out.Implied = true
	}
	e := &Endpoint{Transport: TCP, Host: ParseHost(host)}
	if carrier := w.first(r.carrier); carrier != "" {
		e.Transport = Transport(carrier)
	}
	if e.Transport == VSOCK {
		e.Host = Host{Name: host}
	}
	e.Port = w.first(r.port)
	if e.Port == "-1" || e.Port == "0" && out.Access&Listen != 0 {
		e.Port = "" // chosen when the guest starts
	}
	if last := w.first(r.to); last != "" {
		e.Port += "-" + last
	}
	switch w.first(r.tls) {
	case "yes", "on":
		e.TLS = TLSOn
	case "no", "off":
		e.TLS = TLSOff
	}
	out.Endpoint, out.Name = e, e.String()
	return true
}

// first returns the first of a source's places that the document has.
func (w *walker) first(s source) string {
	if s.word != "" {
		return s.word
	}
	for i := range s.places {
		if value, ok := s.places[i].value(w.stack); ok && value != "" {
			return value
		}
	}
	return ""
}

// expand fills "{name}", "{uuid}" and "{PLACE}" of a default; "" where the document lacks one of
// them, as a template does.
func (w *walker) expand(text string) string {
	for {
		before, rest, ok := strings.Cut(text, "{")
		if !ok {
			return text
		}
		what, after, _ := strings.Cut(rest, "}")
		switch what {
		case "name":
			what = w.domain.Name
		case "uuid":
			what = w.domain.UUID
		default:
			p := parsePlace(what)
			what, _ = p.value(w.stack)
		}
		if what == "" {
			return ""
		}
		text = before + strings.ReplaceAll(what, "{", "(") + after
	}
}

// SocketPath is hostpath.Opened for the name of a UNIX socket: one that begins with "@" is in the
// abstract namespace, which no permissions of files guard.
func SocketPath(name string) string {
	if strings.HasPrefix(name, "@") {
		return name
	}
	return hostpath.Opened(name)
}
