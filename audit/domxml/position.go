package domxml

import (
	"bytes"
	"sort"
	"unicode/utf8"
)

// bom is the byte order mark of UTF-8. It does not count as part of the first line.
var bom = []byte("\xef\xbb\xbf")

// Pos is a position in a document. Lines and columns count from one; columns count code points, as
// in compilers and in SARIF's unicodeCodePoints. The end is exclusive.
type Pos struct {
	Line, Column       int
	EndLine, EndColumn int
}

// Span is a range of bytes of a document, the end exclusive.
type Span struct{ Start, End int }

// Start is where a document begins in the user's input: line and column of its first byte, from
// one. The zero value is the beginning of the input. Only a document of a stream begins later.
type Start struct{ Line, Column int }

// shift converts a line and column of the document to those of the input.
func (s Start) shift(line, column int) (int, int) {
	if s.Line == 0 {
		return line, column
	}
	if line == 1 {
		column += s.Column - 1
	}
	return line + s.Line - 1, column
}

// lineColumn returns the line and column of a byte offset.
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

// lines computes many positions of one document. lineColumn reads the document from its beginning
// for each of them.
type lines struct {
	starts         []int // the offset of each line
	offset, column int   // the last answer: a later place on the same line is counted from there
	// points is the number of code points that begin before each multiple of pointsEvery; only for
	// long lines.
	points []int32
}

// pointsEvery is the distance, in bytes, up to which code points are counted one by one.
const pointsEvery = 1024

// codePoints counts the code points that begin in src[from:to]. src must be valid UTF-8.
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

// around returns the offsets of the line that contains a byte offset, without its line end.
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
