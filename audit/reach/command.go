package reach

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/hostpath"
)

// argument is one argument of QEMU's command line, or what is written like one.
type argument struct {
	option string // without dash
	raw    string
	args   []domxml.KeyValue
	at     domxml.Path
	any    bool // the backend is not known: a property is taken for that of any

	index  map[string]string // of args, where there are many
	prefix string            // of the block node whose properties are read: "file."
	within string            // the property that is read, up to its last dot: "server."
}

// manyArgs is the number of properties from which they are looked up in a map.
const manyArgs = 12

// get returns a property; the last counts. One of a nested node is looked for there, then at the
// top.
func (a *argument) get(key string) (string, bool) {
	if a.prefix != "" {
		if value, ok := a.exact(a.prefix + key); ok {
			return value, ok
		}
	}
	return a.exact(key)
}

func (a *argument) exact(key string) (string, bool) {
	if len(a.args) > manyArgs {
		if a.index == nil {
			a.index = make(map[string]string, len(a.args))
			for _, kv := range a.args {
				a.index[a.key(kv)] = kv.Value
			}
		}
		value, ok := a.index[key]
		return value, ok
	}
	for _, kv := range slices.Backward(a.args) {
		if a.key(kv) == key {
			return kv.Value, true
		}
	}
	return "", false
}

// key is a property's key; the first may go without.
func (a *argument) key(kv domxml.KeyValue) string {
	if kv.Key != "" {
		return kv.Key
	}
	if key := implied[a.option]; key != "" {
		return key
	}
	return "0"
}

func (a *argument) holds(tests []argTest) bool {
	for _, t := range tests {
		value, ok := a.get(t.key)
		if word := switches[value]; word != "" {
			value = word
		}
		if !ok || len(t.values) > 0 && !slices.Contains(t.values, value) {
			return false
		}
	}
	return true
}

// passthrough adds what an element of QEMU's namespace hands over.
func (w *walker) passthrough(e domxml.Element) {
	switch e.Name {
	case "qemu:commandline", "xen:commandline":
		if (e.Name == "xen:commandline") != (w.domain.Type == "xen") {
			return
		}
		for i := range w.domain.Command.Options {
			o := &w.domain.Command.Options[i]
			w.option(&argument{option: o.Name, raw: o.Value, args: o.Args, at: o.At})
		}
		for env := range e.Children("qemu:env") {
			name, _ := env.Attr("name")
			value, _ := env.Attr("value")
			w.property(&argument{option: "env", raw: value, at: env.Path().Attr("value")}, name, value)
		}
	case "qemu:override":
		for device := range e.Children("qemu:device") {
			for frontend := range device.Children("qemu:frontend") {
				for p := range frontend.Children("qemu:property") {
					name, _ := p.Attr("name")
					value, _ := p.Attr("value")
					w.property(&argument{option: "device", raw: value, at: p.Path().Attr("value"), any: true}, name, value)
				}
			}
		}
	case "qemu:capabilities":
		for _, change := range []string{"add", "del"} {
			for c := range e.Children("qemu:" + change) {
				name, _ := c.Attr("capability")
				w.out = append(w.out, Resource{
					Kind: Setting, Access: Write, Opener: w.opener(Libvirt), Name: "capability " + change + " " + name,
					Written: name, At: c.Path().Attr("capability"), ID: "qemu-capability",
				})
			}
		}
	}
}

// option adds what one option of the command line names.
func (w *walker) option(a *argument) {
	if a.option == "" { // a word without a dash: the image of a disk
		w.image(a, readWrite, "qemu-image", a.raw)
		return
	}
	rows := options()[a.option]
	if rows == nil {
		w.unknown(a, "")
		return
	}
	whole := false
	for _, r := range rows {
		if slices.Contains(r.properties, ".") && (!namesBackend(a.option) || matchesAny(r.backends, w.backend(a))) {
			whole = true
			w.read(a, r, ".", a.raw)
		}
	}
	if whole && !namesBackend(a.option) {
		return
	}
	if driver := w.backend(a); a.option == "device" && driver != "" && !drivers()[driver] {
		w.unknown(a, driver)
	}
	for i, kv := range a.args {
		// The reader splits "nofoo" into foo=off and nofoo=on.
		if key, ok := strings.CutPrefix(kv.Key, "no"); ok && i > 0 && a.args[i-1].Value == "off" && a.args[i-1].Key == key {
			continue
		}
		w.property(a, a.key(kv), kv.Value)
	}
}

// readWrite is the access to a disk without further options.
var readWrite = []choice[Access, []argTest]{{value: Read | Write}}

// property adds what one property names.
func (w *walker) property(a *argument, key, value string) {
	name := key
	if a.option == "blockdev" || a.option == "drive" {
		name = strings.TrimLeft(key, ".")
		a.prefix = nodePrefix(name)
		name = name[len(a.prefix):]
		defer func() { a.prefix = "" }()
	}
	a.within = name[:strings.LastIndexByte(name, '.')+1]
	backend := w.backend(a)
	var fallback *optionRow
	for _, r := range options()[a.option] {
		if !r.fits(backend, name, a.any) {
			continue
		}
		if a.any && (r.reader == "guest" || r.reader == "id") {
			if fallback == nil {
				fallback = r
			}
			continue
		}
		w.read(a, r, name, value)
		return
	}
	if fallback == nil && !listed()[groupOf(a.option)+" "+name] {
		w.unknown(a, key)
	}
}

// backend returns what takes the properties of an argument: a driver, a type.
func (w *walker) backend(a *argument) string {
	key := implied[a.option]
	switch {
	case a.option == "drive":
		key = "driver"
	case !namesBackend(a.option):
		return ""
	}
	if a.prefix == "" {
		value, _ := a.exact(key)
		return value
	}
	value, ok := a.exact(a.prefix + key)
	if !ok {
		return "file" // QEMU finds it out from the name
	}
	return value
}

// nodes are the properties of a block node that hold further nodes.
var nodes = []string{"file.", "backing.", "data-file.", "image.", "raw.", "test.", "log.", "header.", "target.", "x-image."}

// nodePrefix returns how many of a key's steps lead to the node that it is about: "file.backing.".
func nodePrefix(key string) string {
	at := 0
next:
	for {
		rest := key[at:]
		for _, n := range nodes {
			if strings.HasPrefix(rest, n) {
				at += len(n)
				continue next
			}
		}
		if after, ok := strings.CutPrefix(rest, "children."); ok {
			number, _, dot := strings.Cut(after, ".")
			if dot && number != "" && strings.Trim(number, "0123456789") == "" {
				at += len("children.") + len(number) + 1
				continue next
			}
		}
		return key[:at]
	}
}

// unknown adds an option or property whose meaning is not known. Its value may be a secret and is
// omitted.
func (w *walker) unknown(a *argument, key string) {
	name := "-" + a.option
	if key != "" {
		name += " " + key
	}
	w.out = append(w.out, Resource{Kind: Unknown, Opener: w.opener(QEMU), Name: name, At: a.at, ID: "qemu-unknown"})
}

// read adds what a row makes of a value.
func (w *walker) read(a *argument, r *optionRow, key, value string) {
	switch r.reader {
	case "guest", "id":
		return
	case "unknown":
		w.unknown(a, key)
		return
	}
	if r.as != "" && r.reader != "legacy" {
		value = r.as
	} else if r.prefix != "" {
		if r.properties[0] == "*" {
			value = key + "=" + value
		}
		value = r.prefix + value
	}
	if special := readers[r.reader]; special != nil {
		special(w, a, r, value)
		return
	}
	w.put(a, r, words[r.reader].kind, value)
}

// put adds a resource of a kind under a name that is still to be brought into normal form.
func (w *walker) put(a *argument, r *optionRow, kind Kind, value string) {
	out := Resource{Kind: kind, Access: choose(r.access, a.holds), Opener: w.opener(QEMU), Name: value, Written: value, At: a.at, ID: r.id}
	switch words[r.reader].form {
	case formEndpoint:
		w.connect(a, r, out)
		return
	case formALSA:
		alsa(&out, value)
	case formPCI:
		out.Name = pciText(value)
	default:
		out.Name = normal(kind, value)
	}
	if out.Name != "" {
		out.Role = r.roleIn(a, out.Kind)
		out.complete()
		w.out = append(w.out, out)
	}
}

// normal is the normal form of a name by the kind alone.
func normal(kind Kind, name string) string {
	switch kind {
	case File, BlockDevice:
		return diskPath(name)
	case Directory, CharDevice, Executable, VDPA:
		return hostpath.Opened(name)
	case Socket:
		return SocketPath(name)
	default:
		return name
	}
}

// connect completes an endpoint from the properties of the argument that the row names.
func (w *walker) connect(a *argument, r *optionRow, out Resource) {
	host, port := out.Name, ""
	if r.port != "" {
		var ok bool
		if port, ok = a.get(a.within + r.port); !ok {
			port, _ = a.get(r.port)
		}
	}
	if r.host != "" {
		port = host
		host, _ = a.get(r.host)
	}
	w.dial(out, r, host, port, w.tlsOf(a, r))
}

// tlsOf returns what the argument sets for encryption.
func (w *walker) tlsOf(a *argument, r *optionRow) TLS {
	if r.tls == "" {
		return TLSUnknown
	}
	if _, ok := a.get(r.tls); ok {
		return TLSOn
	}
	return TLSOff
}

// dial adds an endpoint.
func (w *walker) dial(out Resource, r *optionRow, host, port string, tls TLS) {
	e := &Endpoint{Transport: TCP, Host: ParseHost(host), Port: port, TLS: tls}
	if r.transport != "" {
		e.Transport = r.transport
	}
	if e.Transport == VSOCK {
		e.Host = Host{Name: host}
	}
	out.Kind, out.Endpoint, out.Name = Network, e, e.String()
	w.out = append(w.out, out)
}
