// Package site is what a site has configured, and the rules that there are because of it.
package site

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/config"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/audit/source"
	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/rules"
	"github.com/virt-audit/virt-audit/rules/local"
)

// Site is the configuration, and the site-specific rules. The zero value is a site without either.
type Site struct {
	File  *config.File // nil if there is no configuration
	local []*audit.Rule
}

// systemConfig is where the configuration of a host is stored; tests have their own.
var systemConfig = config.System

// StdinConfig is the name of a configuration on standard input.
const StdinConfig = "<stdin>"

// known returns the names that a configuration may use.
func known() config.Names {
	names := config.Names{Formats: FormatNames()}
	for _, r := range rules.All() {
		names.Rules = append(names.Rules, r.ID)
	}
	return names
}

// ReadFrom reads a configuration from a stream. The files that it names are relative to the working
// directory.
func ReadFrom(in io.Reader) (*Site, error) {
	return compiled(config.ReadFrom(in, StdinConfig, ".", known()))
}

// Read reads the configuration of that name.
func Read(name string) (*Site, error) { return compiled(config.Read(name, known())) }

// Discover reads the configuration that applies in a directory, if there is one.
func Discover(dir string) (*Site, error) {
	return compiled(config.Discover(dir, systemConfig, known()))
}

func compiled(file *config.File, err error) (*Site, error) {
	if err != nil {
		return nil, Wrong(err)
	}
	x := &Site{File: file}
	if file == nil {
		return x, nil
	}
	return x, x.compile()
}

// Wrong returns a usage error with the errors of a configuration, one a line.
func Wrong(err error) error {
	var lines []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		lines = append(lines, report.Printable(line))
	}
	return &cmdutil.UsageError{Message: strings.Join(lines, "\n")}
}

// compile makes the site-specific rules. All of their errors are returned at once.
func (x *Site) compile() error {
	var errs []error
	for _, r := range x.File.Rules {
		rule, err := local.Compile(local.Spec{
			ID:         r.ID,
			Title:      r.Title,
			Severity:   r.Severity,
			For:        r.For,
			Expression: r.Expression,
			Message:    r.Message,
			Path:       r.Path,
			Doc:        r.Doc,
			Fix:        r.Fix,
			URL:        r.URL,
		})
		if err != nil {
			errs = append(errs, x.localError(r, err))
			continue
		}
		x.local = append(x.local, rule)
	}
	if len(errs) > 0 {
		return Wrong(errors.Join(errs...))
	}
	return nil
}

// localError places the error of a site-specific rule in the configuration.
func (x *Site) localError(r *config.LocalRule, err error) error {
	out := &source.Error{
		File:     x.File.Path,
		Position: source.Position{Line: r.Pos.Line, Column: r.Pos.Column},
		Message:  err.Error(),
		Err:      err,
	}
	if problem, ok := errors.AsType[*source.Error](err); ok {
		out.Message, out.Hint = problem.Message, problem.Hint
		if problem.Line > 0 {
			out.Line, out.Column = r.ExpressionAt(problem.Line, problem.Column)
		} else if i := slices.Index(x.File.Rules, r); i >= 0 {
			if at, ok := x.File.Places[fmt.Sprintf("rules[%d].%s", i, problem.File)]; ok {
				out.Line, out.Column = at.Line, at.Column
			}
		}
	}
	out.Message = "rule " + r.ID + ": " + out.Message
	return out
}

// All returns every rule that there is at this site.
func (x *Site) All() []*audit.Rule { return append(rules.All(), x.local...) }

// known reports whether there is a rule of that ID.
func (x *Site) known(id string) bool {
	return slices.ContainsFunc(x.All(), func(r *audit.Rule) bool { return r.ID == id })
}

// Rule returns the rule of that ID.
func (x *Site) Rule(id string) (*audit.Rule, error) {
	var ids []string
	for _, r := range x.All() {
		if r.ID == id {
			return r, nil
		}
		ids = append(ids, r.ID)
	}
	e := &cmdutil.UsageError{
		Message: fmt.Sprintf("unknown rule %q", id),
		Hint:    suggest.Hint(id, ids),
	}
	if e.Hint == "" {
		e.Hint = "'virt-audit rules' lists them"
	}
	return nil, e
}

// Choose returns the rules that a run applies: those of the profiles, with what the configuration
// enables and disables; or, if only is not empty, those alone. Rules of skip are removed in any
// case.
func (x *Site) Choose(profiles []audit.Profile, only, skip []string) ([]*audit.Rule, error) {
	for _, id := range slices.Concat(only, skip) {
		if _, err := x.Rule(id); err != nil {
			return nil, err
		}
	}
	return x.Judged(slices.DeleteFunc(x.All(), func(r *audit.Rule) bool {
		chosen := (r.In(profiles) || x.enabled(r.ID)) && !x.Disabled(r.ID)
		if len(only) > 0 {
			chosen = slices.Contains(only, r.ID)
		}
		return !chosen || slices.Contains(skip, r.ID)
	})), nil
}

// enabled reports whether the configuration enables a rule, of any profile.
func (x *Site) enabled(id string) bool { return x.File != nil && matches(x.File.Enable, id) }

// Disabled reports whether the configuration disables a rule.
func (x *Site) Disabled(id string) bool { return x.File != nil && matches(x.File.Disable, id) }

// Severity returns the severity that the configuration gives to the findings of a rule.
func (x *Site) Severity(id string) (s audit.Severity, ok bool) {
	if x.File != nil {
		s, ok = x.File.Severity[id]
	}
	return s, ok
}

// matches reports whether an ID matches one of the patterns.
func matches(patterns []string, id string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { ok, _ := path.Match(p, id); return ok })
}

// Judged returns rules with the severity that their findings have at this site.
func (x *Site) Judged(all []*audit.Rule) []*audit.Rule {
	out := slices.Clone(all)
	for i, r := range out {
		if own, ok := x.Severity(r.ID); ok {
			rule := *r
			rule.Severity = own
			out[i] = &rule
		}
	}
	return out
}

// Entries returns rules as lists show them: with the severity and the state that they have at this
// site.
func (x *Site) Entries(all []*audit.Rule) []report.RuleEntry {
	out := make([]report.RuleEntry, 0, len(all))
	for _, r := range x.Judged(all) {
		out = append(out, report.RuleEntry{Rule: r, Disabled: x.Disabled(r.ID)})
	}
	return out
}

// Entries returns rules as lists show them if no site has configured anything.
func Entries(all []*audit.Rule) []report.RuleEntry { return (&Site{}).Entries(all) }

// Apply puts what corresponds to no option into the engine's configuration.
func (x *Site) Apply(cfg *audit.Settings) {
	cfg.Known = x.known
	cfg.Nearest = func(id string) string {
		var ids []string
		for _, r := range x.All() {
			ids = append(ids, r.ID)
		}
		return suggest.Nearest(id, ids)
	}
	if x.File == nil {
		return
	}
	cfg.Severities, cfg.Allowed, cfg.Waivers = x.File.Severity, x.File.Allow, x.File.Waivers
	cfg.ManagedBy = x.File.ManagedBy
	ignore := cfg.DomainWaivers.Ignore
	cfg.DomainWaivers = x.File.DomainWaivers
	cfg.DomainWaivers.Ignore = cfg.DomainWaivers.Ignore || ignore
}

// Place returns where the configuration has a value: its name and the line.
func (x *Site) Place(key string) string {
	path := report.Printable(x.File.Path)
	if at, ok := x.File.Places[key]; ok {
		return source.Location(path, at.Line, 0)
	}
	return path
}

// Origin returns where the configuration has a setting, as an error about it begins.
func (x *Site) Origin(s config.Setting) string {
	return source.Location(report.Printable(x.File.Path), s.Line, s.Column) + ": " + s.Key
}

// FormatNames returns the names of all formats of reports, the default first.
func FormatNames() []string {
	var names []string
	for _, f := range report.Formats() {
		names = append(names, f.Name)
	}
	return names
}
