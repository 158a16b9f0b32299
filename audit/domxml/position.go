package domxml

import (
	"bytes"
	"sort"
	"unicode/utf8"
)

// bom is the byte order mark of UTF-8, which is not part of the first line.
var bom = []byte("\xef\xbb\xbf")

// Pos is a place in a document. Lines and columns count from one; columns count code points, as
// compilers and SARIF's unicodeCodePoints do. The end is exclusive.
type Pos struct {
	Line, Column       int
	EndLine, EndColumn int
}

// Span is a stretch of a document's bytes, the end exclusive.
type Span struct{ Start, End int }

// Start is where a document begins in what the user gave: line and column of its first byte, from one.
// The zero value is the beginning. A document of a stream begins further on.
type Start struct{ Line, Column int }

// shift moves a line and column that were counted from the document's own beginning.
func (s Start) shift(line, column int) (int, int) {
	if s.Line == 0 {
		return line, column
	}
	if line == 1 {
		column += s.Column - 1
	}
	return line + s.Line - 1, column
}

// lineColumn returns line and column of a byte offset.
func lineColumn(src []byte, offset int) (line, column int) {
	offset = min(max(offset, 0), len(src))
	head := src[:offset]
	line = bytes.Count(head, []byte{'\n'}) + 1
	start := bytes.LastIndexByte(head, '\n') + 1
	if start == 0 && bytes.HasPrefix(src, bom) {
		start = min(len(bom), offset)
	}
	return line, utf8.RuneCount(head[start:]) + 1
}

// lines answers many questions about positions in one document, each of which lineColumn would
// answer by reading the document from its beginning.
type lines struct {
	starts         []int   // where each line begins
	offset, column int     // the last answer: a later place on the same line is counted from there
	points         []int32 // how many code points begin before each multiple of pointsEvery; made for long lines
}

// pointsEvery is the distance, in bytes, up to which code points are counted one by one.
const pointsEvery = 1024

// codePoints counts those that begin in src[from:to], which is known to be UTF-8.
func (l *lines) codePoints(src []byte, from, to int) int {
	if to-from <= 2*pointsEvery {
		return utf8.RuneCount(src[from:to])
	}
	if l.points == nil {
		n := int32(0)
		for i, c := range src {
			if i%pointsEvery == 0 {
				l.points = append(l.points, n)
			}
			if utf8.RuneStart(c) {
				n++
			}
		}
		if len(src)%pointsEvery == 0 {
			l.points = append(l.points, n)
		}
	}
	before := func(offset int) int {
		n := int(l.points[offset/pointsEvery])
		for _, c := range src[offset/pointsEvery*pointsEvery : offset] {
			if utf8.RuneStart(c) {
				n++
			}
		}
		return n
	}
	return before(to) - before(from)
}

func (l *lines) at(src []byte, offset int) (line, column int) {
	l.fill(src)
	line = max(1, sort.SearchInts(l.starts, offset+1))
	from, column := l.starts[line-1], 1
	if l.column > 0 && l.offset >= from && l.offset <= offset {
		from, column = l.offset, l.column
	}
	column += l.codePoints(src, min(from, offset), offset)
	l.offset, l.column = offset, column
	return line, column
}

func (l *lines) fill(src []byte) {
	if l.starts != nil {
		return
	}
	l.starts = append(l.starts, 0)
	if bytes.HasPrefix(src, bom) {
		l.starts[0] = len(bom)
	}
	for i, c := range src {
		if c == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
}

// around returns the line that holds a byte offset, without its end: from where it starts to where it ends.
func (l *lines) around(src []byte, offset int) (start, end int) {
	l.fill(src)
	offset = min(max(offset, 0), len(src))
	line := max(1, sort.SearchInts(l.starts, offset+1))
	start, end = l.starts[line-1], len(src)
	if line < len(l.starts) {
		end = l.starts[line] - 1
	}
	return min(start, end), end
}
