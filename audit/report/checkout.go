package report

import (
	"os"
	"path/filepath"
	"regexp"
)

// checkout is a working copy of a repository. A CI names files relative to its root, whatever the
// working directory of a step is.
type checkout struct {
	root string // as the CI states it; "" if it does not
	dir  string // the working directory; "" if unknown
}

// newCheckout returns the checkout with the root that a CI states.
func newCheckout(root string) checkout {
	dir, _ := os.Getwd() // without it, files keep the names that they were given
	return checkout{root, dir}
}

// standardInput is the source of a document from standard input that was given no name.
const standardInput = "<stdin>"

// file returns the name by which the CI knows a file: relative to the root, or else to the working
// directory. A file that is in neither keeps its name. A source that is not a file has none: "".
func (c checkout) file(source string) string {
	if !isFile(source) {
		return ""
	}
	if name := c.inside(source); name != "" {
		return name
	}
	return filepath.ToSlash(filepath.Clean(source))
}

// connectionForm matches the source of a document that came over a connection and is not a file.
var connectionForm = regexp.MustCompile(`^[a-z][a-z0-9+.-]*://`)

func isFile(source string) bool {
	return source != standardInput && !connectionForm.MatchString(source)
}

// inside returns the name of a file that is in the checkout, and "" for all others.
func (c checkout) inside(source string) string {
	if !isFile(source) {
		return ""
	}
	file := source
	if !filepath.IsAbs(file) {
		if c.dir == "" {
			return ""
		}
		file = filepath.Join(c.dir, file)
	}
	for _, base := range []string{c.root, c.dir} {
		if base == "" {
			continue
		}
		if name, err := filepath.Rel(base, file); err == nil && filepath.IsLocal(name) {
			return filepath.ToSlash(name)
		}
	}
	return ""
}
