package cmdutil

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/google/renameio/v2"

	"github.com/virt-audit/virt-audit/audit/files"
)

// Output opens a file for a report; "" is standard output. A file is put in place, whole, when
// done(true) is called; a pipe, a device or standard output is written as the report grows.
func (s *Streams) Output(file string) (w *bufio.Writer, done func(keep bool) error, err error) {
	return s.OutputTemporary(file, &Temporaries{})
}

// Temporaries are the files that exist until the reports are in place.
type Temporaries struct {
	mu    sync.Mutex
	names []string
}

// Remove removes the files while another goroutine may still write to them or be about to create
// one: it creates none after this call, but waits, for the end of the process.
func (t *Temporaries) Remove() {
	t.mu.Lock() // for good
	for _, name := range t.names {
		_ = os.Remove(name)
	}
}

// create creates the temporary file of a report, and records it.
func (t *Temporaries) create(at string) (*renameio.PendingFile, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, err := renameio.NewPendingFile(at, renameio.WithTempDir(filepath.Dir(at)), renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err == nil {
		t.names = append(t.names, p.Name())
	}
	return p, err
}

// OutputTemporary is [Streams.Output], and records the temporary file of the report.
func (s *Streams) OutputTemporary(file string, made *Temporaries) (w *bufio.Writer, done func(keep bool) error, err error) {
	const size = 1 << 16
	if file == "" {
		b := bufio.NewWriterSize(s.Out, size)
		return b, func(bool) error { return b.Flush() }, nil
	}
	if err := files.CheckWritable(file); err != nil {
		return nil, nil, Usagef("the report cannot be written: %v", err)
	}
	at, streamed := Destination(file)
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return nil, nil, Usagef("the report cannot be written to %s: it is a directory", file)
	}
	if streamed {
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return nil, nil, unwritable(file, err)
		}
		b := bufio.NewWriterSize(f, size)
		return b, once(func(bool) error { return errors.Join(b.Flush(), f.Close()) }), nil
	}
	p, err := made.create(at)
	if err != nil {
		return nil, nil, unwritable(file, err)
	}
	b := bufio.NewWriterSize(p, size)
	return b, once(func(keep bool) error {
		if !keep {
			return p.Cleanup()
		}
		if err := b.Flush(); err != nil {
			return errors.Join(err, p.Cleanup())
		}
		return p.CloseAtomicallyReplace()
	}), nil
}

// unwritable omits the path in the system's error: it is that of a temporary file.
func unwritable(file string, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return Usagef("the report cannot be written to %s: %v", file, err)
}

// Destination returns the file that a report replaces, with all links followed: the file is
// replaced, not the link. A pipe or a device, and what the kernel only shows as a file, such as
// /dev/fd/3, is streamed to.
func Destination(file string) (at string, streamed bool) {
	at = file
	for range 40 { // as many links as the kernel follows
		absolute, err := filepath.Abs(at)
		if err != nil {
			return at, false
		}
		at = absolute
		if dir, err := filepath.EvalSymlinks(filepath.Dir(at)); err == nil {
			at = filepath.Join(dir, filepath.Base(at))
		}
		if strings.HasPrefix(at, "/proc/") || strings.HasPrefix(at, "/dev/fd/") {
			return at, true
		}
		info, err := os.Lstat(at)
		if err != nil {
			return at, false
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			return at, !info.Mode().IsRegular()
		}
		link, err := os.Readlink(at)
		if err != nil {
			return at, false
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(at), link)
		}
		at = link
	}
	return at, false
}

// Resolved returns the absolute path of a file with links followed; the file need not exist.
func Resolved(file string) string {
	at, _ := Destination(file)
	return at
}

// once returns a function that does its work when it is first called, by any goroutine.
func once(do func(bool) error) func(bool) error {
	var first sync.Once
	return func(keep bool) (err error) {
		first.Do(func() { err = do(keep) })
		return err
	}
}

// SameFile reports whether two names are those of one file, which need not exist.
func SameFile(a, b string) bool {
	if x, err := os.Stat(a); err == nil {
		if y, err := os.Stat(b); err == nil {
			return os.SameFile(x, y)
		}
	}
	return Resolved(a) == Resolved(b)
}
