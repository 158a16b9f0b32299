// Package rulescmd is 'virt-audit rules' and 'virt-audit explain': what the rules are.
package rulescmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
	"github.com/virt-audit/virt-audit/rules"
	"github.com/virt-audit/virt-audit/testdata"
)

// listing is which rules are listed, and how.
type listing struct {
	*options.Configuration
	*options.Color
	format   string
	profiles []string
}

var formats = []string{"text", "markdown", "json"}

// New returns the command that lists rules.
func New() *command.Command {
	l := &listing{Configuration: options.NewConfiguration(), Color: options.NewColor(), format: formats[0]}
	own := []*command.Flag{
		{
			Name:     "format",
			Short:    "f",
			Metavar:  "FORMAT",
			Usage:    "FORMAT of the list",
			Choices:  formats,
			Complete: command.OneOf(formats...),
			Variable: options.NoVariable, Value: command.Text(&l.format),
		},
		{
			Name:     "profile",
			Metavar:  "PROFILE",
			Usage:    "the rules that run with this PROFILE, which include those of baseline; repeatable",
			Repeated: true,
			Complete: command.OneOf(options.ProfileNames()...),
			Variable: options.NoVariable,
			Value:    command.List(&l.profiles),
		},
	}
	return &command.Command{
		Name:    "rules",
		Usage:   "list the rules",
		Example: "'virt-audit explain RULE' describes one rule",
		Flags:   slices.Concat(own, l.Color.Flags(), l.Configuration.Flags()),
		Run:     l.run,
	}
}

func (l *listing) run(inv *command.Invocation) error {
	x, err := l.Resolve(inv.In, ".")
	if err != nil {
		return err
	}
	chosen, err := l.choose(x)
	if err != nil {
		return err
	}
	switch l.format {
	case "text":
		paint, width, err := inv.Terminal(l.When, true)
		if err != nil {
			return err
		}
		return report.RuleTable(inv.Out, x.Entries(chosen), report.Options{
			Color: paint,
			Width: width,
		})
	case "markdown":
		return report.RulesPage(inv.Out, Topics(x.Entries(chosen)), testdata.Rule)
	case "json":
		return report.RulesJSON(inv.Out, x.Entries(chosen))
	}
	return &cmdutil.UsageError{
		Message: fmt.Sprintf("--format: %q is not one of %s", l.format, strings.Join(formats, ", ")),
		Hint:    suggest.Hint(l.format, formats),
	}
}

// choose returns the rules of the profiles, or all.
func (l *listing) choose(x *site.Site) ([]*audit.Rule, error) {
	if len(l.profiles) == 0 {
		return x.All(), nil
	}
	profiles, err := options.Profiles(l.profiles)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(x.All(), func(r *audit.Rule) bool { return !r.In(profiles) }), nil
}

// decided returns what the configuration sets for a rule.
func decided(x *site.Site, r *audit.Rule) []string {
	var out []string
	if own, ok := x.Severity(r.ID); ok {
		out = append(out, fmt.Sprintf("severity %s, instead of %s (%s)", own, r.Severity, x.Place("severity."+r.ID)))
	}
	if x.Disabled(r.ID) {
		out = append(out, fmt.Sprintf("disabled (%s)", x.Place("disable")))
	}
	return out
}

// Topics sorts rules into their groups.
func Topics(chosen []report.RuleEntry) []report.Topic {
	var out []report.Topic
	for _, g := range rules.Groups() {
		t := report.Topic{Title: g.Title, About: g.About}
		for _, r := range chosen {
			if r.Group() == g.ID {
				t.Rules = append(t.Rules, r)
			}
		}
		if len(t.Rules) > 0 {
			out = append(out, t)
		}
	}
	own := report.Topic{Title: "This site", About: "Rules of the site's configuration."}
	for _, r := range chosen {
		if r.Group() == "site" {
			own.Rules = append(own.Rules, r)
		}
	}
	if len(own.Rules) > 0 {
		out = append(out, own)
	}
	return out
}

// Explain returns the command that explains rules.
func Explain() *command.Command {
	configuration, color := options.NewConfiguration(), options.NewColor()
	return &command.Command{
		Name:  "explain",
		Usage: "describe rules, and how to fix what they find",
		Arguments: []command.Argument{{
			Metavar:  "RULE",
			Repeated: true,
			Complete: command.Completion{Rules: true},
		}},
		Example: "'virt-audit rules' lists the rules",
		Flags:   append(configuration.Flags(), color.Flags()...),
		Run: func(inv *command.Invocation) error {
			paint, width, err := inv.Terminal(color.When, true)
			if err != nil {
				return err
			}
			x, err := configuration.Resolve(inv.In, ".")
			if err != nil {
				return err
			}
			for i, id := range inv.Args {
				r, err := x.Rule(id)
				if err != nil {
					return err
				}
				if i > 0 {
					if _, err := inv.Out.Write([]byte("\n")); err != nil {
						return err
					}
				}
				if err := explain(inv.Streams, x, r, report.Options{
					Color:   paint,
					Width:   width,
					Decided: decided(x, r),
				}); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func explain(s *cmdutil.Streams, x *site.Site, r *audit.Rule, o report.Options) error {
	bad, _ := testdata.Rule(r.ID)
	return report.Explain(s.Out, x.Judged([]*audit.Rule{r})[0], bad, o)
}
