package domxml

import (
	"bytes"
	"strings"
)

// Layout is how a document arranges its elements in lines.
type Layout struct {
	Newline string
	Unit    string // the indentation of each level
}

// Layout returns the line end of the document and its indentation: two spaces, as libvirt writes,
// if it cannot be determined.
func (x *index) Layout() Layout {
	l := Layout{"\n", "  "}
	if i := bytes.IndexByte(x.src, '\n'); i > 0 && x.src[i-1] == '\r' {
		l.Newline = "\r\n"
	}
	root, _ := x.Indent(int(x.nodes[0].start))
	for i := x.nodes[0].first; i != 0; i = x.nodes[i].next {
		if own, ok := x.Indent(int(x.nodes[i].start)); ok && strings.HasPrefix(own, root) && own != root {
			l.Unit = own[len(root):]
			break
		}
	}
	return l
}

// Indent returns the white space before an element that begins its line. ok is false if it does
// not, and on the first line.
func (x *index) Indent(start int) (text string, ok bool) {
	from := start
	for from > 0 && (x.src[from-1] == ' ' || x.src[from-1] == '\t') {
		from--
	}
	if from == 0 || x.src[from-1] != '\n' {
		return "", false
	}
	return string(x.src[from:start]), true
}

// Gap is a place for new elements. What replaces the bytes of the Span is Open, then each element
// after Line, then Close.
type Gap struct {
	Span
	Open, Line, Close string
}

// LastIn returns the place for the last child of the element.
func (e Element) LastIn(l Layout) Gap {
	return e.index.lastIn(e.lastTag(), e.Inside().End, l)
}

// lastIn returns the place for the last child of an element with that start tag and end of content.
// Children are on separate lines if the element begins its line, or has a line end in it.
func (x *index) lastIn(tag Span, contentEnd int, l Layout) Gap {
	var g Gap
	outer := ""
	indent, lines := x.Indent(tag.Start)
	lines = lines || bytes.IndexByte(x.src[tag.End:max(tag.End, contentEnd)], '\n') >= 0
	if lines {
		outer = l.Newline + indent
		g.Line = outer + l.Unit
	}
	if written := x.src[tag.Start:tag.End]; emptyTag(written) {
		g.Span = Span{tag.End - len("/>"), tag.End}
		for isSpace(x.src[g.Start-1]) {
			g.Start--
		}
		g.Open, g.Close = ">", outer+"</"+string(written[1:afterName(written)])+">"
		return g
	}
	from := contentEnd
	for from > tag.End && isSpace(x.src[from-1]) {
		from--
	}
	g.Span = Span{from, from}
	if from == tag.End { // nothing is inside
		g.End, g.Close = contentEnd, outer
	}
	return g
}

// EndOfLine returns the offset of the line end after an offset, if at most comments are before it.
// Else it returns the offset itself.
func (x *index) EndOfLine(offset int) int {
	for i := offset; i < len(x.src); {
		rest := x.src[i:]
		switch {
		case rest[0] == ' ' || rest[0] == '\t':
			i++
		case rest[0] == '\n' || bytes.HasPrefix(rest, []byte("\r\n")):
			return i
		case bytes.HasPrefix(rest, []byte("<!--")):
			n := bytes.Index(rest, []byte("-->"))
			if n < 0 || bytes.IndexByte(rest[:n], '\n') >= 0 {
				return offset
			}
			i += n + len("-->")
		default:
			return offset
		}
	}
	return offset
}
