package cmdutil

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// ReplaceFile replaces the content of a file, whole or not at all. The new file has the mode, the
// owner and the extended attributes of the old one, which info describes. It returns ErrChanged if the
// file was written or replaced since.
func ReplaceFile(name string, info os.FileInfo, data []byte) error {
	p, err := renameio.NewPendingFile(name, renameio.WithTempDir(filepath.Dir(name)), renameio.WithStaticPermissions(info.Mode().Perm()))
	if err != nil {
		return err
	}
	defer func() { _ = p.Cleanup() }() // after the replacement it does nothing
	if _, err := p.Write(data); err != nil {
		return err
	}
	if err := keepOwner(p.File, info); err != nil {
		return err
	}
	if err := copyAttributes(name, p.Name()); err != nil {
		return err
	}
	if err := p.Sync(); err != nil { // which can take seconds: what the file is now is looked at after it
		return err
	}
	if now, err := os.Lstat(name); err != nil || !sameVersion(now, info) {
		return ErrChanged
	}
	return p.CloseAtomicallyReplace()
}

// ErrChanged is the error of ReplaceFile if the file is no longer the one that was read.
var ErrChanged = errors.New("it has changed since it was read: repeat the command")

// sameVersion reports whether two descriptions are of one file that was not written in between.
func sameVersion(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// keepOwner gives a new file the owner and the group of the old one. In a directory with the setgid
// bit, a new file has the group of the directory.
func keepOwner(f *os.File, old os.FileInfo) error {
	was, ok := old.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if is, ok := info.Sys().(*syscall.Stat_t); ok && is.Uid == was.Uid && is.Gid == was.Gid {
		return nil
	}
	return f.Chown(int(was.Uid), int(was.Gid))
}

// HardLinks returns how many names a file has.
func HardLinks(info os.FileInfo) uint64 {
	if status, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(status.Nlink) //nolint:unconvert // it has 32 bits on other architectures
	}
	return 1
}
