package cmdutil

import (
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// ReplaceFile replaces the content of a file, whole or not at all. The new file has the mode, the
// owner and the extended attributes of the old one, which info describes.
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
	return p.CloseAtomicallyReplace()
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
