package audit

import (
	"bytes"
	"encoding/xml"
)

// chars is what libxml2 has made of the inside of an element so far, as far as it decides what
// happens to white space. libvirt has libxml2 drop "ignorable" white space (xmlKeepBlanksDefault(0) in
// virXMLParseHelper), and libxml2 guesses what that is (areBlanks in its parser.c).
type chars struct {
	any     bool // has a child node of any kind
	first   bool // the first of them is text
	literal bool // a literal stretch of text or of kept white space was seen
}

// add notes a child node: text, or anything else.
func (c *chars) add(text bool) {
	if !c.any {
		c.any, c.first = true, text
	}
}

// keeps reports whether libxml2 keeps a literal stretch of white space that stands between two of tag,
// comment, processing instruction and CDATA, and whether its versions differ there. White space next to
// other text or to a reference is kept by all and is not asked for here.
//
// Checked on 3,069 patterns with libxml2 2.9.14 (libvirt 9.0) and 2.15.4 (libvirt 12.8): the newer one
// also keeps it wherever literal text came before.
func (c *chars) keeps(beforeEnd bool) (keeps, versions bool) {
	keeps = !c.any && beforeEnd || c.any && c.first
	return keeps, !keeps && c.literal
}

// text passes on the character data that libvirt keeps of what is written between start and end.
func (r *reader) text(t xml.CharData, start, end int) (xml.Token, error) {
	cdata := r.src[start] == '<'
	blank := len(bytes.TrimLeft(t, " \t\r\n")) == 0
	if len(r.stack) == 0 {
		if blank && !cdata && bytes.IndexByte(r.src[start:end], '&') < 0 {
			return nil, nil
		}
		return nil, r.refuse(start, "text outside the root element")
	}
	f := &r.stack[len(r.stack)-1]
	if f.mode >= metadata {
		if f.waiver != nil {
			f.waiver.text = append(f.waiver.text, t...)
		}
		return nil, nil
	}
	switch {
	case cdata:
		if err := r.apart(start); err != nil {
			return nil, err
		}
	case blank && bytes.IndexByte(r.src[start:end], '&') < 0:
		keeps, versions := f.chars.keeps(bytes.HasPrefix(r.src[end:], []byte("</")))
		if versions && f.textual {
			return nil, r.refuse(start, "white space after a comment inside the text of <%s> (some versions of libvirt read it, others drop it)", r.nodes[f.node].name)
		}
		if !keeps {
			return nil, nil
		}
		fallthrough
	default:
		f.chars.add(true)
		f.chars.literal = true
	}
	if f.textual && bytes.IndexByte(r.src[start:end], '\r') >= 0 && !prose[r.nodes[f.node].name] {
		return nil, r.refuse(start, "a carriage return inside the text of <%s> (libvirt reads such text in pieces)", r.nodes[f.node].name)
	}
	if blank {
		return t, nil
	}
	if f.hidden || r.nodes[f.node].first != 0 {
		return nil, r.strayText(f, r.trim(start, end))
	}
	if f.own == (Span{}) {
		f.own = r.trim(start, end)
	}
	return t, nil
}

// prose lists elements whose text decides nothing, so that the ends of lines in it do not matter.
var prose = set("description", "title")

// strayText drops text that is beside elements, as libvirt does: it looks there for elements only. Where
// libvirt reads the text of the element, that of its children is part of it, and other readers differ.
func (r *reader) strayText(f *frame, at Span) error {
	if f.textual {
		return r.refuse(at.start, "text beside an element inside the text of <%s> (libvirt reads both as one text)", r.nodes[f.node].name)
	}
	if !f.stray {
		f.stray = true
		r.dropped = append(r.dropped, Dropped{Name: r.nodes[f.node].name, Reason: StrayText, start: at.start, end: at.end})
	}
	return nil
}

// trim returns a stretch of text without the white space around it.
func (r *reader) trim(start, end int) Span {
	text := bytes.TrimLeft(r.src[start:end], " \t\r\n")
	start = end - len(text)
	return Span{start, start + len(bytes.TrimRight(text, " \t\r\n"))}
}

// apart notes a comment, a processing instruction or CDATA. It is refused inside the few elements of
// which libvirt reads the first piece of text alone.
func (r *reader) apart(start int) error {
	if len(r.stack) == 0 {
		return nil
	}
	f := &r.stack[len(r.stack)-1]
	f.chars.add(false)
	if f.mode != plain || len(r.nodes) == 0 {
		return nil
	}
	if name := r.nodes[f.node].name; inPieces[name] {
		return r.refuse(start, "the text of <%s> is in pieces (libvirt reads the first of them only)", name)
	}
	return nil
}

// inPieces lists the elements of which libvirt reads the first text node alone: os/initarg and os/initenv
// (children->content in virDomainDefParseBootInitOptions), smartcard/database ("database/text()" in
// virDomainSmartcardDefParseXML).
var inPieces = set("initarg", "initenv", "database")
