package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// terminal says whether the report is to be coloured, and how wide it may be. NO_COLOR and TERM=dumb
// count for "auto" alone: who writes --color=always means it.
func (s *streams) terminal(c *cli.Context, toStdout bool) (paint bool, width int, err error) {
	f := s.out.file()
	tty := toStdout && f != nil && isatty.IsTerminal(f.Fd())
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

// progress is a bar on standard error, for runs of more than a second and on a terminal alone.
type progress struct {
	err     io.Writer
	on      bool
	started time.Time
	n       int
	bar     *progressbar.ProgressBar
}

func newProgress(w io.Writer, quiet bool) *progress {
	f, _ := w.(*os.File)
	return &progress{err: w, on: !quiet && f != nil && isatty.IsTerminal(f.Fd()), started: time.Now()}
}

func (p *progress) add() {
	p.n++
	if !p.on {
		return
	}
	if p.bar == nil {
		if time.Since(p.started) < time.Second {
			return
		}
		p.bar = progressbar.NewOptions(-1,
			progressbar.OptionSetWriter(p.err),
			progressbar.OptionSetDescription("audited"),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("guests"),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
		)
		_ = p.bar.Add(p.n)
		return
	}
	_ = p.bar.Add(1)
}

// print writes a message past the bar.
func (p *progress) print(text string) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	fmt.Fprint(p.err, text)
}

func (p *progress) stop() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
