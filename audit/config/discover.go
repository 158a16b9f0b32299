package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/virt-audit/virt-audit/audit/files"
)

// System is the configuration of a host, for where no other is found.
const System = "/etc/virt-audit.yaml"

// The names of a configuration in a folder.
var names = []string{".virt-audit.yaml", ".virt-audit.yml"}

const (
	byHand    = "name it with --config if it is meant, or do without with --no-config"
	container = ".git" // a folder, or a file in a worktree or submodule
)

// Read reads a configuration that the caller has named: a regular file, or an open pipe as in <(...) of a
// shell. Paths in the latter are relative to the working directory.
func Read(path string, known Names) (*File, error) {
	if err := files.Trusted(path); err != nil {
		return nil, fmt.Errorf("configuration %w", err)
	}
	f, err := files.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration %w", err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	folder := filepath.Dir(path)
	if isDescriptor(path) {
		folder = "."
	}
	return ReadFrom(files.Reader(f), path, folder, known)
}

// isDescriptor reports whether a path names an open file of this process, which is stored elsewhere.
func isDescriptor(path string) bool {
	return files.Descriptor(path) || strings.HasPrefix(path, "/proc/")
}

// ReadFrom reads a configuration that is open. Paths in it are relative to a folder, and the name is for
// messages.
func ReadFrom(in io.Reader, name, folder string, known Names) (*File, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	c, err := parse(name, folder, data, known)
	if err == nil {
		err = c.contained()
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Discover reads the configuration for a working folder: the first in it or above it, up to the root of
// the repository, or that of the system, such as System. Where there is no repository the working folder
// alone is looked at, since further up may be folders of strangers, such as /tmp. It returns nil when
// there is no configuration. One that could be the work of others than root and the user who runs the
// program is refused: it could hide what is wrong.
func Discover(dir, system string, known Names) (*File, error) {
	path, err := find(dir, system)
	if path == "" || err != nil {
		return nil, err
	}
	return readFound(path, known)
}

// find returns the path of the configuration. For the working folder "." it is relative, as people and
// reports want it.
func find(dir, system string) (string, error) {
	physical, err := physical(dir)
	if err != nil {
		return "", fmt.Errorf("looking for a configuration: %w; %s", err, byHand)
	}
	folders, err := folders(physical)
	if err != nil {
		return "", err
	}
	for _, folder := range folders {
		path, err := only(folder)
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

// folders returns those that are looked at, the nearest first.
func folders(dir string) ([]string, error) {
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

// only returns the configuration in a folder, or "".
func only(folder string) (string, error) {
	var found string
	for _, name := range names {
		path := filepath.Join(folder, name)
		there, err := exists(path)
		switch {
		case err != nil:
			return "", err
		case there && found != "":
			return "", fmt.Errorf("%s holds both %s and %s: which one counts?", shown(folder), names[0], names[1])
		case there:
			found = path
		}
	}
	return found, nil
}

// exists reports whether there is something of that name. What cannot be told is an error: there might
// be a configuration.
func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for a configuration: %w; %s", err, byHand)
	}
	return true, nil
}

// readFound reads a configuration that nobody has named, unless there is an objection against the file, or
// against a link of its name.
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
		if why := stranger(i, os.Geteuid(), files.PrivateGroup); why != "" {
			return nil, fmt.Errorf("configuration %s: %s; %s", shown(path), why, byHand)
		}
	}
	return ReadFrom(files.Reader(f), path, filepath.Dir(path), known)
}

// stranger returns why a file could be the work of somebody else than root and the user, or "".
func stranger(i fs.FileInfo, uid int, private func(uid, gid uint32) bool) string {
	s, ok := i.Sys().(*syscall.Stat_t)
	switch mode := i.Mode(); {
	case !ok:
		return "it cannot be told whose it is"
	case s.Uid != 0 && int(s.Uid) != uid:
		return fmt.Sprintf("it belongs to user %d and not to the user %d who runs this", s.Uid, uid)
	case mode&fs.ModeSymlink != 0: // has no permissions of its own
	case mode&0o002 != 0:
		return "everybody may write to it"
	case mode&0o020 != 0 && !private(s.Uid, s.Gid):
		return "its group may write to it"
	}
	return ""
}

func shown(path string) string { return strings.Map(printable, path) }
