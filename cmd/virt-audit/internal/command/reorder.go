package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
)

// The options of every command, and of virt-audit alone.
var (
	HelpFlag = &Flag{
		Name:     "help",
		Short:    "h",
		Usage:    "show help",
		Variable: "-",
		Value:    Switch(new(bool)),
	}
	VersionFlag = &Flag{
		Name:     "version",
		Short:    "V",
		Usage:    "print the version",
		Variable: "-",
		Value:    Switch(new(bool)),
	}
)

// Option is an option as it was typed, by its long name.
type Option struct {
	Flag   *Flag
	Typed  string // "-f"
	Value  string
	Valued bool // Value was typed
}

// String returns the option as the library parses it.
func (o Option) String() string {
	if o.Valued {
		return "--" + o.Flag.Name + "=" + o.Value
	}
	return "--" + o.Flag.Name
}

// reorderArgs puts options before arguments, as getopt does and the library requires: users of
// virsh type "virt-audit web.xml -q", and without this -q would be a file. Options get their long
// names, "-qj4" is split into its options, and what follows "--" stays as it is.
//
// Options before a command belong to the command, as in "virt-audit --no-config rules": the library
// would set them where no command looks. One that the command does not have is an error.
func reorderArgs(program *Command, args []string) ([]string, error) {
	return (&reorderer{program}).reorder(nil, program, nil, args)
}

type reorderer struct{ program *Command }

// reorder reorders what follows a command, which path leads to. before has the options that precede
// it.
func (r *reorderer) reorder(path []string, c *Command, before []Option, args []string) ([]string, error) {
	var own []Option
	var words []string
	for i := 0; i < len(args); i++ {
		word := args[i]
		switch sub := c.Subcommand(word); {
		case word == "--" && c.Dashes != nil && len(words) == 0:
			return r.descend(path, c.Dashes, before, own, args[i:])
		case word == "--":
			return r.finish(path, c, before, own, slices.Concat(words, args[i+1:]))
		case IsOption(word):
			parsed, err := r.parse(path, c, word)
			if err != nil {
				return nil, err
			}
			if last := &parsed[len(parsed)-1]; last.Flag.TakesValue() && !last.Valued {
				if i++; i == len(args) {
					return nil, cmdutil.Usagef("%s: requires a value", last.Typed)
				}
				last.Value, last.Valued = args[i], true
			}
			own = append(own, parsed...)
		case sub != nil && len(words) == 0:
			return r.descend(path, sub, before, own, args[i+1:])
		default:
			words = append(words, word)
		}
	}
	return r.finish(path, c, before, own, words)
}

// IsOption reports whether a word is an option, or several.
func IsOption(word string) bool { return len(word) > 1 && word[0] == '-' }

// descend reorders what follows a subcommand. Options before it are its own, but for --help and
// --version.
func (r *reorderer) descend(path []string, sub *Command, before, own []Option, args []string) ([]string, error) {
	var out []string
	for _, o := range own {
		if o.Flag == HelpFlag || o.Flag == VersionFlag {
			out = append(out, o.String())
		} else {
			before = append(slices.Clone(before), o)
		}
	}
	rest, err := r.reorder(append(slices.Clone(path), sub.Name), sub, before, args)
	return slices.Concat(out, []string{sub.Name}, rest), err
}

// finish returns the command line of a command: its options, and its arguments after "--".
func (r *reorderer) finish(path []string, c *Command, before, own []Option, words []string) ([]string, error) {
	var out []string
	for _, o := range slices.Concat(before, own) {
		f := Find(c.options(), o.Flag.Name)
		if f == nil {
			return nil, cmdutil.Usagef("%s does not apply to %s", o.Typed, strings.Join(path, " "))
		}
		o.Flag = f
		out = append(out, o.String())
		if f == HelpFlag {
			words = nil // the library would take the first for a command to explain
		}
	}
	if len(words) > 0 {
		out = append(append(out, "--"), words...)
	}
	return out, nil
}

// parse reads a word with options. Those of a command that requires a subcommand may be any of its
// subcommands'.
func (r *reorderer) parse(path []string, c *Command, word string) ([]Option, error) {
	known := c.options()
	if c.Run == nil {
		for _, sub := range c.Subcommands {
			known = append(known, sub.Flags...)
		}
	}
	options, bad := ParseWord(known, word)
	if bad == "" {
		return options, nil
	}
	elsewhere := false
	r.program.Walk(func(_ []string, c *Command) {
		elsewhere = elsewhere || Find(c.Flags, strings.TrimLeft(bad, "-")) != nil
	})
	if elsewhere && len(path) > 0 {
		return nil, cmdutil.Usagef("%s does not apply to %s", bad, strings.Join(path, " "))
	}
	var names []string
	for _, f := range known {
		names = append(names, f.Names()...)
	}
	e := &cmdutil.UsageError{Message: "unknown option " + bad, Hint: suggest.Hint(bad, names)}
	if e.Hint == "" {
		e.Hint = fmt.Sprintf("try '%s --help'", strings.Join(append([]string{r.program.Name}, path...), " "))
	}
	return nil, e
}

// options returns the options that the command takes.
func (c *Command) options() []*Flag {
	options := append(slices.Clone(c.Flags), HelpFlag)
	if len(c.Subcommands) > 0 && c.Run != nil {
		options = append(options, VersionFlag) // it is virt-audit itself
	}
	return options
}

// ParseWord splits a word into options: "--name=value", or "-qj4" into -q and -j with the value 4.
// bad is the first that is not known, and "" if all are.
func ParseWord(known []*Flag, word string) (options []Option, bad string) {
	name, value, valued := strings.Cut(strings.TrimLeft(word, "-"), "=")
	if f := Find(known, name); f != nil {
		return []Option{{f, dashed(name), value, valued}}, ""
	}
	if strings.HasPrefix(word, "--") || len(name) < 2 {
		return nil, dashed(name)
	}
	for i := 1; i < len(word); i++ {
		f := Find(known, word[i:i+1])
		if f == nil {
			return nil, dashed(name)
		}
		o := Option{Flag: f, Typed: "-" + word[i:i+1]}
		if rest := word[i+1:]; f.TakesValue() && rest != "" {
			o.Value, o.Valued = strings.TrimPrefix(rest, "="), true
			return append(options, o), ""
		}
		options = append(options, o)
	}
	return options, ""
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}
