// Package local makes rules of what a site writes into its configuration: each is an expression in
// CEL, the Common Expression Language, over a domain and what is known of its host. README.md is for those who write them.
//
// An expression is checked before anything is audited: it can name nothing that libvirt does not know.
// It reads no file, knows no time of day, and what it may cost is bounded.
package local

import (
	"cmp"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// Page is the address of the documentation of local rules.
const Page = "https://github.com/virt-audit/virt-audit/blob/main/rules/local/README.md"

// Spec is one local rule as a site writes it. ID, Expression and Message must be given.
type Spec struct {
	ID         string
	Title      string // Message where it is empty
	Severity   audit.Severity
	For        string // "devices/disk": the expression is asked once for each of these elements
	Expression string // true where all is well
	Message    string // plain text: nothing of a document gets into it
	Path       string // "source@file": where the finding is, from the element of For or from <domain>
	Doc        string
	Fix        string
	URL        string
}

// Compile checks a rule and makes it one for the engine. The error is a *source.Error whose File is the field of
// the rule that is wrong, as the configuration names it, and whose position, if any, is inside the expression.
// Compile and its results can be used by several goroutines at a time.
func Compile(s Spec) (*audit.Rule, error) {
	for _, f := range []struct{ name, value string }{{"id", s.ID}, {"message", s.Message}, {"expression", s.Expression}} {
		if strings.TrimSpace(f.value) == "" {
			return nil, problem(f.name, "must be given")
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
		Doc:   cmp.Or(s.Doc, "A rule of this site, from its configuration."),
		Fix:   cmp.Or(s.Fix, "change it so that this holds: "+r.oneLine),
		Page:  cmp.Or(s.URL, Page),
		Needs: r.needs,
		Check: r.check,

		SaysUnknown: true, // whether an answer wants what is missing, the expression tells
	}
	// A rule of a site's own need name no public document; all else is wanted of it too.
	complete := *out
	complete.Refs = []string{out.Page}
	if err := audit.Validate([]*audit.Rule{&complete}); err != nil {
		return nil, problem("id", err.Error())
	}
	return out, nil
}
