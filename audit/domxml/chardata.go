package domxml

import (
	"bytes"
	"encoding/xml"
)

// characterData returns the part of the character data between start and end that libvirt keeps.
func (r *reader) characterData(t xml.CharData, start, end int) (xml.Token, error) {
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
			f.waiver.rawReason = append(f.waiver.rawReason, t...)
		}
		return nil, nil
	}
	if cdata {
		if err := r.noteBreak(start); err != nil {
			return nil, err
		}
	} else {
		kept, versions := f.childText.literalText(raw, bytes.HasPrefix(r.src[end:], []byte("</")))
		if versions && f.readsText {
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
	if f.hasDropped || r.nodes[f.node].first != 0 {
		return nil, r.dropStrayText(f, r.trim(start, end))
	}
	if f.firstText == (Span{}) {
		f.firstText = r.trim(start, end)
	}
	return t, nil
}

// dropStrayText drops text next to elements, as libvirt does: it looks only for elements there.
// Where libvirt reads the text of the element, the text of its children is part of it. Other
// readers differ, so such a document is refused.
func (r *reader) dropStrayText(f *frame, at Span) error {
	if f.readsText {
		return r.refuse(at.Start, "text beside an element inside the text of <%s> (libvirt reads both as one text)", r.nodes[f.node].name)
	}
	if !f.strayRecorded {
		f.strayRecorded = true
		r.dropped = append(r.dropped, Dropped{Name: r.nodes[f.node].name, Reason: StrayText, Span: at})
	}
	return nil
}

// trim returns a range of text without the white space around it.
func (r *reader) trim(start, end int) Span {
	text := bytes.TrimLeft(r.src[start:end], " \t\r\n")
	start = end - len(text)
	return Span{start, start + len(bytes.TrimRight(text, " \t\r\n"))}
}

// noteBreak records a comment, a processing instruction or CDATA. Each is refused inside the few
// elements of which libvirt reads only the first piece of text.
func (r *reader) noteBreak(start int) error {
	if len(r.stack) == 0 {
		return nil
	}
	f := &r.stack[len(r.stack)-1]
	f.childText.add(false)
	if f.mode != plain || len(r.nodes) == 0 {
		return nil
	}
	if name := r.nodes[f.node].name; inPieces[name] {
		return r.refuse(start, "the text of <%s> is in pieces (libvirt reads the first of them only)", name)
	}
	return nil
}

// inPieces lists the elements of which libvirt reads only the first text node: os/initarg and
// os/initenv (children->content in virDomainDefParseBootInitOptions), smartcard/database
// ("database/text()" in virDomainSmartcardDefParseXML).
var inPieces = set("initarg", "initenv", "database")

// checkMixedContent refuses an element inside an element that libvirt reads as text. In any other
// element it drops the text before the child.
func (r *reader) checkMixedContent(parent *frame, name string, start int) error {
	if parent.readsText {
		return r.refuse(start, "<%s> is inside the text of <%s> (libvirt reads its text as part of it)", name, r.nodes[parent.node].name)
	}
	if parent.firstText != (Span{}) {
		return r.dropStrayText(parent, parent.firstText)
	}
	return nil
}
