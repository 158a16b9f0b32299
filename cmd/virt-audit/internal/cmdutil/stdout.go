package cmdutil

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// Stdout is standard output. It remembers the first error of writing, so that no command can end
// with success when what it has printed is lost: on a full disk, or if there is no standard output.
type Stdout struct {
	io.Writer
	err error
}

// Write writes, unless that has failed before.
func (w *Stdout) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.Writer.Write(p)
	w.err = err
	return n, err
}

// File returns the file that is written to, or nil if it is something else.
func (w *Stdout) File() *os.File {
	f, _ := w.Writer.(*os.File)
	return f
}

var errClosed = errors.New("standard output is closed")

// closed replaces standard output if it is closed.
type closed struct{}

// Write fails, unless there is nothing to write.
func (closed) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return 0, errClosed
}

// OpenStdout returns standard output. Go opens /dev/null in the place of a descriptor that is
// closed when the process starts (runtime, checkfds), so that writing there would be no error. That
// /dev/null differs from one of the caller by its mode, "read and write", and by being open for one
// descriptor alone: shells and systemd open it for writing, and daemons share one between standard
// input, output and error.
//
// A caller that opens /dev/null for reading and writing for standard output alone, as Python's
// subprocess.DEVNULL does, looks the same as one that has closed it. That is an error only if
// something is written: a caller that needs only the exit status can use --output /dev/null.
func OpenStdout() io.Writer {
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

// sharesFile reports whether two descriptors are of one open file: they have its flags in common
// then. O_APPEND, which is toggled for a moment, changes nothing for a device that is always at its
// end, such as /dev/null.
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
