package main

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

// output returns where a report goes. A file is put in place when done(true) is called, whole; a
// pipe, a device or standard output is written as the report grows.
func (s *streams) output(file string) (w *bufio.Writer, done func(keep bool) error, err error) {
	w, done, _, err = s.begin(file)
	return w, done, err
}

// begin is output, and tells which temporary file there is until the report is in place, or "".
func (s *streams) begin(file string) (w *bufio.Writer, done func(keep bool) error, temporary string, err error) {
	const size = 1 << 16
	if file == "" {
		b := bufio.NewWriterSize(s.out, size)
		return b, func(bool) error { return b.Flush() }, "", nil
	}
	if err := files.Writable(file); err != nil {
		return nil, nil, "", usagef("the report cannot be written: %v", err)
	}
	at, streamed := destination(file)
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return nil, nil, "", usagef("the report cannot be written to %s: it is a directory", file)
	}
	if streamed {
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return nil, nil, "", unwritable(file, err)
		}
		b := bufio.NewWriterSize(f, size)
		return b, once(func(bool) error { return errors.Join(b.Flush(), f.Close()) }), "", nil
	}
	p, err := renameio.NewPendingFile(at, renameio.WithTempDir(filepath.Dir(at)), renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return nil, nil, "", unwritable(file, err)
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
	}), p.Name(), nil
}

// unwritable leaves out the path of the system's error: it is that of a temporary file.
func unwritable(file string, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return usagef("the report cannot be written to %s: %v", file, err)
}

// destination returns the file that a report is put in place of, where all links are followed: it is the file
// that is replaced, not the link. A pipe or a device, and what the kernel only shows as a file, such as
// /dev/fd/3, is streamed to.
func destination(file string) (at string, streamed bool) {
	at = file
	for range 40 { // as many links as the kernel follows
		absolute, err := filepath.Abs(at)
		if err != nil {
			return at, false
		}
		at = absolute
		if folder, err := filepath.EvalSymlinks(filepath.Dir(at)); err == nil {
			at = filepath.Join(folder, filepath.Base(at))
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

// resolved returns the absolute path of a file, links in it followed as far as there is something.
func resolved(file string) string {
	at, _ := destination(file)
	return at
}

// once returns a function that does its work when it is first called, by whichever goroutine.
func once(do func(bool) error) func(bool) error {
	var first sync.Once
	return func(keep bool) (err error) {
		first.Do(func() { err = do(keep) })
		return err
	}
}
