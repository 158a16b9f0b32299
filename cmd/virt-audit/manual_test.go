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

	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/manual"
	"github.com/virt-audit/virt-audit/testdata/need"
)

const manualFile = "../../packaging/man/virt-audit"

// TestManual compares the committed man page with the table of commands, and has groff, which
// man calls, set it without a warning.
func TestManual(t *testing.T) {
	text, err := os.ReadFile(manualFile + ".md")
	if err != nil {
		t.Fatal(err)
	}
	page, err := manual.Page(newProgram(), string(text))
	if err != nil {
		t.Fatal(err)
	}
	generated(t, manualFile+".1", page)

	t.Run("groff", renderedManual)
}

// renderedManual has groff read the page, and measures what a terminal shows.
func renderedManual(t *testing.T) {
	need.Programs(t, "groff")
	cmd := exec.Command("groff", "-man", "-Tutf8", "-k", "-ww", "-rLL=78n", "-P-cbou", manualFile+".1")
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

// TestManualExitStatus requires that every exit code is described.
func TestManualExitStatus(t *testing.T) {
	text, err := os.ReadFile(manualFile + ".md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := parser.ParseFile(token.NewFileSet(), "internal/cmdutil/exit.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	ast.Inspect(source, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Exit") {
			codes++
			if code := v.Values[0].(*ast.BasicLit).Value; !strings.Contains(string(text), "\n`"+code+"`\n: ") {
				t.Errorf("EXIT STATUS lacks %s (%s)", code, v.Names[0].Name)
			}
		}
		return true
	})
	if codes < 6 {
		t.Errorf("%d exit codes in exit.go", codes)
	}
}

// TestManualOptions looks for all commands, options and variables.
func TestManualOptions(t *testing.T) {
	text, err := os.ReadFile(manualFile + ".1")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.ReplaceAll(string(text), `\-`, "-")
	newProgram().Walk(func(path []string, c *command.Command) {
		name := strings.Join(path[1:], " ")
		for _, f := range c.Flags {
			if option := "\\fB--" + f.Name + "\\fR"; !f.Hidden && !strings.Contains(page, option) {
				t.Errorf("%s: %s is missing", name, option)
			}
		}
		if name != "" && !c.Hidden && !strings.Contains(page, "\n.SS "+name+"\n") && !strings.Contains(page, "\n.TP\n\\fBvirt-audit "+name+"\\fR\n") {
			t.Errorf("the command %s is missing", name)
		}
	})
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

// TestManualFiles requires that FILES names every directory that is read.
func TestManualFiles(t *testing.T) {
	text, err := os.ReadFile(manualFile + ".md")
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
	for _, folder := range collect.HostDirsIn(root) {
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

// TestManualExamples runs the examples of the page, those that need a libvirt only as far as the
// options.
func TestManualExamples(t *testing.T) {
	text, err := os.ReadFile(manualFile + ".md")
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

// example runs a line of the page. What asks a libvirt, or changes the host, goes as far as its
// options.
func example(t *testing.T, line string) {
	t.Helper()
	_, rest, ok := strings.Cut(line, "virt-audit")
	if !ok {
		t.Errorf("%s: this is not an example", line)
		return
	}
	var args []string
	for _, quoted := range regexp.MustCompile(`'[^']*'|[^\s']+`).FindAllString(rest, -1) {
		args = append(args, strings.Trim(quoted, "'"))
	}
	var out, errOut bytes.Buffer
	if strings.HasPrefix(line, "virt-audit") && !slices.Contains(args, "-c") {
		if code := run(append([]string{"virt-audit"}, args...), strings.NewReader(""), &out, &errOut); code > cmdutil.ExitFindings {
			t.Errorf("%s: exit code %d\n%s%s", line, code, out.String(), errOut.String())
		}
		return
	}
	program := newProgram()
	reached := false
	program.Walk(func(_ []string, c *command.Command) {
		if c.Run != nil {
			c.Run = func(*command.Invocation) error { reached = true; return nil }
		}
	})
	if code := command.Execute(program, cmdutil.NewStreams(strings.NewReader(""), &out, &errOut, "devel"), args); code != cmdutil.ExitClean || !reached {
		t.Errorf("%s: exit code %d\n%s", line, code, errOut.String())
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
