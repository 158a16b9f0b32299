package main

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/russross/blackfriday/v2"
	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit/report"
)

// manualParts are what the page has from the program, as Markdown.
type manualParts struct {
	Name, Synopsis, Options, Commands, Formats, Exceptions string

	app *cli.App
}

func newManualParts(app *cli.App) *manualParts {
	m := &manualParts{app: app, Name: app.Name + " - " + app.Usage, Synopsis: synopsis(app.UsageText)}
	m.Options = m.options(append(slices.Clone(app.Flags), cli.HelpFlag, cli.VersionFlag), "\n### ")
	m.Commands = m.commands(app.Name, app.Commands)
	for _, f := range report.Formats() {
		m.Formats += definition("`"+f.Name+"`", sentence(marked(f.About)))
	}
	var exceptions []string
	m.exceptions(app.Flags, "", &exceptions)
	each(app.Commands, func(c *cli.Command) { m.exceptions(c.Flags, c.Name+" ", &exceptions) })
	m.Exceptions = strings.Join(exceptions, " ")
	return m
}

// exceptions collects options whose variable has another name. Of commands, some options have none.
func (m *manualParts) exceptions(flags []cli.Flag, command string, out *[]string) {
	for _, f := range flags {
		name := f.Names()[0]
		for _, v := range f.(cli.DocGenerationFlag).GetEnvVars() {
			text := fmt.Sprintf("`%s` stands for `%s--%s`.", v, command, name)
			if v != env(name)[0] && !slices.Contains(*out, text) {
				*out = append(*out, text)
			}
		}
	}
}

func definition(term, text string) string { return "\n" + term + "\n: " + text + "\n" }

// sentence makes one of a text that begins small and has no period.
func sentence(s string) string {
	if !strings.HasPrefix(s, "libvirt") {
		s = strings.ToUpper(s[:1]) + s[1:]
	}
	if strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// marked sets options and quoted commands of a text of the program's as code.
func marked(s string) string {
	s = regexp.MustCompile(`(^|[\s(])'([^'\s][^']*)'`).ReplaceAllString(s, "$1`$2`")
	return regexp.MustCompile(`(^|[\s([])(--?[a-z][a-z-]*|~/[\w./]+)`).ReplaceAllString(s, "$1`$2`")
}

var capitals = regexp.MustCompile(`\b[A-Z]{2,}\b(\.json)?`)

// synopsis sets the lines of a usage text, each with the program in bold. Where the lines say what they are
// for, it is a list.
func synopsis(usage string) string {
	described := regexp.MustCompile(`(?m)^(virt-audit .*\[options\]) +([a-z].*)$`)
	usage = regexp.MustCompile(`\n {4,}`).ReplaceAllString(described.ReplaceAllString(usage, "$1\t$2"), "\t")
	var calls, list strings.Builder
	for line := range strings.SplitSeq(usage, "\n") {
		call, about, ok := strings.Cut(line, "\t")
		call = capitals.ReplaceAllString(marked(strings.Replace(call, "virt-audit", "`virt-audit`", 1)), "*$0*")
		call = strings.NewReplacer("[", `\[`, "]", `\]`).Replace(call)
		if ok {
			list.WriteString(definition(call, sentence(about)))
		} else {
			calls.WriteString(call + "  \n")
		}
	}
	return strings.TrimSpace(calls.String() + list.String())
}

// machineDefaults are defaults that the machine decides.
var machineDefaults = map[string]string{"jobs": "as many as there are"}

// options lists options, by their categories where a heading for these is given.
func (m *manualParts) options(flags []cli.Flag, heading string) string {
	var b strings.Builder
	var categories []string
	of := map[string][]cli.Flag{}
	for _, f := range flags {
		category := ""
		if c, ok := f.(cli.CategorizableFlag); ok && heading != "" {
			category = c.GetCategory()
		}
		if _, ok := of[category]; !ok && category != "" {
			categories = append(categories, category)
		}
		if v, ok := f.(cli.VisibleFlag); !ok || v.IsVisible() {
			of[category] = append(of[category], f)
		}
	}
	slices.Sort(categories) // as --help has them
	if len(of[""]) > 0 {
		categories = append([]string{""}, categories...)
	}
	for _, category := range categories {
		title := strings.TrimSuffix(category, ":")
		if title == "" {
			title = "General"
		}
		if heading != "" {
			b.WriteString(heading + title + "\n")
		}
		for _, f := range of[category] {
			b.WriteString(option(f))
		}
	}
	return b.String()
}

func option(f cli.Flag) string {
	d := f.(cli.DocGenerationFlag)
	value, _ := placeholder(f)
	names := slices.Clone(f.Names())
	slices.SortStableFunc(names, func(a, b string) int { return min(len(a), 2) - min(len(b), 2) }) // short ones first
	for i, n := range names {
		names[i] = "`" + dashed(n) + "`"
	}
	term := strings.Join(names, ", ")
	if value != "" {
		term += " *" + value + "*"
	}
	text := sentence(marked(strings.Replace(strings.Replace(d.GetUsage(), "`", "*", 1), "`", "*", 1)))
	if strings.Contains(text, "(default") || !d.TakesValue() {
		return definition(term, text)
	}
	byDefault := strings.Trim(d.GetDefaultText(), `"`)
	if s, ok := machineDefaults[f.Names()[0]]; ok {
		byDefault = s
	}
	if byDefault != "" {
		text += " Default: " + byDefault + "."
	}
	return definition(term, text)
}

// commands describes commands, each with its options. What an option of an audit says is not said again.
func (m *manualParts) commands(parent string, commands []*cli.Command) string {
	var b strings.Builder
	for _, c := range commands {
		name := parent + " " + c.Name
		if c.Hidden || plainCommand(c) && parent != m.app.Name {
			continue
		}
		fmt.Fprintf(&b, "\n### %s\n\n", strings.TrimPrefix(name, m.app.Name+" "))
		if len(c.Subcommands) == 0 && c.UsageText == "" {
			b.WriteString(synopsis(strings.TrimSpace(name+" [options] "+c.ArgsUsage)) + "\n\n")
		}
		b.WriteString(sentence(marked(c.Usage)) + "\n")
		if c.Description != "" {
			b.WriteString("\n" + sentence(marked(strings.ReplaceAll(c.Description, "\n", " "))) + "\n")
		}
		if c.UsageText != "" {
			b.WriteString("\n" + synopsis(c.UsageText) + "\n")
		}
		own, shared := m.split(c.Flags)
		if shared != "" {
			b.WriteString("\n" + shared + "\n")
		}
		b.WriteString(m.options(own, ""))
		for _, sub := range c.Subcommands {
			if plainCommand(sub) && !sub.Hidden {
				b.WriteString(definition("`"+name+" "+sub.Name+"`", sentence(marked(sub.Usage))))
			}
		}
		b.WriteString(m.commands(name, c.Subcommands))
	}
	return b.String()
}

// plainCommand reports whether there is no more to say of a command than what it does.
func plainCommand(c *cli.Command) bool {
	return len(c.Flags) == 0 && c.ArgsUsage == "" && c.Description == "" && len(c.Subcommands) == 0
}

// split tells a command's own options from those that an audit has too, which it names in a sentence.
func (m *manualParts) split(flags []cli.Flag) (own []cli.Flag, shared string) {
	var same, lacking []string
	for _, f := range m.app.Flags {
		name := "`" + dashed(f.Names()[0]) + "`"
		if slices.ContainsFunc(flags, func(g cli.Flag) bool { return option(f) == option(g) }) {
			same = append(same, name)
		} else {
			lacking = append(lacking, name)
		}
	}
	for _, f := range flags {
		if !slices.ContainsFunc(m.app.Flags, func(g cli.Flag) bool { return option(f) == option(g) }) {
			own = append(own, f)
		}
	}
	switch {
	case len(same) == 0:
	case len(same) > len(lacking):
		shared = "The options of an audit apply, but for " + enumerated(lacking) + "."
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

// troff makes a man page of Markdown.
func troff(markdown []byte) []byte {
	base := md2man.NewRoffRenderer()
	page := string(blackfriday.Run(markdown, blackfriday.WithRenderer(verbatim{base}), blackfriday.WithExtensions(base.GetExtensions())))
	// Neither break words nor stretch lines, nor sentences: the macro at the head of the page would undo it.
	page = regexp.MustCompile(`(?s)^\.nh\n(\.TH [^\n]*\n)`).ReplaceAllString(page, "$1.nh\n.ad l\n.ss 12 0\n")
	page = regexp.MustCompile(`(?m) +$`).ReplaceAllString(page, "")
	return []byte(regexp.MustCompile(`\n{2,}`).ReplaceAllString(page, "\n"))
}

// verbatim sets what may be typed so that it can be copied: to troff, a "-" is a typographic one. Blocks of
// it stand apart.
type verbatim struct{ blackfriday.Renderer }

func (v verbatim) RenderNode(w io.Writer, n *blackfriday.Node, entering bool) blackfriday.WalkStatus {
	var b bytes.Buffer
	status := v.Renderer.RenderNode(&b, n, entering)
	text := b.String()
	if n.Type == blackfriday.Text && n.Parent.Type != blackfriday.Heading {
		text = strings.NewReplacer(`\-`, `\-`, "-", `\-`).Replace(text)
	}
	if n.Type == blackfriday.Code || n.Type == blackfriday.CodeBlock {
		text = strings.NewReplacer("-", `\-`, "'", `\(aq`, "`", "\\(ga", "^", `\(ha`, "~", `\(ti`).Replace(text)
	}
	if n.Type == blackfriday.CodeBlock {
		text = "\n.PP\n.RS 4" + text + ".nh\n.RE\n" // .EE breaks words again
	}
	_, _ = io.WriteString(w, text)
	return status
}
