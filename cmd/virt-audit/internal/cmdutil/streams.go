// Package cmdutil holds what all commands share: streams, exit codes, usage errors, the terminal,
// progress, signals, and files that are read or written whole. It knows no command and no option.
package cmdutil

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/virt-audit/virt-audit/audit/report"
)

// Streams are what a command reads and writes.
type Streams struct {
	In      io.Reader
	Out     *Stdout
	Err     io.Writer
	Version string // of virt-audit, as reports state it
}

// NewStreams returns the streams of a run.
func NewStreams(in io.Reader, out, errOut io.Writer, version string) *Streams {
	return &Streams{In: in, Out: &Stdout{Writer: out}, Err: errOut, Version: version}
}

// Errorf prints a message on standard error, each of its lines after "virt-audit: ". Control
// characters are escaped: what the user typed may be part of the message.
func (s *Streams) Errorf(format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		fmt.Fprintf(s.Err, "virt-audit: %s\n", report.Printable(strings.TrimSuffix(line, "\n")))
	}
}

// Exit prints an error and returns the exit code for it.
func (s *Streams) Exit(err error) int {
	var code exitError
	var usage *UsageError
	switch {
	case err == nil:
		return ExitClean
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, ErrNoReader):
		return ExitNoReader
	case errors.As(err, &usage):
		s.Errorf("%s", usage.Message)
		s.Errorf("%s", usage.Hint)
		return ExitUsage
	}
	s.Errorf("%v", err)
	return ExitInternal
}

// Finish returns the exit code of a command that ended with code, after everything is written:
// output that was lost is an error, whatever the command returned.
func (s *Streams) Finish(code int) int {
	err := s.Out.err
	switch {
	case err == nil || code == ExitNoReader || code == ExitInternal:
		return code
	case errors.Is(err, syscall.EPIPE):
		return ExitNoReader
	}
	s.Errorf("write to standard output: %v", err)
	return ExitInternal
}
