package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/testdata/need"
)

const manual = "../../packaging/man/virt-audit"

// TestManual compares the committed man page with what the program says of itself today, and has groff, which
// man calls, set it without a warning.
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
	if err := page.Execute(&filled, newManualParts(newApp(newStreams(nil, nil, nil)))); err != nil {
		t.Fatal(err)
	}
	generated(t, manual+".1", troff(filled.Bytes()))

	t.Run("groff", renderedManual)
}

// renderedManual has groff read the page, and measures what a terminal shows.
func renderedManual(t *testing.T) {
	need.Programs(t, "groff")
	cmd := exec.Command("groff", "-man", "-Tutf8", "-k", "-ww", "-rLL=78n", "-P-cbou", manual+".1")
	var complaints strings.Builder
	cmd.Stderr = &complaints
	shown, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Errorf("groff: %v\n%s", err, complaints.String())
	}
	for i, line := range strings.Split(string(shown), "\n") {
		if len([]rune(line)) > 78 {
			t.Errorf("line %d of the page is too wide for a terminal: %s", i+1, line)
		}
	}
}

// TestManualExitStatus wants every exit code to be told of.
func TestManualExitStatus(t *testing.T) {
	text, err := os.ReadFile(manual + ".md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := parser.ParseFile(token.NewFileSet(), "app.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	ast.Inspect(source, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "exit") {
			codes++
			if code := v.Values[0].(*ast.BasicLit).Value; !strings.Contains(string(text), "\n`"+code+"`\n: ") {
				t.Errorf("EXIT STATUS lacks %s (%s)", code, v.Names[0].Name)
			}
		}
		return true
	})
	if codes < 6 {
		t.Errorf("%d exit codes in app.go", codes)
	}
}

// TestManualOptions looks for all commands, options and variables.
func TestManualOptions(t *testing.T) {
	text, err := os.ReadFile(manual + ".1")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.ReplaceAll(string(text), `\-`, "-")
	app := newApp(newStreams(nil, nil, nil))
	check := func(command string, flags []cli.Flag) {
		for _, f := range flags {
			if name := "\\fB--" + f.Names()[0] + "\\fR"; !strings.Contains(page, name) {
				t.Errorf("%s: %s is missing", command, name)
			}
		}
	}
	check(app.Name, app.Flags)
	for _, c := range app.Commands {
		check(c.Name, c.Flags)
		if !strings.Contains(page, "\n.SS "+c.Name+"\n") {
			t.Errorf("the command %s is missing", c.Name)
		}
		for _, sub := range c.Subcommands {
			check(c.Name+" "+sub.Name, sub.Flags)
			if name := c.Name + " " + sub.Name; !sub.Hidden && !strings.Contains(page, "\n.SS "+name+"\n") && !strings.Contains(page, "\n.TP\n\\fBvirt-audit "+name+"\\fR\n") {
				t.Errorf("the command %s is missing", name)
			}
		}
	}
	variable := regexp.MustCompile(`[gG]etenv\("([A-Z_]+)"\)`)
	err = fs.WalkDir(os.DirFS("../.."), ".", func(path string, _ fs.DirEntry, err error) error {
		if path == "testdata" {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(filepath.Join("../..", path))
		for _, found := range variable.FindAllStringSubmatch(string(source), -1) {
			if !strings.Contains(page, "\\fB"+found[1]+"\\fR") {
				t.Errorf("ENVIRONMENT lacks %s, of %s", found[1], path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestManualFiles wants FILES to name every folder that is looked into.
func TestManualFiles(t *testing.T) {
	text, err := os.ReadFile(manual + ".md")
	if err != nil {
		t.Fatal(err)
	}
	_, files, _ := strings.Cut(string(text), "\n# FILES")
	files, _, _ = strings.Cut(files, "\n# ")
	root := t.TempDir()
	for _, folder := range []string{"etc/libvirt/%s", "run/libvirt/%s", "var/lib/libvirt/%s/save", "var/lib/libvirt/%s/snapshot", "var/lib/libvirt/%s/checkpoint"} {
		for _, driver := range []string{"qemu", "libxl", "lxc", "bhyve", "ch"} {
			if err := os.MkdirAll(filepath.Join(root, fmt.Sprintf(folder, driver)), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, folder := range collect.HostFoldersIn(root) {
		path := strings.TrimPrefix(folder, root)
		stated := strings.Contains(files, "`"+path+"`") || strings.Contains(files, "`"+path+"/*.xml`")
		if head, driver := filepath.Split(path); !stated { // "likewise `lxc`"
			_, after, ok := strings.Cut(files, "`"+head+"qemu/")
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
	vnc, err := os.ReadFile("../../testdata/rules/endpoint-vnc-public/bad.xml")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := errorsOf(os.CopyFS("guests", os.DirFS(fleet)), os.WriteFile("web.xml", vnc, 0o600)); err != nil {
		t.Fatal(err)
	}
	const block = "(?s)```\n(.*?)```"
	before, examples, _ := strings.Cut(string(text), "\n# EXAMPLES")
	yaml := regexp.MustCompile(block).FindStringSubmatch(before)[1]
	if err := os.WriteFile("site.yaml", []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	example(t, "virt-audit config check site.yaml")
	ran := 0
	for _, lines := range regexp.MustCompile(block).FindAllStringSubmatch(examples, -1) {
		for line := range strings.Lines(lines[1]) {
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
	s := newStreams(strings.NewReader(""), &out, &errOut)
	if strings.HasPrefix(line, "virt-audit") && !slices.Contains(args, "-c") {
		if code := run(append([]string{"virt-audit"}, args...), s.in, &out, &errOut); code > exitFindings {
			t.Errorf("%s: exit code %d\n%s%s", line, code, out.String(), errOut.String())
		}
		return
	}
	app := newApp(s)
	reached := false
	act := cli.ActionFunc(func(*cli.Context) error { reached = true; return nil })
	app.Action = act
	each(app.Commands, func(c *cli.Command) { c.Action = act })
	args, err := arrange(app, append([]string{"virt-audit"}, args...))
	if err == nil {
		err = app.Run(args)
	}
	if err != nil || !reached {
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
