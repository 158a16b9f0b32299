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
	// ErrForeignLink is the error for a link that is not followed.
	ErrForeignLink = errors.New("a link of another user in a directory that all users may write to is not followed")
	// ErrForeignFile is the error for a file that is not overwritten.
	ErrForeignFile = errors.New("a file of another user in a directory that all users may write to is not overwritten")
)

// maxLinks is the number of links that the kernel follows in one name.
const maxLinks = 40

// Owner returns the ID of the user who owns a file, or false if it is unknown.
func Owner(info fs.FileInfo) (uint32, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return s.Uid, true
}

// shared reports whether all users may create files in a directory, as in /tmp.
func shared(dir fs.FileInfo) bool {
	return dir.IsDir() && dir.Mode()&fs.ModeSticky != 0 && dir.Mode().Perm()&0o002 != 0
}

// foreign reports whether an entry of a shared directory belongs to a user other than this
// process's, root, and the owner of the directory. The kernel has the same rule for
// fs.protected_symlinks and fs.protected_regular (Documentation/admin-guide/sysctl/fs.rst), which
// may be disabled.
func foreign(dir, entry fs.FileInfo) bool {
	of, ok := Owner(entry)
	parent, _ := Owner(dir)
	return shared(dir) && (!ok || of != 0 && int(of) != os.Geteuid() && of != parent)
}

// CheckLinks returns an error if a name leads through a link that another user has put into a
// directory such as /tmp. A name that does not exist is not an error.
func CheckLinks(name string) error {
	return walk(name, func(dir, entry fs.FileInfo, path string, _ bool) error {
		if entry.Mode()&fs.ModeSymlink != 0 && foreign(dir, entry) {
			return &Error{path, ErrForeignLink}
		}
		return nil
	})
}

// CheckWritable is CheckLinks for a file that will be written. It also returns an error if the file
// exists in such a directory and belongs to another user.
func CheckWritable(name string) error {
	if err := CheckLinks(name); err != nil {
		return err
	}
	return walk(name, func(dir, entry fs.FileInfo, path string, last bool) error {
		if last && foreign(dir, entry) {
			return &Error{path, ErrForeignFile}
		}
		return nil
	})
}

// walk calls visit for each step of a name, and for each step of the links on the way, with the
// directory that contains it. It ends at a step that does not exist. last is set for the file that
// the whole name leads to.
func walk(name string, visit func(dir, entry fs.FileInfo, path string, last bool) error) error {
	full, err := absolute(name)
	if err != nil {
		return err
	}
	current, rest, links := "/", split(full), 0
	for len(rest) > 0 {
		step := rest[0]
		rest = rest[1:]
		if step == ".." {
			current = filepath.Dir(current)
			continue
		}
		path := filepath.Join(current, step)
		dir, err := os.Lstat(current)
		if err != nil {
			return nil //nolint:nilerr // opening the file returns the error
		}
		entry, err := os.Lstat(path)
		if err != nil {
			return nil //nolint:nilerr // the same
		}
		link := entry.Mode()&fs.ModeSymlink != 0
		if err := visit(dir, entry, path, len(rest) == 0 && !link); err != nil {
			return err
		}
		if !link {
			current = path
			continue
		}
		if links++; links > maxLinks {
			return &Error{name, syscall.ELOOP}
		}
		target, err := os.Readlink(path)
		if err != nil {
			return nil //nolint:nilerr // the same
		}
		if filepath.IsAbs(target) {
			current = "/"
			if strings.HasPrefix(target, "/proc/") { // an open file, which has no path to check
				return nil
			}
		}
		rest = append(split(target), rest...)
	}
	return nil
}

// absolute is filepath.Abs without removing link/.., which may lead to another directory.
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

// FirstLink returns the first symbolic link that a name leads through, or "" if there is none. For a
// relative name, the way to the current directory does not count.
func FirstLink(name string) string {
	path := ""
	if filepath.IsAbs(name) {
		path = "/"
	}
	for _, step := range split(name) {
		path = filepath.Join(path, step)
		if step == ".." {
			continue // Join removes the step before, which is not a link
		}
		if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return path
		}
	}
	return ""
}
