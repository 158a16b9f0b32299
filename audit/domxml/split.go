package domxml

import (
	"bytes"
	"encoding/xml"
	"slices"
	"strings"
)

// Part is one document of a stream.
type Part struct {
	Data  []byte
	Start Start // where Data begins in the stream
}

// Split returns the documents of a stream, such as the output of several "virsh dumpxml" in a row.
// A stream with one document is one part, whatever else it contains: reading that part then reports
// the fault. Between two documents, anything else is a separate part. After a document that is not
// well-formed, the next part begins at the next line that begins like a document, so that one bad
// document does not hide those after it.
func Split(stream []byte) []Part {
	var parts []Part
	var l lines
	sp := splitter{src: slices.Clip(stream), text: string(stream), budget: 8*len(stream) + 1<<20}
	for from := 0; from < len(stream); {
		next := sp.next(from)
		part := Part{Data: stream[from:next:next]}
		if from > 0 {
			part.Start.Line, part.Start.Column = l.at(stream, from)
		}
		parts = append(parts, part)
		from = next
	}
	if len(parts) == 0 {
		return []Part{{Data: stream}}
	}
	return parts
}

// splitter finds the documents of a stream. Each document that does not end is read to the end of
// the stream. The budget bounds the total of bytes read that way; when it is used up, only the
// beginnings of lines decide.
type splitter struct {
	src    []byte
	text   string
	budget int
}

// next returns where the document after the one at from begins, or the length of the stream if
// there is none.
func (sp *splitter) next(from int) int {
	end := -1
	if sp.budget > 0 {
		end = sp.documentEnd(from)
	}
	if end < 0 {
		return nextLineStart(sp.src, from+1)
	}
	begin := end + leadingBlanks(sp.src[end:])
	if begin == len(sp.src) || startsDocument(sp.src[begin:]) {
		return begin
	}
	if next := nextLineStart(sp.src, begin); next == len(sp.src) {
		return next // the rest belongs to the document, which is not well-formed with it
	}
	return begin // a separate part, such as a message of the command that wrote the stream
}

// documentEnd returns the offset after the root element of the document at from, or -1 if the
// document is not well-formed.
func (sp *splitter) documentEnd(from int) int {
	s := scanner{src: sp.src[from:], text: sp.text[from:]}
	defer func() { sp.budget -= s.pos }()
	var open []xml.Name
	for {
		s.skipBlank()
		tok, err := s.token()
		if err != nil {
			return -1
		}
		switch t := tok.(type) {
		case xml.StartElement:
			open = append(open, t.Name)
			s.attrBuffer = s.attrBuffer[:0]
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != t.Name {
				return -1
			}
			if open = open[:len(open)-1]; len(open) == 0 {
				return from + s.pos
			}
		case xml.CharData:
			if len(open) == 0 && leadingBlanks(t) < len(t) {
				return -1
			}
		case xml.Directive:
			return -1
		}
	}
}

// startsDocument reports whether a document begins here: an XML declaration, or a start tag after
// any comments.
func startsDocument(rest []byte) bool {
	for bytes.HasPrefix(rest, []byte("<!--")) {
		n := bytes.Index(rest, []byte("-->"))
		if n < 0 {
			return false
		}
		rest = rest[n+len("-->"):]
		rest = rest[leadingBlanks(rest):]
	}
	return bytes.HasPrefix(rest, []byte("<?xml ")) ||
		len(rest) > 1 && rest[0] == '<' && rest[1] != '/' && rest[1] != '!' && rest[1] != '?'
}

// documentStarts lists the beginnings of the first line of documents that libvirt's tools write.
var documentStarts = strings.Fields("<?xml <domain <domstatus <domainsnapshot <domaincheckpoint")

// nextLineStart returns the offset of the next line after from that looks like the beginning of a
// document.
func nextLineStart(stream []byte, from int) int {
	for i := from; i < len(stream); {
		n := bytes.IndexByte(stream[i:], '\n')
		if n < 0 {
			break
		}
		i += n + 1
		for _, root := range documentStarts {
			if after, ok := bytes.CutPrefix(stream[i:], []byte(root)); ok && len(after) > 0 && (isSpace(after[0]) || after[0] == '>') {
				return i
			}
		}
	}
	return len(stream)
}

func leadingBlanks(src []byte) int {
	return len(src) - len(bytes.TrimLeft(src, " \t\r\n"))
}
