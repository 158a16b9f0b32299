package collect

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/files"
)

// argument collects the documents that one argument names. Like all methods of walker that yield,
// it returns false if the consumer has stopped.
func (w *walker) argument(arg string) bool {
	switch arg {
	case "":
		// An unset variable in quotes. The error of Stat would begin with an empty source.
		return w.problem(`""`, errEmpty)
	case "-":
		return w.stdin("<stdin>")
	case "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0":
		// Not opened by name: that fails for a socket, and reads a redirected file from its start
		// instead of from the current offset.
		return w.stdin(arg)
	}
	info, err := os.Stat(arg)
	switch {
	case err == nil:
		return w.existing(arg, info, true)
	case errors.Is(err, fs.ErrPermission):
		// Also for a pattern: without permission, "nothing matches" would be a guess.
		return w.problem(arg, explain(err))
	}
	if link := dangling(arg, err); link != nil {
		return w.problem(arg, link)
	}
	if hasMeta(arg) {
		return w.pattern(arg, err)
	}
	return w.problem(arg, explain(err))
}

// existing collects a path that exists. direct is set if the path is an argument itself and not a
// match of a pattern.
func (w *walker) existing(path string, info fs.FileInfo, direct bool) bool {
	if err := files.CheckLinks(path); err != nil {
		return w.problem(path, err)
	}
	mode := info.Mode()
	switch {
	case mode.IsDir() && !isXML(path):
		return w.tree(path)
	case mode.IsRegular():
		return w.file(path, realPath(path), false)
	case mode&fs.ModeNamedPipe != 0 && direct:
		return w.file(path, realPath(path), true)
	}
	return w.problem(path, notFile(mode))
}

// pattern collects the matches of a pattern. missing is the error of opening it as a file.
func (w *walker) pattern(pattern string, missing error) bool {
	matches, err := filepath.Glob(pattern)
	if err != nil {
		return w.problem(pattern, noMatch(missing, err))
	}
	unlistable := unlistableDirs(filepath.Dir(pattern))
	if len(matches) == 0 && len(unlistable) == 0 {
		return w.problem(pattern, noMatch(missing, nil))
	}
	for _, p := range unlistable {
		if !w.yield(nil, p) {
			return false
		}
	}
	slices.Sort(matches)
	for _, path := range matches {
		info, err := os.Stat(path)
		if err != nil {
			if link := dangling(path, err); link != nil {
				err = link
			}
			if !w.problem(path, explain(err)) {
				return false
			}
			continue
		}
		if !w.existing(path, info, false) {
			return false
		}
	}
	return true
}

// unlistableDirs returns the directories that match pattern, or a parent of it, and that may not be
// listed. Glob skips them silently, so a run over '/etc/libvirt/*/*.xml' would read the network
// filters and succeed.
func unlistableDirs(pattern string) []*Problem {
	var found []*Problem
	if hasMeta(pattern) {
		found = unlistableDirs(filepath.Dir(pattern))
	}
	// The pattern is part of one that Glob accepted, so it is well formed.
	dirs, _ := filepath.Glob(pattern)
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue // opening a FIFO would wait
		}
		f, err := os.Open(dir)
		if err != nil {
			found = append(found, &Problem{Source: dir, Err: explain(err)})
			continue
		}
		_ = f.Close() // nothing was read or written
	}
	return found
}

// hasMeta reports whether path is a pattern. A backslash alone, which Glob treats as an escape, is
// as likely a typing error or a Windows path.
func hasMeta(path string) bool { return strings.ContainsAny(path, "*?[") }

// isXML reports whether libvirt would load a file of this name. It compares the case, and loads
// hidden files as well.
func isXML(path string) bool { return strings.HasSuffix(filepath.Base(path), ".xml") }

// realPath returns the absolute path without links, which is the same for all spellings of one
// file.
func realPath(path string) string {
	full := path
	if !filepath.IsAbs(path) {
		// Not filepath.Abs, which shortens link/../web.xml to web.xml. That is another file if the
		// link leads to another directory.
		if wd, err := os.Getwd(); err == nil {
			full = wd + string(filepath.Separator) + path
		}
	}
	if resolved, err := filepath.EvalSymlinks(full); err == nil {
		return resolved
	}
	// /dev/fd/63 and the like are links by which the kernel opens a file that has no path. Only
	// their own names distinguish them.
	return full
}
