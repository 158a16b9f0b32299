// Package configcmd is 'virt-audit config': it prints the site's configuration, and checks it.
package configcmd

import (
	"errors"
	"fmt"
	"slices"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/config"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/audit/source"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
)

// New returns the command.
func New() *command.Command {
	return &command.Command{
		Name:        "config",
		Usage:       "print the site's configuration, or check it",
		Subcommands: []*command.Command{show(), check()},
	}
}

func show() *command.Command {
	a := options.NewAudit()
	return &command.Command{
		Name:        "show",
		Usage:       "print the effective configuration, with the origin of each value",
		Description: "Takes the options of an audit: it prints the configuration that an audit with them would use.",
		Flags:       slices.DeleteFunc(a.Flags(), func(f *command.Flag) bool { return f == a.JobsFlag() }),
		Run:         (&shown{a}).run,
	}
}

func check() *command.Command {
	c := options.NewConfiguration()
	return &command.Command{
		Name:  "check",
		Usage: "report the errors of a configuration: exit 0 if there are none, else 2",
		Arguments: []command.Argument{{
			Metavar:  "FILE",
			Optional: true,
			Complete: command.AnyFile,
		}},
		Description: "Without FILE, it checks the configuration that an audit would use here.",
		Flags:       []*command.Flag{c.FileFlag()},
		Run: func(inv *command.Invocation) error {
			if len(inv.Args) == 1 {
				if c.FileFlag().Source() == command.FromCommandLine {
					return cmdutil.Usagef("config check takes one file")
				}
				if err := c.FileFlag().Set(inv.Args[0]); err != nil {
					return err
				}
			}
			// It is not an option here, but an audit would look for no configuration.
			if err := command.SetFromEnvironment([]*command.Flag{c.NoneFlag()}); err != nil {
				return err
			}
			x, err := c.Resolve(inv.In, ".")
			if err != nil {
				return err
			}
			if x.File == nil {
				return &cmdutil.UsageError{
					Message: "there is no configuration here",
					Hint:    "name a FILE, or see 'virt-audit config check --help'",
				}
			}
			if err := checkFiles(x); err != nil {
				return err
			}
			_, err = fmt.Fprintf(inv.Out, "%s: valid\n", report.Printable(x.File.Path))
			return err
		},
	}
}

// checkFiles reads the files that the configuration names, and returns every error that a run with
// it would have.
func checkFiles(x *site.Site) error {
	var errs []error
	var profiles []audit.Profile
	for _, s := range x.File.Settings {
		if s.Key == "profiles" {
			for _, v := range s.Values {
				profiles = append(profiles, audit.Profile(v))
			}
		}
		if err := checkSetting(s, x.Origin(s)); err != nil {
			errs = append(errs, err)
		}
	}
	chosen, err := x.Choose(options.WithBaseline(profiles), nil, nil)
	if err == nil && len(chosen) == 0 {
		at := x.File.Places["disable"]
		err = &source.Error{
			File:     x.File.Path,
			Position: source.Position{Line: at.Line, Column: at.Column},
			Message:  "disable: no rule of the profiles is left",
		}
	}
	if err != nil {
		errs = append(errs, err)
	}
	if len(errs) == 0 {
		return nil
	}
	texts := make([]error, len(errs))
	for i, err := range errs {
		texts[i] = errors.New(cmdutil.Hinted(err))
	}
	return site.Wrong(errors.Join(texts...))
}

// checkSetting reads what a setting names. origin is the place of the setting.
func checkSetting(s config.Setting, origin string) (err error) {
	switch s.Key {
	case "policy":
		_, err = options.Edition(s.Values[0], origin)
	case "baseline":
		_, err = options.ReadBaseline(s.Values[0], origin)
	case "format":
		_, err = options.Targets(s.Values, "", origin)
	}
	return err
}
