package domxml

import (
	"bytes"
	"encoding/xml"
	"regexp"
	"slices"

	"github.com/virt-audit/virt-audit/audit/policy"
)

// foreignRoot returns the root element, as written, of a document that is certainly not a domain of
// libvirt. The rest of such a document does not matter: it may contain bytes that are not UTF-8, or
// declarations. ok is false in doubt: the strict reader decides then.
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

// foreignDomain reports whether the attributes of a <domain> are those of another application, such
// as an application server: it has no domain type of libvirt (libvirt refuses a domain without
// one), and has a default namespace or attributes that libvirt does not know.
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

// rootElement returns the start tag of the root element. ok is false where only the strict reader
// can find it: an internal DTD could supply attributes, an encoding could give other characters to
// the bytes of tags.
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

// doctypeLength returns the length of the declaration at the beginning of src, or 0 if it has an
// internal subset or does not end. Its quoted strings may contain a '>', and text that looks like a
// root element.
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

// maxProlog is how far into the document the root element is searched, in bytes.
const maxProlog = 64 << 10

var (
	declaredEncoding = regexp.MustCompile(`encoding\s*=\s*["']([^"']*)["']`)
	// extendsASCII matches encodings in which a byte below 0x80 always is that ASCII character.
	extendsASCII = regexp.MustCompile(`(?i)^(utf-?8|(us-)?ascii|iso-?8859-\d+|latin-?\d+|(windows-|cp)125\d)$`)
)
