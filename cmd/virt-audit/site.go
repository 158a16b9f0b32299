package main

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/config"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/audit/source"
	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/rules"
	"github.com/virt-audit/virt-audit/rules/local"
)

// site is what the site has configured, and the rules that there are because of it.
type site struct {
	file  *config.File // nil where there is no configuration
	local []*audit.Rule

	taken map[string]config.Setting // by option: those that count, since no option was given
}

const aboutSite = "Configuration:"

func siteFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "config", Usage: "`FILE` with the site's configuration (default: .virt-audit.yaml here or up to the repository's root, then " + config.System + ")", EnvVars: env("config"), Category: aboutSite},
		&cli.BoolFlag{Name: "no-config", Usage: "look for no configuration", EnvVars: env("no-config"), Category: aboutSite},
	}
}

// systemConfig is where the configuration of a host stands; tests have their own.
var systemConfig = config.System

// stdinConfig is how a configuration on standard input is called.
const stdinConfig = "<stdin>"

// configOption returns the configuration that --config names, or whether none is to be looked for. What was
// typed counts before what the environment says.
func configOption(c *cli.Context) (name string, none bool, err error) {
	name, none = c.String("config"), c.Bool("no-config")
	typed := name != "" && typedOption(c, "config")
	switch {
	case typed && none && typedOption(c, "no-config"):
		return "", false, usagef("--config and --no-config are both given")
	case typed:
		return name, false, nil
	case none:
		return "", true, nil
	}
	return name, false, nil
}

// siteOption reads the configuration that counts in a folder. What it says under some keys stands for options
// of the command: it is taken as if it had been typed, unless that was.
func siteOption(c *cli.Context, dir string, keys ...string) (*site, error) {
	x := &site{taken: map[string]config.Setting{}}
	known := config.Names{Formats: formatNames()}
	for _, r := range rules.All() {
		known.Rules = append(known.Rules, r.ID)
	}
	name, none, err := configOption(c)
	switch {
	case err != nil:
		return nil, err
	case none:
		return x, nil
	case name == "-":
		x.file, err = config.ReadFrom(c.App.Reader, stdinConfig, ".", known)
	case name != "":
		x.file, err = config.Read(name, known)
	default:
		x.file, err = config.Discover(dir, systemConfig, known)
	}
	if err != nil {
		return nil, wrong(err)
	}
	if x.file == nil {
		return x, nil
	}
	if err := x.compile(); err != nil {
		return nil, err
	}
	for _, s := range x.file.Settings {
		if !slices.Contains(keys, s.Key) || c.IsSet(s.Option) {
			continue
		}
		x.taken[s.Option] = s
		for _, v := range s.Values {
			if err := c.Set(s.Option, v); err != nil {
				return nil, usagef("%s: %v", x.says(s.Option), err)
			}
		}
	}
	return x, nil
}

// says tells where an option has its value from, for an error about that: the place in the configuration, or
// the option.
func (x *site) says(option string) string {
	s, ok := x.taken[option]
	if !ok {
		return "option --" + option
	}
	return source.Location(report.Printable(x.file.Path), s.Line, s.Column) + ": " + s.Key
}

// wrong makes a usage error of what is wrong with a configuration, a line for each thing.
func wrong(err error) error {
	var lines []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		lines = append(lines, report.Printable(line))
	}
	return &usageError{message: strings.Join(lines, "\n")}
}

// compile makes rules of the site's own. All that is wrong with them is told at once.
func (x *site) compile() error {
	var errs []error
	for _, r := range x.file.Rules {
		rule, err := local.Compile(local.Spec{
			ID: r.ID, Title: r.Title, Severity: r.Severity, For: r.For, Expression: r.Expression, Message: r.Message, Path: r.Path, Doc: r.Doc, Fix: r.Fix, URL: r.URL,
		})
		if err != nil {
			errs = append(errs, x.localError(r, err))
			continue
		}
		x.local = append(x.local, rule)
	}
	if len(errs) > 0 {
		return wrong(errors.Join(errs...))
	}
	return nil
}

// localError places the error of a local rule in the configuration.
func (x *site) localError(r *config.LocalRule, err error) error {
	out := &source.Error{File: x.file.Path, Position: source.Position{Line: r.Pos.Line, Column: r.Pos.Column}, Message: err.Error(), Err: err}
	if problem, ok := errors.AsType[*source.Error](err); ok {
		out.Message, out.Hint = problem.Message, problem.Hint
		if problem.Line > 0 {
			out.Line, out.Column = r.ExpressionAt(problem.Line, problem.Column)
		} else if i := slices.Index(x.file.Rules, r); i >= 0 {
			if at, ok := x.file.Places[fmt.Sprintf("rules[%d].%s", i, problem.File)]; ok {
				out.Line, out.Column = at.Line, at.Column
			}
		}
	}
	out.Message = "rule " + r.ID + ": " + out.Message
	return out
}

// all returns every rule that there is at this site.
func (x *site) all() []*audit.Rule { return append(rules.All(), x.local...) }

// known reports whether there is a rule of that ID.
func (x *site) known(id string) bool {
	return slices.ContainsFunc(x.all(), func(r *audit.Rule) bool { return r.ID == id })
}

// rule finds a rule by its ID.
func (x *site) rule(id string) (*audit.Rule, error) {
	var ids []string
	for _, r := range x.all() {
		if r.ID == id {
			return r, nil
		}
		ids = append(ids, r.ID)
	}
	e := &usageError{message: fmt.Sprintf("unknown rule %q", id), hint: didYouMean(id, ids)}
	if e.hint == "" {
		e.hint = "'virt-audit rules' lists them"
	}
	return nil, e
}

// ruleNamed finds a rule of ours by its ID.
func ruleNamed(id string) (*audit.Rule, error) { return (&site{}).rule(id) }

// choose returns the rules that a run applies: those of the profiles, with what the configuration adds
// and takes away; or those alone that were named.
func (x *site) choose(profiles []audit.Profile, only, skip []string) ([]*audit.Rule, error) {
	for _, id := range slices.Concat(only, skip) {
		if _, err := x.rule(id); err != nil {
			return nil, err
		}
	}
	return x.judged(slices.DeleteFunc(x.all(), func(r *audit.Rule) bool {
		wanted := (r.In(profiles) || x.enabled(r.ID)) && !x.disabled(r.ID)
		if len(only) > 0 {
			wanted = slices.Contains(only, r.ID)
		}
		return !wanted || slices.Contains(skip, r.ID)
	})), nil
}

// enabled reports whether the configuration wants a rule, of whatever profile.
func (x *site) enabled(id string) bool { return x.file != nil && matches(x.file.Enable, id) }

// disabled reports whether the configuration wants a rule not to run.
func (x *site) disabled(id string) bool { return x.file != nil && matches(x.file.Disable, id) }

// severity returns the severity that the configuration gives to the findings of a rule.
func (x *site) severity(id string) (s audit.Severity, ok bool) {
	if x.file != nil {
		s, ok = x.file.Severity[id]
	}
	return s, ok
}

// matches reports whether an ID matches one of the patterns.
func matches(patterns []string, id string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { ok, _ := path.Match(p, id); return ok })
}

// apply puts what stands for no option into the engine's configuration.
func (x *site) apply(cfg *audit.Settings) {
	cfg.Known = x.known
	cfg.Nearest = func(id string) string {
		var ids []string
		for _, r := range x.all() {
			ids = append(ids, r.ID)
		}
		return suggest.Nearest(id, ids)
	}
	if x.file == nil {
		return
	}
	cfg.Severities, cfg.Allowed, cfg.Waivers = x.file.Severity, x.file.Allow, x.file.Waivers
	ignore := cfg.DomainWaivers.Ignore
	cfg.DomainWaivers = x.file.DomainWaivers
	cfg.DomainWaivers.Ignore = cfg.DomainWaivers.Ignore || ignore
}
