package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// standardOutput remembers the first error of writing, so that no command can end with success when what it
// has printed is lost: on a full disk, or where there is no standard output.
type standardOutput struct {
	io.Writer
	err error
}

// Write writes, unless that has failed before.
func (w *standardOutput) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.Writer.Write(p)
	w.err = err
	return n, err
}

// file returns the file that is written to, nil where it is something else.
func (w *standardOutput) file() *os.File {
	f, _ := w.Writer.(*os.File)
	return f
}

var errClosed = errors.New("standard output is closed")

// closed is standard output where there is none.
type closed struct{}

// Write fails, unless there is nothing to write.
func (closed) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return 0, errClosed
}

// openedStdout returns standard output. Go opens /dev/null in the place of a descriptor that is closed when the
// program starts (runtime, checkfds), so that no error would show. That is told from a /dev/null of the caller
// by its mode, which is "read and write", and by its being open for one descriptor alone: shells and systemd
// open it for writing, and daemons share one between standard input, output and error.
//
// A caller that has opened it for reading and writing for standard output alone, as Python's subprocess.DEVNULL
// does, cannot be told from one that has closed it. It is an error only where something is written there: for an
// exit status alone there is --output /dev/null.
func openedStdout() io.Writer {
	if runtimeOpened(int(os.Stdout.Fd())) {
		return closed{}
	}
	return os.Stdout
}

func runtimeOpened(fd int) bool {
	var own, null syscall.Stat_t
	if syscall.Fstat(fd, &own) != nil {
		return true
	}
	if syscall.Stat(os.DevNull, &null) != nil || own.Mode&syscall.S_IFMT != syscall.S_IFCHR || own.Rdev != null.Rdev {
		return false
	}
	return statusFlags(fd)&syscall.O_ACCMODE == syscall.O_RDWR && !sharesFile(fd, 0) && !sharesFile(fd, 2)
}

// sharesFile reports whether two descriptors are of one open file: they have its flags in common then. A device
// that is always at its end, as /dev/null is, does not mind this one.
func sharesFile(fd, other int) bool {
	before := statusFlags(fd)
	set := func(flags int) {
		_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETFL, uintptr(flags)) //nolint:gosec // a descriptor
	}
	was := statusFlags(other) & syscall.O_APPEND
	set(before ^ syscall.O_APPEND)
	defer set(before)
	return statusFlags(other)&syscall.O_APPEND != was
}

// statusFlags returns how a file was opened, or -1.
func statusFlags(fd int) int {
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0) //nolint:gosec // a descriptor
	if errno != 0 {
		return -1
	}
	return int(flags) //nolint:gosec // a few bits
}

// ended returns the exit code of a command that ended with one, now that all is written.
func (s *streams) ended(code int) int {
	err := s.out.err
	switch {
	case err == nil || code == exitUnread || code == exitInternal:
		return code
	case errors.Is(err, syscall.EPIPE):
		return exitUnread
	}
	s.complain(fmt.Sprintf("write to standard output: %v", err))
	return exitInternal
}
