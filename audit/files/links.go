package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

var (
	// ErrForeignLink says that a link is not followed.
	ErrForeignLink = errors.New("a link of another user in a directory that all users may write to is not followed")
	// ErrForeignFile says that a file is not replaced.
	ErrForeignFile = errors.New("a file of another user in a directory that all users may write to is not overwritten")
)

// maxLinks is how many links the kernel follows in one name.
const maxLinks = 40

// Owner returns the user whom a file belongs to, and false where that is unknown.
func Owner(info fs.FileInfo) (uint32, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return s.Uid, true
}

// shared reports whether a directory is one where all users put files, such as /tmp.
func shared(dir fs.FileInfo) bool {
	return dir.IsDir() && dir.Mode()&fs.ModeSticky != 0 && dir.Mode().Perm()&0o002 != 0
}

// foreign reports whether an entry of a shared directory is neither ours nor of those who are trusted
// there: root, and the owner of the directory. The kernel decides so with fs.protected_symlinks and
// fs.protected_regular (Documentation/admin-guide/sysctl/fs.rst), which may be off.
func foreign(dir, entry fs.FileInfo) bool {
	of, ok := Owner(entry)
	parent, _ := Owner(dir)
	return shared(dir) && (!ok || of != 0 && int(of) != os.Geteuid() && of != parent)
}

// Trusted returns an error if a name leads through a link that another user has put into a directory
// such as /tmp. What does not exist is no reason for an error.
func Trusted(name string) error {
	return walk(name, func(dir, entry fs.FileInfo, path string, _ bool) error {
		if entry.Mode()&fs.ModeSymlink != 0 && foreign(dir, entry) {
			return &Error{path, ErrForeignLink}
		}
		return nil
	})
}

// Writable is Trusted for a file that is about to be written: what is there already must not be another
// user's either, if it is in such a directory.
func Writable(name string) error {
	if err := Trusted(name); err != nil {
		return err
	}
	return walk(name, func(dir, entry fs.FileInfo, path string, last bool) error {
		if last && foreign(dir, entry) {
			return &Error{path, ErrForeignFile}
		}
		return nil
	})
}

// walk shows each step of a name to look, and each step of the links on the way, with the directory that
// it is in. It ends where there is nothing. last is set for what the whole name leads to.
func walk(name string, look func(dir, entry fs.FileInfo, path string, last bool) error) error {
	full, err := absolute(name)
	if err != nil {
		return err
	}
	at, rest, links := "/", split(full), 0
	for len(rest) > 0 {
		step := rest[0]
		rest = rest[1:]
		if step == ".." {
			at = filepath.Dir(at)
			continue
		}
		path := filepath.Join(at, step)
		dir, err := os.Lstat(at)
		if err != nil {
			return nil //nolint:nilerr // whoever opens the file is told
		}
		entry, err := os.Lstat(path)
		if err != nil {
			return nil //nolint:nilerr // the same
		}
		link := entry.Mode()&fs.ModeSymlink != 0
		if err := look(dir, entry, path, len(rest) == 0 && !link); err != nil {
			return err
		}
		if !link {
			at = path
			continue
		}
		if links++; links > maxLinks {
			return &Error{name, syscall.ELOOP}
		}
		to, err := os.Readlink(path)
		if err != nil {
			return nil //nolint:nilerr // the same
		}
		if filepath.IsAbs(to) {
			at = "/"
			if strings.HasPrefix(to, "/proc/") { // an open file, which has no name to look at
				return nil
			}
		}
		rest = append(split(to), rest...)
	}
	return nil
}

// absolute is filepath.Abs without the shortening of link/.., which may be another file.
func absolute(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	return wd + "/" + name, nil
}

// split returns the steps of a path.
func split(path string) []string {
	var steps []string
	for step := range strings.SplitSeq(path, "/") {
		if step != "" && step != "." {
			steps = append(steps, step)
		}
	}
	return steps
}
