package main

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/rules"
	"github.com/virt-audit/virt-audit/testdata"
)

func (s *streams) rulesCommand() *cli.Command {
	return &cli.Command{
		Name:  "rules",
		Usage: "list the rules",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "text", Usage: "`FORMAT`: text, markdown, json"},
			&cli.StringSliceFlag{Name: "profile", Usage: "those that run with this `PROFILE`, which are those of baseline too; repeatable"},
			colorFlag(),
			siteFlags()[0], siteFlags()[1],
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return &usageError{"rules takes no operand", "'virt-audit explain RULE' tells about one rule"}
			}
			byProfile := c.IsSet("profile")
			x, err := siteOption(c, ".")
			if err != nil {
				return err
			}
			chosen := x.all()
			if byProfile {
				profiles, err := profileOption(c)
				if err != nil {
					return err
				}
				chosen = slices.DeleteFunc(chosen, func(r *audit.Rule) bool { return !r.In(profiles) })
			}
			switch format := c.String("format"); format {
			case "text":
				paint, width, err := s.terminal(c, true)
				if err != nil {
					return err
				}
				return report.RuleTable(s.out, x.entries(chosen), report.Options{Color: paint, Width: width})
			case "markdown":
				return report.RulesPage(s.out, topics(x.entries(chosen)), testdata.Rule)
			case "json":
				return report.RulesJSON(s.out, x.entries(chosen))
			default:
				return &usageError{"option --format: rules are listed as text, markdown or json", didYouMean(format, []string{"text", "markdown", "json"})}
			}
		},
	}
}

// judged returns rules with the severity that their findings have on this site.
func (x *site) judged(all []*audit.Rule) []*audit.Rule {
	out := slices.Clone(all)
	for i, r := range out {
		if own, ok := x.severity(r.ID); ok {
			rule := *r
			rule.Severity = own
			out[i] = &rule
		}
	}
	return out
}

// entries returns rules as lists show them: with the severity and the state that they have at this site.
func (x *site) entries(all []*audit.Rule) []report.RuleEntry {
	out := make([]report.RuleEntry, 0, len(all))
	for _, r := range x.judged(all) {
		out = append(out, report.RuleEntry{Rule: r, Disabled: x.disabled(r.ID)})
	}
	return out
}

// decided says what the configuration has about a rule.
func (x *site) decided(r *audit.Rule) []string {
	var out []string
	if own, ok := x.severity(r.ID); ok {
		out = append(out, fmt.Sprintf("severity %s, where the rule says %s (%s)", own, r.Severity, x.place("severity."+r.ID)))
	}
	if x.disabled(r.ID) {
		out = append(out, fmt.Sprintf("disabled (%s)", x.place("disable")))
	}
	return out
}

// topics sorts rules into their groups.
func topics(chosen []report.RuleEntry) []report.Topic {
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

// rulesPage is the text of rules/README.md.
func rulesPage() ([]byte, error) {
	var b bytes.Buffer
	err := report.RulesPage(&b, topics((&site{}).entries(rules.All())), testdata.Rule)
	return b.Bytes(), err
}

func (s *streams) explainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "tell what a rule is about and how to mend what it finds",
		ArgsUsage: "RULE...",
		Flags:     append(siteFlags(), colorFlag()),
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return &usageError{"explain requires the ID of a rule", "'virt-audit rules' lists them"}
			}
			paint, width, err := s.terminal(c, true)
			if err != nil {
				return err
			}
			x, err := siteOption(c, ".")
			if err != nil {
				return err
			}
			for i, id := range c.Args().Slice() {
				r, err := x.rule(id)
				if err != nil {
					return err
				}
				if i > 0 {
					if _, err := s.out.Write([]byte("\n")); err != nil {
						return err
					}
				}
				bad, _ := testdata.Rule(id)
				if err := report.Explain(s.out, x.judged([]*audit.Rule{r})[0], bad, report.Options{Color: paint, Width: width, Decided: x.decided(r)}); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
