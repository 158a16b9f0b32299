// Package local compiles the local rules of a site's configuration. Each is an expression in CEL,
// the Common Expression Language, over a domain and the facts about its host. README.md is for
// their authors.
//
// An expression is checked before the audit: it can use only names that libvirt knows. It has no
// access to files or to the time of day, and its cost is limited.
package local

import (
	"cmp"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// Page is the address of the documentation of local rules.
const Page = "https://github.com/virt-audit/virt-audit/blob/main/rules/local/README.md"

// Spec is one local rule of a site. ID, Expression and Message are required.
type Spec struct {
	ID         string
	Title      string // default: Message
	Severity   audit.Severity
	For        string // "devices/disk": the expression is evaluated once for each of these elements
	Expression string // true if there is no finding
	Message    string // plain text, without contents of the document
	Path       string // "source@file": where the finding is, from the element of For or from <domain>
	Doc        string
	Fix        string
	URL        string
}

// Compile checks a rule and makes it one for the engine. The error is a *source.Error whose File is
// the field of the rule that is wrong, as the configuration names it, and whose position, if any,
// is inside the expression. Compile and its results can be used by several goroutines at a time.
func Compile(s Spec) (*audit.Rule, error) {
	for _, f := range []struct{ name, value string }{{"id", s.ID}, {"message", s.Message}, {"expression", s.Expression}} {
		if strings.TrimSpace(f.value) == "" {
			return nil, problem(f.name, "is required")
		}
	}
	r := &rule{message: strings.Join(strings.Fields(s.Message), " ")}
	subject := shapes()["domain"]
	var err error
	if s.For != "" {
		if r.each, subject, err = elementsAt(subject, "for", s.For); err != nil {
			return nil, err
		}
	}
	if r.steps, r.attr, err = placeIn(subject, s.Path); err != nil {
		return nil, err
	}
	if err := r.compile(s.Expression, subject); err != nil {
		return nil, err
	}
	out := &audit.Rule{
		ID: s.ID, Title: cmp.Or(s.Title, r.message), Severity: s.Severity, Profiles: audit.Profiles(),
		Doc:      cmp.Or(s.Doc, "This is a local rule of the configuration."),
		Fix:      cmp.Or(s.Fix, "Change the document so that this expression is true: "+r.oneLine),
		Page:     cmp.Or(s.URL, Page),
		Requires: r.needs,
		Check:    r.check,

		OptionalInputs: true, // the evaluation shows whether the result depends on missing facts
	}
	// A local rule need not refer to a public document; everything else is required of it too.
	complete := *out
	complete.Refs = []string{out.Page}
	if err := audit.Validate([]*audit.Rule{&complete}); err != nil {
		return nil, problem("id", err.Error())
	}
	return out, nil
}
