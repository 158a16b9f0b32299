package domxml

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
)

// scanner splits a document into tokens, as xml.Decoder.RawToken does, but over bytes in memory:
// the decoder of the standard library reads byte by byte through an interface, which took half of
// the time of reading a domain. scanner is also stricter where encoding/xml is laxer than libxml2
// (white space between attributes, white space inside their values), and its errors never quote the
// document.
//
// FuzzScan compares it with the standard library: RawToken returns the same tokens for everything
// that scanner accepts.
type scanner struct {
	src        []byte
	text       string // the same bytes, for names and values that share its memory
	pos        int
	endName    xml.Name // the name of an empty-element tag whose end tag was not returned yet
	endPending bool     // endName is set
	afterTag   bool     // the last token was a tag
	// afterStartTag: that tag was a start tag. White space without a child element after it is the
	// text of the element.
	afterStartTag bool
	attrBuffer    []xml.Attr // the memory that attributes are cut from, so that not every tag allocates
}

// scanError means that the document is not well-formed.
type scanError struct {
	offset  int
	message string
}

func (e *scanError) Error() string { return e.message }

func failAt(offset int, message string) error { return &scanError{offset, message} }

// skipBlank skips white space between two tags. It is more than half of a file that libvirt wrote,
// has no meaning, and would cost a token each time.
func (s *scanner) skipBlank() {
	if !s.afterTag || s.endPending {
		return
	}
	i := s.pos
	for i < len(s.src) && isSpace(s.src[i]) {
		i++
	}
	if i+1 >= len(s.src) || s.src[i] != '<' || s.afterStartTag && (s.src[i+1] == '/' || s.src[i+1] == '!' || s.src[i+1] == '?') {
		return
	}
	s.pos = i
}

// token returns the next token: a StartElement, EndElement, CharData, Comment, ProcInst or
// Directive with names as written, the prefix in Space. CharData and Comment may share the
// document's memory.
func (s *scanner) token() (xml.Token, error) {
	if s.endPending {
		s.endPending, s.afterStartTag = false, false
		return xml.EndElement{Name: s.endName}, nil
	}
	s.afterTag, s.afterStartTag = false, false
	rest := s.src[s.pos:]
	switch {
	case len(rest) == 0:
		return nil, io.EOF
	case rest[0] != '<':
		return s.characters(rest)
	case len(rest) == 1:
		return nil, io.ErrUnexpectedEOF
	}
	switch rest[1] {
	case '/':
		return s.endTag()
	case '?':
		return s.instruction(rest)
	case '!':
		return s.declaration(rest)
	}
	return s.startTag()
}

func (s *scanner) characters(rest []byte) (xml.Token, error) {
	n := bytes.IndexByte(rest, '<')
	if n < 0 {
		n = len(rest)
	}
	text := rest[:n]
	if i := bytes.Index(text, []byte("]]>")); i >= 0 {
		return nil, failAt(s.pos+i, "']]>' in text")
	}
	if err := s.references(text); err != nil {
		return nil, err
	}
	s.pos += n
	if bytes.IndexByte(text, '&') < 0 && bytes.IndexByte(text, '\r') < 0 {
		return xml.CharData(text), nil
	}
	return xml.CharData(unescape(text, false)), nil
}

// references checks every "&" of text, which must be a part of src at or after the scanner's
// position.
func (s *scanner) references(text []byte) error {
	for i := bytes.IndexByte(text, '&'); i >= 0; {
		end := bytes.IndexByte(text[i:], ';')
		if end < 0 || !validReference(text[i+1:i+end]) {
			return failAt(s.offsetOf(text)+i, "a reference (&...;) that is neither one of the five that XML defines nor a valid character reference")
		}
		next := bytes.IndexByte(text[i+1:], '&')
		if next < 0 {
			return nil
		}
		i += 1 + next
	}
	return nil
}

// offsetOf returns the offset of a part of src.
func (s *scanner) offsetOf(part []byte) int { return cap(s.src) - cap(part) }

func validReference(name []byte) bool {
	switch string(name) {
	case "lt", "gt", "amp", "apos", "quot":
		return true
	}
	if len(name) < 2 || name[0] != '#' {
		return false
	}
	digits, base := name[1:], rune(10)
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n := rune(0)
	for _, c := range digits {
		var d rune
		switch {
		case c >= '0' && c <= '9':
			d = rune(c - '0')
		case base == 16 && c >= 'a' && c <= 'f':
			d = rune(c-'a') + 10
		case base == 16 && c >= 'A' && c <= 'F':
			d = rune(c-'A') + 10
		default:
			return false
		}
		if n = n*base + d; n > 0x10FFFF {
			return false
		}
	}
	return len(digits) > 0 && (n == '\t' || n == '\n' || n == '\r' || n >= ' ' && n <= 0xD7FF || n >= 0xE000 && n <= 0xFFFD || n >= 0x10000)
}

func (s *scanner) instruction(rest []byte) (xml.Token, error) {
	name, n := s.name(s.pos + 2)
	end := bytes.Index(rest, []byte("?>"))
	switch {
	case n == 0:
		return nil, failAt(s.pos, "a processing instruction without a name")
	case end < 0:
		return nil, io.ErrUnexpectedEOF
	case end < 2+n || end > 2+n && !isSpace(rest[2+n]):
		return nil, failAt(s.pos, "a malformed processing instruction")
	}
	s.pos += end + len("?>")
	return xml.ProcInst{Target: name, Inst: bytes.TrimLeft(rest[2+n:end], " \t\r\n")}, nil
}

func (s *scanner) declaration(rest []byte) (xml.Token, error) {
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		body := rest[len("<!--"):]
		n := bytes.Index(body, []byte("--"))
		if n < 0 || n+2 >= len(body) {
			return nil, io.ErrUnexpectedEOF
		}
		if body[n+2] != '>' {
			return nil, failAt(s.pos+len("<!--")+n, "'--' inside a comment")
		}
		s.pos += len("<!--") + n + len("-->")
		return xml.Comment(body[:n]), nil
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		body := rest[len("<![CDATA["):]
		n := bytes.Index(body, []byte("]]>"))
		if n < 0 {
			return nil, io.ErrUnexpectedEOF
		}
		s.pos += len("<![CDATA[") + n + len("]]>")
		return xml.CharData(lineFeeds.Replace(string(body[:n]))), nil
	}
	return xml.Directive(nil), nil // the reader refuses every directive
}

func (s *scanner) endTag() (xml.Token, error) {
	name, n := s.name(s.pos + 2)
	if n == 0 {
		return nil, failAt(s.pos, "an end tag without a name")
	}
	i := s.pos + 2 + n
	for i < len(s.src) && isSpace(s.src[i]) {
		i++
	}
	if i >= len(s.src) {
		return nil, io.ErrUnexpectedEOF
	}
	if s.src[i] != '>' {
		return nil, failAt(s.pos, "an end tag with more than a name in it")
	}
	s.pos, s.afterTag = i+1, true
	return xml.EndElement{Name: splitName(name)}, nil
}

func (s *scanner) startTag() (xml.Token, error) {
	name, n := s.name(s.pos + 1)
	if n == 0 {
		return nil, failAt(s.pos, "a '<' that does not begin a tag")
	}
	t := xml.StartElement{Name: splitName(name)}
	first := len(s.attrBuffer)
	for i := s.pos + 1 + n; ; {
		before := i
		for i < len(s.src) && isSpace(s.src[i]) {
			i++
		}
		if i >= len(s.src) {
			return nil, io.ErrUnexpectedEOF
		}
		switch s.src[i] {
		case '>':
			i++
			s.afterStartTag = true
		case '/':
			if i+1 >= len(s.src) {
				return nil, io.ErrUnexpectedEOF
			}
			if s.src[i+1] != '>' {
				return nil, failAt(i, "a '/' inside a tag")
			}
			i += 2
			s.endPending, s.endName = true, t.Name
		default:
			if i == before {
				return nil, failAt(i, "no white space before an attribute")
			}
			a, next, err := s.attribute(i)
			if err != nil {
				return nil, err
			}
			s.attrBuffer, i = append(s.attrBuffer, a), next
			continue
		}
		s.pos, s.afterTag = i, true
		t.Attr = s.attrBuffer[first:len(s.attrBuffer):len(s.attrBuffer)]
		if len(s.attrBuffer) > cap(s.attrBuffer)-16 {
			s.attrBuffer = make([]xml.Attr, 0, 256)
		}
		return t, nil
	}
}

// attribute reads name="value" and returns the offset after it.
func (s *scanner) attribute(i int) (a xml.Attr, next int, err error) {
	name, n := s.name(i)
	if n == 0 {
		return a, 0, failAt(i, "an attribute without a name")
	}
	j := i + n
	for j < len(s.src) && isSpace(s.src[j]) {
		j++
	}
	if j < len(s.src) && s.src[j] != '=' {
		return a, 0, failAt(i, "an attribute without a value")
	}
	for j++; j < len(s.src) && isSpace(s.src[j]); {
		j++
	}
	if j >= len(s.src) {
		return a, 0, io.ErrUnexpectedEOF
	}
	quote := s.src[j]
	if quote != '"' && quote != '\'' {
		return a, 0, failAt(j, "a value that is not in quotes")
	}
	length := bytes.IndexByte(s.src[j+1:], quote)
	if length < 0 {
		return a, 0, io.ErrUnexpectedEOF
	}
	raw := s.src[j+1 : j+1+length]
	a.Name = splitName(name)
	a.Value = s.text[j+1 : j+1+length]
	plain := true
	for k, c := range raw {
		if c == '<' {
			return a, 0, failAt(j+1+k, "a '<' inside a value")
		}
		plain = plain && c != '&' && c >= ' '
	}
	if !plain {
		err = s.references(raw)
		a.Value = unescape(raw, true)
	}
	return a, j + 2 + length, err
}

// name reads a name and returns its length in bytes, or 0 if there is none.
func (s *scanner) name(i int) (name string, n int) {
	start := i
	for i < len(s.src) && nameByte[s.src[i]] {
		i++
	}
	if i == start {
		return "", 0
	}
	if c := s.src[start]; c == '-' || c == '.' || c >= '0' && c <= '9' {
		return "", 0
	}
	return s.text[start:i], i - start
}

// nameByte lists the bytes of names. All bytes beyond ASCII are accepted: libvirt has no such name,
// so which of them XML allows affects only the text of an error.
var nameByte = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_:-.", byte(c)) >= 0 || c >= 0x80
	}
	return t
}()

// splitName splits a name at its colon, as RawToken does.
func splitName(name string) xml.Name {
	prefix, local, ok := strings.Cut(name, ":")
	if !ok || prefix == "" || local == "" {
		return xml.Name{Local: name}
	}
	return xml.Name{Space: prefix, Local: local}
}
