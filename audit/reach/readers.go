package reach

import (
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// reader adds what a value in a syntax of its own names.
type reader func(w *walker, a *argument, r *optionRow, value string)

var readers map[string]reader

func init() { //nolint:gochecknoinits // the readers call what reads the table of them
	readers = map[string]reader{
		"image": func(w *walker, a *argument, r *optionRow, value string) { w.image(a, r.access, r.id, value) },
		"legacy": func(w *walker, a *argument, r *optionRow, value string) {
			if r.as != "" {
				value = r.as
			}
			w.legacy(a, r, value, a.option == "gdb")
		},
		"colons":       func(w *walker, a *argument, r *optionRow, value string) { w.each(a, r, File, value, ":") },
		"commas":       (*walker).commas,
		"execs":        (*walker).executables,
		"keymap":       (*walker).keymap,
		"incoming":     (*walker).incoming,
		"usbdevice":    (*walker).usbDevice,
		"ports":        (*walker).hostForward,
		"forward":      (*walker).guestForward,
		"server":       (*walker).server,
		"unix":         (*walker).unixSocket,
		"socketjson":   (*walker).socketText,
		"global":       (*walker).global,
		"set":          (*walker).set,
		"url":          (*walker).url,
		"vnc":          (*walker).vnc,
		"vncweb":       (*walker).vncWebsocket,
		"spiceaddr":    (*walker).spiceAddress,
		"usbhost":      (*walker).usbHost,
		"block-remote": (*walker).blockRemote,
		"nbd":          (*walker).nbdServer,
		"sysfs":        (*walker).sysfsDevice,
	}
}

// each adds a name between separators.
func (w *walker) each(a *argument, r *optionRow, kind Kind, value, separators string) {
	for name := range strings.FieldsFuncSeq(value, func(c rune) bool { return strings.ContainsRune(separators, c) }) {
		w.simple(a, r, kind, name)
	}
}

// simple adds a resource that has nothing but a name.
func (w *walker) simple(a *argument, r *optionRow, kind Kind, name string) {
	w.withAccess(a, r, kind, name, choose(r.access, a.holds))
}

func (w *walker) withAccess(a *argument, r *optionRow, kind Kind, name string, access Access) {
	if name = normal(kind, name); name == "" {
		return
	}
	out := Resource{
		Kind: kind, Access: access, Opener: w.opener(QEMU), Role: r.roleIn(a, kind),
		Name: name, Written: name, At: a.at, ID: r.id,
	}
	out.complete()
	w.out = append(w.out, out)
}

// commas reads -initrd "FILE ARGUMENTS,FILE ...", which kernels of the multiboot kind take; the
// plain file is the whole value.
func (w *walker) commas(a *argument, r *optionRow, value string) {
	w.simple(a, r, File, value)
	if a.option != "initrd" || !strings.ContainsAny(value, ", ") {
		return
	}
	for part := range strings.SplitSeq(value, ",") {
		name, _, _ := strings.Cut(part, " ")
		w.simple(a, r, File, name)
	}
}

// executables reads a list of libraries, or of directories that libraries are loaded from.
func (w *walker) executables(a *argument, r *optionRow, value string) {
	w.each(a, r, Executable, value, ": ;")
}

// keymap reads -k: a path, or a name in a directory of QEMU's.
func (w *walker) keymap(a *argument, r *optionRow, value string) {
	if !strings.Contains(value, "/") {
		value = "/usr/share/qemu/keymaps/" + value
	}
	w.simple(a, r, File, value)
}

// legacy reads the syntax of -serial and its like. A debugger stub is a server though it does not
// say so.
func (w *walker) legacy(a *argument, r *optionRow, value string, serves bool) {
	value = strings.TrimPrefix(value, "mon:")
	head, rest, _ := strings.Cut(value, ":")
	address, extra, _ := strings.Cut(rest, ",")
	serves = serves || serverOption(extra)
	access := Connect
	if serves {
		access = Listen
	}
	out := Resource{Kind: Network, Access: access, Opener: w.opener(QEMU), Written: value, At: a.at, ID: r.id}
	switch head {
	case "tcp", "telnet", "websocket", "tn3270":
		host, port := splitServer(address)
		w.dial(out, &optionRow{}, host, port, TLSOff)
	case "udp":
		w.legacyUDP(out, address)
	case "unix":
		if serves {
			access |= Create
		}
		w.withAccess(a, r, Socket, address, access)
	case "file":
		w.withAccess(a, r, File, rest, Create|Write)
	case "pipe":
		w.withAccess(a, r, File, rest, Read|Write)
	case "fdname", "fd":
		w.withAccess(a, r, Descriptor, rest, Read|Write)
	case "braille":
		w.withAccess(a, r, Setting, "braille terminal of the host", Connect)
	case "chardev", "none", "null", "stdio", "vc", "pty", "msmouse", "wctablet", "con", "testdev", "":
	default:
		switch {
		case strings.HasPrefix(value, "/"):
			w.withAccess(a, r, CharDevice, value, Read|Write|Whole)
		case !strings.HasPrefix(head, "vc") && !strings.HasPrefix(head, "COM"):
			w.unknown(a, "")
		}
	}
}

// legacyUDP reads "[HOST]:PORT[@[HOST]:PORT]": where to send, and where to receive.
func (w *walker) legacyUDP(out Resource, address string) {
	remote, local, both := strings.Cut(address, "@")
	row := &optionRow{transport: UDP}
	host, port := splitServer(remote)
	out.Access = Connect
	w.dial(out, row, host, port, TLSOff)
	if both {
		host, port = splitServer(local)
		out.Access = Listen
		w.dial(out, row, host, port, TLSOff)
	}
}

// serverOption reports whether the options after a comma make a server.
func serverOption(options string) bool {
	serves := false
	for option := range strings.SplitSeq(options, ",") {
		key, value, _ := strings.Cut(option, "=")
		if key == "server" {
			serves = value == "" || value == "on" || value == "yes"
		}
		if option == "noserver" {
			serves = false
		}
	}
	return serves
}

// splitServer splits "[::1]:5900", ":5900" and "host:5900".
func splitServer(s string) (host, port string) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}

// server reads "[HOST]:PORT".
func (w *walker) server(a *argument, r *optionRow, value string) {
	host, port := splitServer(value)
	if !strings.Contains(value, ":") {
		host, port = "", value
	}
	out := Resource{Kind: Network, Access: choose(r.access, a.holds), Opener: w.opener(QEMU), Written: value, At: a.at, ID: r.id}
	w.dial(out, r, host, port, TLSOff)
}

// incoming reads the source of a migration.
func (w *walker) incoming(a *argument, r *optionRow, value string) {
	if strings.HasPrefix(strings.TrimLeft(value, " \t\r\n"), "{") {
		w.incomingJSON(a, r)
		return
	}
	head, rest, _ := strings.Cut(value, ":")
	out := Resource{Kind: Network, Access: Listen, Opener: w.opener(QEMU), Written: value, At: a.at, ID: r.id}
	switch head {
	case "tcp", "rdma", "vsock":
		host, port := splitServer(strings.SplitN(rest, ",", 2)[0])
		w.dial(out, &optionRow{transport: Transport(head)}, host, port, TLSUnknown)
	case "unix":
		w.withAccess(a, r, Socket, rest, Create|Listen)
	case "exec":
		w.withAccess(a, r, Executable, "/bin/sh", Execute)
	case "fd":
		w.withAccess(a, r, Descriptor, rest, Read)
	case "file":
		w.withAccess(a, r, File, strings.SplitN(rest, ",", 2)[0], Read)
	case "defer":
	default:
		w.unknown(a, "")
	}
}

// incomingJSON reads a migration channel.
func (w *walker) incomingJSON(a *argument, r *optionRow) {
	get := func(key string) string { value, _ := a.get("addr." + key); return value }
	out := Resource{Kind: Network, Access: Listen, Opener: w.opener(QEMU), At: a.at, ID: r.id}
	switch transport, kind := get("transport"), get("type"); {
	case transport == "exec":
		w.withAccess(a, r, Executable, get("args.0"), Execute)
	case transport == "file":
		w.withAccess(a, r, File, get("filename"), Read)
	case transport == "socket" && kind == "unix":
		w.withAccess(a, r, Socket, get("path"), Create|Listen)
	case transport == "socket" && kind == "fd":
		w.withAccess(a, r, Descriptor, get("str"), Read)
	case transport == "socket" && kind == "vsock":
		w.dial(out, &optionRow{transport: VSOCK}, get("cid"), get("port"), TLSUnknown)
	case transport == "socket" || transport == "rdma":
		w.dial(out, &optionRow{}, get("host"), get("port"), TLSUnknown)
	default:
		w.unknown(a, "")
	}
}

// usbDevice reads -usbdevice, most forms of which are gone.
func (w *walker) usbDevice(a *argument, r *optionRow, value string) {
	head, rest, _ := strings.Cut(value, ":")
	switch head {
	case "braille":
		w.simple(a, r, Setting, "braille terminal of the host")
	case "host":
		w.withAccess(a, r, USB, rest, Whole)
	case "disk":
		w.image(a, readWrite, r.id, rest)
	case "serial":
		w.legacy(a, r, rest, false)
	}
}

// hostForward reads "[tcp|udp]:[HOST]:PORT-[GUEST]:PORT" and "unix:PATH-...".
func (w *walker) hostForward(a *argument, r *optionRow, value string) {
	if rest, ok := strings.CutPrefix(value, "unix:"); ok {
		if i := strings.LastIndexByte(rest, '-'); i >= 0 {
			rest = rest[:i]
		}
		w.withAccess(a, r, Socket, rest, Create|Listen)
		return
	}
	protocol, rest, _ := strings.Cut(value, ":")
	row := &optionRow{transport: TCP}
	if protocol == "udp" {
		row.transport = UDP
	}
	host, _, _ := strings.Cut(rest, "-")
	out := Resource{Kind: Network, Access: Listen, Opener: w.opener(QEMU), Written: value, At: a.at, ID: r.id}
	name, port := splitServer(host)
	w.dial(out, row, name, port, TLSOff)
}

// guestForward reads "tcp:ADDRESS:PORT-DEVICE": what the guest finds at that address.
func (w *walker) guestForward(a *argument, r *optionRow, value string) {
	_, device, ok := strings.Cut(value, "-")
	if !ok {
		return
	}
	if command, ok := strings.CutPrefix(device, "cmd:"); ok {
		program, _, _ := strings.Cut(strings.TrimSpace(command), " ")
		w.withAccess(a, r, Executable, program, Execute)
		return
	}
	w.legacy(a, r, device, false)
}

// unixSocket reads the path of a socket, which abstract=on takes from the file system.
func (w *walker) unixSocket(a *argument, r *optionRow, value string) {
	for _, key := range []string{"abstract", "addr.abstract"} {
		if on, _ := a.get(key); on == "on" {
			value = "@" + value
		}
	}
	w.simple(a, r, Socket, value)
}

// socketText reads an address that is JSON inside a property.
func (w *walker) socketText(a *argument, r *optionRow, value string) {
	inner := w.nested(a, value)
	if inner == nil {
		w.simple(a, r, Socket, value)
		return
	}
	if path, ok := inner.exact("path"); ok {
		w.simple(a, r, Socket, path)
		return
	}
	host, _ := inner.exact("host")
	port, _ := inner.exact("port")
	out := Resource{Kind: Network, Access: choose(r.access, a.holds), Opener: w.opener(QEMU), At: a.at, ID: r.id}
	w.dial(out, &optionRow{}, host, port, TLSOff)
}

// global reads "DRIVER.PROPERTY=VALUE" or the three as parts.
func (w *walker) global(a *argument, _ *optionRow, value string) {
	inner := *a
	inner.option, inner.args, inner.any = "device", nil, true
	if property, ok := a.exact("property"); ok {
		text, _ := a.exact("value")
		w.property(&inner, property, text)
		return
	}
	target, text, ok := strings.Cut(value, "=")
	driver, property, dot := strings.Cut(target, ".")
	if !ok || !dot {
		return // QEMU refuses it
	}
	if _, isObject := objectTypes()[driver]; isObject {
		inner.option = "object"
	}
	w.property(&inner, property, text)
}

// set reads "GROUP.ID.PROPERTY=VALUE".
func (w *walker) set(a *argument, _ *optionRow, value string) {
	target, text, _ := strings.Cut(value, "=")
	group, rest, _ := strings.Cut(target, ".")
	id, property, ok := strings.Cut(rest, ".")
	if !ok {
		return // QEMU refuses it
	}
	inner := *a
	inner.option, inner.args, inner.any = group, nil, true
	if o := w.optionOf(group, id); o != nil {
		inner.args, inner.any = o.Args, false
	}
	if options()[group] == nil {
		w.unknown(a, "")
		return
	}
	w.property(&inner, property, text)
}

// optionOf returns the option of the command line that has an id.
func (w *walker) optionOf(group, id string) *domxml.Option {
	if w.ids == nil {
		w.ids = map[string]*domxml.Option{}
		for i := range w.domain.Command.Options {
			o := &w.domain.Command.Options[i]
			if id, ok := o.Get("id"); ok {
				w.ids[o.Name+" "+id] = o
			}
		}
	}
	return w.ids[group+" "+id]
}

// vnc reads "HOST:DISPLAY", "unix:PATH" and "none".
func (w *walker) vnc(a *argument, r *optionRow, value string) {
	if path, ok := strings.CutPrefix(value, "unix:"); ok {
		w.withAccess(a, r, Socket, path, choose(r.access, a.holds)|Create)
		return
	}
	if value == "none" || value == "" {
		return
	}
	out := Resource{Kind: Network, Access: choose(r.access, a.holds), Opener: w.opener(QEMU), Written: value, At: a.at, ID: r.id}
	host, port := splitServer(value)
	if n, err := strconv.Atoi(port); err == nil && out.Access == Listen {
		port = strconv.Itoa(5900 + n)
	}
	w.dial(out, &optionRow{}, host, port, w.tlsOf(a, r))
}

// vncWebsocket reads "on", a port, or "HOST:PORT"; without a host it is that of the display.
func (w *walker) vncWebsocket(a *argument, r *optionRow, value string) {
	if value == "off" {
		return
	}
	if !strings.Contains(value, ":") {
		display, _ := a.get("vnc")
		host, number := splitServer(display)
		if n, err := strconv.Atoi(number); err == nil && value == "on" {
			value = strconv.Itoa(5700 + n)
		}
		value = host + ":" + value
	}
	w.server(a, r, value)
}

// spiceAddress reads addr=, which is a path if unix=on; an address belongs to the ports.
func (w *walker) spiceAddress(a *argument, r *optionRow, value string) {
	if on, _ := a.get("unix"); on == "on" || on == "yes" {
		w.simple(a, r, Socket, value)
	}
}

// sysfsDevice reads the directory of a device in /sys, whose last step names the device.
func (w *walker) sysfsDevice(a *argument, r *optionRow, value string) {
	w.simple(a, r, File, value)
	name := value[strings.LastIndexByte(value, '/')+1:]
	if address := pciText(name); len(address) == len("0000:00:00.0") && address[4] == ':' {
		w.withAccess(a, r, PCI, address, Whole)
	} else if id := deviceUUID(name); len(id) == len("c2177883-f1bb-47f0-914d-32a22e3a8804") && id[8] == '-' {
		w.withAccess(a, r, Mediated, id, Whole)
	}
}

// usbHost reads what selects a device: by place, or by what it is.
func (w *walker) usbHost(a *argument, r *optionRow, value string) {
	is := func(key string) bool { v, ok := a.get(key); return ok && v == value }
	number := func(key string) uint64 { v, _ := a.get(key); n, _ := strconv.ParseUint(v, 0, 32); return n }
	vendor, byID := a.get("vendorid")
	port, byPort := a.get("hostport")
	_, byAddress := a.get("hostaddr")
	name := ""
	switch {
	case byAddress && is("hostaddr"):
		name = usbAddress(number("hostbus"), number("hostaddr"))
	case byPort && !byAddress && is("hostport"):
		bus, _ := a.get("hostbus")
		name = "port " + bus + "-" + port
	case byID && !byAddress && !byPort && is("vendorid"):
		product, _ := a.get("productid")
		name = usbID(vendor, product)
	}
	w.simple(a, r, USB, name)
}
