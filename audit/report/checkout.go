package report

import (
	"os"
	"path/filepath"
)

// checkout is a working copy of a repository, by whose root a CI names files wherever a step of it runs.
type checkout struct {
	root   string // as the CI tells it; "" when it does not
	folder string // that we run in; "" when it is not known
}

// newCheckout returns the checkout whose root a CI has told.
func newCheckout(root string) checkout {
	folder, _ := os.Getwd() // without it, files are shown as they were given
	return checkout{root, folder}
}

// standardInput is what a document from there is called by those who give it no name.
const standardInput = "<stdin>"

// file returns the name by which the CI knows a file: relative to the root, or else to the folder that we run in.
// One that is in neither keeps its name. What is no file has none.
func (c checkout) file(source string) string {
	if !isFile(source) {
		return ""
	}
	if name := c.inside(source); name != "" {
		return name
	}
	return filepath.ToSlash(filepath.Clean(source))
}

func isFile(source string) bool {
	return source != standardInput && !sarifConnection.MatchString(source)
}

// inside returns the name of a file that is in the checkout, and "" for all others.
func (c checkout) inside(source string) string {
	if !isFile(source) {
		return ""
	}
	file := source
	if !filepath.IsAbs(file) {
		if c.folder == "" {
			return ""
		}
		file = filepath.Join(c.folder, file)
	}
	for _, base := range []string{c.root, c.folder} {
		if base == "" {
			continue
		}
		if name, err := filepath.Rel(base, file); err == nil && filepath.IsLocal(name) {
			return filepath.ToSlash(name)
		}
	}
	return ""
}
