package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/source"
)

// QEMUConf is a qemu.conf: its settings and their lines. Other settings have libvirt's default. Passwords
// are masked.
type QEMUConf struct {
	File string

	settings []entry // known ones, by key
	session  bool
}

// entry is one setting of the file.
type entry struct {
	key  string
	line int
	value
}

// Setting is one setting with its effective value.
type Setting[T any] struct {
	Key   string
	Value T
	Set   bool // in the file; otherwise the value is libvirt's default
	File  string
	Line  int
}

// Where returns, for people, where the value is set: "qemu.conf:12 vnc_listen", or "libvirt's default".
func (s Setting[T]) Where() string {
	if !s.Set {
		return "libvirt's default"
	}
	return source.Location(path.Base(s.File), s.Line, 0) + " " + s.Key
}

// masked replaces a password.
const masked = "******"

// ParseQEMUConf reads a qemu.conf as libvirt does. File is the name for errors, which have the line and never
// contain a value.
//
// If a key is set twice, the first one counts, as for libvirt (virConfGetValue). Keys that libvirt does not
// know are skipped. Whatever makes libvirt refuse the file is an error, such as a value of the wrong type.
func ParseQEMUConf(file string, data []byte) (*QEMUConf, error) {
	statements, err := parseConf(file, data)
	if err != nil {
		return nil, err
	}
	c := &QEMUConf{File: file}
	for _, s := range statements {
		if _, ok := settings[s.key]; !ok {
			continue
		}
		if err := s.check(); err != nil {
			return nil, &source.Error{File: file, Position: source.Position{Line: s.line}, Message: s.key + ": " + err.Error(), Err: err}
		}
		c.add(s)
	}
	return c, nil
}

// add adds a setting that is known and of the right type.
func (c *QEMUConf) add(e entry) {
	switch settings[e.key].kind {
	case secret:
		if e.text != "" {
			e.text = masked
		}
	case textOrList:
		if e.kind == text {
			e.value = value{kind: list, items: []value{e.value}}
		}
	case text, flag, number, list, size:
	}
	e.text = strings.ToValidUTF8(e.text, "\uFFFD") // a bundle is UTF-8
	for i := range e.items {
		e.items[i].text = strings.ToValidUTF8(e.items[i].text, "\uFFFD")
	}
	if i, found := c.find(e.key); !found {
		c.settings = slices.Insert(c.settings, i, e)
	}
}

func (c *QEMUConf) find(key string) (int, bool) {
	return slices.BinarySearchFunc(c.settings, key, func(e entry, key string) int { return strings.Compare(e.key, key) })
}

// check returns why libvirt would refuse the value.
func (e *entry) check() error {
	switch want := settings[e.key].kind; {
	case (want == text || want == secret) && e.kind != text:
		return errors.New("must be a string")
	case want == number && e.kind != number:
		return errors.New("must be a number")
	case want == flag && (e.kind != number || e.signed || e.number != 0 && e.number != 1):
		return errors.New("must be 0 or 1")
	case want == size && (e.kind != number || e.signed) && (e.kind != text || e.text != "unlimited"):
		return errors.New(`must be a number of bytes or "unlimited"`)
	case want == number && (e.number < math.MinInt32 || e.number > math.MaxUint32):
		return errors.New("the number is out of range")
	case (want == list || want == textOrList) && e.kind != list && (want == list || e.kind != text),
		e.kind == list && slices.ContainsFunc(e.items, func(v value) bool { return v.kind != text }):
		return errors.New("must be a list of strings")
	}
	return nil
}

// get returns the entry of a key, if it is set, and the default. A key of another kind, or one that is
// not in the table, is a bug of the caller.
func (c *QEMUConf) get(key string, kinds ...kind) (*entry, known) {
	k, ok := settings[key]
	if !ok || !slices.Contains(kinds, k.kind) {
		panic("host: no such setting of qemu.conf: " + key)
	}
	if c == nil {
		return nil, k
	}
	if c.session && k.session != nil {
		switch v := k.session.(type) {
		case string:
			k.text = v
		case int64:
			k.number = v
		case []string:
			k.list = v
		}
	}
	if i, found := c.find(key); found {
		return &c.settings[i], k
	}
	return nil, k
}

func setting[T any](c *QEMUConf, key string, e *entry, otherwise T, value func(*entry) T) Setting[T] {
	if e == nil {
		return Setting[T]{Key: key, Value: otherwise}
	}
	return Setting[T]{Key: key, Value: value(e), Set: true, File: c.File, Line: e.line}
}

// String returns a setting that is a string. A password is masked unless it is empty.
func (c *QEMUConf) String(key string) Setting[string] {
	e, k := c.get(key, text, secret)
	return setting(c, key, e, k.text, func(e *entry) string { return e.text })
}

// Int returns a setting that is a number.
func (c *QEMUConf) Int(key string) Setting[int64] {
	e, k := c.get(key, number, flag)
	return setting(c, key, e, k.number, func(e *entry) int64 { return e.number })
}

// Bool returns a setting that is 0 or 1.
func (c *QEMUConf) Bool(key string) Setting[bool] {
	e, k := c.get(key, flag)
	return setting(c, key, e, k.number != 0, func(e *entry) bool { return e.number != 0 })
}

// List returns a setting that is a list of texts, or one text in its place.
func (c *QEMUConf) List(key string) Setting[[]string] {
	e, k := c.get(key, list, textOrList)
	return setting(c, key, e, k.list, (*entry).texts)
}

// MaxCore returns how large QEMU's core dumps may be; -1 is without a limit, which is libvirt's default on
// Linux.
func (c *QEMUConf) MaxCore() Setting[int64] {
	e, _ := c.get("max_core", size)
	return setting(c, "max_core", e, -1, func(e *entry) int64 {
		if e.kind == text {
			return -1
		}
		return e.number
	})
}

// Verify returns whether a service asks for client certificates: "vnc", "chardev", "migrate" or
// "backup". The service's own setting decides, then that of all, then the service's default.
func (c *QEMUConf) Verify(service string) Setting[bool] {
	own := c.Bool(service + "_tls_x509_verify")
	if all := c.Bool("default_tls_x509_verify"); !own.Set && all.Set {
		return all
	}
	return own
}

// Listen returns where a display ("vnc", "spice" or "rdp") listens that names no address, and whether
// that is a socket of its own instead, which takes precedence.
func (c *QEMUConf) Listen(display string) (address Setting[string], socket Setting[bool]) {
	if display != "rdp" {
		socket = c.Bool(display + "_auto_unix_socket")
	}
	return c.String(display + "_listen"), socket
}

// stored is how a setting looks in a bundle of facts: one of the three values is there.
type stored struct {
	Key    string    `json:"key"`
	Line   int       `json:"line"`
	Text   *string   `json:"string,omitempty"`
	Number *int64    `json:"integer,omitempty"`
	List   *[]string `json:"list,omitempty"`
}

type storedConf struct {
	File     string   `json:"file"`
	Settings []stored `json:"settings"`
}

// MarshalJSON writes the settings that the file makes. Passwords are masked.
func (c *QEMUConf) MarshalJSON() ([]byte, error) {
	out := storedConf{c.File, []stored{}}
	for _, e := range c.settings {
		s := stored{Key: e.key, Line: e.line}
		switch e.kind {
		case number:
			s.Number = &e.number
		case list:
			texts := e.texts()
			s.List = &texts
		default:
			s.Text = &e.text
		}
		out.Settings = append(out.Settings, s)
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON writes, and nothing else.
func (c *QEMUConf) UnmarshalJSON(data []byte) error {
	var in storedConf
	if err := strict(data, &in); err != nil {
		return err
	}
	*c = QEMUConf{File: in.File}
	for _, s := range in.Settings {
		e := entry{key: s.Key, line: s.Line}
		given := 0
		if s.Text != nil {
			given++
			e.kind, e.text = text, *s.Text
		}
		if s.Number != nil {
			given++
			e.kind, e.number, e.signed = number, *s.Number, *s.Number < 0
		}
		if s.List != nil {
			given++
			e.kind, e.items = list, []value{}
			for _, t := range *s.List {
				e.items = append(e.items, value{kind: text, text: t})
			}
		}
		_, ok := settings[s.Key]
		switch {
		case !ok:
			return fmt.Errorf("qemu_conf: unknown setting %q", s.Key)
		case given != 1:
			return fmt.Errorf("qemu_conf: setting %s: must have one of string, integer and list", s.Key)
		}
		if err := e.check(); err != nil {
			return fmt.Errorf("qemu_conf: setting %s: %w", s.Key, err)
		}
		if _, found := c.find(s.Key); found {
			return fmt.Errorf("qemu_conf: setting %s is given twice", s.Key)
		}
		c.add(e)
	}
	return nil
}
