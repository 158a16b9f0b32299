package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// contained returns an error where a report would be written through a link, out of the folder of the
// configuration. A checkout may hold such links.
func (f *File) contained() error {
	if f.Path == System {
		return nil
	}
	home, err := physical(filepath.Dir(f.Path))
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	for _, s := range f.Settings {
		if s.Key != "format" {
			continue
		}
		for _, v := range s.Values {
			_, file, _ := strings.Cut(v, ":")
			if file != "" && leaves(home, file) {
				message := fmt.Sprintf("a link takes %s out of the folder of the configuration", shown(file))
				return &Error{f.Path, s.Line, s.Column, message, "name it with --format"}
			}
		}
	}
	return nil
}

// leaves reports whether a file that has a name inside a folder lies elsewhere, or is itself a link.
func leaves(home, file string) bool {
	if i, err := os.Lstat(file); err == nil && i.Mode()&fs.ModeSymlink != 0 {
		return true
	}
	folder, err := physical(filepath.Dir(file))
	if err != nil {
		return false // who writes there will say so
	}
	rel, err := filepath.Rel(home, folder)
	return err != nil || !filepath.IsLocal(rel)
}

// physical returns the absolute path of a folder without links in it. The shell's idea of the working
// folder may have some.
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
