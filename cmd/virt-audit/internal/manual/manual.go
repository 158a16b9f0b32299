// Package manual makes the man page from the table of commands, and a text in Markdown. Only "make
// docs" needs it: it is not part of the executable.
package manual

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
)

// Page returns the man page in troff. text is Markdown, as a template of [text/template] with the
// fields Name, Synopsis, Options, Commands, Formats and Exceptions.
func Page(program *command.Command, text string) ([]byte, error) {
	page, err := template.New("manual").Parse(text)
	if err != nil {
		return nil, err
	}
	var filled bytes.Buffer
	if err := page.Execute(&filled, newParts(program)); err != nil {
		return nil, err
	}
	return troff(filled.Bytes()), nil
}

// parts are the parts of the page that are made from the table, as Markdown.
type parts struct {
	Name, Synopsis, Options, Commands, Formats, Exceptions string

	program *command.Command
}

func newParts(program *command.Command) *parts {
	m := &parts{program: program, Name: program.Name + " - " + program.Usage, Synopsis: synopsis(program.Synopsis...)}
	m.Options = categories(append(slices.Clone(program.Flags), command.HelpFlag, command.VersionFlag))
	m.Commands = m.commands([]string{program.Name}, program.Subcommands)
	for _, f := range report.Formats() {
		m.Formats += definition("`"+f.Name+"`", sentence(marked(f.About)))
	}
	m.Exceptions = exceptions(program)
	return m
}

// exceptions returns sentences about the options whose variable has another name.
func exceptions(program *command.Command) string {
	var out []string
	program.Walk(func(path []string, c *command.Command) {
		for _, f := range c.Flags {
			v := f.EnvironmentVariable()
			if v == "" || v == command.VariableOf(f.Name) {
				continue
			}
			name := strings.Join(append(slices.Clone(path[1:min(2, len(path))]), "--"+f.Name), " ")
			if text := fmt.Sprintf("`%s` sets `%s`.", v, name); !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	})
	return strings.Join(out, " ")
}

func definition(term, text string) string { return "\n" + term + "\n: " + text + "\n" }

// sentence returns a text that begins with a lower case letter and has no period as a sentence.
func sentence(s string) string {
	if !strings.HasPrefix(s, "libvirt") {
		s = strings.ToUpper(s[:1]) + s[1:]
	}
	if strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// marked sets options and quoted commands as code.
func marked(s string) string {
	s = regexp.MustCompile(`(^|[\s(])'([^'\s][^']*)'`).ReplaceAllString(s, "$1`$2`")
	return regexp.MustCompile(`(^|[\s([])(--?[a-z][a-z-]*|~/[\w./]+)`).ReplaceAllString(s, "$1`$2`")
}

var capitals = regexp.MustCompile(`\b[A-Z]{2,}\b(\.json)?`)

// synopsis sets ways to call a command, each with "virt-audit" in bold. Those with a description
// are a list.
func synopsis(all ...command.Line) string {
	var calls, list strings.Builder
	for _, l := range all {
		call := capitals.ReplaceAllString(marked(strings.Replace(l.Call, "virt-audit", "`virt-audit`", 1)), "*$0*")
		call = strings.NewReplacer("[", `\[`, "]", `\]`).Replace(call)
		if l.About != "" {
			list.WriteString(definition(call, sentence(l.About)))
		} else {
			calls.WriteString(call + "  \n")
		}
	}
	return strings.TrimSpace(calls.String() + list.String())
}

// categories lists options under the headings of their categories.
func categories(flags []*command.Flag) string {
	var titles []string
	in := map[string][]*command.Flag{}
	for _, f := range flags {
		if _, ok := in[f.Category]; !ok {
			titles = append(titles, f.Category)
		}
		in[f.Category] = append(in[f.Category], f)
	}
	slices.Sort(titles) // as --help has them: "" is the first
	var b strings.Builder
	for _, title := range titles {
		heading := strings.TrimSuffix(title, ":")
		if heading == "" {
			heading = "General"
		}
		b.WriteString("\n### " + heading + "\n" + options(in[title]))
	}
	return b.String()
}

// options lists options.
func options(flags []*command.Flag) string {
	var b strings.Builder
	for _, f := range flags {
		if !f.Hidden {
			b.WriteString(option(f))
		}
	}
	return b.String()
}

func option(f *command.Flag) string {
	names := f.Names()
	slices.Reverse(names) // short ones first
	for i, n := range names {
		names[i] = "`" + n + "`"
	}
	term := strings.Join(names, ", ")
	if f.TakesValue() {
		term += " *" + f.Placeholder() + "*"
	}
	text := sentence(marked(emphasized(f)))
	if d := f.DefaultText(); d != "" {
		text += " Default: " + marked(d) + "."
	}
	return definition(term, text)
}

// emphasized returns the usage of an option with its metavariable in italics.
func emphasized(f *command.Flag) string {
	text := f.About()
	for name := range strings.SplitSeq(f.Metavar, "|") {
		if name != "" {
			text = regexp.MustCompile(`\b`+name+`\b`).ReplaceAllString(text, "*"+name+"*")
		}
	}
	return text
}

// commands describes commands, each with its options. Options of the audit are named, and not
// described again.
func (m *parts) commands(path []string, commands []*command.Command) string {
	var b strings.Builder
	for _, c := range commands {
		name := strings.Join(append(slices.Clone(path), c.Name), " ")
		if c.Hidden || plain(c) && len(path) > 1 {
			continue
		}
		fmt.Fprintf(&b, "\n### %s\n\n", strings.TrimPrefix(name, m.program.Name+" "))
		if len(c.Subcommands) == 0 {
			b.WriteString(synopsis(command.Line{
				Call: strings.TrimSpace(name + " [options] " + arguments(c)),
			}) + "\n\n")
		}
		b.WriteString(sentence(marked(c.Usage)) + "\n")
		if c.Description != "" {
			b.WriteString("\n" + sentence(marked(strings.ReplaceAll(c.Description, "\n", " "))) + "\n")
		}
		if len(c.Synopsis) > 0 {
			b.WriteString("\n" + synopsis(c.Synopsis...) + "\n")
		}
		own, shared := m.split(c.Flags)
		if shared != "" {
			b.WriteString("\n" + shared + "\n")
		}
		b.WriteString(options(own))
		for _, sub := range c.Subcommands {
			if plain(sub) && !sub.Hidden {
				b.WriteString(definition("`"+name+" "+sub.Name+"`", sentence(marked(sub.Usage))))
			}
		}
		b.WriteString(m.commands(append(slices.Clone(path), c.Name), c.Subcommands))
	}
	return b.String()
}

func arguments(c *command.Command) string {
	var words []string
	for _, a := range c.Arguments {
		words = append(words, a.String())
	}
	return strings.Join(words, " ")
}

// plain reports whether there is no more to say of a command than what it does.
func plain(c *command.Command) bool {
	return len(c.Flags) == 0 && len(c.Arguments) == 0 && c.Description == "" && len(c.Subcommands) == 0
}

// split separates a command's own options from those that an audit has too, which it names in a
// sentence.
func (m *parts) split(flags []*command.Flag) (own []*command.Flag, shared string) {
	var same, missing []string
	for _, f := range m.program.Flags {
		name := "`--" + f.Name + "`"
		if slices.ContainsFunc(flags, func(g *command.Flag) bool { return option(f) == option(g) }) {
			same = append(same, name)
		} else {
			missing = append(missing, name)
		}
	}
	for _, f := range flags {
		if !slices.ContainsFunc(m.program.Flags, func(g *command.Flag) bool { return option(f) == option(g) }) {
			own = append(own, f)
		}
	}
	switch {
	case len(same) == 0:
	case len(same) > len(missing):
		shared = "The options of an audit apply, but for " + enumerated(missing) + "."
	case len(same) == 1:
		shared = "The option " + same[0] + " of an audit applies."
	default:
		shared = "The options " + enumerated(same) + " of an audit apply."
	}
	return own, shared
}

func enumerated(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
