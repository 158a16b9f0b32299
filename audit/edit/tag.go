package edit

import (
	"bytes"
	"strings"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// tag is a start tag of the document whose attributes are edited. It is read once: a tag can have
// any number of attributes.
type tag struct {
	spans map[string]domxml.Span // of each attribute, from the white space before its name
	end   int                    // after the last attribute, or the name
	lead  string                 // the white space before the last attribute
	quote string                 // of the last attribute; "" if there is none
	added []attr
}

func (r *renderer) tag(e domxml.Element) *tag {
	if t := r.tags[e]; t != nil {
		return t
	}
	t := &tag{spans: map[string]domxml.Span{}, lead: " "}
	t.end = e.Tag().Start + len("<") + len(e.Written())
	for name, at := range e.AttributeSpans() {
		t.spans[string(name)] = domxml.Span{Start: t.end, End: at.End}
		t.lead = string(r.src[t.end:at.Start])
		t.quote = string(r.src[at.End-1])
		t.end = at.End
	}
	if !strings.Contains(t.lead, "\n") {
		t.lead = " "
	}
	r.tags[e] = t
	return t
}

// editAttribute changes or removes an attribute. New ones are collected in the tag.
func (r *renderer) editAttribute(s *step) {
	name := s.At.Attribute()
	t := r.tag(s.at)
	at, exists := t.spans[name]
	switch old, _ := s.at.Attr(name); {
	case s.Op == OpRemove:
		r.change(at.Start, at.End, "")
	case !exists:
		t.added = append(t.added, attr{name, s.Text})
	case old != s.Text:
		quote := r.src[at.End-1]
		start := at.End - 1
		for r.src[start-1] != quote {
			start--
		}
		r.change(start, at.End-1, domxml.Escape(s.Text, string(quote)))
	}
}

// addAttributes writes the new attributes of a start tag, after those that it has.
func (r *renderer) addAttributes(e domxml.Element) {
	t := r.tag(e)
	quote := t.quote
	if quote == "" {
		quote = r.style.quote
	}
	var b strings.Builder
	for _, a := range t.added {
		b.WriteString(t.lead + a.name + "=" + quote + domxml.Escape(a.value, quote) + quote)
	}
	r.change(t.end, t.end, b.String())
}

// editText replaces the text of an element that exists.
func (r *renderer) editText(s *step) {
	if s.at.Text() == s.Text {
		return
	}
	text := domxml.Escape(s.Text, "")
	inside := s.at.Inside()
	if bytes.HasSuffix(r.src[:inside.Start], []byte("/>")) {
		r.change(r.tag(s.at).end, inside.Start, ">"+text+"</"+s.at.Written()+">")
		return
	}
	at, _ := textSpan(r.src, inside)
	r.change(at.Start, at.End, text)
}

// textSpan returns the range of the text between two tags: all of it, or the part between comments
// and instructions that contains text. ok is false if there are several parts, or elements.
func textSpan(src []byte, inside domxml.Span) (at domxml.Span, ok bool) {
	text := string(src[inside.Start:inside.End])
	parts, start, blank := 0, 0, true
	part := func(end int) {
		if !blank || parts == 0 {
			at = domxml.Span{Start: inside.Start + start, End: inside.Start + end}
		}
		if !blank {
			parts++
		}
	}
	for i := 0; i < len(text); {
		end := ""
		switch rest := text[i:]; {
		case strings.HasPrefix(rest, "<!--"):
			end = "-->"
		case strings.HasPrefix(rest, "<?"):
			end = "?>"
		case strings.HasPrefix(rest, "<![CDATA["):
			blank = false
			i += strings.Index(rest, "]]>") + len("]]>")
			continue
		case rest[0] == '<':
			return at, false
		default:
			blank = blank && strings.IndexByte(" \t\r\n", rest[0]) >= 0
			i++
			continue
		}
		part(i)
		i += strings.Index(text[i:], end) + len(end)
		start, blank = i, true
	}
	part(len(text))
	return at, parts <= 1
}
