package rules

import (
	"path"
	"slices"

	"github.com/virt-audit/virt-audit/audit/hostpath"
)

// namedPath quotes a name from the document for a message, with the file that it leads to if that
// differs.
func namedPath(name string) string {
	if file := hostpath.Opened(name); file != name && file != path.Clean(name) {
		return "'" + name + "' (" + file + ")"
	}
	return "'" + name + "'"
}

// insideAny reports whether a cleaned path is one of the directories, or below.
func insideAny(file string, directories ...string) bool {
	return slices.ContainsFunc(directories, func(d string) bool { return hostpath.Below(file, d) })
}
