// Package config reads the configuration of a site, .virt-audit.yaml. A configuration can hide findings,
// so it is read strictly: whatever is not understood is an error that names the place, and a file that
// another user could have written is read only if the caller names it. The package prints nothing and
// applies nothing.
//
// The keys are one table, see table.go: parser, JSON schema, reference page, example and
// "virt-audit config show" are all made from it.
package config

import (
	"path/filepath"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/yamldoc"
)

// Parse reads a configuration. The name is for messages, and its directory is what paths in the file are
// relative to. An empty file is a valid configuration. The error joins a *source.Error for every problem,
// in the order of the file.
func Parse(name string, data []byte, known Names) (*File, error) {
	return parse(name, filepath.Dir(name), data, known)
}

// maxFile is the size in bytes of the largest configuration that is read.
const maxFile = 1 << 20

func parse(name, dir string, data []byte, known Names) (*File, error) {
	doc := yamldoc.Parse(name, data, yamldoc.Format{Holds: "one configuration", MaxBytes: maxFile, SyntaxHint: syntaxHint})
	r := &reader{known: known, doc: doc, out: &File{Path: name, dir: dir}}
	if root, ok := doc.Root(); ok {
		r.configuration(root)
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	r.out.Places = map[string]audit.Pos{}
	for path, span := range doc.Places() {
		r.out.Places[path] = position(span)
	}
	return r.out, nil
}
