package domxml

import (
	"bytes"
	"encoding/xml"
	"regexp"
	"slices"

	"github.com/virt-audit/virt-audit/audit/policy"
)

// foreignRoot returns the root element, as written, of a document that libvirt would not take for one of
// its domains, whatever follows: it may hold bytes that are not UTF-8, or declarations, and is of no
// interest. ok is false in doubt: what the strict reading says counts.
func foreignRoot(src []byte) (root string, ok bool) {
	name, attrs, ok := rootElement(src)
	switch {
	case !ok || wrappers[name.Local] != nil, name.Local == "domain" && !foreignDomain(attrs):
		return "", false
	case name.Space != "":
		return name.Space + ":" + name.Local, true
	}
	return name.Local, true
}

// foreignDomain reports whether the attributes of a <domain> are those of another program, such as an
// application server: no domain type that libvirt has (it refuses a domain without one), and a default
// namespace or attributes that libvirt does not know.
func foreignDomain(attrs []xml.Attr) bool {
	var typed, namespace, other bool
	for _, a := range attrs {
		switch {
		case a.Name.Space == "xmlns" || a.Name.Local == "id":
		case a.Name.Local == "type":
			if a.Name.Space != "" || policy.KnownType(a.Value) {
				return false
			}
			typed = true
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			namespace = a.Value != ""
		default:
			other = true
		}
	}
	return namespace || other && !typed
}

// rootElement returns the start tag of the root element. ok is false where it cannot be told without
// reading strictly: a document type of the document's own could supply attributes, an encoding could
// give other characters to the bytes of tags.
func rootElement(src []byte) (name xml.Name, attrs []xml.Attr, ok bool) {
	src = bytes.TrimPrefix(src, bom)
	src = src[:min(len(src), maxProlog)]
	if bytes.IndexByte(src[:min(len(src), 4)], 0) >= 0 {
		return name, nil, false
	}
	s := scanner{src: slices.Clip(src), text: string(src)}
	for {
		tok, err := s.token()
		if err != nil {
			return name, nil, false
		}
		switch t := tok.(type) {
		case xml.StartElement:
			return t.Name, t.Attr, true
		case xml.ProcInst:
			if m := declaredEncoding.FindSubmatch(t.Inst); t.Target == "xml" && m != nil && !extendsASCII.Match(m[1]) {
				return name, nil, false
			}
		case xml.CharData:
			if len(bytes.TrimLeft(t, " \t\r\n")) > 0 {
				return name, nil, false
			}
		case xml.Directive:
			n := doctypeLength(s.src[s.pos:])
			if n == 0 {
				return name, nil, false
			}
			s.pos += n
		}
	}
}

// doctypeLength returns the length of the declaration that src begins with, or 0 where it has declarations
// of its own or does not end. What it quotes may hold a '>', and what looks like a root element.
func doctypeLength(src []byte) int {
	for i := 0; i < len(src); i++ {
		switch src[i] {
		case '>':
			return i + 1
		case '[':
			return 0
		case '"', '\'':
			n := bytes.IndexByte(src[i+1:], src[i])
			if n < 0 {
				return 0
			}
			i += n + 1
		}
	}
	return 0
}

// maxProlog is how far the root element is looked for, in bytes.
const maxProlog = 64 << 10

var (
	declaredEncoding = regexp.MustCompile(`encoding\s*=\s*["']([^"']*)["']`)
	// extendsASCII matches encodings in which a byte below 0x80 is always that character of ASCII.
	extendsASCII = regexp.MustCompile(`(?i)^(utf-?8|(us-)?ascii|iso-?8859-\d+|latin-?\d+|(windows-|cp)125\d)$`)
)
