package collect

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/virt-audit/virt-audit/audit/files"
)

// walker is the state of one collection.
type walker struct {
	Options
	yield        func(*Document, error) bool
	stdinUsed    bool
	yieldedFiles map[string]bool // real paths of the files yielded
	walkedDirs   map[string]bool // real paths of the directories walked
	pendingLinks []string        // links of the tree being walked that were not examined yet
}

// tree walks the directory that an argument names. Files come before links, and links to
// directories before links to files, so that a file that can be reached without a link is shown
// without one.
func (w *walker) tree(path string) bool {
	w.pendingLinks = nil
	if !w.dir(path, realPath(path)) {
		return false
	}
	var linked []string
	for len(w.pendingLinks) > 0 { // a linked directory may add more
		link := w.pendingLinks[0]
		w.pendingLinks = w.pendingLinks[1:]
		info, err := os.Stat(link)
		more := true
		switch {
		case err != nil:
			more = w.brokenLink(link, err)
		case !info.IsDir() && !isXML(link) && !strings.HasSuffix(link, imageSuffix):
		case files.CheckLinks(link) != nil:
			more = w.problem(link, files.CheckLinks(link))
		case info.IsDir() && !isXML(link):
			more = w.dir(link, realPath(link))
		case !isXML(link) && !isImageFile(link, info.Mode()):
		case info.Mode().IsRegular():
			linked = append(linked, link)
		default:
			more = w.problem(link, notFile(info.Mode()))
		}
		if !more {
			return false
		}
	}
	for _, link := range linked {
		if !w.file(link, realPath(link), false) {
			return false
		}
	}
	return true
}

// brokenLink reports a link that cannot be followed if it may hide a document: if its name ends in
// ".xml", or if the permission to follow it is missing, because it could lead to a directory of
// guests. Any other dangling link leads to nothing that could be audited.
func (w *walker) brokenLink(link string, err error) bool {
	if !isXML(link) && !errors.Is(err, fs.ErrPermission) {
		return true
	}
	if d := dangling(link, err); d != nil {
		err = d
	}
	return w.problem(link, explain(err))
}

// dir visits the files below a directory and queues its links. path is the name for the user and
// the system. realPath is passed on, because resolving it for each file would cost more than
// listing the directory.
func (w *walker) dir(path, realPath string) bool {
	if w.walkedDirs[realPath] {
		return true // visited before, or a loop of links
	}
	w.walkedDirs[realPath] = true
	entries, failed := os.ReadDir(path) // sorted; entries before a failure are valid
	for _, e := range entries {
		name := join(path, e.Name())
		mode := e.Type()
		more := true
		switch {
		case mode&fs.ModeSymlink != 0:
			w.pendingLinks = append(w.pendingLinks, name)
		case mode.IsDir() && !isXML(name):
			more = w.dir(name, join(realPath, e.Name()))
		case !isXML(name) && !isImageFile(name, mode):
		case mode.IsRegular():
			more = w.file(name, join(realPath, e.Name()), false)
		default:
			more = w.problem(name, notFile(mode))
		}
		if !more {
			return false
		}
	}
	if failed != nil {
		return w.problem(path, explain(failed))
	}
	return true
}

// join appends a name to the path of a directory without cleaning the path: filepath.Join turns
// link/../web.xml into web.xml, which is another file.
func join(dir, name string) string {
	if dir == "." {
		return name
	}
	const sep = string(filepath.Separator)
	if strings.HasSuffix(dir, sep) {
		return strings.TrimRight(dir, sep) + sep + name
	}
	return dir + sep + name
}
