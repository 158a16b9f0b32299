package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/report"
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
				return &usageError{"config wants to know what to do", "'virt-audit config show' or 'check'"}
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

// shown are the keys of the configuration that stand for options, in the order of the reference page.
var shown = []struct{ key, option string }{
	{"profiles", "profile"},
	{"fail-on", "fail-on"},
	{"min-severity", "min-severity"},
	{"policy", "policy"},
	{"qemu-version", "qemu-version"},
	{"host-arch", "host-arch"},
	{"format", "format"},
	{"baseline", "baseline"},
	{"show-waived", "show-waived"},
	{"max-size", "max-size"},
}

// optionKeys are the keys that stand for options of an audit.
func optionKeys() []string {
	var keys []string
	for _, k := range shown {
		keys = append(keys, k.key)
	}
	return keys
}

// loads reads the files that the configuration names, and returns what every run with it would fail for.
func (x *site) loads() error {
	var errs []error
	profiles := []audit.Profile{audit.Baseline}
	for _, s := range x.file.Settings {
		x.taken[s.Option] = s
		var err error
		switch says := x.says(s.Option); s.Key {
		case "profiles":
			profiles = nil
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
	chosen, err := x.choose(profiles, nil, nil)
	if err == nil && len(chosen) == 0 {
		at := x.file.Places["disable"]
		err = fmt.Errorf("%s:%d:%d: disable: no rule of the profiles is left", x.file.Path, at.Line, at.Column)
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

// configShow prints what is in force as a configuration that would say the same, with a comment on
// where each value is from.
func (s *streams) configShow(c *cli.Context) error {
	given := map[string]bool{}
	for _, k := range shown {
		given[k.option] = c.IsSet(k.option)
	}
	x, err := siteOption(c, ".", optionKeys()...)
	if err != nil {
		return err
	}
	cfg, err := engine(c, x) // what is wrong with a value is told, not shown
	if err != nil {
		return err
	}
	if _, err := targets(c, x); err != nil {
		return err
	}
	var b strings.Builder
	if x.file == nil {
		b.WriteString("# there is no configuration: these are the defaults, the environment and the options\n")
	} else {
		fmt.Fprintf(&b, "# the configuration is %s\n", report.Printable(x.file.Path))
	}
	for _, k := range shown {
		value := effectiveValue(c, cfg, k.option)
		from := "default"
		switch {
		case given[k.option] && !typedOption(c, k.option):
			from = env(k.option)[0] + " in the environment"
		case given[k.option]:
			from = "option --" + k.option
		case c.IsSet(k.option) && x.file != nil:
			from = x.place(k.key)
		}
		line(&b, "", k.key, value, from)
	}
	if x.file != nil {
		x.show(&b)
	}
	_, err = fmt.Fprint(s.out, b.String())
	return err
}

// effectiveValue is an option's value as YAML has it.
func effectiveValue(c *cli.Context, cfg *audit.Config, option string) string {
	switch option {
	case "profile":
		profiles, _ := profileOption(c) // engine has read it
		return flow(strings.Split(words(profiles), ", "))
	case "format":
		all := splitFormats(c.StringSlice("format"))
		if len(all) == 0 {
			all = formatNames()[:1]
		}
		return flow(all)
	case "policy":
		if c.String("policy") == "" {
			return scalar(cfg.Policy.Name)
		}
	case "qemu-version":
		if c.String("qemu-version") == "" {
			return scalar(cfg.EffectiveQEMU().String())
		}
	case "show-waived":
		return fmt.Sprint(c.Bool("show-waived"))
	}
	return scalar(c.String(option))
}

// scalar writes a text as YAML, in quotes unless it is a plain word.
func scalar(text string) string {
	if text == "" {
		return ""
	}
	out, err := yaml.MarshalWithOptions(text, yaml.JSON())
	if err != nil || strings.Trim(text, plainLetters) != "" {
		return strings.TrimSpace(string(out))
	}
	return text
}

const plainLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_/"

// flow writes a list on one line.
func flow(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = scalar(v)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func line(b *strings.Builder, indent, key, value, from string) {
	text := indent + key + ": " + value
	if value == "" {
		text = indent + "# " + key + ": not set"
	}
	fmt.Fprintf(b, "%-40s # %s\n", text, from)
}

// show prints those parts that stand for no option.
func (x *site) show(b *strings.Builder) {
	f := x.file
	list := func(indent, key, at string, values []string) {
		if len(values) > 0 {
			line(b, indent, key, flow(values), x.place(at))
		}
	}
	list("", "enable", "enable", f.Enable)
	list("", "disable", "disable", f.Disable)
	if len(f.Severity) > 0 {
		b.WriteString("severity:\n")
		for _, r := range x.all() {
			if s, ok := f.Severity[r.ID]; ok {
				line(b, "  ", r.ID, s.String(), x.place("severity."+r.ID))
			}
		}
	}
	if len(f.Waivers) > 0 {
		b.WriteString("waivers:\n")
	}
	for _, w := range f.Waivers {
		line(b, "  ", "- rule", w.Rule, fmt.Sprintf("%s:%d", report.Printable(f.Path), w.Pos.Line))
		for _, m := range []struct{ key, value string }{{"domain", w.Domains}, {"device", w.Device}} {
			if m.value != "" {
				fmt.Fprintf(b, "    %s: %s\n", m.key, scalar(m.value))
			}
		}
		if !w.Until.IsZero() {
			fmt.Fprintf(b, "    until: %s\n", w.Until.Format("2006-01-02"))
		}
		fmt.Fprintf(b, "    reason: %s\n", scalar(w.Reason))
	}
	if _, ok := f.Places["domain-waivers"]; ok {
		fmt.Fprintf(b, "domain-waivers:\n  accept: %t\n  boundary: %t\n", !f.DomainWaivers.Ignore, f.DomainWaivers.Boundary)
		list("  ", "never", "domain-waivers.never", f.DomainWaivers.Never)
	}
	if len(f.Allow.Emulators)+len(f.Allow.Folders) > 0 {
		b.WriteString("allow:\n")
		list("  ", "emulators", "allow.emulators", f.Allow.Emulators)
		list("  ", "folders", "allow.folders", f.Allow.Folders)
	}
	if len(f.Rules) > 0 {
		b.WriteString("rules:\n")
	}
	for _, r := range f.Rules {
		line(b, "  ", "- id", r.ID, fmt.Sprintf("%s:%d", report.Printable(f.Path), r.Pos.Line))
		for _, m := range []struct{ key, value string }{
			{"title", r.Title}, {"severity", r.Severity.String()}, {"for", r.For}, {"expression", r.Expression}, {"message", r.Message}, {"path", r.Path}, {"doc", r.Doc}, {"fix", r.Fix}, {"url", r.URL},
		} {
			if m.value != "" {
				fmt.Fprintf(b, "    %s: %s\n", m.key, scalar(m.value))
			}
		}
	}
}

// place says where the configuration has a value.
func (x *site) place(key string) string {
	path := report.Printable(x.file.Path)
	if at, ok := x.file.Places[key]; ok {
		return fmt.Sprintf("%s:%d", path, at.Line)
	}
	return path
}
