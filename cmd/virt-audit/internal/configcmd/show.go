package configcmd

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/config"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
)

// optionKeys returns the keys of the configuration that correspond to options.
func optionKeys() []*config.Key {
	return slices.DeleteFunc(slices.Clone(config.Keys()), func(k *config.Key) bool { return k.Option == "" })
}

// shown is the configuration that an audit with its options would use.
type shown struct{ *options.Audit }

// run prints the effective configuration as YAML that has the same effect when it takes the place
// of the current configuration, with a comment on the origin of each value. What a configuration
// cannot express is a comment.
func (o *shown) run(inv *command.Invocation) error {
	x, err := o.Configuration.Resolve(inv.In, ".", o.Flags()...)
	if err != nil {
		return err
	}
	cfg, err := o.Settings(x) // an error in a value is returned, not shown
	if err != nil {
		return err
	}
	if _, err := o.Targets(); err != nil {
		return err
	}
	w := &writer{}
	if x.File == nil {
		w.WriteString("# there is no configuration: these are the defaults, the environment and the options\n")
	} else {
		fmt.Fprintf(w, "# the configuration is %s\n", report.Printable(x.File.Path))
	}
	for _, k := range optionKeys() {
		o.showKey(w, x, k)
	}
	w.note("rule", options.SplitList(o.Only), origin(x, o.OnlyFlag())+": no other rule runs")
	w.note("skip-rule", o.Skipped(), origin(x, o.SkipFlag()))
	o.showRest(w, x, cfg)
	_, err = fmt.Fprint(inv.Out, w.String())
	return err
}

// showKey prints the value of a key that corresponds to an option.
func (o *shown) showKey(w *writer, x *site.Site, k *config.Key) {
	f := o.flag(k)
	from := origin(x, f)
	switch {
	case k.Name == "profiles": // baseline is always one
		profiles, _ := options.Profiles(o.Profiles) // Settings has read it
		var names []string
		for _, p := range profiles {
			names = append(names, string(p))
		}
		w.list("", k.Name, names, from)
	case k.Name == "format": // some files cannot be in a configuration
		formats, others := formats(x, o.Formats)
		w.list("", k.Name, formats, from)
		w.note("format", others, from+": a configuration cannot name the file")
	case k.Kind == config.Words:
		w.list("", k.Name, options.SplitList(f.Values()), from)
	default:
		w.line("", k.Name, value(x, k, f), from)
	}
}

// flag returns the row of the option that a key corresponds to.
func (o *shown) flag(k *config.Key) *command.Flag { return command.Find(o.Flags(), k.Option) }

// origin returns where an option has its value from.
func origin(x *site.Site, f *command.Flag) string {
	switch f.Source() {
	case command.FromCommandLine:
		return "option --" + f.Name
	case command.FromEnvironment:
		return f.EnvironmentVariable() + " in the environment"
	case command.FromConfiguration:
		return x.Place(f.Key)
	default:
		return "default"
	}
}

// value returns the value of an option as YAML, or "" if it has none.
func value(x *site.Site, k *config.Key, f *command.Flag) string {
	if k.Kind == config.Flag {
		return f.Value.String()
	}
	text := cmp.Or(f.Value.String(), k.DefaultValue())
	if text == "" {
		return ""
	}
	if k.File && !k.IsChoice(text) {
		text = relative(x, text)
		if k.HasChoices() && !strings.Contains(text, "/") && filepath.Ext(text) != ".yaml" && filepath.Ext(text) != ".yml" {
			text = "./" + text // else it would be one of the words
		}
	}
	return scalar(text)
}

// relative returns the name of a file relative to the configuration; an absolute name stays as it
// is.
func relative(x *site.Site, file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return cmp.Or(below(x, file), file)
}

// below returns a file relative to the directory of the configuration, or "" if that is not known.
func below(x *site.Site, file string) string {
	dir := "."
	if x.File != nil {
		dir = x.File.Dir()
	}
	from, err := filepath.Abs(dir)
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

// formats returns the formats of the report as a configuration would name them, and those that it
// may not name: their files are outside of its directory, or in .git, or have a comma in their
// name.
func formats(x *site.Site, values []string) (named, others []string) {
	all := options.SplitFormats(values)
	if len(all) == 0 {
		all = site.FormatNames()[:1]
	}
	for _, word := range all {
		name, file, own := strings.Cut(word, ":")
		if !own || file == "-" {
			named = append(named, name)
			continue
		}
		if x.File == nil || x.File.Path != config.System || !filepath.IsAbs(file) {
			if file = below(x, file); !config.MayWrite(file) {
				others = append(others, word)
				continue
			}
		}
		named = append(named, name+":"+file)
	}
	return named, others
}

// showRest prints the values of keys that correspond to no option, or to an option that only
// negates them.
func (o *shown) showRest(w *writer, x *site.Site, cfg *audit.Settings) {
	f := config.File{}
	if x.File != nil {
		f = *x.File
	}
	f.DomainWaivers.Ignore = cfg.DomainWaivers.Ignore // an option can set it
	for _, v := range f.Values() {
		from := "default"
		if _, ok := f.Places[v.Path]; ok {
			from = x.Place(v.Path)
		}
		if option := o.flag(v.Key); option != nil && option.IsSet() && option.Value.String() == "true" {
			from = origin(x, option)
		}
		w.value(v, from)
	}
}
