package domxml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

// FuzzScan compares the scanner with the standard library: RawToken must return the same tokens for
// everything that the scanner accepts. The intended differences are those that libxml2 has too.
func FuzzScan(f *testing.F) {
	for _, doc := range []string{
		"<a b='1' c=\"&lt;&#65;\">x &amp; y<!-- c --><![CDATA[<]]>\r\n</a >",
		"<a:b xmlns:a='u'/><?pi data?>",
		"<a\tb='1\n2'/>text",
		"<a b='1'c='2'/>", "<a>]]></a>", "<!-- -- -->", "<a/ >", "<a b=1/>", "<", "</", "<?", "<!", "<a b='<'/>", "&x;", "&#0;", "&#xD800;",
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if (&reader{index: index{src: data}}).checkBytes() != nil || bytes.Contains(data, []byte("<?xml")) || bytes.HasPrefix(data, bom) {
			return
		}
		s := scanner{src: data, text: string(data)}
		d := xml.NewDecoder(bytes.NewReader(data))
		for {
			scanned, err := s.token()
			if err != nil {
				if bad, ok := errors.AsType[*scanError](err); ok && (bad.offset < 0 || bad.offset > len(data)) {
					t.Fatalf("%v at %d of %d", err, bad.offset, len(data))
				}
				return
			}
			if _, ok := scanned.(xml.Directive); ok {
				return
			}
			theirs, err := d.RawToken()
			if err != nil && oddName(data) {
				return // names: the standard library checks every letter, and refuses a second colon
			}
			if err != nil && !errors.Is(err, io.EOF) {
				t.Fatalf("the scanner accepts %#v, encoding/xml: %v", scanned, err)
			}
			if a, b := likeness(scanned), likeness(theirs); !reflect.DeepEqual(a, b) {
				t.Fatalf("the scanner reads %#v, encoding/xml %#v", a, b)
			}
			if s.pos != int(d.InputOffset()) {
				t.Fatalf("the scanner is at %d, encoding/xml at %d, after %#v", s.pos, d.InputOffset(), scanned)
			}
		}
	})
}

func oddName(data []byte) bool {
	return bytes.ContainsFunc(data, func(r rune) bool { return r >= 0x80 }) || bytes.Contains(data, []byte(":"))
}

// likeness normalises intended differences: white space inside attributes, which XML converts to
// blanks, and the form of an empty list.
func likeness(t xml.Token) any {
	blanks := strings.NewReplacer("\n", " ", "\t", " ", "\r", " ")
	switch t := t.(type) {
	case xml.StartElement:
		out := []any{t.Name}
		for _, a := range t.Attr {
			out = append(out, a.Name, blanks.Replace(a.Value))
		}
		return out
	case xml.CharData:
		return "text " + string(t)
	case xml.Comment:
		return "comment"
	case xml.ProcInst:
		return "instruction " + t.Target
	}
	return t
}
