package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/config"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/audit/source"
)

func (s *streams) configCommand() *cli.Command {
	return &cli.Command{
		Name:  "config",
		Usage: "tell what the site has configured, and whether that is in order",
		Subcommands: []*cli.Command{
			{
				Name:        "show",
				Usage:       "print the configuration in force, with where each value comes from",
				Description: "Takes the options of an audit: what it prints is what an audit with them would go by.",
				Flags:       slices.DeleteFunc(auditFlags(), func(f cli.Flag) bool { return f.Names()[0] == "jobs" }),
				Action:      s.configShow,
			},
			{
				Name:        "check",
				Usage:       "tell what is wrong with a configuration: exit 0 when nothing is, else 2",
				ArgsUsage:   "[FILE]",
				Description: "Without FILE it is the configuration that an audit would find here.",
				Flags:       siteFlags()[:1],
				Action:      s.configCheck,
			},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return &usageError{"config: missing subcommand", "'virt-audit config show' or 'check'"}
			}
			return &usageError{fmt.Sprintf("config cannot %q", c.Args().First()), didYouMean(c.Args().First(), []string{"show", "check"})}
		},
	}
}

func (s *streams) configCheck(c *cli.Context) error {
	switch {
	case c.NArg() > 1 || c.NArg() == 1 && typedOption(c, "config"):
		return usagef("config check takes one file")
	case c.NArg() == 1:
		if err := setTyped(c, "config", c.Args().First()); err != nil {
			return err
		}
	}
	x, err := siteOption(c, ".")
	if err != nil {
		return err
	}
	if x.file == nil {
		return &usageError{"there is no configuration here", "give a FILE, or see 'virt-audit config check --help'"}
	}
	if err := x.loads(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s: in order\n", report.Printable(x.file.Path))
	return err
}

// optionTable returns the keys of the configuration that stand for options of an audit.
func optionTable() []*config.Key {
	return slices.DeleteFunc(slices.Clone(config.Keys()), func(k *config.Key) bool { return k.Option == "" })
}

// optionKeys returns their names.
func optionKeys() []string {
	var keys []string
	for _, k := range optionTable() {
		keys = append(keys, k.Name)
	}
	return keys
}

// loads reads the files that the configuration names, and returns what every run with it would fail for.
func (x *site) loads() error {
	var errs []error
	var profiles []audit.Profile
	for _, s := range x.file.Settings {
		x.taken[s.Option] = s
		var err error
		switch says := x.says(s.Option); s.Key {
		case "profiles":
			for _, v := range s.Values {
				profiles = append(profiles, audit.Profile(v))
			}
		case "policy":
			_, err = editionOption(s.Values[0], says)
		case "baseline":
			_, err = baselineFile(s.Values[0], says)
		case "format":
			_, err = placed(s.Values, "", says)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	chosen, err := x.choose(withBaseline(profiles), nil, nil)
	if err == nil && len(chosen) == 0 {
		at := x.file.Places["disable"]
		err = &source.Error{File: x.file.Path, Position: source.Position{Line: at.Line, Column: at.Column}, Message: "disable: no rule of the profiles is left"}
	}
	if err != nil {
		errs = append(errs, err)
	}
	if len(errs) == 0 {
		return nil
	}
	texts := make([]error, len(errs))
	for i, err := range errs {
		texts[i] = errors.New(hinted(err))
	}
	return wrong(errors.Join(texts...))
}

// hinted is an error's text with what to do.
func hinted(err error) string {
	if u, ok := errors.AsType[*usageError](err); ok && u.hint != "" {
		return u.message + "; " + u.hint
	}
	return err.Error()
}

// place says where the configuration has a value.
func (x *site) place(key string) string {
	path := report.Printable(x.file.Path)
	if at, ok := x.file.Places[key]; ok {
		return source.Location(path, at.Line, 0)
	}
	return path
}
