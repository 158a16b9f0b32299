package main

import (
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// commandLine is what stands before the cursor, read as [arrange] does.
type commandLine struct {
	command  string // "virt-audit policy check"
	usage    string // of its operands
	flags    []cli.Flag
	commands []*cli.Command
	values   map[string]string // of the options that were given, by their first names
	operands int
	closed   bool           // "--" was seen
	pending  cli.Flag       // wants the next word for its value
	all      []*cli.Command // of the program, for help
	actions  []word         // what the first operand may be, of commands that are none of the library's
}

func newCommandLine(app *cli.App, words []string) *commandLine {
	l := &commandLine{command: app.Name, flags: app.Flags, commands: app.Commands, all: app.Commands, values: map[string]string{}}
	for _, w := range words {
		l.add(w)
	}
	return l
}

func (l *commandLine) add(w string) {
	switch {
	case l.pending != nil:
		l.values[l.pending.Names()[0]] = w
		l.pending = nil
	case w == "--":
		l.closed = true
	case l.closed || len(w) < 2 || w[0] != '-':
		c := command(l.commands, w)
		if c == nil || l.operands > 0 {
			l.operands++
			return
		}
		*l = commandLine{
			command: l.command + " " + c.Name, usage: c.ArgsUsage, flags: c.Flags, commands: c.Subcommands, all: l.all, values: l.values,
			actions: actions(l.command+" "+c.Name, c.UsageText),
		}
	default:
		for _, option := range split(l.flags, w) {
			name, value, valued := strings.Cut(strings.TrimLeft(option, "-"), "=")
			if f := lookup(l.flags, name); f != nil {
				l.values[f.Names()[0]] = value
				if takesValue(f) && !valued {
					l.pending = f
				}
			}
		}
	}
}

// actions returns the words that a usage text has behind a command's name: "virt-audit hook install ...".
func actions(command, usage string) []word {
	var out []word
	for line := range strings.Lines(usage) {
		rest, ok := strings.CutPrefix(line, command+" ")
		name, rest, _ := strings.Cut(rest, " ")
		if ok && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz") == "" {
			_, about, _ := strings.Cut(rest, "]")
			out = append(out, word{name, about})
		}
	}
	return out
}

// offer says what may stand behind the line, where a word has begun.
func (l *commandLine) offer(o *offer, begun string) {
	switch {
	case l.pending != nil:
		l.value(o, l.pending, begun)
	case l.closed || !strings.HasPrefix(begun, "-"):
		l.operand(o)
	case strings.Contains(begun, "="):
		name, value, _ := strings.Cut(begun, "=")
		if f := lookup(l.flags, strings.TrimLeft(name, "-")); f != nil && takesValue(f) {
			o.prefix = name + "="
			l.value(o, f, value)
		}
	case !strings.HasPrefix(begun, "--") && len(begun) > 2:
		options := split(l.flags, begun) // "-fjs" is "-f=js"
		name, value, valued := strings.Cut(options[len(options)-1], "=")
		if f := lookup(l.flags, strings.TrimLeft(name, "-")); f != nil && valued {
			o.prefix = strings.TrimSuffix(begun, value)
			l.value(o, f, value)
		}
	default:
		l.options(o, begun)
	}
}

// options offers those that may still be given: the long ones, and short ones for a single dash.
func (l *commandLine) options(o *offer, begun string) {
	flags := append(slices.Clone(l.flags), cli.HelpFlag)
	if !strings.Contains(l.command, " ") {
		flags = append(flags, cli.VersionFlag)
	}
	for _, f := range flags {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() || l.has(f.Names()[0]) && !repeatable(f) {
			continue
		}
		_, about := placeholder(f)
		for _, name := range f.Names() {
			if begun == "-" || len(name) > 1 {
				o.word(dashed(name), about)
			}
		}
	}
}

func (l *commandLine) has(option string) bool {
	_, ok := l.values[option]
	return ok
}

func repeatable(f cli.Flag) bool {
	s, ok := f.(cli.DocGenerationSliceFlag)
	return ok && s.IsSliceFlag()
}

// operand offers commands, and what a command's usage says of its operands: "[EDITION|FILE]", "RULE...".
func (l *commandLine) operand(o *offer) {
	if l.operands == 0 {
		for _, c := range l.commands {
			if !c.Hidden && !l.closed {
				o.word(c.Name, c.Usage)
			}
		}
		o.words = append(o.words, l.actions...)
	}
	if !strings.Contains(l.command, " ") {
		// With a connection they name guests, and libvirt would have to be asked.
		if !l.has("connect") && os.Getenv(env("connect")[0]) == "" {
			kinds["DOMAIN"](o, "")
		}
		return
	}
	for _, kind := range operandKinds(l.usage, l.operands) {
		if kind == "COMMAND" && l.operands == 0 {
			for _, c := range l.all {
				o.word(c.Name, c.Usage)
			}
		}
		if offer := kinds[kind]; offer != nil {
			offer(o, "")
		} else if _, ending, ok := strings.Cut(kind, "."); ok {
			o.files, o.ending = true, []string{ending}
		}
	}
}

// operandKinds returns what the n-th operand is, of a usage such as "OLD.json NEW.json" or "[FILE|FOLDER]...".
func operandKinds(usage string, n int) []string {
	fields := strings.Fields(usage)
	if len(fields) > 0 && n >= len(fields) && strings.HasSuffix(fields[len(fields)-1], "...") {
		n = len(fields) - 1
	}
	if n >= len(fields) {
		return nil
	}
	return strings.Split(strings.Trim(fields[n], "[]."), "|")
}

// value offers what an option's placeholder stands for: `SEVERITY`, `ID[,ID]`, `FORMAT[:FILE]`.
func (l *commandLine) value(o *offer, f cli.Flag, begun string) {
	kind, usage := placeholder(f)
	kind, more, _ := strings.Cut(kind, "[")
	if f.Names()[0] == "policy" {
		kind = "EDITION" // or a file
	}
	before := ""
	switch {
	case strings.HasPrefix(more, ","):
		before = begun[:strings.LastIndex(begun, ",")+1]
		o.list = true
	case strings.HasPrefix(more, ":") && strings.Contains(begun, ":"):
		before = begun[:strings.Index(begun, ":")+1]
		kind = strings.Trim(more, ":[]")
	}
	o.prefix += before
	if offer := kinds[kind]; offer != nil {
		offer(o, usage)
	}
	for w := range strings.SplitSeq(before, ",") { // is in the list already
		o.drop(w)
	}
}

func (o *offer) drop(text string) {
	for i, w := range o.words {
		if w.text == text {
			o.words = append(o.words[:i], o.words[i+1:]...)
			return
		}
	}
}
