package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/virt-audit/virt-audit/audit/source"
)

// contained returns an error if a report would be written to a file that a configuration must not choose:
// through a link out of its directory or into .git, over the configuration itself, or over an executable.
// A checkout may contain such links and configurations, and its users may run such executables.
func (f *File) contained() error {
	dir := ""
	for _, s := range f.Settings {
		if s.Key != "format" {
			continue
		}
		for _, v := range s.Values {
			_, file, _ := strings.Cut(v, ":")
			if file == "" {
				continue
			}
			if dir == "" {
				var err error
				if dir, err = physical(f.Dir()); err != nil {
					return fmt.Errorf("configuration: %w", err)
				}
			}
			if why := f.refused(dir, file); why != "" {
				return &source.Error{File: f.Path, Position: source.Position{Line: s.Line, Column: s.Column}, Message: why, Hint: byOption}
			}
		}
	}
	return nil
}

// refused returns why a report must not be written to a file whose name is inside the directory of the
// configuration, or "".
func (f *File) refused(dir, file string) string {
	there, err := os.Lstat(file)
	if own, problem := os.Stat(f.Path); err == nil && problem == nil && os.SameFile(own, there) {
		return "the report would overwrite the configuration"
	}
	if f.Path == System {
		return ""
	}
	inside := filepath.Base(file)
	if parent, err := physical(filepath.Dir(file)); err == nil { // else writing it will fail
		if inside, err = filepath.Rel(dir, filepath.Join(parent, inside)); err != nil {
			return err.Error()
		}
	}
	switch {
	case err == nil && there.Mode()&fs.ModeSymlink != 0, !filepath.IsLocal(inside):
		return shown(file) + " leads out of the directory of the configuration through a link"
	case inRepository(inside):
		return fmt.Sprintf("%s leads into %s, where git keeps its hooks, through a link", shown(file), container)
	case err == nil && !there.Mode().IsRegular(): // opening a FIFO would block
		return shown(file) + " is not a regular file"
	case err == nil && there.Mode()&0o111 != 0:
		return "the report would overwrite the executable " + shown(file)
	}
	return ""
}
