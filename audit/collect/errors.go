package collect

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit/files"
)

// Errors that a [Problem] may wrap, in addition to fs.ErrNotExist, fs.ErrPermission and other
// errors of the system.
var (
	// ErrTooLarge is the error for a document above the size limit.
	ErrTooLarge = errors.New("too large")
	// ErrNotFile is the error for a directory, FIFO, socket or device where a file is required.
	ErrNotFile = files.ErrNotFile
	// ErrChanged is the error for a file that was written to while it was read.
	ErrChanged = errors.New("changed while being read")
)

var (
	errEmpty      = errors.New("empty argument, perhaps from an unset variable")
	errNoStdin    = errors.New("there is no standard input")
	errStdinTwice = errors.New("standard input can be read only once")
)

// explain returns err without its path, which is the source of the problem already. It adds a
// remedy if a permission is missing.
func explain(err error) error {
	if fe, ok := errors.AsType[*files.Error](err); ok {
		err = fe.Err
	}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: run as root, or use `virsh dumpxml NAME | virt-audit -`", err)
	}
	return err
}

// vanished is explain for a file that existed when it was found.
func vanished(err error) error {
	err = explain(err)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("vanished before it was read: %w", err)
	}
	return err
}

// dangling returns an error that describes a dangling link at path, or nil if err is not caused by
// one.
func dangling(path string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	target, notLink := os.Readlink(path)
	if notLink != nil {
		return nil
	}
	return fmt.Errorf("dangling link to %s: %w", target, explain(err))
}

// noMatch is the error for an argument that is not a file, for the reason missing, and that as a
// pattern matches nothing. If bad is set, it is the error of the malformed pattern.
func noMatch(missing, bad error) error {
	if bad != nil {
		return fmt.Errorf("%w: and not a valid pattern: %w", explain(missing), bad)
	}
	return fmt.Errorf("%w: nothing matches the pattern", explain(missing))
}

// notFile returns an error that describes an input that should be a file. It wraps ErrNotFile.
func notFile(mode fs.FileMode) error {
	switch {
	case mode.IsDir():
		return fmt.Errorf("a directory named like a file, %w: rename it, or name the files in it", ErrNotFile)
	case mode&fs.ModeNamedPipe != 0:
		return fmt.Errorf("a FIFO, %w: it is read only if it is an argument itself", ErrNotFile)
	}
	return files.NotFile(mode)
}

// tooLarge is the error for a document of size bytes, or of unknown size if that is negative, that
// is above the limit.
func tooLarge(size, limit int64) error {
	actual := ""
	if size >= 0 {
		actual = formatSize(size) + ", "
	}
	return fmt.Errorf("%w: %smore than the limit of %s: raise it with --max-size", ErrTooLarge, actual, formatSize(limit))
}

// formatSize returns a size in bytes and, from 1 KiB up, also in the largest binary unit.
func formatSize(n int64) string {
	exact := strconv.FormatInt(n, 10) + " bytes"
	for i, unit := range []string{"GiB", "MiB", "KiB"} {
		if scale := int64(1) << (30 - 10*i); n >= scale {
			number := strconv.FormatFloat(float64(n)/float64(scale), 'f', 1, 64)
			return exact + " (" + strings.TrimSuffix(number, ".0") + " " + unit + ")"
		}
	}
	return exact
}
