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
	r := &optionRow{id: id, access: access}
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
		w.withAccess(a, r, File, first, Read)
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
		w.withAccess(a, r, Socket, path, Connect)
		return
	}
	host, port := splitServer(server)
	w.remoteImage(a, r, "nbd", host, port, export, "")
}

// imageRBD reads "rbd:POOL/IMAGE[@SNAPSHOT][:KEY=VALUE]...".
func (w *walker) imageRBD(a *argument, r *optionRow, rest string) {
	name, settings, _ := strings.Cut(rest, ":")
	w.simple(a, r, Remote, remoteName("rbd", "", "", name, ""))
	for setting := range strings.SplitSeq(settings, ":") {
		key, value, _ := strings.Cut(setting, "=")
		switch key {
		case "conf", "keyring", "keyfile":
			w.withAccess(a, r, File, value, Read)
		case "log_file", "admin_socket":
			w.withAccess(a, r, File, value, Create|Write)
		case "mon_host":
			for host := range strings.SplitSeq(strings.ReplaceAll(value, `\`, ""), ";") {
				w.remoteHost(a, r, "rbd", host, "")
			}
		}
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
		w.withAccess(a, r, Socket, socket, Connect)
		return
	}
	if file := u.Query().Get("logfile"); file != "" {
		w.withAccess(a, r, File, file, Create|Write)
	}
	w.remoteImage(a, r, protocol, u.Hostname(), u.Port(), strings.TrimPrefix(u.Path, "/"), "")
}

// url reads the property url of curl's drivers, and proxies.
func (w *walker) url(a *argument, r *optionRow, value string) {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		host, port := splitServer(value)
		w.remoteHost(a, r, "http", host, port)
		return
	}
	w.remoteImage(a, r, u.Scheme, u.Hostname(), u.Port(), strings.TrimPrefix(u.Path, "/"), "")
}

// remoteImage adds an image on another machine, and the connection to that machine.
func (w *walker) remoteImage(a *argument, r *optionRow, protocol, host, port, name, query string) {
	w.simple(a, r, Remote, remoteName(protocol, ParseHost(host).String(), port, name, query))
	w.remoteHost(a, r, protocol, host, port)
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
	get := func(keys ...string) string {
		for _, key := range keys {
			if value, ok := a.get(key); ok {
				return value
			}
		}
		return ""
	}
	driver := get("driver")
	host, port := get("server.host", "host", "server.0.host"), get("server.port", "port", "server.0.port")
	switch driver {
	case "rbd":
		host, port = "", ""
		for _, part := range []string{get("namespace"), get("pool")} {
			if part != "" {
				name = part + "/" + name
			}
		}
	case "gluster":
		name = get("volume") + "/" + strings.TrimPrefix(name, "/")
	case "iscsi", "iser":
		host, port = splitServer(get("portal"))
		w.remoteHost(a, r, driver, host, port)
		name += "/" + get("lun")
	}
	if host != "" {
		host = ParseHost(host).String()
	}
	w.simple(a, r, Remote, remoteName(driver, host, port, name, ""))
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
