package cmdutil

import (
	"fmt"
	"os"
	"strconv"

	"github.com/virt-audit/virt-audit/audit/suggest"

	"golang.org/x/term"
)

// Terminal returns whether a report on standard output, or elsewhere, is coloured, and its width in
// columns; 0 is any. when is auto, always or never. NO_COLOR and TERM=dumb apply to auto alone:
// --color=always is explicit.
func (s *Streams) Terminal(when string, toStdout bool) (paint bool, width int, err error) {
	f := s.Out.File()
	tty := toStdout && isTerminal(f)
	if tty {
		width, _, _ = term.GetSize(int(f.Fd()))
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 && width == 0 {
		width = n
	}
	switch when {
	case "always":
		paint = true
	case "never":
	case "auto":
		paint = tty && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	default:
		return false, 0, &UsageError{fmt.Sprintf("--color: %q is not auto, always or never", when), suggest.Hint(when, ColorChoices())}
	}
	return paint, min(width, 120), nil
}

// OnTerminal reports whether standard output is a terminal.
func (s *Streams) OnTerminal() bool { return isTerminal(s.Out.File()) }

// ColorChoices are the values that Terminal takes.
func ColorChoices() []string { return []string{"auto", "always", "never"} }
