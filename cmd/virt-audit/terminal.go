package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// terminal says whether the report is to be coloured, and how wide it may be. NO_COLOR and TERM=dumb
// count for "auto" alone: who writes --color=always means it.
func (s *streams) terminal(c *cli.Context, toStdout bool) (paint bool, width int, err error) {
	f := s.out.file()
	tty := toStdout && isTerminal(f)
	if tty {
		width, _, _ = term.GetSize(int(f.Fd()))
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 && width == 0 {
		width = n
	}
	switch when := c.String("color"); when {
	case "always":
		paint = true
	case "never":
	case "auto":
		paint = tty && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	default:
		return false, 0, &usageError{fmt.Sprintf("option --color: %q is none of auto, always, never", when), didYouMean(when, []string{"auto", "always", "never"})}
	}
	return paint, min(width, 120), nil
}
