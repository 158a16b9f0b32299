package report

import (
	"io"
	"strconv"
	"strings"

	"github.com/fatih/color"
)

// PatchOptions are how a difference is shown.
type PatchOptions struct {
	Color bool
	// Terminal escapes characters that do not print, so that no document can control a terminal. The
	// difference can then not be applied if it has some.
	Terminal bool
}

// Patch writes a difference in the unified format. With the zero options it is written as it is.
func Patch(w io.Writer, diff string, o PatchOptions) error {
	if o == (PatchOptions{}) {
		_, err := io.WriteString(w, diff)
		return err
	}
	style := newPatchStyle(o.Color)
	var b strings.Builder
	left := hunkLines{}
	for line := range strings.Lines(diff) {
		text, end := strings.CutSuffix(line, "\n")
		paint := style.of(left.next(text), text)
		if o.Terminal || o.Color {
			text = printableTabs(text)
		}
		b.WriteString(paint(text))
		if end {
			b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printableTabs is printable but for tabs, which documents are indented with.
func printableTabs(text string) string {
	parts := strings.Split(text, "\t")
	for i, p := range parts {
		parts[i] = printable(p)
	}
	return strings.Join(parts, "\t")
}

type patchStyle struct{ header, hunk, added, removed, plain func(...any) string }

func newPatchStyle(on bool) patchStyle {
	paint := func(attrs ...color.Attribute) func(...any) string {
		c := color.New(attrs...)
		if on {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
		return c.SprintFunc()
	}
	return patchStyle{paint(color.Bold), paint(color.FgCyan), paint(color.FgGreen), paint(color.FgRed), func(a ...any) string { return a[0].(string) }}
}

// of returns the style of a line. Lines of a document may look like a header, so that only the
// number of lines in the hunk distinguishes them.
func (s patchStyle) of(inHunk bool, line string) func(...any) string {
	switch {
	case inHunk && strings.HasPrefix(line, "+"):
		return s.added
	case inHunk && strings.HasPrefix(line, "-"):
		return s.removed
	case inHunk, strings.HasPrefix(line, `\`):
		return s.plain
	case strings.HasPrefix(line, "@@ "):
		return s.hunk
	}
	return s.header
}

// hunkLines is how many lines of the current hunk are left, on both sides.
type hunkLines struct{ before, after int }

// next reports whether a line is part of a hunk.
func (h *hunkLines) next(line string) bool {
	if h.before <= 0 && h.after <= 0 {
		if ranges, ok := strings.CutPrefix(line, "@@ -"); ok {
			before, after, _ := strings.Cut(ranges, " +")
			h.before, h.after = linesIn(before), linesIn(after)
		}
		return false
	}
	switch {
	case strings.HasPrefix(line, "-"):
		h.before--
	case strings.HasPrefix(line, "+"):
		h.after--
	case strings.HasPrefix(line, `\`):
	default:
		h.before--
		h.after--
	}
	return true
}

// linesIn returns the number of lines in a range of a hunk: 7 in "3,7" and in "3,7 @@".
func linesIn(text string) int {
	_, text, _ = strings.Cut(text, ",")
	text, _, _ = strings.Cut(text, " ")
	n, _ := strconv.Atoi(text)
	return n
}
