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

// literalText returns the part that libxml2 keeps of a stretch of text between two of tag, comment,
// processing instruction and CDATA, references included: the whole or what is left without white space
// at its beginning. libxml2 asks for each piece up to a carriage return (xmlParseCharData); once a piece
// is kept, all that follow are, since they stand next to text.
func (c *chars) literalText(raw []byte, beforeEnd bool) (kept []byte, versions bool) {
	for {
		n := len(raw) - len(bytes.TrimLeft(raw, " \t\n"))
		switch {
		case n == len(raw): // the end
			keeps, differ := c.keeps(beforeEnd)
			if !keeps {
				return nil, versions || differ
			}
		case raw[n] == '\r':
			if n > 0 {
				keeps, differ := c.keeps(false)
				versions = versions || differ
				if keeps {
					break
				}
			}
			if n+1 < len(raw) && raw[n+1] == '\n' {
				if raw = raw[n+1:]; len(raw) == 1 || raw[1] != '\r' {
					continue
				}
			} else {
				raw = raw[n:]
			}
			// After a carriage return alone, or two line ends in a row, the rest is one piece.
			if len(bytes.TrimLeft(raw, " \t\r\n")) > 0 {
				break
			}
			keeps, differ := c.keeps(beforeEnd)
			if versions = versions || differ || len(raw) >= pieceSize; !keeps {
				return nil, versions
			}
		}
		c.add(true)
		c.literal = true
		return raw, versions
	}
}

// pieceSize is XML_PARSER_BIG_BUFFER_SIZE, the bytes in which libxml2 reads on after a carriage return.
const pieceSize = 300

// text passes on the character data that libvirt keeps of what is written between start and end.
func (r *reader) text(t xml.CharData, start, end int) (xml.Token, error) {
	raw := r.src[start:end]
	cdata := raw[0] == '<'
	blank := len(bytes.TrimLeft(t, " \t\r\n")) == 0
	if len(r.stack) == 0 {
		if blank && !cdata && bytes.IndexByte(raw, '&') < 0 {
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
	if cdata {
		if err := r.apart(start); err != nil {
			return nil, err
		}
	} else {
		kept, versions := f.chars.literalText(raw, bytes.HasPrefix(r.src[end:], []byte("</")))
		if versions && f.textual {
			return nil, r.refuse(start, "white space after a comment inside the text of <%s> (some versions of libvirt read it, others drop it)", r.nodes[f.node].name)
		}
		if len(kept) == 0 {
			return nil, nil
		}
		if len(kept) < len(raw) {
			t = xml.CharData(unescape(kept, false))
		}
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
