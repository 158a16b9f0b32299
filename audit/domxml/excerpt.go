package domxml

import (
	"strings"
	"unicode/utf8"

	"github.com/virt-audit/virt-audit/audit/secret"
)

// Excerpt is the line of the document that a finding is about, with every secret on it replaced.
// Start and End are the columns to mark: code points of Line, from zero, the end exclusive.
type Excerpt struct {
	Line       string
	Start, End int
}

// maxExcerpt bounds an excerpt, in bytes on either side of the position. Without it, a document on
// one line would be repeated as a whole with every finding.
const maxExcerpt = 160

// maxMarked bounds the marked part of an excerpt, in bytes: a start tag can be as long as the
// document.
const maxMarked = 1000

// Excerpt returns the first line of a span with its secrets masked.
func (x *index) Excerpt(at Span) Excerpt {
	start, end := at.Start, at.End
	from, to := x.lines.around(x.src, start)
	end = min(end, to)
	if end > start+maxMarked {
		end = x.rune(start + maxMarked)
	}
	cutLeft, cutRight := from < start-maxExcerpt, to > end+maxExcerpt
	if cutLeft {
		from = x.rune(start - maxExcerpt)
	}
	if cutRight {
		to = x.rune(end + maxExcerpt)
	}
	secrets := x.secrets(from, to)
	var b strings.Builder
	var e Excerpt
	if cutLeft {
		b.WriteString("…")
	}
	mark := func(at int, column *int, pos int) {
		if at == pos {
			*column = utf8.RuneCountInString(b.String())
		}
	}
	e.End = -1
	for i := from; i < to; {
		if n := len(secrets); n > 0 && i >= secrets[0].start {
			s := secrets[0]
			secrets = secrets[1:]
			if start >= s.start && start < s.end {
				e.Start = utf8.RuneCountInString(b.String())
			}
			b.WriteString(secret.Hidden)
			if end > s.start && end <= s.end {
				e.End = utf8.RuneCountInString(b.String())
			}
			i = max(i, s.end)
			continue
		}
		mark(start, &e.Start, i)
		mark(end, &e.End, i)
		_, size := utf8.DecodeRune(x.src[i:])
		b.Write(x.src[i : i+size])
		i += size
	}
	if e.End < 0 {
		e.End = utf8.RuneCountInString(b.String())
	}
	if cutRight {
		b.WriteString("…")
	}
	e.Line = strings.TrimRight(b.String(), " \t\r")
	e.Start = min(e.Start, utf8.RuneCountInString(e.Line))
	e.End = min(max(e.End, e.Start+1), max(utf8.RuneCountInString(e.Line), e.Start+1))
	return e
}

// rune returns the first offset, from i on, at which a code point begins.
func (x *index) rune(i int) int {
	for i < len(x.src) && !utf8.RuneStart(x.src[i]) {
		i++
	}
	return i
}

// Masked returns a range of the document with its secrets masked.
func (x *index) Masked(at Span) string {
	var b strings.Builder
	i := at.Start
	for _, s := range x.secrets(at.Start, at.End) {
		b.Write(x.src[i:max(i, s.start)])
		b.WriteString(secret.Hidden)
		i = max(i, s.end)
	}
	b.Write(x.src[min(i, at.End):at.End])
	return b.String()
}

// HoldsSecret reports whether a secret is in a range of the document.
func (x *index) HoldsSecret(at Span) bool { return len(x.secrets(at.Start, at.End)) > 0 }
