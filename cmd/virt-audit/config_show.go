package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/config"
	"github.com/virt-audit/virt-audit/audit/report"
)

// configShow prints what is in force as a configuration that would say the same in the place of the one that
// counts, with a comment on where each value is from. What a configuration cannot say is a comment.
func (s *streams) configShow(c *cli.Context) error {
	given := map[string]bool{}
	for _, k := range optionTable() {
		given[k.Option] = c.IsSet(k.Option)
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
	for _, k := range optionTable() {
		from := "default"
		if given[k.Option] {
			from = origin(c, k.Option)
		} else if _, ok := x.taken[k.Option]; ok {
			from = x.place(k.Name)
		}
		switch {
		case k.Name == "profiles": // baseline always is one
			profiles, _ := profileOption(c) // engine has read it
			w.list("", k.Name, strings.Split(words(profiles), ", "), from)
		case k.Name == "format": // some files cannot be in a configuration
			formats, others := x.formats(c)
			w.list("", k.Name, formats, from)
			w.note("format", others, from+": a configuration cannot name the file")
		case k.Kind == config.Words:
			w.list("", k.Name, list(c.StringSlice(k.Option)), from)
		default:
			w.line("", k.Name, x.value(c, k), from)
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

// value returns the value of an option as YAML, or "" if it has none.
func (x *site) value(c *cli.Context, k *config.Key) string {
	if k.Kind == config.Flag {
		return strconv.FormatBool(c.Bool(k.Option))
	}
	text := cmp.Or(c.String(k.Option), k.DefaultValue())
	if text == "" {
		return ""
	}
	if k.File && !k.IsChoice(text) {
		text = x.relative(text)
		if k.HasChoices() && !strings.Contains(text, "/") && filepath.Ext(text) != ".yaml" && filepath.Ext(text) != ".yml" {
			text = "./" + text // else it would be one of the words
		}
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
		folder = x.file.Dir()
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

// showRest prints the values of keys that stand for no option.
func (x *site) showRest(w *writer, c *cli.Context, cfg *audit.Settings) {
	f := config.File{}
	if x.file != nil {
		f = *x.file
	}
	f.DomainWaivers.Ignore = cfg.DomainWaivers.Ignore // an option can set it
	for _, v := range f.Values() {
		from := "default"
		if _, ok := f.Places[v.Path]; ok {
			from = x.place(v.Path)
		}
		if v.Key.Option != "" && c.Bool(v.Key.Option) {
			from = origin(c, v.Key.Option)
		}
		indent := strings.Repeat("  ", v.Depth)
		switch value := v.Value.(type) {
		case nil:
			fmt.Fprintf(w, "%s%s:\n", indent, v.Name)
		case []string:
			w.list(indent, v.Name, value, from)
		case bool:
			w.line(indent, v.Name, strconv.FormatBool(value), from)
		case audit.Severity:
			w.severity(v, value, from)
		case time.Time:
			fmt.Fprintf(w, "    %s: %s\n", v.Name, value.Format(time.DateOnly))
		case string:
			if v.First {
				w.line(indent, "- "+v.Name, value, from)
			} else {
				w.text(v.Name, value)
			}
		}
	}
}

// severity writes the severity of a rule, with its place unless it is one of several keys of an entry.
func (w *writer) severity(v config.Value, s audit.Severity, from string) {
	if v.Key.Kind == config.Severities {
		w.line("  ", v.Name, s.String(), from)
		return
	}
	w.text(v.Name, s.String())
}
