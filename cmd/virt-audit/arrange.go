package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit/suggest"
)

// arrange puts options before operands, as getopt does and the flag parser wants: users of virsh type
// "virt-audit web.xml -q", and without this -q would be taken for a file. It also splits "-j4" and
// "-qj4". What is behind "--" stays as it is.
//
// Options before a command are taken for its own, "virt-audit --no-config rules": the library would set
// them where no command looks. One that the command does not have is an error.
func arrange(app *cli.App, args []string) ([]string, error) {
	if len(args) == 0 {
		return args, nil
	}
	a := &arranger{typed: map[string]bool{}}
	app.Metadata = map[string]any{typedOptions: a.typed}
	out, err := a.arrange("", app.Flags, app.Commands, nil, args[1:])
	return append([]string{args[0]}, out...), err
}

// typedOptions is where the app keeps which options stand on its command line.
const typedOptions = "typed"

// typedOption reports whether an option stands on the command line, and does not have its value from the
// environment, the configuration or nowhere.
func typedOption(c *cli.Context, name string) bool {
	typed, _ := c.App.Metadata[typedOptions].(map[string]bool)
	return typed[name]
}

// setTyped sets an option as if it stood on the command line.
func setTyped(c *cli.Context, name, value string) error {
	if typed, ok := c.App.Metadata[typedOptions].(map[string]bool); ok {
		typed[name] = true
	}
	return c.Set(name, value)
}

type arranger struct {
	typed map[string]bool // options by their first name
}

// given is an option as it was typed, with its value.
type given struct {
	flag  cli.Flag // nil for one that there is not
	name  string   // as it was typed
	words []string
}

// arrange arranges what is behind a command, which "" stands for none of. Before it stood some options.
func (a *arranger) arrange(of string, flags []cli.Flag, commands []*cli.Command, before []given, args []string) ([]string, error) {
	var options []given
	var operands []string
	for _, o := range before {
		if f := lookup(flags, o.name); f == nil || f.Names()[0] != o.flag.Names()[0] {
			o.flag = nil
		}
		options = append(options, o)
	}
	end := func(operands ...string) ([]string, error) {
		var out []string
		for i, o := range options {
			switch {
			case o.flag != nil:
				a.typed[o.flag.Names()[0]] = true
			case i < len(before):
				return nil, usagef("option %s has no meaning to %s", dashed(o.name), of)
			}
			out = append(out, o.words...)
			if o.flag == cli.HelpFlag {
				operands = nil // the library would take the first for a command to explain
			}
		}
		return append(out, operands...), nil
	}
	for i := 0; i < len(args); i++ {
		word := args[i]
		switch {
		case word == "--":
			return end(slices.Concat([]string{"--"}, operands, args[i+1:])...)
		case len(word) < 2 || word[0] != '-':
			if c := command(commands, word); c != nil && len(operands) == 0 {
				var out []string
				var inherited []given
				for _, o := range slices.Concat(before, options[len(before):]) {
					if o.flag == nil || o.flag == cli.HelpFlag || o.flag == cli.VersionFlag {
						out = append(out, o.words...)
					} else {
						inherited = append(inherited, o)
					}
				}
				rest, err := a.arrange(strings.TrimSpace(of+" "+c.Name), c.Flags, c.Subcommands, inherited, args[i+1:])
				return slices.Concat(out, []string{word}, rest), err
			}
			operands = append(operands, word)
			continue
		}
		for _, part := range split(flags, word) {
			name, _, _ := strings.Cut(strings.TrimLeft(part, "-"), "=")
			options = append(options, given{lookup(flags, name), name, []string{part}})
		}
		last := &options[len(options)-1]
		if last.flag != nil && !strings.Contains(last.words[0], "=") && takesValue(last.flag) && i+1 < len(args) {
			i++
			last.words = append(last.words, args[i])
		}
	}
	if len(operands) > 0 {
		operands = slices.Insert(operands, 0, "--")
	}
	return end(operands...)
}

// split takes "-qj4" apart into "-q", "-j=4"; anything else is returned whole.
func split(flags []cli.Flag, arg string) []string {
	if strings.HasPrefix(arg, "--") || len(arg) <= 2 || lookup(flags, strings.SplitN(arg[1:], "=", 2)[0]) != nil {
		return []string{arg}
	}
	var out []string
	for i := 1; i < len(arg); i++ {
		f := lookup(flags, arg[i:i+1])
		if f == nil {
			return []string{arg}
		}
		if takesValue(f) {
			if i+1 < len(arg) {
				return append(out, "-"+arg[i:i+1]+"="+strings.TrimPrefix(arg[i+1:], "="))
			}
			return append(out, "-"+arg[i:i+1])
		}
		out = append(out, "-"+arg[i:i+1])
	}
	return out
}

func command(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

func lookup(flags []cli.Flag, name string) cli.Flag {
	for _, f := range append(flags, cli.HelpFlag, cli.VersionFlag) {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

// didYouMean returns a hint that names the word most like the one that was typed, or "".
func didYouMean(typed string, words []string) string { return suggest.Hint(typed, words) }
