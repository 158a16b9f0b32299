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
	yield     func(*Document, error) bool
	stdinUsed bool
	files     map[string]bool // real paths of the files yielded
	folders   map[string]bool // real paths of the folders walked
	links     []string        // links met in the tree being walked, not yet looked at
}

// tree walks the folder that an operand names. Files come before links and
// links to folders before links to files, so that a file that can be reached
// without a link is met, and shown, without one.
func (w *walker) tree(path string) bool {
	w.links = nil
	if !w.folder(path, realPath(path)) {
		return false
	}
	var linked []string
	for len(w.links) > 0 { // a linked folder brings links of its own
		link := w.links[0]
		w.links = w.links[1:]
		info, err := os.Stat(link)
		more := true
		switch {
		case err != nil:
			more = w.broken(link, err)
		case !info.IsDir() && !isXML(link) && !strings.HasSuffix(link, imageSuffix):
		case files.Trusted(link) != nil:
			more = w.problem(link, files.Trusted(link))
		case info.IsDir() && !isXML(link):
			more = w.folder(link, realPath(link))
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

// broken reports a link that leads nowhere, if that is our business. By its
// name alone a dangling link is no document, and if it was to be a folder then
// there is none; but one that we may not follow could hide a folder of guests.
func (w *walker) broken(link string, err error) bool {
	if !isXML(link) && !errors.Is(err, fs.ErrPermission) {
		return true
	}
	if d := dangling(link, err); d != nil {
		err = d
	}
	return w.problem(link, explain(err))
}

// folder visits the files below a folder and remembers its links. path is its
// name for the user and the system, key its real path: carried along, because
// resolving it anew for each file would cost more than listing the folder.
func (w *walker) folder(path, key string) bool {
	if w.folders[key] {
		return true // reached before, or a loop of links
	}
	w.folders[key] = true
	entries, failed := os.ReadDir(path) // sorted; what was read before a failure is good
	for _, e := range entries {
		name := join(path, e.Name())
		mode := e.Type()
		more := true
		switch {
		case mode&fs.ModeSymlink != 0:
			w.links = append(w.links, name)
		case mode.IsDir() && !isXML(name):
			more = w.folder(name, join(key, e.Name()))
		case !isXML(name) && !isImageFile(name, mode):
		case mode.IsRegular():
			more = w.file(name, join(key, e.Name()), false)
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

// join appends a name to the path of a folder, and changes nothing in that
// path: filepath.Join makes web.xml of link/../web.xml, which is another file.
func join(folder, name string) string {
	if folder == "." {
		return name
	}
	const sep = string(filepath.Separator)
	if strings.HasSuffix(folder, sep) {
		return strings.TrimRight(folder, sep) + sep + name
	}
	return folder + sep + name
}
