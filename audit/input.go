package audit

import (
	"encoding/xml"
	"io"
)

// input feeds the decoder byte by byte and leaves out the white space between two tags: it is more
// than half of a file that libvirt wrote, means nothing, and would cost a token each time.
type input struct {
	src     []byte
	pos     int
	skipped int
	tag     bool // the last token was a tag
	open    bool // it was a start tag: white space that no child element follows is the element's text
}

func (in *input) ReadByte() (byte, error) {
	if in.pos >= len(in.src) {
		return 0, io.EOF
	}
	b := in.src[in.pos]
	in.pos++
	return b, nil
}

// Read is never called, since the decoder prefers ReadByte; it wants a reader that has both.
func (in *input) Read(p []byte) (int, error) {
	if in.pos >= len(in.src) {
		return 0, io.EOF
	}
	n := copy(p, in.src[in.pos:])
	in.pos += n
	return n, nil
}

// read tells what the last token was.
func (in *input) read(t xml.Token) {
	_, in.open = t.(xml.StartElement)
	_, end := t.(xml.EndElement)
	in.tag = in.open || end
}

// skipBlank is called between tokens.
func (in *input) skipBlank() {
	if !in.tag {
		return
	}
	i := in.pos
	for i < len(in.src) && isSpace(in.src[i]) {
		i++
	}
	if i+1 >= len(in.src) || in.src[i] != '<' || in.open && (in.src[i+1] == '/' || in.src[i+1] == '!' || in.src[i+1] == '?') {
		return
	}
	in.skipped += i - in.pos
	in.pos = i
}

// offset returns where the reader stands in the document, in bytes.
func (r *reader) offset() int {
	return r.base + int(r.dec.InputOffset()) + r.in.skipped
}
