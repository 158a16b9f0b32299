package domxml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit/secret"
	"github.com/virt-audit/virt-audit/audit/source"
	"github.com/virt-audit/virt-audit/audit/textset"
)

// MaxDepth is the maximum nesting of elements, the root included. It is the limit of libxml2 unless
// a caller asks for more, which libvirt does not. libxml2's message names 256, but it compares
// before it counts the current element: libvirt 9 accepts a document of 257 levels and refuses one
// of 258 (tested).
const MaxDepth = 257

// reader reads a document strictly, in one pass. It passes to the decoder only what libvirt would
// see, refuses what readers are known to interpret differently, and fills the index.
//
// The scanner below it checks the syntax of single tokens; reader checks nesting, namespaces and
// repeated attributes.
type reader struct {
	index
	in        scanner
	source    string
	bomLength int // of the byte order mark, which the decoder does not see
	stack     []frame
	namespaces
	wrapperDepth int     // elements around the domain: 1 in documents that contain one, see wrapper.go
	wrap         wrapper // what is known about the elements around the domain
	rootEnded    bool
	dropped      []Dropped
	lastElem     int // offset of the last element passed to the decoder
	header       bool
	waivers      []*Waiver
	// auditElement is the <audit> of WaiverNamespace in the metadata of the current domain, if there is one
	auditElement node
	// metadataNames are the elements of the metadata that libvirt keeps, and metadataNamespaces their
	// namespaces: after the first element of a namespace, libvirt keeps no other
	metadataNames      []xml.Name
	metadataNamespaces textset.Set

	joined map[int32]*textset.Set // the names of the children of repeated containers, by their node
}

// frame is one open element.
type frame struct {
	raw           xml.Name // as written, for matching the end tag
	out           xml.Name // as passed to the decoder
	bindings      int      // number of namespace bindings outside the element
	node          int32
	mode          mode
	uri           string       // the namespace, if mode is hypervisor
	names         textset.Set  // the names of its children
	shared        *textset.Set // if joined: the names of its children and of those of the earlier containers
	childText     childText    // how libxml2 treats its character data so far
	readsText     bool         // libvirt reads its text, with that of the elements inside it
	firstText     Span         // the first text that is its own
	strayRecorded bool         // has text among elements, which was dropped and recorded
	hasDropped    bool         // has a child that was dropped
	joined        bool         // a container that continues an earlier one
	laterCPU      bool         // a later <cpu>, of which libvirt reads only <numa>
	waiverPlace   waiverPlace
	waiver        *Waiver // the waiver that the element is
}

func (f *frame) seen() *textset.Set {
	if f.shared != nil {
		return f.shared
	}
	return &f.names
}

type mode uint8

const (
	plain      mode = iota // libvirt reads it
	hypervisor             // below an element in a hypervisor's namespace
	metadata               // inside <metadata>: kept as text
	ignored                // inside a dropped element
	wrapping               // around the domain
)

func (r *reader) refuse(offset int, format string, args ...any) error {
	line, column := r.begin.shift(lineColumn(r.src, offset))
	return &source.Error{File: r.source, Position: source.Position{Line: line, Column: column}, Message: Shorten(fmt.Sprintf(format, secret.MaskArgs(args)...))}
}

// Token implements xml.TokenReader.
func (r *reader) Token() (xml.Token, error) {
	for {
		r.in.skipBlank()
		start := r.in.pos
		tok, err := r.in.token()
		if err != nil {
			return nil, r.syntaxError(err)
		}
		end := r.in.pos
		var out xml.Token
		switch t := tok.(type) {
		case xml.StartElement:
			out, err = r.startElement(t, start, end)
		case xml.EndElement:
			out, err = r.endElement(t, start)
		case xml.CharData:
			out, err = r.characterData(t, start, end)
		case xml.Comment:
			r.header = r.header || len(r.stack) == 0 && bytes.Contains(t, []byte("AUTO-GENERATED FILE"))
			err = r.noteBreak(start)
		case xml.ProcInst:
			if strings.EqualFold(t.Target, "xml") && start != r.bomLength {
				err = r.refuse(start, "an XML declaration that is not at the very beginning")
			} else {
				err = r.noteBreak(start)
			}
		case xml.Directive:
			err = r.refuse(start, "a DOCTYPE or other declaration (libvirt would expand entities that it defines, other readers do not)")
		}
		if err != nil {
			return nil, err
		}
		if out != nil {
			return out, nil
		}
	}
}

func (r *reader) startElement(t xml.StartElement, start, end int) (xml.Token, error) {
	if len(r.stack) >= MaxDepth {
		return nil, r.refuse(start, "elements are nested more than %d deep (libvirt refuses that)", MaxDepth)
	}
	if r.rootEnded {
		return nil, r.refuse(start, "a second root element <%s>: put each document into its own file, or pass all of them on standard input", t.Name.Local)
	}
	outside := len(r.bindings)
	attrs, err := r.checkAttributes(t, start)
	if err != nil {
		return nil, err
	}
	f := r.push()
	f.raw, f.bindings = t.Name, outside
	if len(r.stack) <= r.wrapperDepth+1 {
		return r.outermost(f, attrs, start, end)
	}
	parent := &r.stack[len(r.stack)-2]
	parent.childText.add(false)
	f.mode, f.node, f.uri = parent.mode, parent.node, parent.uri
	if f.mode == metadata || f.mode == ignored {
		r.noteWaiver(f, t, attrs, start, end)
		return nil, nil
	}
	uri, declared := r.resolve(t.Name.Space)
	name := t.Name.Local
	if err := r.checkMixedContent(parent, name, start); err != nil {
		return nil, err
	}
	if !declared || !r.visible(parent, uri, name) {
		if under := r.nodes[parent.node].name; matchedByLocalName[under] {
			return nil, r.refuse(start, "<%s> below <%s> is in a foreign namespace (libvirt reads it nevertheless)", name, under)
		}
		f.mode = ignored
		r.recordDropped(t.Name, ForeignNamespace, start, end)
		r.noteWaiver(f, t, attrs, start, end)
		return nil, nil
	}
	// libvirt also keeps its attributes
	kept := uri == "" && name == "metadata" && len(r.stack) == r.wrapperDepth+2
	if !kept {
		if err := r.refusePrefixed(attrs, start); err != nil {
			return nil, err
		}
	}
	if ignore, err := r.ignoredInLaterCPU(parent, name, start); ignore || err != nil {
		f.mode = ignored
		return nil, err
	}
	f.out = xml.Name{Space: uri, Local: name}
	if uri != "" {
		f.mode, f.uri = hypervisor, uri
		name = hypervisorNamespaces[uri].prefix + ":" + name
	}
	under := r.nodes[parent.node].name
	f.readsText = r.src[end-2] != '/' && isTextElement(under, name, attrs) // an empty tag has no text
	switch {
	case repeats(under, name):
	case name == "cpu" && under == "domain" && parent.seen().Has(name):
		return r.secondCPU(t.Name, start, end), nil
	case !parent.seen().Add(name):
		joined, err := r.repeatedElement(parent, name, attrs, start)
		if err != nil {
			return nil, err
		}
		if !joined {
			f.mode = ignored
			r.recordDropped(t.Name, Repeated, start, end)
			return nil, nil
		}
		// The decoder fills the struct of the first container; its attributes stay as they are.
		f.node, f.joined = r.child(parent.node, name, 1), true
		f.shared = r.childNames(f.node)
		r.merge(f.node, start, end)
		r.lastElem = start
		return xml.StartElement{Name: f.out}, nil
	}
	f.node = r.add(parent.node, name, start, end)
	if kept {
		f.mode = metadata
	}
	r.lastElem = start
	return xml.StartElement{Name: f.out, Attr: r.normalise(under, name, attrs)}, nil
}

// startDomain passes the start of a domain to the decoder under the name that the decoder expects.
func (r *reader) startDomain(f *frame, attrs []xml.Attr, start, end int) (xml.Token, error) {
	if err := r.refusePrefixed(attrs, start); err != nil {
		return nil, err
	}
	f.out = xml.Name{Local: "domain"}
	f.node = r.add(0, "domain", start, end)
	f.mode = plain
	r.waivers, r.auditElement, r.joined = nil, node{}, nil
	r.metadataNames, r.metadataNamespaces = nil, textset.Set{}
	r.lastElem = start
	return xml.StartElement{Name: f.out, Attr: r.normalise("", "domain", attrs)}, nil
}

// visible reports whether libvirt reads an element of that namespace at this place.
func (r *reader) visible(parent *frame, uri, name string) bool {
	if parent.mode == hypervisor {
		return uri == parent.uri
	}
	if uri == "" {
		return true
	}
	return len(r.stack) == r.wrapperDepth+2 && hypervisorNamespaces[uri].elements[name]
}

func (r *reader) endElement(t xml.EndElement, start int) (xml.Token, error) {
	if len(r.stack) == 0 {
		return nil, r.refuse(start, "an end tag </%s> without its start tag", t.Name.Local)
	}
	f := &r.stack[len(r.stack)-1]
	if f.raw != t.Name {
		return nil, r.refuse(start, "<%s> is closed by </%s> (libvirt refuses the document)", f.raw.Local, t.Name.Local)
	}
	r.stack = r.stack[:len(r.stack)-1]
	r.unbind(f.bindings)
	r.rootEnded = len(r.stack) == 0
	r.noteWaiverEnd(f, start)
	opaque := f.mode == ignored || f.mode == wrapping || f.mode == metadata && r.stack[len(r.stack)-1].mode == metadata
	if opaque {
		if len(r.stack) == 1 && r.wrapperDepth == 1 {
			r.rootChildEnd(f.raw, start)
		}
		return nil, nil
	}
	n := &r.nodes[f.node]
	n.close = int32(max(start, int(n.tagEnd)))
	return xml.EndElement{Name: f.out}, nil
}

func (r *reader) push() *frame {
	n := len(r.stack)
	if n < cap(r.stack) {
		r.stack = r.stack[:n+1]
	} else {
		r.stack = append(r.stack, frame{})
	}
	f := &r.stack[n]
	*f = frame{names: f.names.Emptied()}
	return f
}

func (r *reader) recordDropped(name xml.Name, why DropReason, start, end int) {
	r.stack[len(r.stack)-2].hasDropped = true
	written := name.Local
	if name.Space != "" {
		written = name.Space + ":" + written
	}
	r.dropped = append(r.dropped, Dropped{Name: written, Reason: why, Span: Span{start, end}})
}

// readEpilog reads the rest of the document after the root element, where the decoder stops.
func (r *reader) readEpilog() error {
	for {
		if _, err := r.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// syntaxError converts the scanner's error to a source.Error.
func (r *reader) syntaxError(err error) error {
	var bad *scanError
	switch {
	case errors.As(err, &bad):
		if r.rootEnded { // libvirt 12.8 accepts anything there after an error about a namespace
			return r.refuse(bad.offset, "%s", bad.message)
		}
		return r.refuse(bad.offset, "%s (libvirt refuses the document)", bad.message)
	case len(r.stack) == 0 && !r.rootEnded:
		return r.refuse(len(r.src), "the document ends before its root element")
	case r.rootEnded && errors.Is(err, io.EOF):
		return io.EOF
	}
	return r.refuse(len(r.src), "the document ends in the middle (truncated?)")
}

// normalise adds the defaults of libvirt and removes values that libvirt ignores, where the decoder
// would fail.
func (r *reader) normalise(parent, name string, attrs []xml.Attr) []xml.Attr {
	switch {
	case name == "domain" && parent == "":
		// libvirt ignores an id that is not a number; only the daemon sets it.
		for i, a := range attrs {
			if a.Name.Local == "id" {
				if _, err := strconv.Atoi(a.Value); err != nil {
					return append(attrs[:i], attrs[i+1:]...)
				}
			}
		}
	case parent == "devices" && name == "interface":
		return withDefault(attrs, "type", "user")
	case parent == "devices" && name == "hostdev":
		return withDefault(attrs, "mode", "subsystem")
	case parent == "devices" && name == "controller":
		return withDefault(attrs, "type", "ide")
	}
	if len(attrs) > 0 {
		return decimal(parent, name, attrs)
	}
	return attrs
}

func withDefault(attrs []xml.Attr, name, value string) []xml.Attr {
	if hasAttr(attrs, name) {
		return attrs
	}
	return append(attrs, xml.Attr{Name: xml.Name{Local: name}, Value: value})
}
