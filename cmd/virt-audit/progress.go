package main

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

// progress is a line on standard error that counts guests. It appears on a terminal only, and only
// in runs that take longer than progressDelay.
type progress struct {
	err           io.Writer
	on, shown     bool
	started, last time.Time
	n             int
}

func newProgress(w io.Writer, quiet bool) *progress {
	f, _ := w.(*os.File)
	return &progress{err: w, on: !quiet && isTerminal(f), started: time.Now()}
}

// isTerminal reports whether a file is a terminal; nil is not.
func isTerminal(f *os.File) bool { return f != nil && term.IsTerminal(int(f.Fd())) }

// add counts one more guest.
func (p *progress) add() {
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

// print writes a message, which ends with a newline, in place of the progress.
func (p *progress) print(text string) {
	p.stop()
	fmt.Fprint(p.err, text)
}

// stop erases the progress. The next call of add may show it again.
func (p *progress) stop() {
	if p.shown {
		p.shown = false
		fmt.Fprint(p.err, clearLine)
	}
}
