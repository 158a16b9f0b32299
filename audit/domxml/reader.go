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
)

// MaxDepth is how deep elements may nest, the root included: libxml2 lets them nest no deeper unless a
// caller asks for more, which libvirt does not. Its message says 256, but it compares before it counts
// the element at hand: libvirt 9 takes a document of 257 levels and refuses one of 258 (tested).
const MaxDepth = 257

// reader is the one strict pass over a document. It hands the decoder only what libvirt would see,
// refuses what readers are known to disagree about, and fills the index on the way.
//
// It stands on the scanner, which checks the syntax of single tokens but neither nesting nor
// namespaces nor repeated attributes: those are checked here.
type reader struct {
	index
	in        scanner
	source    string
	bomLength int // bytes before the decoder's first, the byte order mark
	stack     []frame
	namespaces
	wrapperDepth   int     // elements around the domain, 1 in documents that hold one; see wrapper.go
	wrap           wrapper // what is known of those
	rootEnded      bool
	dropped        []Dropped
	lastElem       int // where the element last handed out begins
	header         bool
	waivers        []*Waiver
	auditElement   node // the <audit> of our namespace in the metadata of the domain at hand, when there was one
	ownElementSeen bool // its metadata had an element of our namespace, after which libvirt keeps no other

	joined map[int32]*nameSet // the children's names of containers that were given again, by their node
}

// frame is one open element.
type frame struct {
	raw           xml.Name // as written, for matching the end tag
	out           xml.Name // as handed to the decoder
	bindings      int      // how many namespace bindings were in force outside
	node          int32
	mode          mode
	uri           string    // namespace, when mode is hypervisor
	names         nameSet   // the names of its children
	shared        *nameSet  // the same, with those of the earlier ones, when it is joined
	childText     childText // what libxml2 makes of the character data so far
	readsText     bool      // libvirt reads the text of the element, that of elements inside it included
	firstText     Span      // the first text of its own
	strayRecorded bool      // has text among elements, which was dropped and recorded
	hasDropped    bool      // has a child that was dropped
	joined        bool      // a container that goes on where an earlier one ended
	laterCPU      bool      // a later <cpu>, of which <numa> alone counts
	waiverPlace   waiverPlace
	waiver        *Waiver // that the element is
}

func (f *frame) seen() *nameSet {
	if f.shared != nil {
		return f.shared
	}
	return &f.names
}

type mode uint8

const (
	plain      mode = iota // libvirt reads it
	hypervisor             // below an element in a hypervisor's namespace
	metadata               // inside <metadata>: anybody's, kept as text
	ignored                // below something dropped
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
		return nil, r.refuse(start, "a second root element <%s>: put each document into a file of its own, or give all of them on standard input", t.Name.Local)
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
			return nil, r.refuse(start, "<%s> below <%s> is in a foreign namespace (libvirt reads it all the same)", name, under)
		}
		f.mode = ignored
		r.recordDropped(t.Name, ForeignNamespace, start, end)
		r.noteWaiver(f, t, attrs, start, end)
		return nil, nil
	}
	kept := uri == "" && name == "metadata" && len(r.stack) == r.wrapperDepth+2 // libvirt keeps its attributes too
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
	f.readsText = r.src[end-2] != '/' && isTextElement(under, name, attrs) // an empty tag holds nothing
	switch {
	case repeats(under, name):
	case name == "cpu" && under == "domain" && parent.seen().has(name):
		return r.secondCPU(t.Name, start, end), nil
	case parent.seen().has(name):
		joined, err := r.repeatedElement(parent, name, attrs, start)
		if err != nil {
			return nil, err
		}
		if !joined {
			f.mode = ignored
			r.recordDropped(t.Name, Repeated, start, end)
			return nil, nil
		}
		// The decoder fills the struct that it made for the first; its attributes stay as they are.
		f.node, f.joined = r.child(parent.node, name, 1), true
		f.shared = r.childNames(f.node)
		r.lastElem = start
		return xml.StartElement{Name: f.out}, nil
	default:
		parent.seen().add(name)
	}
	f.node = r.add(parent.node, name, start, end)
	if kept {
		f.mode = metadata
	}
	r.lastElem = start
	return xml.StartElement{Name: f.out, Attr: r.normalise(under, name, attrs)}, nil
}

// startDomain hands out the start of a domain under the name that the decoder expects.
func (r *reader) startDomain(f *frame, attrs []xml.Attr, start, end int) (xml.Token, error) {
	if err := r.refusePrefixed(attrs, start); err != nil {
		return nil, err
	}
	f.out = xml.Name{Local: "domain"}
	f.node = r.add(0, "domain", start, end)
	f.mode = plain
	r.waivers, r.auditElement, r.ownElementSeen, r.joined = nil, node{}, false, nil
	r.lastElem = start
	return xml.StartElement{Name: f.out, Attr: r.normalise("", "domain", attrs)}, nil
}

// visible reports whether libvirt looks at an element of that namespace at this place.
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
	*f = frame{names: f.names.emptied()}
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

// readEpilog reads what comes behind the root element, where the decoder stops.
func (r *reader) readEpilog() error {
	for {
		if _, err := r.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// syntaxError turns the scanner's error into one of ours.
func (r *reader) syntaxError(err error) error {
	var bad *scanError
	switch {
	case errors.As(err, &bad):
		if r.rootEnded { // libvirt 12.8 takes anything there once it has seen an error about a namespace
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

// normalise adds what libvirt assumes and takes away what it ignores, where the decoder would fail.
func (r *reader) normalise(parent, name string, attrs []xml.Attr) []xml.Attr {
	switch {
	case name == "domain" && parent == "":
		// libvirt ignores an id that is no number; it is set by the daemon alone.
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
