package reach

import (
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/hostpath"
)

// image adds what the name of a disk image leads to. QEMU takes what is before a colon for a
// protocol, unless a slash comes first.
func (w *walker) image(a *argument, access []choice[Access, []argTest], id, name string) {
	r := &optionRow{id: id, access: access, role: optionRoles()[id]}
	scheme, rest, ok := strings.Cut(name, ":")
	if !ok || strings.Contains(scheme, "/") {
		w.imageFile(a, r, name)
		return
	}
	switch scheme {
	case "json":
		w.imageJSON(a, rest)
	case "file":
		w.imageFile(a, r, rest)
	case "host_device":
		w.simple(a, r, BlockDevice, rest)
	case "host_cdrom":
		w.withAccess(a, r, BlockDevice, rest, Read)
	case "fat":
		w.imageDirectory(a, r, rest)
	case "blkdebug", "blkverify", "blkreplay", "blklogwrites":
		first, second, both := strings.Cut(rest, ":")
		w.withAccess(a, &optionRow{id: id}, File, first, Read)
		if both {
			w.image(a, access, id, second)
		}
	case "nbd":
		w.imageNBD(a, r, rest)
	case "rbd":
		w.imageRBD(a, r, rest)
	case "nvme":
		address, _, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
		w.withAccess(a, r, PCI, pciText(address), Whole)
	default:
		w.imageURL(a, r, scheme, name)
	}
}

// imageFile adds a file or, by its place, a device.
func (w *walker) imageFile(a *argument, r *optionRow, name string) {
	file := normal(File, name)
	switch {
	case strings.HasPrefix(file, "/dev/fdset/"):
		w.simple(a, r, Descriptor, file)
	case hostpath.Below(file, "/dev") && !hostpath.Below(file, "/dev/shm"):
		w.withAccess(a, r, BlockDevice, file, choose(r.access, a.holds)|Whole)
	default:
		w.simple(a, r, File, name)
	}
}

// imageJSON reads the form that has the properties of -blockdev.
func (w *walker) imageJSON(a *argument, text string) {
	inner := w.nested(a, text)
	if inner == nil {
		return // QEMU refuses it
	}
	inner.option = "blockdev"
	for _, kv := range inner.args {
		w.property(inner, kv.Key, kv.Value)
	}
}

// nested returns JSON inside an argument as an argument of its own.
func (w *walker) nested(a *argument, text string) *argument {
	args, err := domxml.DecodeJSON(text)
	if err != nil || !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return nil
	}
	return &argument{option: a.option, raw: text, args: args, at: a.at}
}

// imageDirectory reads "fat:[floppy:][rw:][12:|16:|32:]DIRECTORY".
func (w *walker) imageDirectory(a *argument, r *optionRow, rest string) {
	access := Read
	for {
		option, more, ok := strings.Cut(rest, ":")
		switch option {
		case "rw":
			access |= Write
		case "floppy", "12", "16", "32":
		default:
			ok = false
		}
		if !ok {
			break
		}
		rest = more
	}
	w.withAccess(a, r, Directory, rest, access)
}

// imageNBD reads "nbd:unix:PATH[:exportname=E]", "nbd:HOST:PORT[:exportname=E]" and URLs.
func (w *walker) imageNBD(a *argument, r *optionRow, rest string) {
	if strings.HasPrefix(rest, "//") {
		w.imageURL(a, r, "nbd", "nbd:"+rest)
		return
	}
	server, export, _ := strings.Cut(rest, ":exportname=")
	if path, ok := strings.CutPrefix(server, "unix:"); ok {
		w.remoteSocket(a, r, "nbd", path, export)
		return
	}
	host, port := splitServer(server)
	w.remoteImage(a, r, "nbd", host, port, export)
}

// nbdServer reads the server of the block driver nbd.
func (w *walker) nbdServer(a *argument, r *optionRow, value string) {
	get := func(keys ...string) string { return a.first(keys...) }
	if r.properties[0] == "server.path" {
		w.remoteSocket(a, r, "nbd", value, get("export"))
		return
	}
	host, port := value, get("server.port", "port")
	w.simple(a, r, Remote, remoteName("nbd", get("export"), "", remoteServer("nbd", ParseHost(host).String(), port)))
	out := Resource{Kind: Network, Access: Connect, Opener: w.opener(QEMU), Written: value, At: a.at, ID: r.id}
	w.dial(out, &optionRow{}, host, port, TLSUnknown)
}

// imageRBD reads "rbd:POOL/IMAGE[@SNAPSHOT][:KEY=VALUE]..."; a backslash protects a separator.
func (w *walker) imageRBD(a *argument, r *optionRow, rest string) {
	const colon = "\x00"
	plain := func(s string) string { return strings.ReplaceAll(s, colon, ":") }
	name, settings, _ := strings.Cut(strings.ReplaceAll(rest, `\:`, colon), ":")
	var servers []string
	at := len(w.out)
	file := &optionRow{id: r.id}
	for setting := range strings.SplitSeq(settings, ":") {
		key, value, _ := strings.Cut(plain(setting), "=")
		switch key {
		case "conf", "keyring", "keyfile":
			w.withAccess(a, file, File, value, Read)
		case "log_file", "admin_socket":
			w.withAccess(a, file, File, value, Create|Write)
		case "mon_host":
			for server := range strings.SplitSeq(strings.ReplaceAll(value, `\`, ""), ";") {
				host, port := server, ""
				if i := strings.LastIndexByte(server, ':'); i > strings.LastIndexByte(server, ']') {
					host, port = server[:i], server[i+1:]
				}
				servers = append(servers, remoteServer("rbd", ParseHost(host).String(), port))
				w.remoteHost(a, r, "rbd", host, port)
			}
		}
	}
	w.simple(a, r, Remote, remoteName("rbd", plain(name), "", servers...))
	if image := len(w.out) - 1; image > at {
		w.out[at], w.out[image] = w.out[image], w.out[at] // the image first
	}
}

// imageURL reads "SCHEME[+TRANSPORT]://HOST[:PORT]/PATH?QUERY".
func (w *walker) imageURL(a *argument, r *optionRow, scheme, text string) {
	protocol, transport, _ := strings.Cut(scheme, "+")
	u, err := url.Parse(text)
	if _, known := standardPort[protocol]; !known || err != nil {
		w.unknown(a, "")
		return
	}
	if socket := u.Query().Get("socket"); transport == "unix" {
		w.remoteSocket(a, r, protocol, socket, strings.TrimPrefix(u.Path, "/"))
		return
	}
	if file := u.Query().Get("logfile"); file != "" {
		w.withAccess(a, &optionRow{id: r.id}, File, file, Create|Write)
	}
	w.remoteImage(a, r, protocol, u.Hostname(), u.Port(), strings.TrimPrefix(u.Path, "/"))
}

// url reads the property url of curl's drivers, and proxies.
func (w *walker) url(a *argument, r *optionRow, value string) {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		host, port := splitServer(value)
		w.remoteHost(a, r, "http", host, port)
		return
	}
	w.remoteImage(a, r, u.Scheme, u.Hostname(), u.Port(), strings.TrimPrefix(u.Path, "/"))
}

// remoteImage adds an image on another machine, and the connection to that machine.
func (w *walker) remoteImage(a *argument, r *optionRow, protocol, host, port, name string) {
	w.simple(a, r, Remote, remoteName(protocol, name, "", remoteServer(protocol, ParseHost(host).String(), port)))
	w.remoteHost(a, r, protocol, host, port)
}

// remoteSocket adds an image of a server that listens on a UNIX socket of this host.
func (w *walker) remoteSocket(a *argument, r *optionRow, protocol, path, name string) {
	w.simple(a, r, Remote, remoteName(protocol, name, "", "["+SocketPath(path)+"]"))
	w.withAccess(a, r, Socket, path, Connect)
}

func (w *walker) remoteHost(a *argument, r *optionRow, protocol, host, port string) {
	if port == "" {
		port = standardPort[protocol]
	}
	tls := TLSOff
	if protocol == "https" || protocol == "ftps" || protocol == "ssh" {
		tls = TLSOn
	}
	out := Resource{Kind: Network, Access: Connect, Opener: w.opener(QEMU), Written: host, At: a.at, ID: r.id}
	w.dial(out, &optionRow{}, host, port, tls)
}

// blockRemote names what the properties of a block driver lead to.
func (w *walker) blockRemote(a *argument, r *optionRow, name string) {
	get := func(keys ...string) string { return a.first(keys...) }
	driver := get("driver")
	var servers []string
	switch driver {
	case "rbd":
		for _, part := range []string{get("namespace"), get("pool")} {
			if part != "" {
				name = part + "/" + name
			}
		}
		if snapshot := get("snapshot"); snapshot != "" {
			name += "@" + snapshot
		}
		servers = a.servers(driver)
	case "gluster":
		name = get("volume") + "/" + strings.TrimPrefix(name, "/")
		servers = a.servers(driver)
	case "iscsi", "iser":
		host, port := splitServer(get("portal"))
		w.remoteHost(a, r, driver, host, port)
		servers = []string{remoteServer(driver, ParseHost(host).String(), port)}
		if lun := get("lun"); lun != "" {
			name += "/" + lun
		}
	default:
		if host := get("server.host", "host"); host != "" {
			servers = []string{remoteServer(driver, ParseHost(host).String(), get("server.port", "port"))}
		}
	}
	w.simple(a, r, Remote, remoteName(driver, name, "", servers...))
}

// servers lists the servers of a cluster: "server.0.host" and so on.
func (a *argument) servers(protocol string) []string {
	var out []string
	for i := range manyArgs {
		at := "server." + strconv.Itoa(i) + "."
		if host := a.first(at + "host"); host != "" {
			out = append(out, remoteServer(protocol, ParseHost(host).String(), a.first(at+"port")))
		} else if path := a.first(at + "path"); path != "" {
			out = append(out, "["+SocketPath(path)+"]")
		} else {
			break
		}
	}
	return out
}

// first returns the first of some properties that is there.
func (a *argument) first(keys ...string) string {
	for _, key := range keys {
		if value, ok := a.get(key); ok {
			return value
		}
	}
	return ""
}

// pciText is the address of a PCI device in its long form: "01:00.0" is in domain 0.
func pciText(s string) string {
	parts := strings.FieldsFunc(s, func(c rune) bool { return c == ':' || c == '.' })
	if len(parts) == 3 {
		parts = append([]string{"0"}, parts...)
	}
	if len(parts) != 4 {
		return s
	}
	var n [4]uint64
	for i, part := range parts {
		var err error
		if n[i], err = strconv.ParseUint(part, 16, 32); err != nil {
			return s
		}
	}
	return pciAddress(n[0], n[1], n[2], n[3])
}

// objectTypes are the types of -object.
var objectTypes = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(qemuText) {
		if f := strings.Fields(line); f[0] == "object" && len(f) == 2 {
			out[f[1]] = true
		}
	}
	return out
})
