package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
)

// arrange puts options before operands, as getopt does and the flag parser wants: users of virsh type
// "virt-audit web.xml -q", and without this -q would be taken for a file. It also splits "-j4" and
// "-qj4". What is behind "--" stays as it is.
func arrange(app *cli.App, args []string) []string {
	if len(args) == 0 {
		return args
	}
	out := append([]string{args[0]}, arrangeIn(app.Flags, app.Commands, args[1:])...)
	return out
}

func arrangeIn(flags []cli.Flag, commands []*cli.Command, args []string) []string {
	var options, operands []string
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			operands = append(operands, args[i+1:]...)
			return append(append(options, "--"), operands...)
		case len(a) < 2 || a[0] != '-':
			if c := command(commands, a); c != nil && len(operands) == 0 {
				return append(append(options, a), arrangeIn(c.Flags, c.Subcommands, args[i+1:])...)
			}
			operands = append(operands, a)
			continue
		}
		options = append(options, split(flags, a)...)
		last := options[len(options)-1]
		name, _, valued := strings.Cut(last, "=")
		if f := lookup(flags, strings.TrimLeft(name, "-")); strings.HasPrefix(last, "-") && f != nil && !valued && takesValue(f) && i+1 < len(args) {
			i++
			options = append(options, args[i])
		}
	}
	if len(operands) > 0 {
		options = append(options, "--")
	}
	return append(options, operands...)
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
func didYouMean(typed string, words []string) string {
	if w := nearest(typed, words); w != "" {
		return "did you mean '" + w + "'?"
	}
	return ""
}

// nearest returns the word most like the one that was typed, or "" where none is close.
func nearest(typed string, words []string) string {
	best, word := 0.85, ""
	for _, w := range words {
		if s := smetrics.JaroWinkler(typed, w, 0.7, 4); s > best {
			best, word = s, w
		}
	}
	return word
}
