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

// operand collects what one operand names. Like all methods of walker that
// yield, it returns false if the consumer wants no more.
func (w *walker) operand(arg string) bool {
	switch arg {
	case "":
		// What an unset variable in quotes leaves. Stat would say that no file
		// has that name, after a source that nobody can see.
		return w.problem(`""`, errEmpty)
	case "-":
		return w.stdin("<stdin>")
	case "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0":
		// Not opened by name: that fails for a socket, and starts a redirected
		// file anew instead of where the shell left it.
		return w.stdin(arg)
	}
	info, err := os.Stat(arg)
	switch {
	case err == nil:
		return w.named(arg, info, true)
	case errors.Is(err, fs.ErrPermission):
		// Also for a pattern: with no permission to look, "nothing matches"
		// would be a guess.
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

// named collects a path that exists. direct says that the user typed it, and
// did not only type a pattern that matches it.
func (w *walker) named(path string, info fs.FileInfo, direct bool) bool {
	if err := files.Trusted(path); err != nil {
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

// pattern collects the matches of a pattern. missing is why the pattern is not
// the name of a file.
func (w *walker) pattern(pattern string, missing error) bool {
	matches, err := filepath.Glob(pattern)
	if err != nil {
		return w.problem(pattern, noMatch(missing, err))
	}
	blind := unlistable(filepath.Dir(pattern))
	if len(matches) == 0 && len(blind) == 0 {
		return w.problem(pattern, noMatch(missing, nil))
	}
	for _, p := range blind {
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
		if !w.named(path, info, false) {
			return false
		}
	}
	return true
}

// unlistable returns the folders matching pattern, or a parent of it, that may
// not be listed. Glob passes over them without a word, and a run over
// '/etc/libvirt/*/*.xml' would be content with the network filters.
func unlistable(pattern string) []*Problem {
	var found []*Problem
	if hasMeta(pattern) {
		found = unlistable(filepath.Dir(pattern))
	}
	// The pattern is part of one that Glob took, so it is well formed.
	folders, _ := filepath.Glob(pattern)
	for _, folder := range folders {
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			continue // opening a FIFO would wait
		}
		f, err := os.Open(folder)
		if err != nil {
			found = append(found, &Problem{Source: folder, Err: explain(err)})
			continue
		}
		_ = f.Close() // nothing was read or written
	}
	return found
}

// hasMeta reports whether path is a pattern. A backslash alone, which Glob
// takes for one, is as likely a slip or a Windows path.
func hasMeta(path string) bool { return strings.ContainsAny(path, "*?[") }

// isXML reports whether libvirt would look into a file of this name: it
// compares the case, and hidden files are no exception.
func isXML(path string) bool { return strings.HasSuffix(filepath.Base(path), ".xml") }

// realPath returns the absolute path without links, by which two spellings of
// one file are known to be one.
func realPath(path string) string {
	full := path
	if !filepath.IsAbs(path) {
		// Not filepath.Abs, which shortens link/../web.xml to web.xml: another
		// file, if the link leads elsewhere.
		if wd, err := os.Getwd(); err == nil {
			full = wd + string(filepath.Separator) + path
		}
	}
	if resolved, err := filepath.EvalSymlinks(full); err == nil {
		return resolved
	}
	// /dev/fd/63 and the like: links by which the kernel opens what has no
	// path. Their own name is what tells them apart.
	return full
}
