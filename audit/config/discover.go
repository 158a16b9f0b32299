package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/virt-audit/virt-audit/audit/files"
)

// Read reads a configuration that the caller names: a regular file, or an open pipe as in <(...) of a
// shell. Paths in a pipe are relative to the working directory.
func Read(path string, known Names) (*File, error) {
	if err := files.CheckLinks(path); err != nil {
		return nil, fmt.Errorf("configuration %w", err)
	}
	f, err := files.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	dir := filepath.Dir(path)
	if isDescriptor(path) {
		dir = "."
	}
	return ReadFrom(files.Reader(f), path, dir, known)
}

// ReadFrom reads a configuration from a stream. Paths in it are relative to dir, and the name is for
// messages.
func ReadFrom(in io.Reader, name, dir string, known Names) (*File, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	c, err := parse(name, dir, data, known)
	if err == nil {
		err = c.contained()
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Discover reads the configuration for a working directory: the first one in it or above it, up to the root
// of the repository, else that of the system, usually System. Outside a repository only the working
// directory is searched, since its parents may belong to other users, such as /tmp. It returns nil if there
// is no configuration. A file that a user other than root and the caller could have written is an error: it
// could hide findings.
func Discover(dir, system string, known Names) (*File, error) {
	path, err := find(dir, system)
	if path == "" || err != nil {
		return nil, err
	}
	return readFound(path, known)
}

// find returns the path of the configuration. For the working directory "." it is relative, which is
// shorter in messages and reports.
func find(dir, system string) (string, error) {
	physical, err := physical(dir)
	if err != nil {
		return "", fmt.Errorf("search for a configuration: %w; %s", err, byHand)
	}
	dirs, err := searched(physical)
	if err != nil {
		return "", err
	}
	for _, d := range dirs {
		path, err := only(d)
		switch {
		case err != nil:
			return "", err
		case path == "":
		case dir == ".":
			return filepath.Rel(physical, path)
		default:
			return path, nil
		}
	}
	if there, err := exists(system); err != nil || !there {
		return "", err
	}
	return system, nil
}

// searched returns the directories to search, the nearest first.
func searched(dir string) ([]string, error) {
	var out []string
	for at := dir; ; at = filepath.Dir(at) {
		out = append(out, at)
		there, err := exists(filepath.Join(at, container))
		switch {
		case err != nil:
			return nil, err
		case there:
			return out, nil
		case at == filepath.Dir(at):
			return out[:1], nil
		}
	}
}

// only returns the configuration in a directory, or "".
func only(dir string) (string, error) {
	var found string
	for _, name := range names {
		path := filepath.Join(dir, name)
		there, err := exists(path)
		switch {
		case err != nil:
			return "", err
		case there && found != "":
			return "", fmt.Errorf("%s contains both %s and %s; remove one", shown(dir), names[0], names[1])
		case there:
			found = path
		}
	}
	return found, nil
}

// exists reports whether a file of that name exists. It is an error if that is not known: there might be
// a configuration.
func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("search for a configuration: %w; %s", err, byHand)
	}
	return true, nil
}

// readFound reads a configuration that was found by its name. It is an error if another user could have
// written the file, or a link of its name.
func readFound(path string, known Names) (*File, error) {
	link, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	f, err := files.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	for _, i := range []fs.FileInfo{link, info} {
		if why := untrusted(i, os.Geteuid(), files.PrivateGroup); why != "" {
			return nil, fmt.Errorf("configuration %s: %s; %s", shown(path), why, byHand)
		}
	}
	return ReadFrom(files.Reader(f), path, filepath.Dir(path), known)
}

// untrusted returns why a user other than root and the caller could have written a file, or "".
func untrusted(i fs.FileInfo, uid int, private func(uid, gid uint32) bool) string {
	s, ok := i.Sys().(*syscall.Stat_t)
	switch mode := i.Mode(); {
	case !ok:
		return "its owner is not known"
	case s.Uid != 0 && int(s.Uid) != uid:
		return fmt.Sprintf("it belongs to user %d, not to the caller, user %d", s.Uid, uid)
	case mode&fs.ModeSymlink != 0: // a link has no permissions
	case mode&0o002 != 0:
		return "every user can write to it"
	case mode&0o020 != 0 && !private(s.Uid, s.Gid):
		return "its group can write to it"
	}
	return ""
}
