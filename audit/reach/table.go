package reach

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed positions.txt
var positionsText string

// row is one position of the table.
type row struct {
	id       string
	at       place // of the value, from the element that the row is about
	kind     Kind
	form     form
	access   []choice[Access, condition]
	opener   []choice[Opener, condition]
	own      bool
	when     condition
	fallback string // implied name; "" with implies set for an endpoint without a host
	implies  bool
	prefix   string
	as       string
	parts    []string // as written, for the test of completeness
	host     source
	port     source
	to       source
	tls      source
	carrier  source // transport
	role     Role
}

// choice is a value that goes where its condition holds.
type choice[T, C any] struct {
	value T
	when  C
}

// source is a fixed word, or the first of some places that the document has.
type source struct {
	word   string
	places []place
}

// node is an element of the table, with the rows about it.
type node struct {
	children   map[string]*node
	rows       []*row            // about the element or its text, or implied
	attributes map[string][]*row // by the attribute that has the value
}

func (n *node) child(steps string) *node {
	for step := range strings.SplitSeq(steps, "/") {
		if step == "" || step == "." {
			continue
		}
		if n.children == nil {
			n.children = map[string]*node{}
		}
		if n.children[step] == nil {
			n.children[step] = &node{}
		}
		n = n.children[step]
	}
	return n
}

// form is how the name of a resource is made of what is written.
type form uint8

const (
	formPlain form = iota
	formPath
	formSocket
	formEndpoint
	formRemote
	formPCI
	formUSB
	formSCSI
	formVolume
	formALSA
	formVariable
	formUUID
)

// words are the kinds by their word in the table, and how each is read.
var words = map[string]struct {
	kind Kind
	form form
}{
	"file": {File, formPath}, "dir": {Directory, formPath}, "block": {BlockDevice, formPath}, "char": {CharDevice, formPath},
	"socket": {Socket, formSocket}, "net": {Network, formEndpoint}, "remote": {Remote, formRemote}, "exec": {Executable, formPath},
	"pci": {PCI, formPCI}, "usb": {USB, formUSB}, "scsi": {SCSI, formSCSI}, "mdev": {Mediated, formUUID}, "vdpa": {VDPA, formPath},
	"iface": {Interface, formPlain}, "bridge": {Bridge, formPlain}, "pool": {Pool, formPlain}, "volume": {Volume, formVolume},
	"network": {LibvirtNet, formPlain}, "secret": {Secret, formPlain}, "filter": {Filter, formPlain}, "dbus": {DBus, formPlain},
	"env": {Variable, formVariable}, "fd": {Descriptor, formPlain}, "ns": {Namespace, formPlain}, "setting": {Setting, formPlain},
	"guest": {Guest, formPlain}, "alsa": {CharDevice, formALSA}, "unknown": {Unknown, formPlain},
}

var openerWords = map[string]Opener{
	"libvirt": Libvirt, "qemu": QEMU, "helper": Helper, "helper-user": HelperUser, "toolstack": Toolstack, "guest": GuestAlone,
}

// positions returns the table, parsed. A mistake in it panics: tests read it first.
var positions = sync.OnceValue(func() *node { return parseTable(positionsText, nil).root })

// table is a table while it is parsed.
type table struct {
	root   *node
	named  map[string]condition
	blocks map[string][]blockRow // by the name of the block
	roles  map[string]Role       // by the ID of the row
	places map[string]bool       // every place that a row is about, for the test of completeness; nil if not needed
}

// blockRow is a row with its element and the rest of its place.
type blockRow struct {
	*row
	element, value string
}

// parseTable parses a table, and notes in places, unless it is nil, which places the rows are
// about.
func parseTable(text string, places map[string]bool) *table {
	t := &table{
		root: &node{}, named: map[string]condition{}, blocks: map[string][]blockRow{},
		places: places, roles: roles(text),
	}
	block := ""
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0, fields[0] == "#", fields[0] == "role":
		case fields[0] == "let":
			t.named[fields[1]] = parseCondition(fields[2], t.named)
		case fields[0] == "block":
			block = fields[1]
		case fields[0] == "end":
			block = ""
		case fields[0] == "mount":
			for _, row := range t.blocks[fields[1]] {
				t.add(fields[2], row)
			}
		case fields[0] == "same":
			at := strings.LastIndexByte(fields[1], '/')
			parent := t.root.child(fields[1][:at])
			if parent.children == nil {
				parent.children = map[string]*node{}
			}
			parent.children[fields[1][at+1:]] = t.root.child(fields[2])
		case block != "":
			t.blocks[block] = append(t.blocks[block], t.row(fields))
		default:
			t.add("", t.row(fields))
		}
	}
	return t
}

// row parses a row.
func (t *table) row(fields []string) blockRow {
	if len(fields) < 7 {
		panic(fmt.Sprintf("reach: row %v: too short", fields))
	}
	element, value := splitPlace(fields[1])
	r := &row{id: fields[0], at: parsePlace(value), own: fields[5] == "own", when: parseCondition(fields[6], t.named)}
	r.role = t.roles[r.id]
	word, ok := words[fields[2]]
	if !ok {
		panic(fmt.Sprintf("reach: row %s: no kind %s", r.id, fields[2]))
	}
	r.kind, r.form = word.kind, word.form
	r.access = parseChoices(fields[3], parseAccess, t.condition)
	r.opener = parseChoices(fields[4], parseOpener, t.condition)
	for _, option := range fields[7:] {
		r.option(option)
	}
	return blockRow{r, element, value}
}

// add adds a row below an element.
func (t *table) add(below string, r blockRow) {
	path := strings.Trim(below+"/"+r.element, "/.")
	n := t.root.child(path)
	name := r.at.attr
	if name != "" {
		if n.attributes == nil {
			n.attributes = map[string][]*row{}
		}
		n.attributes[name] = append(n.attributes[name], r.row)
	}
	if name == "" || r.implies {
		n.rows = append(n.rows, r.row)
	}
	if t.places == nil {
		return
	}
	t.note(path, r.value)
	for _, part := range r.parts {
		t.note(path, part)
	}
}

func (t *table) condition(s string) condition { return parseCondition(s, t.named) }

// splitPlace splits "a/b@c" into the element and the rest.
func splitPlace(s string) (element, value string) {
	if i := strings.IndexAny(s, "@#"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, "."
}

// note keeps that a place is covered. The place is relative to the element.
func (t *table) note(element, value string) {
	steps := strings.Split(element, "/")
	inner, value := splitPlace(value)
	for step := range strings.SplitSeq(inner, "/") {
		switch step {
		case "", ".":
		case "..":
			steps = steps[:len(steps)-1]
		default:
			steps = append(slices.Clip(steps), step)
		}
	}
	t.places[strings.Join(steps, "/")+value] = true
}

func (r *row) option(s string) {
	key, value, _ := strings.Cut(s, "=")
	switch key {
	case "default":
		r.fallback, r.implies = value, true
	case "part":
		r.parts = append(r.parts, strings.Split(value, ",")...)
	case "prefix":
		r.prefix = strings.ReplaceAll(value, "~", " ")
	case "as":
		r.as = strings.ReplaceAll(value, "~", " ")
	case "host":
		r.host = r.source(value)
	case "port":
		r.port = r.source(value)
	case "to":
		r.to = r.source(value)
	case "tls":
		r.tls = r.source(value)
	case "transport":
		r.carrier = r.source(value)
	default:
		panic("reach: row " + r.id + ": no option " + key)
	}
}

// source reads a word after a quote, or places; those count as parts.
func (r *row) source(s string) source {
	if word, ok := strings.CutPrefix(s, "'"); ok {
		return source{word: word}
	}
	var out source
	for p := range strings.SplitSeq(s, ",") {
		out.places = append(out.places, parsePlace(p))
		r.parts = append(r.parts, p)
	}
	return out
}

// parseChoices reads "a/b:COND/c:COND": b and c where their condition holds, else a.
func parseChoices[T, C any](s string, parse func(string) T, parseCond func(string) C) []choice[T, C] {
	var out []choice[T, C]
	for first := true; s != ""; first = false {
		part := s
		if i := nextChoice(s); i >= 0 {
			part, s = s[:i], s[i+1:]
		} else {
			s = ""
		}
		word, when, conditional := strings.Cut(part, ":")
		c := choice[T, C]{value: parse(word)}
		if conditional {
			c.when = parseCond(when)
		}
		if first == conditional {
			panic("reach: choice " + part)
		}
		out = append(out, c)
	}
	return out
}

// nextChoice returns where a slash separates choices and not steps of a place.
func nextChoice(s string) int {
	for i := range s {
		if s[i] != '/' {
			continue
		}
		word, _, ok := strings.Cut(s[i+1:], ":")
		if ok && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz-+") == "" {
			return i
		}
	}
	return -1
}

func choose[T, C any](choices []choice[T, C], holds func(C) bool) T {
	for _, c := range choices[1:] {
		if holds(c.when) {
			return c.value
		}
	}
	return choices[0].value
}

func parseAccess(s string) (a Access) {
	if s == "-" {
		return 0
	}
	for _, c := range s {
		i := strings.IndexRune("rwcxold", c)
		if i < 0 {
			panic("reach: no access " + s)
		}
		a |= 1 << i
	}
	return a
}

func parseOpener(s string) (o Opener) {
	for word := range strings.SplitSeq(s, "+") {
		if openerWords[word] == 0 {
			panic("reach: no opener " + word)
		}
		o |= openerWords[word]
	}
	return o
}
