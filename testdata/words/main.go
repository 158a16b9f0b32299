// Command words reports words that the repository does not use; words.txt is the list. It reads the
// files that git tracks below the paths given, or the whole repository, and exits with 1 if it finds
// one, with 2 if it cannot check.
//
//	go run ./testdata/words [PATH...]
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const listName = "testdata/words/words.txt"

// skipped are paths without prose of this repository: foreign schemas, corpora of fuzz targets,
// output that is generated from checked texts, and the list itself.
var skipped = []string{
	"LICENSE",
	"go.sum",
	"testdata/words/",
	"testdata/golden/",
	"rules/vocabulary.txt", // names of libvirt
	"audit/report/testdata/",
	"*/testdata/fuzz/*",
	"rules/vocabulary.txt",
	"*.golden",
}

func main() {
	found, err := run(os.Stdout, os.Args[1:])
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "words:", err)
		os.Exit(2)
	case found > 0:
		fmt.Fprintf(os.Stderr, "words: %d words to replace; the list is %s\n", found, listName)
		os.Exit(1)
	}
}

// run checks the tracked files below paths, which are relative to the working directory, and
// returns the number of lines that it printed. Without paths it checks the repository and honours
// the list of paths that are not clean yet.
func run(w io.Writer, paths []string) (int, error) {
	root, err := git("", "rev-parse", "--show-toplevel")
	if err != nil {
		return 0, err
	}
	root = strings.TrimSpace(root)
	data, err := os.ReadFile(filepath.Join(root, listName))
	if err != nil {
		return 0, err
	}
	list, err := parseList(string(data))
	if err != nil {
		return 0, err
	}
	files, err := tracked(root, paths)
	if err != nil {
		return 0, err
	}
	pending := list.NotYet
	if len(paths) > 0 {
		pending = nil
	}
	return check(w, root, files, list.Rows, pending)
}

func check(w io.Writer, root string, files []string, rows []row, pending []string) (int, error) {
	count := 0
	dirty := map[string]bool{}
	for _, name := range files {
		owner := slices.IndexFunc(pending, func(p string) bool { return below(name, p) })
		if owner >= 0 && dirty[pending[owner]] {
			continue
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted in the work tree
		}
		if err != nil {
			return count, err
		}
		found := scan(name, data, rows)
		if owner >= 0 {
			dirty[pending[owner]] = len(found) > 0
			continue
		}
		for _, f := range found {
			fmt.Fprintf(w, "%s:%d:%d: %q: write %s\n", name, f.Line, f.Column, f.Word, f.Write)
		}
		count += len(found)
	}
	for _, p := range pending {
		if !dirty[p] {
			fmt.Fprintf(w, "%s: %q is clean: remove its row\n", listName, p)
			count++
		}
	}
	return count, nil
}

// below reports whether name is the path p or is in the directory p.
func below(name, p string) bool {
	return name == strings.TrimSuffix(p, "/") || strings.HasPrefix(name, strings.TrimSuffix(p, "/")+"/")
}

// tracked returns the checked files, relative to root and in git's order.
func tracked(root string, paths []string) ([]string, error) {
	dir := root
	if len(paths) > 0 {
		dir = ""
	}
	out, err := git(dir, append([]string{
		"ls-files", "-z", "--full-name", "--cached", "--others",
		"--exclude-standard", "--",
	}, paths...)...)
	if err != nil {
		return nil, err
	}
	var files []string
	for name := range strings.SplitSeq(strings.TrimRight(out, "\x00"), "\x00") {
		if name != "" && kindOf(name) != kindNone && !slices.ContainsFunc(skipped, matches(name)) {
			files = append(files, name)
		}
	}
	if len(files) == 0 && len(paths) > 0 {
		return nil, fmt.Errorf("%s: no file to check", strings.Join(paths, " "))
	}
	return slices.Compact(files), nil // git lists a file with a merge conflict several times
}

func matches(name string) func(string) bool {
	return func(pattern string) bool {
		switch {
		case strings.HasPrefix(pattern, "*/"):
			return strings.Contains(name, strings.Trim(pattern, "*"))
		case strings.HasPrefix(pattern, "*."):
			return path.Ext(name) == pattern[1:]
		default:
			return below(name, pattern)
		}
	}
}

func git(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}
