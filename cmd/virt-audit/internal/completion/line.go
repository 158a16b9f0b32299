package completion

import (
	"os"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
)

// commandLine is the part of a command line before the cursor.
type commandLine struct {
	program   *command.Command
	command   *command.Command  // the last that was named
	values    map[string]string // of the options, by their long names
	arguments int
	dashes    bool          // "--" was seen
	pending   *command.Flag // the next word is its value
}

func newCommandLine(program *command.Command, words []string) *commandLine {
	l := &commandLine{program: program, command: program, values: map[string]string{}}
	for _, w := range words {
		l.add(w)
	}
	return l
}

func (l *commandLine) add(w string) {
	switch {
	case l.pending != nil:
		l.values[l.pending.Name] = w
		l.pending = nil
	case w == "--":
		l.dashes = true
	case l.dashes || !command.IsOption(w):
		if sub := l.command.Subcommand(w); sub != nil && l.arguments == 0 && !l.dashes {
			l.command = sub
			return
		}
		l.arguments++
	default:
		options, _ := command.ParseWord(l.flags(), w)
		for _, o := range options {
			l.values[o.Flag.Name] = o.Value
			if o.Flag.TakesValue() && !o.Valued {
				l.pending = o.Flag
			}
		}
	}
}

// flags returns the options that may follow.
func (l *commandLine) flags() []*command.Flag {
	flags := append(slices.Clone(l.command.Flags), command.HelpFlag)
	if l.command == l.program {
		flags = append(flags, command.VersionFlag)
	}
	return flags
}

// offer offers what may follow the line, where a word has begun.
func (l *commandLine) offer(o *offer, begun string) {
	switch {
	case l.pending != nil:
		l.value(o, l.pending, begun)
	case l.dashes || !strings.HasPrefix(begun, "-"):
		l.argument(o)
	case strings.Contains(begun, "="), !strings.HasPrefix(begun, "--") && len(begun) > 2:
		options, _ := command.ParseWord(l.flags(), begun) // "-fjs" is "-f=js"
		if len(options) == 0 || len(options) > 1 && strings.Contains(begun, "=") {
			return // unknown, or a form that the shells' scripts do not split
		}
		if last := options[len(options)-1]; last.Flag.TakesValue() && last.Valued {
			o.prefix = strings.TrimSuffix(begun, last.Value)
			l.value(o, last.Flag, last.Value)
		}
	default:
		l.options(o, begun)
	}
}

// options offers those that may still follow: the long ones, and short ones after a single dash.
func (l *commandLine) options(o *offer, begun string) {
	for _, f := range l.flags() {
		if f.Hidden || l.has(f) && !f.Repeated {
			continue
		}
		for _, name := range f.Names() {
			if begun == "-" || strings.HasPrefix(name, "--") {
				o.word(name, f.About())
			}
		}
	}
}

func (l *commandLine) has(f *command.Flag) bool {
	_, ok := l.values[f.Name]
	return ok
}

// argument offers commands, and what completes the command's next argument.
func (l *commandLine) argument(o *offer) {
	if l.arguments == 0 && !l.dashes {
		for _, sub := range l.command.Subcommands {
			if !sub.Hidden {
				o.word(sub.Name, sub.Usage)
			}
		}
	}
	a, ok := l.command.ArgumentAt(l.arguments)
	if ok && (a.Unless == nil || !l.has(a.Unless) && os.Getenv(a.Unless.EnvironmentVariable()) == "") {
		o.add(a.Complete, l.program)
	}
}

// value offers what completes an option's value.
func (l *commandLine) value(o *offer, f *command.Flag, begun string) {
	complete := f.Complete
	before := ""
	switch {
	case f.List:
		before = begun[:strings.LastIndex(begun, ",")+1]
		o.list = true
	case f.ToFile && strings.Contains(begun, ":"):
		before = begun[:strings.Index(begun, ":")+1]
		complete = command.AnyFile
	}
	o.prefix += before
	o.add(complete, l.program)
	for w := range strings.SplitSeq(before, ",") { // is in the list already
		o.remove(w)
	}
}
