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

// Errors that a [Problem] may wrap, next to fs.ErrNotExist, fs.ErrPermission
// and what else the system says.
var (
	// ErrTooLarge says that a document is above the size limit.
	ErrTooLarge = errors.New("too large")
	// ErrNotFile says that an input is a folder, FIFO, socket or device where
	// only a file will do.
	ErrNotFile = files.ErrNotFile
	// ErrChanged says that a file was written to while it was read.
	ErrChanged = errors.New("changed while being read")
)

var (
	errEmpty      = errors.New("empty operand, perhaps from an unset variable")
	errNoStdin    = errors.New("there is no standard input")
	errStdinTwice = errors.New("standard input can be read only once")
)

// explain returns err without the path, which the problem's source says
// already, and with what to do about a lack of permission.
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

// vanished is explain for a file that was there when it was found.
func vanished(err error) error {
	err = explain(err)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("vanished before it was read: %w", err)
	}
	return err
}

// dangling returns err as that of a dangling link, or nil if it is not.
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

// noMatch says that an operand is no file, for the reason missing, and as a
// pattern matches nothing or, with a bad, is malformed.
func noMatch(missing, bad error) error {
	if bad != nil {
		return fmt.Errorf("%w: nor is it a pattern: %w", explain(missing), bad)
	}
	return fmt.Errorf("%w: nothing matches the pattern", explain(missing))
}

// notFile says what an input is that should be a file.
func notFile(mode fs.FileMode) error {
	switch {
	case mode.IsDir():
		return fmt.Errorf("a folder named like a file, %w: rename it, or name the files in it", ErrNotFile)
	case mode&fs.ModeNamedPipe != 0:
		return fmt.Errorf("a FIFO, %w: it is read only if named as an operand itself", ErrNotFile)
	}
	return files.NotFile(mode)
}

// tooLarge says that a document of size bytes, or of unknown size if that is
// negative, is above the limit.
func tooLarge(size, limit int64) error {
	is := ""
	if size >= 0 {
		is = inBytes(size) + ", "
	}
	return fmt.Errorf("%w: %smore than the limit of %s: raise it with --max-size", ErrTooLarge, is, inBytes(limit))
}

// inBytes returns a size exactly and, if it is not small, in a unit.
func inBytes(n int64) string {
	exact := strconv.FormatInt(n, 10) + " bytes"
	for i, unit := range []string{"GiB", "MiB", "KiB"} {
		if scale := int64(1) << (30 - 10*i); n >= scale {
			number := strconv.FormatFloat(float64(n)/float64(scale), 'f', 1, 64)
			return exact + " (" + strings.TrimSuffix(number, ".0") + " " + unit + ")"
		}
	}
	return exact
}
