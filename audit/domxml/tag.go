package domxml

import (
	"bytes"
	"strconv"
	"strings"
)

// attribute is one attribute of a start tag as written: value is the raw text between the quotes.
type attribute struct {
	name       string // local name
	value      []byte
	start, end int // bytes of the document, from the name to after the closing quote
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// nextAttribute reads one attribute of a start tag from position i, and returns its parts and where
// it ends. The tag must be well-formed. ok is false at the end of the tag.
func nextAttribute(tag []byte, i int) (name, value []byte, start, end int, ok bool) {
	for i < len(tag) && isSpace(tag[i]) {
		i++
	}
	if i >= len(tag) || tag[i] == '/' || tag[i] == '>' {
		return nil, nil, 0, i, false
	}
	start = i
	for i < len(tag) && tag[i] != '=' && !isSpace(tag[i]) {
		i++
	}
	name = tag[start:i]
	for i < len(tag) && tag[i] != '"' && tag[i] != '\'' {
		i++
	}
	if i >= len(tag) {
		return nil, nil, 0, i, false
	}
	n := bytes.IndexByte(tag[i+1:], tag[i])
	if n < 0 {
		return nil, nil, 0, len(tag), false
	}
	value = tag[i+1 : i+1+n]
	return name, value, start, i + n + 2, true
}

// afterName returns the offset after the name of a start tag.
func afterName(tag []byte) int {
	i := 1
	for i < len(tag) && !isSpace(tag[i]) && tag[i] != '/' && tag[i] != '>' {
		i++
	}
	return i
}

// unescape returns the value of raw attribute text, or of raw character data, as XML defines it:
// references are replaced, line ends become line feeds, and in an attribute every literal white
// space becomes a blank. libxml2 does that last step and encoding/xml does not, so that
// file='/a<newline>b' would name two different files.
func unescape(raw []byte, attr bool) string {
	if bytes.IndexByte(raw, '&') < 0 && bytes.IndexByte(raw, '\r') < 0 && (!attr || !bytes.ContainsAny(raw, "\t\n")) {
		return string(raw)
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch c {
		case '&':
			if end := bytes.IndexByte(raw[i:], ';'); end > 0 {
				b.WriteString(reference(string(raw[i+1 : i+end])))
				i += end
				continue
			}
			b.WriteByte(c)
		case '\r':
			if i+1 < len(raw) && raw[i+1] == '\n' {
				i++
			}
			fallthrough
		case '\n', '\t':
			switch {
			case attr:
				b.WriteByte(' ')
			case c == '\t':
				b.WriteByte('\t')
			default:
				b.WriteByte('\n')
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func reference(name string) string {
	switch name {
	case "lt":
		return "<"
	case "gt":
		return ">"
	case "amp":
		return "&"
	case "apos":
		return "'"
	case "quot":
		return `"`
	}
	base, digits := 10, strings.TrimPrefix(name, "#")
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		base, digits = 16, hex
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return ""
	}
	return string(rune(n))
}

// textOf returns the character data directly inside an element as libxml2 keeps it: without
// comments, child elements and the white space that libxml2 drops. raw is the content between the
// tags.
func textOf(raw []byte) string {
	if bytes.IndexByte(raw, '<') < 0 && bytes.IndexByte(raw, '\r') < 0 {
		return unescape(raw, false)
	}
	var b strings.Builder
	var c childText
	depth := 0
	for len(raw) > 0 {
		lt := bytes.IndexByte(raw, '<')
		if lt < 0 {
			lt = len(raw)
		}
		if depth == 0 && lt > 0 {
			kept, _ := c.literalText(raw[:lt], lt == len(raw))
			b.WriteString(unescape(kept, false))
		}
		raw = raw[lt:]
		if depth == 0 && len(raw) > 0 {
			c.add(false)
		}
		switch {
		case len(raw) == 0:
		case bytes.HasPrefix(raw, []byte("<!--")):
			raw = afterMark(raw, "-->")
		case bytes.HasPrefix(raw, []byte("<?")):
			raw = afterMark(raw, "?>")
		case bytes.HasPrefix(raw, []byte("<![CDATA[")):
			rest := afterMark(raw, "]]>")
			if depth == 0 && len(rest) < len(raw) {
				b.WriteString(lineFeeds.Replace(string(raw[len("<![CDATA[") : len(raw)-len(rest)-len("]]>")])))
			}
			raw = rest
		default:
			end := tagEnd(raw)
			switch {
			case raw[1] == '/':
				depth--
			case raw[end-2] != '/':
				depth++
			}
			raw = raw[end:]
		}
	}
	return b.String()
}

// lineFeeds normalises line ends as XML does where there are no references.
var lineFeeds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

func afterMark(raw []byte, mark string) []byte {
	if i := bytes.Index(raw, []byte(mark)); i >= 0 {
		return raw[i+len(mark):]
	}
	return nil
}

// tagEnd returns the offset after the ">" of a tag. It ignores a ">" in quotes.
func tagEnd(raw []byte) int {
	quote := byte(0)
	for i, c := range raw {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return len(raw)
}
