// Package files reads files that may have been put in place by somebody else: in a checkout, in a
// directory that everybody may write to, in a mounted image. Every reading ends, whatever the name
// leads to, and none takes more memory than its limit. It prints nothing.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

var (
	// ErrNotFile says that a name leads to a directory, a FIFO, a socket or a device.
	ErrNotFile = errors.New("not a regular file")
	// ErrTooLarge says that there is more than the limit.
	ErrTooLarge = errors.New("too large")
	// ErrWaits says that a file has no end but makes its reader wait, as /proc/kmsg does.
	ErrWaits = errors.New("not a file of a disk: reading it would wait for what the kernel writes")
)

// Error is what is wrong with a file.
type Error struct {
	Name string
	Err  error
}

// Error returns the name of the file and what is wrong with it.
func (e *Error) Error() string { return e.Name + ": " + e.Err.Error() }

// Unwrap returns what is wrong with the file.
func (e *Error) Unwrap() error { return e.Err }

// Read returns the content of a regular file, or of an open pipe that the caller has named by its
// descriptor, see Descriptor. It returns ErrTooLarge for more than limit bytes, and ErrNotFile at
// once for anything else. Errors begin with the name.
func Read(name string, limit int64) ([]byte, error) {
	f, err := Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	// A size is a claim, but this one is taken.
	if info, err := f.Stat(); err == nil && info.Size() > limit {
		return nil, TooLarge(name, limit)
	}
	return Limited(Reader(f), name, limit)
}

// Limited returns all that in gives, or ErrTooLarge for more than limit bytes. The name is for errors.
func Limited(in io.Reader, name string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	switch {
	case err != nil:
		return nil, &Error{name, cause(err)}
	case int64(len(data)) > limit:
		return nil, TooLarge(name, limit)
	}
	return data, nil
}

// TooLarge is the error for a file with more than limit bytes.
func TooLarge(name string, limit int64) error {
	return &Error{name, fmt.Errorf("%w: the limit is %d bytes", ErrTooLarge, limit)}
}

// Open opens a file for reading, as Read does. Opening can be an act, which starts a watchdog, rewinds
// a tape or waits for the writer of a FIFO, so the kind of the file is looked at before as well as after.
func Open(name string) (*os.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, &Error{name, cause(err)}
	}
	pipe := Descriptor(name)
	if err := usable(name, info, pipe); err != nil {
		return nil, err
	}
	flags := os.O_RDONLY | syscall.O_NONBLOCK
	if info.Mode()&fs.ModeNamedPipe != 0 {
		flags = os.O_RDONLY // its writer may take its time; the open itself does not wait for an anonymous pipe
	}
	f, err := os.OpenFile(name, flags, 0)
	if err != nil {
		return nil, &Error{name, cause(err)}
	}
	if info, err = f.Stat(); err == nil {
		err = usable(name, info, pipe)
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	return f, nil
}

// usable returns why a file is not to be opened. Only root could open /proc/kmsg, and who reads it takes
// the kernel's messages from the system's log.
func usable(name string, info fs.FileInfo, pipe bool) error {
	mode := info.Mode()
	switch {
	case mode.IsRegular() && info.Size() == 0 && isKernelLog(info):
		return &Error{name, ErrWaits}
	case mode.IsRegular(), pipe && mode&fs.ModeNamedPipe != 0:
		return nil
	}
	return &Error{name, NotFile(mode)}
}

func isKernelLog(info fs.FileInfo) bool {
	log, err := os.Stat("/proc/kmsg")
	return err == nil && os.SameFile(info, log)
}

// NotFile says what something is that should be a regular file. It wraps ErrNotFile.
func NotFile(mode fs.FileMode) error {
	switch {
	case mode.IsDir():
		return fmt.Errorf("a directory, %w", ErrNotFile)
	case mode&fs.ModeNamedPipe != 0:
		return fmt.Errorf("a FIFO, %w", ErrNotFile)
	case mode&fs.ModeSocket != 0:
		return fmt.Errorf("a socket, %w", ErrNotFile)
	case mode&fs.ModeCharDevice != 0:
		return fmt.Errorf("a character device, %w", ErrNotFile)
	case mode&fs.ModeDevice != 0:
		return fmt.Errorf("a block device, %w", ErrNotFile)
	}
	return ErrNotFile
}

// Descriptor reports whether a name is that of an open file of this process: what a shell makes of
// <(command). Links to such names are not meant, since anybody can make one.
func Descriptor(name string) bool {
	for _, dir := range []string{"/dev/fd/", "/proc/self/fd/"} {
		if n, ok := strings.CutPrefix(name, dir); ok {
			_, err := strconv.ParseUint(n, 10, 31)
			return err == nil
		}
	}
	return name == "/dev/stdin"
}

// Reader returns a reader of an open file that never waits for a regular file. Some that the kernel makes
// up as they are read, such as /proc/kmsg and trace_pipe, are regular by their mode, and os.File would
// wait there for more.
func Reader(f *os.File) io.Reader {
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return f
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return f
	}
	return &impatient{raw}
}

type impatient struct{ raw syscall.RawConn }

// Read reads what there is.
func (r *impatient) Read(p []byte) (n int, err error) {
	failed := r.raw.Read(func(fd uintptr) bool {
		for {
			n, err = syscall.Read(int(fd), p) //nolint:gosec // a descriptor
			if !errors.Is(err, syscall.EINTR) {
				return true
			}
		}
	})
	switch {
	case failed != nil:
		return 0, failed
	case errors.Is(err, syscall.EAGAIN):
		return 0, ErrWaits
	case err != nil:
		return 0, err
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// cause returns an error without the path that package os puts before it.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
