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

// HostDirs returns the directories in which libvirt on this host stores its domains, as arguments
// for [Find]: definitions, running guests, and then what can be restored (saved memory, snapshots,
// checkpoints). It includes those of the system drivers and those of the user's session, which
// getenv (as os.Getenv) locates.
//
// Directories that do not exist are omitted. One that may not be examined is returned, so that a
// run without permission has a problem instead of nothing to audit. If the parent may not be
// searched, the parent is returned once in place of its directories.
func HostDirs(getenv func(string) string) []string {
	return hostDirs("/", getenv)
}

// HostDirsIn is HostDirs for a host whose file system is below root: a mounted image or an unpacked
// sos archive. The documents that virsh printed into a sos archive are included. Users' sessions
// are not.
func HostDirsIn(root string) []string {
	arguments := hostDirs(root, func(string) string { return "" })
	printed, _ := filepath.Glob(filepath.Join(escaped(root), "sos_commands", "virsh", "virsh*_dumpxml_*"))
	for _, name := range printed {
		// The file holds the error if the command failed because the guest had vanished.
		if f, err := files.Open(name); err == nil {
			start := make([]byte, len("error:"))
			_, err := io.ReadFull(files.Reader(f), start)
			_ = f.Close() // nothing was written
			if err == nil && string(start) == "error:" {
				continue
			}
		}
		arguments = append(arguments, name)
	}
	return arguments
}

// escaped returns a pattern that matches only path.
func escaped(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// hostDirs is HostDirs for a host whose system directories are below root.
func hostDirs(root string, getenv func(string) string) []string {
	etc := filepath.Join(root, "etc", "libvirt")
	var dirs []string
	for _, driver := range []string{"qemu", "libxl", "lxc", "bhyve", "ch"} {
		dirs = append(dirs, filepath.Join(etc, driver))
	}
	// The path on FreeBSD, the only system that bhyve runs on.
	dirs = append(dirs, filepath.Join(root, "usr", "local", "etc", "libvirt", "bhyve"))

	// A relative path is invalid and must be ignored (source: XDG base directory specification).
	config := getenv("XDG_CONFIG_HOME")
	if home := getenv("HOME"); !filepath.IsAbs(config) && filepath.IsAbs(home) {
		config = filepath.Join(home, ".config")
	}
	if filepath.IsAbs(config) {
		dirs = append(dirs, filepath.Join(config, "libvirt", "qemu")) // with saves and snapshots
	}

	run := filepath.Join(root, "run", "libvirt")
	for _, driver := range []string{"qemu", "lxc", "libxl", "ch"} {
		dirs = append(dirs, filepath.Join(run, driver))
	}
	if dir := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		dirs = append(dirs, filepath.Join(dir, "libvirt", "qemu", "run"))
	}

	// Not the whole directory: the guests' firmware, memory and sockets are in it as well.
	lib := filepath.Join(root, "var", "lib", "libvirt")
	for _, dir := range []string{"qemu/save", "qemu/snapshot", "qemu/checkpoint", "libxl/save", "ch/save"} {
		dirs = append(dirs, filepath.Join(lib, filepath.FromSlash(dir)))
	}

	var existing []string
	for _, dir := range dirs {
		switch _, err := os.Lstat(dir); {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		case errors.Is(err, fs.ErrPermission):
			existing = append(existing, nearestVisible(dir))
		default:
			existing = append(existing, dir)
		}
	}
	return slices.Compact(existing) // an unsearchable /etc/libvirt replaces several directories
}

// nearestVisible returns the nearest parent of dir that can be examined. It is the one whose
// permissions prevent access to dir.
func nearestVisible(dir string) string {
	for {
		parent := filepath.Dir(dir)
		if _, err := os.Lstat(parent); err == nil || parent == dir {
			return parent
		}
		dir = parent
	}
}
