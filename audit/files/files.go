// Package files reads files that another user may control: in a checkout, in a directory that all
// users may write to, in a mounted image. Every read ends, whatever the name leads to, and
// allocates no more memory than its limit. The package prints nothing.
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
	// ErrNotFile is the error for a name that leads to a directory, FIFO, socket or device.
	ErrNotFile = errors.New("not a regular file")
	// ErrTooLarge is the error for content above the limit.
	ErrTooLarge = errors.New("too large")
	// ErrWaits is the error for a file without an end that blocks its reader, such as /proc/kmsg.
	ErrWaits = errors.New("not a file on a disk: reading it would wait for messages of the kernel")
)

// Error is an error of a file.
type Error struct {
	Name string
	Err  error
}

// Error returns the name of the file and the cause.
func (e *Error) Error() string { return e.Name + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Read returns the content of a regular file, or of an open pipe that is named by its descriptor,
// see Descriptor. It returns ErrTooLarge for more than limit bytes, and ErrNotFile for any other
// kind of file, without opening it. Errors begin with the name.
func Read(name string, limit int64) ([]byte, error) {
	f, err := Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	// A size may be wrong, but a larger one than the limit is refused without reading.
	if info, err := f.Stat(); err == nil && info.Size() > limit {
		return nil, TooLarge(name, limit)
	}
	return Limited(Reader(f), name, limit)
}

// Limited returns the whole content of in, or ErrTooLarge for more than limit bytes. The name is
// for errors.
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

// Open opens a file for reading, with the errors of Read. Opening a file can have an effect (it
// starts a watchdog, rewinds a tape or waits for the writer of a FIFO), so its kind is checked
// before as well as after.
func Open(name string) (*os.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, &Error{name, cause(err)}
	}
	pipe := Descriptor(name)
	if err := checkOpenable(name, info, pipe); err != nil {
		return nil, err
	}
	flags := os.O_RDONLY | syscall.O_NONBLOCK
	if info.Mode()&fs.ModeNamedPipe != 0 {
		flags = os.O_RDONLY // a read waits for its writer; the open itself does not wait for an anonymous pipe
	}
	f, err := os.OpenFile(name, flags, 0)
	if err != nil {
		return nil, &Error{name, cause(err)}
	}
	if info, err = f.Stat(); err == nil {
		err = checkOpenable(name, info, pipe)
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	return f, nil
}

// checkOpenable returns an error if a file must not be opened. Only root can open /proc/kmsg;
// reading it removes the kernel's messages, which are then missing in the system's log.
func checkOpenable(name string, info fs.FileInfo, pipe bool) error {
	mode := info.Mode()
	switch {
	case mode.IsRegular() && info.Size() == 0 && isKernelLog(info):
		return &Error{name, ErrWaits}
	case mode.IsRegular(), pipe && mode&fs.ModeNamedPipe != 0:
		return nil
	}
	return &Error{name, NotFile(mode)}
}

// isKernelLog reports whether a file is /proc/kmsg, under any name.
func isKernelLog(info fs.FileInfo) bool {
	log, err := os.Stat("/proc/kmsg")
	return err == nil && os.SameFile(info, log)
}

// NotFile returns an error that describes the kind of a file that should be regular. It wraps
// ErrNotFile.
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

// Descriptor reports whether a name is that of an open file of this process, which a shell passes
// for <(command). It returns false for links to such names, because any user can create one.
func Descriptor(name string) bool {
	for _, dir := range []string{"/dev/fd/", "/proc/self/fd/"} {
		if n, ok := strings.CutPrefix(name, dir); ok {
			_, err := strconv.ParseUint(n, 10, 31)
			return err == nil
		}
	}
	return name == "/dev/stdin"
}

// Reader returns a reader of an open file that never waits if the file is regular. Some files that
// the kernel generates when they are read, such as /proc/kmsg and trace_pipe, have the mode of a
// regular file, and os.File would wait for more of their content.
func Reader(f *os.File) io.Reader {
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return f
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return f
	}
	return &nonblockingReader{raw}
}

// nonblockingReader reads a file that was opened with O_NONBLOCK.
type nonblockingReader struct{ raw syscall.RawConn }

// Read reads the available bytes. It returns ErrWaits if a read would wait.
func (r *nonblockingReader) Read(p []byte) (n int, err error) {
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

// cause returns an error without the path that package os prepends.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
