package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/russross/blackfriday/v2"
	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/report"
)

const manual = "../../packaging/man/virt-audit"

// TestManual compares the committed man page with what the program says of itself today, and has man
// format it without a warning.
func TestManual(t *testing.T) {
	text, err := os.ReadFile(manual + ".md")
	if err != nil {
		t.Fatal(err)
	}
	page, err := template.New("manual").Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	var filled bytes.Buffer
	if err := page.Execute(&filled, newManualParts(newApp(&streams{}))); err != nil {
		t.Fatal(err)
	}
	generated(t, manual+".1", troff(filled.Bytes()))
	shown := formatted(t)
	if i := slices.IndexFunc(strings.Split(shown, "\n"), func(line string) bool { return len([]rune(line)) > 80 }); i >= 0 {
		t.Errorf("line %d of the page is too wide for a terminal", i+1)
	}
}

// formatted returns the page as a terminal of 80 columns shows it.
func formatted(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("man"); err != nil {
		t.Fatal("man is not installed: 'make tools' installs it (packages man-db and groff)")
	}
	cmd := exec.Command("man", "--warnings=w", "-E", "UTF-8", "-l", manual+".1")
	cmd.Env = append(os.Environ(), "MANWIDTH=80", "MANROFFOPT=", "MANOPT=", "LC_ALL=C.UTF-8", "GROFF_NO_SGR=1")
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("man: %v\n%s", err, complaints.String())
	}
	return regexp.MustCompile(".\b").ReplaceAllString(string(out), "") // bold is struck twice
}

// TestManualComplete looks for what the page has to tell, and is not put in from the program.
func TestManualComplete(t *testing.T) {
	text, err := os.ReadFile(manual + ".md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	source, err := parser.ParseFile(token.NewFileSet(), "app.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	ast.Inspect(source, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "exit") {
			codes++
			if code := v.Values[0].(*ast.BasicLit).Value; !strings.Contains(page, "\n`"+code+"`\n: ") {
				t.Errorf("EXIT STATUS lacks %s (%s)", code, v.Names[0].Name)
			}
		}
		return true
	})
	if codes < 6 {
		t.Errorf("%d exit codes in app.go", codes)
	}

	root := t.TempDir()
	var folders []string
	for _, driver := range []string{"etc/libvirt/%s", "run/libvirt/%s", "var/lib/libvirt/%s/save", "var/lib/libvirt/%s/snapshot", "var/lib/libvirt/%s/checkpoint"} {
		for _, name := range []string{"qemu", "libxl", "lxc", "bhyve", "ch"} {
			folders = append(folders, fmt.Sprintf(driver, name))
		}
	}
	for _, f := range folders {
		if err := os.MkdirAll(filepath.Join(root, f), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	files := page[strings.Index(page, "\n# FILES"):strings.Index(page, "\n# EXAMPLES")]
	for _, folder := range collect.HostFoldersIn(root) {
		path := strings.TrimPrefix(folder, root)
		stated := strings.Contains(files, "`"+path+"`") || strings.Contains(files, "`"+path+"/*.xml`")
		if head, driver := filepath.Split(path); !stated { // "likewise lxc"
			_, after, ok := strings.Cut(files, "`"+head+"qemu")
			item, _, _ := strings.Cut(after, "\n\n")
			stated = ok && strings.Contains(item, "`"+driver+"`")
		}
		if !stated {
			t.Errorf("FILES lacks %s", path)
		}
	}
}

// TestManualExamples runs the examples of the page, those that need a libvirt only as far as the options.
func TestManualExamples(t *testing.T) {
	text, err := os.ReadFile(manual + ".md")
	if err != nil {
		t.Fatal(err)
	}
	fleet, err := filepath.Abs("../../testdata/fleet")
	if err != nil {
		t.Fatal(err)
	}
	vnc, err := os.ReadFile("../../testdata/rules/if-vnc-public/bad.xml")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := errorsOf(os.CopyFS("guests", os.DirFS(fleet)), os.WriteFile("web.xml", vnc, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, examples, _ := strings.Cut(string(text), "\n# EXAMPLES")
	ran := 0
	for _, block := range regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(examples, -1) {
		for line := range strings.Lines(block[1]) {
			ran++
			example(t, strings.TrimSpace(line))
		}
	}
	if ran < 10 {
		t.Errorf("%d examples", ran)
	}
}

// example runs a line of the page. What asks a libvirt, or changes the host, goes as far as its options.
func example(t *testing.T, line string) {
	t.Helper()
	_, command, ok := strings.Cut(line, "virt-audit")
	if !ok {
		t.Errorf("%s: this is no example", line)
		return
	}
	var args []string
	for _, quoted := range regexp.MustCompile(`'[^']*'|[^\s']+`).FindAllString(command, -1) {
		args = append(args, strings.Trim(quoted, "'"))
	}
	var out, errOut bytes.Buffer
	s := &streams{strings.NewReader(""), &out, &errOut}
	if strings.HasPrefix(line, "virt-audit") && !slices.Contains(args, "-c") {
		if code := run(append([]string{"virt-audit"}, args...), s.in, &out, &errOut); code > exitFindings {
			t.Errorf("%s: exit code %d\n%s%s", line, code, out.String(), errOut.String())
		}
		return
	}
	app := newApp(s)
	reached := false
	act := func(*cli.Context) error { reached = true; return nil }
	app.Action = act
	each(app.Commands, func(c *cli.Command) { c.Action = act })
	if err := app.Run(arrange(app, append([]string{"virt-audit"}, args...))); err != nil || !reached {
		t.Errorf("%s: %v\n%s", line, err, errOut.String())
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

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
	s = strings.ToUpper(s[:1]) + s[1:]
	if strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// marked sets options and quoted commands of a text of the program's as code.
func marked(s string) string {
	s = regexp.MustCompile(`(^|[\s(])'([^'\s][^']*)'`).ReplaceAllString(s, "$1`$2`")
	return regexp.MustCompile(`(^|[\s([])(--?[a-z][a-z-]*)`).ReplaceAllString(s, "$1`$2`")
}

var capitals = regexp.MustCompile(`\b[A-Z]{2,}\b(\.json)?`)

// synopsis sets the lines of a usage text, each with the program in bold.
func synopsis(usage string) string {
	var out []string
	for line := range strings.Lines(usage) {
		call, about, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if !strings.HasPrefix(call, "virt-audit") {
			continue
		}
		call = capitals.ReplaceAllString(marked(strings.Replace(call, "virt-audit", "**virt-audit**", 1)), "*$0*")
		if about != "" {
			call += ": " + strings.TrimSpace(about)
		}
		out = append(out, strings.NewReplacer("[", `\[`, "]", `\]`).Replace(call))
	}
	return strings.Join(out, "  \n")
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
	if len(of[""]) > 0 {
		categories = append(categories, "")
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
		if c.Hidden {
			continue
		}
		if len(c.Subcommands) > 0 {
			b.WriteString(m.commands(name, c.Subcommands))
			continue
		}
		usage := synopsis(c.UsageText)
		if usage == "" {
			usage = synopsis(strings.TrimSpace(name + " [options] " + c.ArgsUsage))
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n%s\n", strings.TrimPrefix(name, m.app.Name+" "), usage, sentence(marked(c.Usage)))
		if c.Description != "" {
			b.WriteString("\n" + sentence(marked(strings.ReplaceAll(c.Description, "\n", " "))) + "\n")
		}
		own, shared := m.split(c.Flags)
		if shared != "" {
			b.WriteString("\n" + shared + "\n")
		}
		b.WriteString(m.options(own, ""))
	}
	return b.String()
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

// troff makes a man page of Markdown. What is typed as it stands has a hyphen that can be copied: troff
// sets "-" as a typographic one.
func troff(markdown []byte) []byte {
	base := md2man.NewRoffRenderer()
	page := blackfriday.Run(markdown, blackfriday.WithRenderer(verbatim{base}), blackfriday.WithExtensions(base.GetExtensions()))
	lines := strings.Split(string(page), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return []byte(regexp.MustCompile(`\n{2,}`).ReplaceAllString(strings.Join(lines, "\n"), "\n"))
}

type verbatim struct{ blackfriday.Renderer }

func (v verbatim) RenderNode(w io.Writer, n *blackfriday.Node, entering bool) blackfriday.WalkStatus {
	if n.Type != blackfriday.Code && n.Type != blackfriday.CodeBlock {
		return v.Renderer.RenderNode(w, n, entering)
	}
	var b bytes.Buffer
	status := v.Renderer.RenderNode(&b, n, entering)
	_, _ = io.WriteString(w, strings.NewReplacer("-", `\-`, "'", `\(aq`, "`", "\\(ga", "^", `\(ha`, "~", `\(ti`).Replace(b.String()))
	return status
}
