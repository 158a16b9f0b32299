package cmdutil

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

const (
	progressDelay    = time.Second            // shorter runs show no progress
	progressInterval = 100 * time.Millisecond // between two updates
	clearLine        = "\r\x1b[K"             // to the start of the line, and erase it
)

// Progress is a line on standard error that counts guests. It appears on a terminal only, and only
// in runs that take longer than progressDelay.
type Progress struct {
	err           io.Writer
	on, shown     bool
	started, last time.Time
	n             int
}

// NewProgress returns a line on w, which never appears if quiet.
func NewProgress(w io.Writer, quiet bool) *Progress {
	f, _ := w.(*os.File)
	return &Progress{err: w, on: !quiet && isTerminal(f), started: time.Now()}
}

// isTerminal reports whether a file is a terminal; nil is not.
func isTerminal(f *os.File) bool { return f != nil && term.IsTerminal(int(f.Fd())) }

// Add counts one more guest.
func (p *Progress) Add() {
	p.n++
	if !p.on {
		return
	}
	now := time.Now()
	elapsed := now.Sub(p.started)
	if elapsed < progressDelay || now.Sub(p.last) < progressInterval {
		return
	}
	p.last, p.shown = now, true
	fmt.Fprintf(p.err, "%saudited %d (%.0f/s)", clearLine, p.n, float64(p.n)/elapsed.Seconds())
}

// Print writes a message, which ends with a newline, in place of the progress.
func (p *Progress) Print(text string) {
	p.Stop()
	fmt.Fprint(p.err, text)
}

// Stop erases the progress. The next call of Add may show it again.
func (p *Progress) Stop() {
	if p.shown {
		p.shown = false
		fmt.Fprint(p.err, clearLine)
	}
}
