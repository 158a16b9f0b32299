package collect

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/virt-audit/virt-audit/audit/files"
)

// HostFolders returns the folders in which libvirt on this host keeps its
// domains: definitions, running guests, and then what can be brought back
// (saved memory, snapshots, checkpoints); of the system drivers, and of the
// user's session, which getenv (as os.Getenv) locates. They are operands for
// [Operands].
//
// What does not exist is left out. A folder that may not be looked at stays, so
// that a run without permission has a problem instead of nothing to audit; if
// it is the parent that is closed, then the parent stands for its folders.
func HostFolders(getenv func(string) string) []string {
	return hostFolders("/", getenv)
}

// HostFoldersIn is HostFolders for a host whose file system is below root: an
// image that is mounted there, or an unpacked sos archive. Of the latter, what
// virsh has printed of guests is among the operands. There are no sessions.
func HostFoldersIn(root string) []string {
	operands := hostFolders(root, func(string) string { return "" })
	printed, _ := filepath.Glob(filepath.Join(escaped(root), "sos_commands", "virsh", "virsh*_dumpxml_*"))
	for _, name := range printed {
		// A command that fails leaves its error there: the guest was gone.
		if f, err := files.Open(name); err == nil {
			start := make([]byte, len("error:"))
			_, err := io.ReadFull(files.Reader(f), start)
			_ = f.Close() // nothing was written
			if err == nil && string(start) == "error:" {
				continue
			}
		}
		operands = append(operands, name)
	}
	return operands
}

// escaped returns a path as a pattern that matches it alone.
func escaped(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// hostFolders is HostFolders for a host whose system folders are below root.
func hostFolders(root string, getenv func(string) string) []string {
	etc := filepath.Join(root, "etc", "libvirt")
	var folders []string
	for _, driver := range []string{"qemu", "libxl", "lxc", "bhyve", "ch"} {
		folders = append(folders, filepath.Join(etc, driver))
	}
	// Where FreeBSD has it, the one system that bhyve runs on.
	folders = append(folders, filepath.Join(root, "usr", "local", "etc", "libvirt", "bhyve"))

	// As the XDG base directory specification says, a relative one is invalid
	// and ignored.
	config := getenv("XDG_CONFIG_HOME")
	if home := getenv("HOME"); !filepath.IsAbs(config) && filepath.IsAbs(home) {
		config = filepath.Join(home, ".config")
	}
	if filepath.IsAbs(config) {
		folders = append(folders, filepath.Join(config, "libvirt", "qemu")) // saves and snapshots too
	}

	run := filepath.Join(root, "run", "libvirt")
	for _, driver := range []string{"qemu", "lxc", "libxl", "ch"} {
		folders = append(folders, filepath.Join(run, driver))
	}
	if dir := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		folders = append(folders, filepath.Join(dir, "libvirt", "qemu", "run"))
	}

	// Not all of it: next to these lie the guests' firmware, memory and sockets.
	lib := filepath.Join(root, "var", "lib", "libvirt")
	for _, folder := range []string{"qemu/save", "qemu/snapshot", "qemu/checkpoint", "libxl/save", "ch/save"} {
		folders = append(folders, filepath.Join(lib, filepath.FromSlash(folder)))
	}

	var there []string
	for _, folder := range folders {
		switch _, err := os.Lstat(folder); {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		case errors.Is(err, fs.ErrPermission):
			there = append(there, closed(folder))
		default:
			there = append(there, folder)
		}
	}
	// A closed /etc/libvirt stands for several folders, once.
	return slices.Compact(there)
}

// closed returns the nearest parent of folder that can be looked at, which is
// the one that lacks the permission to look further.
func closed(folder string) string {
	for {
		parent := filepath.Dir(folder)
		if _, err := os.Lstat(parent); err == nil || parent == folder {
			return parent
		}
		folder = parent
	}
}
