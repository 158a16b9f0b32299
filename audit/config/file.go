package config

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/manager"
	"github.com/virt-audit/virt-audit/audit/source"
)

// Names are the names that values are checked against, besides those of the packages audit and policy.
type Names struct {
	Rules   []string // IDs of the built-in rules
	Formats []string // of reports
}

// File is a valid configuration.
type File struct {
	Path     string
	Settings []Setting // the keys of options of the command line, in the order of the file

	// Rules, by ID or pattern, that are added to those of the profiles, and that do not run. A rule in both
	// does not run.
	Enable, Disable []string

	Severity      map[string]audit.Severity
	Waivers       []*audit.Waiver
	DomainWaivers audit.DomainWaivers
	Allow         audit.Allowed
	ManagedBy     manager.Manager // "" if it names none
	Rules         []*LocalRule

	// Places are the places of keys and list items, by path: "fail-on", "disable[0]", "waivers[1].until".
	Places map[string]audit.Pos

	dir string
}

// Dir returns the directory that paths in the file are relative to.
func (f *File) Dir() string { return f.dir }

// Setting is a value that stands for an option. Relative paths have been resolved.
type Setting struct {
	Key          string // "profiles"
	Option       string // without its dashes: "profile"
	Values       []string
	Line, Column int // of the key
}

// LocalRule is a custom rule that is not compiled yet. Doc, Fix and Expression may have several lines.
type LocalRule struct {
	ID, Title  string
	Severity   audit.Severity
	For        string // path of the elements that the expression is evaluated for; "" for once per domain
	Expression string
	Message    string
	Path       string // place of a finding, relative to the element of For or to the domain; may be ""
	Doc, Fix   string
	URL        string
	Pos        audit.Pos // of the ID, or of the first key of the rule

	characters []source.Position // of Expression, and of its end
}

// ExpressionAt returns the place in the file of a character of the expression, however YAML folded it.
// Lines and columns count from one, in code points. A place outside the expression is moved to its
// nearest end.
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
	p := r.characters[min(i, len(r.characters)-1)]
	return p.Line, p.Column
}
