// Package config reads the site's configuration, .virt-audit.yaml. A configuration can hide what is
// wrong, so it is read strictly: whatever is not understood is an error that names the place, and a file
// that strangers could have put there is not taken without being asked for. It prints nothing and
// applies nothing; that is for the command.
package config

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// Names is what the values of a configuration are checked against, besides what package audit and the
// policy know themselves.
type Names struct {
	Rules   []string // IDs of the rules that the program brings
	Formats []string // of reports
}

// File is a configuration that is in order.
type File struct {
	Path     string
	Settings []Setting // those keys that stand for an option of the command line, in the order of the file

	Enable, Disable []string // rules, IDs or patterns, beside those of the profiles; what is in both is disabled
	Severity        map[string]audit.Severity
	Waivers         []*audit.Waiver
	DomainWaivers   audit.DomainWaivers
	Allow           audit.Allowed
	Rules           []*LocalRule

	// Places tells where each value stands, by its path: "fail-on", "disable[0]", "waivers[1].until".
	Places map[string]audit.Pos

	folder string
}

// Folder is where paths in the file are relative to.
func (f *File) Folder() string { return f.folder }

// Setting is a value that stands for an option. What is relative to the folder of the configuration has
// been resolved.
type Setting struct {
	Key          string // "profiles"
	Option       string // without its dashes: "profile"
	Values       []string
	Line, Column int // of the key
}

// LocalRule is a rule of the site, not yet compiled. Texts but Doc, Fix and Expression are of one line.
type LocalRule struct {
	ID, Title  string
	Severity   audit.Severity
	For        string // path of the elements for each of which the expression is asked; "" asks it once
	Expression string
	Message    string
	Path       string // where a finding is placed, from the element of For or from the domain; "" where nothing was said
	Doc, Fix   string
	URL        string
	Pos        audit.Pos // of the ID, or of the rule's first key

	places []place // of the characters of Expression, and of its end
}

// place is a line and a column, both from one.
type place struct{ line, column int }

// ExpressionAt tells where a character of the expression stands in the file, however YAML has folded it.
// Line and column count from one, in characters; a place outside the expression is its nearest end.
func (r *LocalRule) ExpressionAt(line, column int) (fileLine, fileColumn int) {
	i := 0
	for l, text := range strings.SplitAfter(r.Expression, "\n") {
		n := len([]rune(text))
		if l+1 == line {
			i += max(0, min(column-1, n))
			break
		}
		if l+1 > line {
			break
		}
		i += n
	}
	p := r.places[min(i, len(r.places)-1)]
	return p.line, p.column
}

// Error is something wrong at one place of a configuration. Lines and columns count from one, columns in
// characters.
type Error struct {
	File         string
	Line, Column int
	Message      string
	Hint         string // what may have been meant, or what to do; "" where there is nothing to say
}

// Error returns file:line:column: message; hint.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s:%d:%d: %s", strings.Map(printable, e.File), e.Line, e.Column, e.Message)
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Parse reads a configuration. The name is for messages, and tells the folder that paths in the file are
// relative to. An empty file is a configuration that says nothing. What is wrong is returned all at once,
// as joined Errors in the order of the file; then there is no configuration.
func Parse(name string, data []byte, known Names) (*File, error) {
	return parse(name, filepath.Dir(name), data, known)
}

func parse(name, folder string, data []byte, known Names) (*File, error) {
	r := &reader{known: known, out: &File{Path: name, Places: map[string]audit.Pos{}, folder: folder}}
	body := r.document(data)
	if body != nil {
		r.configuration(body)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return r.out, nil
}
