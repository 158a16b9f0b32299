package edit

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/secret"
)

// Limits on what Hunks shows, in bytes: of a line on either side of a change, and of all lines.
const (
	maxAround = 160
	maxHunks  = 4000
)

// Hunks returns the lines that replacements change, for people: lines of a unified difference
// without a header, with the line before and after. Secrets of the document are masked, and long
// lines are cut, so that the result cannot be applied. Changes that are apart are separated by a line
// " ...". It is "" if the lines are too long to be shown. The replacements are those of Ranges.
func Hunks(d *domxml.Domain, changes []Replacement) string {
	var b strings.Builder
	for i := 0; i < len(changes) && b.Len() <= maxHunks; {
		h := hunk{domain: d, src: d.Document()}
		next := h.take(changes[i:])
		if b.Len() > 0 {
			b.WriteString(" ...\n")
		}
		h.write(&b, changes[i:i+next])
		i += next
	}
	if b.Len() > maxHunks {
		return ""
	}
	return b.String()
}

// hunk is a range of whole lines.
type hunk struct {
	domain     *domxml.Domain
	src        []byte
	start, end int // of the lines that change
}

// take sets the range to the lines of the first changes that are next to each other, and returns
// their number.
func (h *hunk) take(changes []Replacement) (n int) {
	h.start, h.end = h.lineStart(changes[0].Start), h.lineEnd(changes[0].End)
	for n = 1; n < len(changes) && h.lineStart(changes[n].Start) <= h.end; n++ {
		h.end = max(h.end, h.lineEnd(changes[n].End))
	}
	return n
}

func (h *hunk) write(b *strings.Builder, changes []Replacement) {
	first, last := changes[0], changes[len(changes)-1]
	from, to := max(h.start, first.Start-maxAround), min(h.end, last.End+maxAround)
	var before, after strings.Builder
	at := from
	for _, c := range changes {
		kept := h.masked(at, c.Start)
		before.WriteString(kept + h.masked(c.Start, c.End))
		after.WriteString(kept + Shown(h.domain, c))
		at = c.End
	}
	kept := h.masked(at, to)
	before.WriteString(kept)
	after.WriteString(kept)
	cut := func(text string) []string {
		if from > h.start {
			text = "…" + text
		}
		if to < h.end {
			text += "…"
		}
		return splitLines([]byte(text))
	}
	x, y := cut(before.String()), cut(after.String())
	same, tail := equalEnds(x, y)
	if same == len(x) && same == len(y) { // what differs is hidden
		same, tail = 0, 0
	}
	if same == 0 {
		h.context(b, h.lineStart(max(0, h.start-1)), h.start)
	}
	writeMarked(b, ' ', x[max(0, same-1):same])
	writeMarked(b, '-', x[same:len(x)-tail])
	writeMarked(b, '+', y[same:len(y)-tail])
	writeMarked(b, ' ', x[len(x)-tail:len(x)-max(0, tail-1)])
	if tail == 0 {
		h.context(b, h.end, h.lineEnd(h.end))
	}
}

// Shown returns the text of a replacement for people: hidden if it takes the place of a secret, since
// what an edit rewrites may contain the secret again.
func Shown(d *domxml.Domain, c Replacement) string {
	if c.Text != "" && d.HoldsSecret(c.Span) {
		return secret.Hidden
	}
	return c.Text
}

// context writes the line before or after the changes.
func (h *hunk) context(b *strings.Builder, from, to int) {
	if from >= to {
		return
	}
	if to > from+maxAround {
		writeMarked(b, ' ', []string{h.masked(from, from+maxAround) + "…"})
		return
	}
	writeMarked(b, ' ', []string{h.masked(from, to)})
}

// masked returns a range of the document, without a part of a code point at its ends.
func (h *hunk) masked(from, to int) string {
	return strings.ToValidUTF8(h.domain.Masked(domxml.Span{Start: h.rune(from), End: h.rune(to)}), "")
}

// rune returns the first offset, from i on, at which a code point begins.
func (h *hunk) rune(i int) int {
	for i < len(h.src) && !utf8.RuneStart(h.src[i]) {
		i++
	}
	return i
}

func (h *hunk) lineStart(at int) int { return bytes.LastIndexByte(h.src[:at], '\n') + 1 }

// lineEnd returns the offset after the line feed of the line that an offset is in.
func (h *hunk) lineEnd(at int) int {
	if i := bytes.IndexByte(h.src[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(h.src)
}

// equalEnds returns how many lines are equal at the beginning, and how many at the end.
func equalEnds(x, y []string) (same, tail int) {
	for same < min(len(x), len(y)) && x[same] == y[same] {
		same++
	}
	for tail < min(len(x), len(y))-same && x[len(x)-1-tail] == y[len(y)-1-tail] {
		tail++
	}
	return same, tail
}

func writeMarked(b *strings.Builder, mark byte, lines []string) {
	for _, l := range lines {
		b.WriteByte(mark)
		b.WriteString(strings.TrimRight(l, "\r\n"))
		b.WriteByte('\n')
	}
}
