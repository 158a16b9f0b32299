package domxml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/secret"
	"github.com/virt-audit/virt-audit/audit/source"
)

// MaxSize is the largest document that Load takes: offsets are kept in 32 bits.
const MaxSize = 1 << 30

// Load reads the domain of a document; of several, the first. See LoadAll.
func Load(name string, data []byte) (*Domain, error) {
	domains, err := LoadAll(name, data)
	if err != nil {
		return nil, err
	}
	return domains[0], nil
}

// LoadAll reads the domains of a document, in the order in which they stand there: that of <domain>
// and <domaincheckpoint>, that of <domstatus> with what libvirt noted about the running guest, and the
// one or two of <domainsnapshot>. It keeps the bytes for positions and excerpts; they must not be
// changed afterwards. name is the file, or what users are shown in its place.
//
// The result, never empty, holds what libvirt would read. Documents that libvirt refuses, or that
// readers are known to understand differently, are refused: the error is an *source.Error that names
// the place, or a *NotDomainError for a document that holds no domain.
func LoadAll(name string, data []byte) ([]*Domain, error) {
	return LoadPart(name, Part{Data: data})
}

// LoadPart is LoadAll for a part of a stream: places are those in the stream. See Split.
func LoadPart(name string, part Part) ([]*Domain, error) {
	domains, err := load(name, part)
	if bad, ok := errors.AsType[*source.Error](err); ok {
		return nil, explain(bad, part.Data)
	}
	return domains, err
}

// explain returns what is wrong with a document that could not be read, if its content shows more than
// the reader has seen: it is another program's, or a template.
func explain(bad *source.Error, src []byte) error {
	if root, ok := otherProgram(src); ok {
		return &NotDomainError{Source: bad.File, Root: root}
	}
	return explainTemplate(bad, src)
}

func load(name string, part Part) ([]*Domain, error) {
	data := part.Data
	r := &reader{source: name}
	r.src, r.begin = data, part.Start
	r.stack = make([]frame, 0, 16)
	r.nodes = make([]node, 0, 16+len(data)/48)
	if err := r.bytes(); err != nil {
		return nil, err
	}
	r.in = scanner{src: data, text: string(data), pos: r.base}

	var domains []*Domain
	for {
		domain := &libvirtxml.Domain{}
		if err := xml.NewTokenDecoder(r).Decode(domain); errors.Is(err, io.EOF) && r.rootEnd {
			return r.wrapped(domains)
		} else if err != nil {
			return nil, r.decoding(err)
		}
		d := &Domain{Domain: domain, Source: name, Dropped: r.dropped, index: r.index}
		d.reasoned(r.waivers, r.ours)
		if domains = append(domains, d); r.outer > 0 {
			continue // what stands behind can be another, and belongs to this one too
		}
		if err := r.finish(); err != nil {
			return nil, err
		}
		d.header = r.header
		if err := d.complete(); err != nil {
			return nil, err
		}
		return domains, nil
	}
}

// complete derives what the domain says beside its own struct.
func (d *Domain) complete() error {
	d.fill()
	if d.Origin.Kind == "" {
		d.Origin.Kind = Stored
		if d.Live() {
			d.Origin.Kind = Running
		}
	}
	if at, ok := d.find(At("metadata")); ok && d.Metadata != nil {
		n := d.nodes[at]
		d.Metadata.XML = string(d.src[n.tagEnd:n.close])
	}
	if err := d.known(); err != nil {
		return err
	}
	d.Command = decodeCommand(d)
	d.Command.resolve(d.Target)
	d.harmless = d.Command.harmless()
	return nil
}

var (

	// xmlDeclaration is the only form that libxml2 takes; the encodings are those of which UTF-8 is
	// a superset. The version must come first.
	xmlDeclaration = regexp.MustCompile(`^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:'1\.0'|"1\.0")` +
		`(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:'([A-Za-z0-9._-]+)'|"([A-Za-z0-9._-]+)"))?` +
		`(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:'(?:yes|no)'|"(?:yes|no)"))?[ \t\r\n]*\?>`)
)

// bytes refuses what is no text in UTF-8 before the decoder sees it, and looks at the XML declaration.
func (r *reader) bytes() error {
	src := r.src
	switch {
	case len(src) > MaxSize:
		return &source.Error{File: r.source, Message: fmt.Sprintf("larger than %d bytes", MaxSize)}
	case len(src) == 0:
		return &source.Error{File: r.source, Message: "the document is empty"}
	case bytes.HasPrefix(src, []byte("\xfe\xff")), bytes.HasPrefix(src, []byte("\xff\xfe")),
		bytes.HasPrefix(src, []byte("<\x00")), bytes.HasPrefix(src, []byte("\x00<")):
		return &source.Error{File: r.source, Position: source.Position{Line: 1, Column: 1}, Message: "the document is in UTF-16, only UTF-8 is read"}
	case bytes.HasPrefix(src, bom):
		r.base = len(bom)
	}
	for i := 0; i < len(src); i++ {
		c := src[i]
		if c >= ' ' && c < utf8.RuneSelf || c == '\n' || c == '\t' || c == '\r' {
			continue
		}
		if c < ' ' {
			return r.refuse(i, "the control character U+%04X", c)
		}
		ru, size := utf8.DecodeRune(src[i:])
		if ru == utf8.RuneError && size == 1 || ru == 0xFFFE || ru == 0xFFFF {
			return r.refuse(i, "bytes that are not UTF-8")
		}
		i += size - 1
	}
	text := src[r.base:]
	if !bytes.HasPrefix(text, []byte("<?xml")) || len(text) > 5 && !isSpace(text[5]) {
		return nil
	}
	m := xmlDeclaration.FindSubmatch(text[:min(len(text), 1024)])
	if m == nil {
		return r.refuse(r.base, "an XML declaration that is malformed or not of version 1.0")
	}
	switch encoding := strings.ToLower(string(m[1]) + string(m[2])); encoding {
	case "", "utf-8", "utf8":
	case "us-ascii", "ascii":
		for i, c := range src {
			if c >= utf8.RuneSelf {
				return r.refuse(i, "a character outside of the declared encoding US-ASCII")
			}
		}
	default:
		return r.refuse(r.base, "the encoding %s; only UTF-8 and US-ASCII are read", encoding)
	}
	return nil
}

// decoding turns an error of the decoder into one of ours, placed at the element that was read last.
func (r *reader) decoding(err error) error {
	var input *source.Error
	var other *NotDomainError
	if errors.As(err, &input) || errors.As(err, &other) {
		return err
	}
	var num *strconv.NumError
	var syntax *xml.SyntaxError
	name := "domain"
	if at := len(r.nodes); at > 0 {
		name = r.nodes[at-1].name
	}
	switch {
	case errors.As(err, &num):
		return r.refuse(r.lastElem, "a value in <%s> is not a decimal number, or too large", name)
	case errors.As(err, &syntax):
		return r.refuse(r.lastElem, "not well-formed XML: %s", syntax.Msg)
	}
	return r.refuse(r.lastElem, "<%s> is not understood: %v", name, err)
}

// known refuses a domain type, an OS type or an architecture that libvirt would refuse. Nothing is
// trimmed or folded: " kvm " and "KVM" are unknown to libvirt.
func (d *Domain) known() error {
	refuse := func(p Path, format string, args ...any) error {
		pos := d.Pos(p)
		return &source.Error{File: d.Source, Position: source.Position{Line: pos.Line, Column: pos.Column}, Message: Shorten(fmt.Sprintf(format, secret.MaskArgs(args)...))}
	}
	switch t := d.Target; {
	case t.Type == "":
		return refuse(Path{}, "<domain> has no type (libvirt refuses it)")
	case !policy.KnownType(t.Type):
		return refuse(At("@type"), "unknown domain type %q (libvirt refuses it)", t.Type)
	case t.OS != "" && !policy.KnownOS(t.OS):
		return refuse(At("os/type"), "unknown OS type %q (libvirt refuses it)", t.OS)
	case t.Arch != "" && !policy.KnownArch(t.Arch):
		return refuse(At("os/type@arch"), "unknown architecture %q (libvirt refuses it)", t.Arch)
	}
	return nil
}

// wrapped finishes the domains of a document that holds some.
func (r *reader) wrapped(domains []*Domain) ([]*Domain, error) {
	if len(domains) == 0 {
		if r.wrap.root == "domstatus" || r.wrap.root == "domaincheckpoint" && r.header {
			return nil, r.refuse(0, "<%s> without <domain> (libvirt refuses the document)", r.wrap.root)
		}
		return nil, &NotDomainError{Source: r.source, Root: r.wrap.root}
	}
	for i, d := range domains {
		d.header, d.Origin = r.header, r.wrap.origin
		d.Origin.Kind = r.wrap.kinds[i]
		if err := d.complete(); err != nil {
			return nil, err // libvirt refuses the whole document too
		}
	}
	domains[0].Dropped = append(domains[0].Dropped, r.wrap.dropped...)
	return domains, nil
}
