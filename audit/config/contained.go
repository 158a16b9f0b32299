package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// contained returns an error where a report would be written to a file that a configuration is not to
// choose: through a link, out of its folder or into .git; in the place of the configuration itself, or of
// a program. A checkout may hold such links and such configurations, and who works in it may run such
// programs.
func (f *File) contained() error {
	home := ""
	for _, s := range f.Settings {
		if s.Key != "format" {
			continue
		}
		for _, v := range s.Values {
			_, file, _ := strings.Cut(v, ":")
			if file == "" {
				continue
			}
			if home == "" {
				var err error
				if home, err = physical(f.Folder()); err != nil {
					return fmt.Errorf("configuration: %w", err)
				}
			}
			if why := f.refused(home, file); why != "" {
				return &Error{f.Path, s.Line, s.Column, why, byOption}
			}
		}
	}
	return nil
}

// byOption is what to do where a configuration may not name a file.
const byOption = "name it with --format"

// refused returns why a report is not written to a file that has a name inside the folder of the
// configuration, or "".
func (f *File) refused(home, file string) string {
	there, err := os.Lstat(file)
	if own, problem := os.Stat(f.Path); err == nil && problem == nil && os.SameFile(own, there) {
		return "the report would take the place of the configuration"
	}
	if f.Path == System {
		return ""
	}
	inside := filepath.Base(file)
	if folder, err := physical(filepath.Dir(file)); err == nil { // else who writes there will say so
		if inside, err = filepath.Rel(home, filepath.Join(folder, inside)); err != nil {
			return err.Error()
		}
	}
	switch {
	case err == nil && there.Mode()&fs.ModeSymlink != 0, !filepath.IsLocal(inside):
		return fmt.Sprintf("a link takes %s out of the folder of the configuration", shown(file))
	case inRepository(inside):
		return fmt.Sprintf("a link takes %s into %s, where git keeps what it runs", shown(file), container)
	case err == nil && !there.Mode().IsRegular(): // the open of a FIFO would wait for a reader
		return shown(file) + " is not a regular file"
	case err == nil && there.Mode()&0o111 != 0:
		return "the report would take the place of the program " + shown(file)
	}
	return ""
}

// inRepository reports whether a path leads to what git keeps, its hooks among that. There are file
// systems that know no case.
func inRepository(path string) bool {
	for step := range strings.SplitSeq(filepath.ToSlash(path), "/") {
		if strings.EqualFold(step, container) {
			return true
		}
	}
	return false
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
