package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/config"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/report"
)

// settings are the keys of the configuration that stand for options, in the order of the reference page.
var settings = []struct{ key, option string }{
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

// configShow prints what is in force as a configuration that would say the same in the place of the one that
// counts, with a comment on where each value is from. What a configuration cannot say is a comment.
func (s *streams) configShow(c *cli.Context) error {
	given := map[string]bool{}
	for _, k := range settings {
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
	w := &writer{}
	if x.file == nil {
		w.WriteString("# there is no configuration: these are the defaults, the environment and the options\n")
	} else {
		fmt.Fprintf(w, "# the configuration is %s\n", report.Printable(x.file.Path))
	}
	for _, k := range settings {
		from := "default"
		if given[k.option] {
			from = origin(c, k.option)
		} else if _, ok := x.taken[k.option]; ok {
			from = x.place(k.key)
		}
		switch k.key {
		case "profiles":
			profiles, _ := profileOption(c) // engine has read it
			w.list("", k.key, strings.Split(words(profiles), ", "), from)
		case "format":
			formats, others := x.formats(c)
			w.list("", k.key, formats, from)
			w.note("format", others, from+": a configuration cannot name the file")
		default:
			w.line("", k.key, x.value(c, cfg, k.option), from)
		}
	}
	w.note("rule", list(c.StringSlice("rule")), origin(c, "rule")+": no other rule runs")
	w.note("skip-rule", list(c.StringSlice("skip-rule")), origin(c, "skip-rule"))
	x.showRest(w, c, cfg)
	_, err = fmt.Fprint(s.out, w.String())
	return err
}

// origin says where an option that is set has its value from, if not from the configuration.
func origin(c *cli.Context, option string) string {
	if typedOption(c, option) {
		return "option --" + option
	}
	return env(option)[0] + " in the environment"
}

// value is an option's value as YAML has it.
func (x *site) value(c *cli.Context, cfg *audit.Config, option string) string {
	text := c.String(option)
	switch {
	case text == "" && option != "policy" && option != "qemu-version" && option != "show-waived":
		return ""
	case option == "show-waived":
		return strconv.FormatBool(c.Bool(option))
	case option == "policy" && text == "":
		text = cfg.Policy.Name
	case option == "qemu-version" && text == "":
		text = cfg.EffectiveQEMU().String()
	case option == "policy" && !slices.Contains(policy.Names(), text):
		text = x.relative(text)
		if ext := filepath.Ext(text); !strings.Contains(text, "/") && ext != ".yaml" && ext != ".yml" {
			text = "./" + text // which is no edition's name
		}
	case option == "baseline":
		text = x.relative(text)
	}
	return scalar(text)
}

// relative returns the name of a file as the configuration has to write it. An absolute one stays what it is.
func (x *site) relative(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return cmp.Or(x.below(file), file)
}

// below returns a file relative to the folder of the configuration, or "" where that cannot be told.
func (x *site) below(file string) string {
	folder := "."
	if x.file != nil {
		folder = x.file.Folder()
	}
	from, err := filepath.Abs(folder)
	if err != nil {
		return ""
	}
	to, err := filepath.Abs(file)
	if err != nil {
		return ""
	}
	rel, err := filepath.Rel(from, to)
	if err != nil {
		return ""
	}
	return rel
}

// formats returns the formats of the report as a configuration would name them, and those that it may not:
// their files lie outside of its folder, or in .git, or have a comma in their name.
func (x *site) formats(c *cli.Context) (named, others []string) {
	all := splitFormats(c.StringSlice("format"))
	if len(all) == 0 {
		all = formatNames()[:1]
	}
	for _, word := range all {
		name, file, own := strings.Cut(word, ":")
		if !own || file == "-" {
			named = append(named, name)
			continue
		}
		if x.file == nil || x.file.Path != config.System || !filepath.IsAbs(file) {
			if file = x.below(file); !config.MayWrite(file) {
				others = append(others, word)
				continue
			}
		}
		named = append(named, name+":"+file)
	}
	return named, others
}

// showRest prints those parts that stand for no option.
func (x *site) showRest(w *writer, c *cli.Context, cfg *audit.Config) {
	f := x.file
	if f == nil {
		f = &config.File{}
	}
	part := func(indent, key, at string, values []string) {
		if len(values) > 0 {
			w.list(indent, key, values, x.place(at))
		}
	}
	part("", "enable", "enable", f.Enable)
	part("", "disable", "disable", f.Disable)
	if len(f.Severity) > 0 {
		w.WriteString("severity:\n")
		for _, r := range x.all() {
			if s, ok := f.Severity[r.ID]; ok {
				w.line("  ", r.ID, s.String(), x.place("severity."+r.ID))
			}
		}
	}
	if len(f.Waivers) > 0 {
		w.WriteString("waivers:\n")
	}
	for _, v := range f.Waivers {
		w.line("  ", "- rule", v.Rule, fmt.Sprintf("%s:%d", report.Printable(f.Path), v.Pos.Line))
		w.text("domain", v.Domains)
		w.text("device", v.Device)
		if !v.Until.IsZero() {
			fmt.Fprintf(w, "    until: %s\n", v.Until.Format("2006-01-02"))
		}
		w.text("reason", v.Reason)
	}
	if _, ok := f.Places["domain-waivers"]; ok || cfg.DomainWaivers.Ignore {
		w.WriteString("domain-waivers:\n")
		from := func(key string) string {
			if _, ok := f.Places["domain-waivers."+key]; ok {
				return x.place("domain-waivers." + key)
			}
			return "default"
		}
		accept := from("accept")
		if c.Bool("no-domain-waivers") {
			accept = origin(c, "no-domain-waivers")
		}
		w.line("  ", "accept", strconv.FormatBool(!cfg.DomainWaivers.Ignore), accept)
		w.line("  ", "boundary", strconv.FormatBool(cfg.DomainWaivers.Boundary), from("boundary"))
		part("  ", "never", "domain-waivers.never", f.DomainWaivers.Never)
	}
	if len(f.Allow.Emulators)+len(f.Allow.Folders) > 0 {
		w.WriteString("allow:\n")
		part("  ", "emulators", "allow.emulators", f.Allow.Emulators)
		part("  ", "folders", "allow.folders", f.Allow.Folders)
	}
	if len(f.Rules) > 0 {
		w.WriteString("rules:\n")
	}
	for _, r := range f.Rules {
		w.line("  ", "- id", r.ID, fmt.Sprintf("%s:%d", report.Printable(f.Path), r.Pos.Line))
		for _, m := range []struct{ key, value string }{
			{"title", r.Title}, {"severity", r.Severity.String()}, {"for", r.For}, {"expression", r.Expression}, {"message", r.Message}, {"path", r.Path}, {"doc", r.Doc}, {"fix", r.Fix}, {"url", r.URL},
		} {
			w.text(m.key, m.value)
		}
	}
}
