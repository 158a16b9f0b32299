package config

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/virt-audit/virt-audit/audit/files"
	"github.com/virt-audit/virt-audit/audit/source"
)

// System is the configuration of a host, which is read if no other is found.
const System = "/etc/virt-audit.yaml"

// The names of a configuration in a directory.
var names = []string{".virt-audit.yaml", ".virt-audit.yml"}

const (
	byHand    = "name it with --config to use it, or pass --no-config"
	container = ".git" // a directory, or a file in a worktree or submodule
)

// byOption is what to do if a configuration must not name a file.
const byOption = "name it with --format"

// isDescriptor reports whether a path names an open file of this process, which is not in that directory.
func isDescriptor(path string) bool {
	return files.Descriptor(path) || strings.HasPrefix(path, "/proc/")
}

// MayWrite reports whether format may name a file, relative to the directory of the configuration. The
// configuration of the system may name others.
func MayWrite(file string) bool {
	return filepath.IsLocal(file) && !inRepository(file) && !strings.Contains(file, ",")
}

// inRepository reports whether a path leads into git's own directory, which contains its hooks. Some file
// systems ignore case.
func inRepository(path string) bool {
	for step := range strings.SplitSeq(filepath.ToSlash(path), "/") {
		if strings.EqualFold(step, container) {
			return true
		}
	}
	return false
}

// physical returns the absolute path of a directory without links. The working directory as the shell
// names it may contain some.
func physical(dir string) (string, error) {
	if filepath.IsAbs(dir) {
		return filepath.EvalSymlinks(dir)
	}
	wd, err := os.Getwd()
	if err == nil {
		wd, err = filepath.EvalSymlinks(wd)
	}
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(filepath.Join(wd, dir))
}

func shown(path string) string { return source.Printable(path) }
