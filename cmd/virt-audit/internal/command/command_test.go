package command

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
)

// table is a program with options of all kinds. ran has the calls of its commands.
type table struct {
	quiet, dry bool
	jobs       int
	wait       time.Duration
	formats    []string
	site       string
	ran        []string
}

func (t *table) program() *Command {
	run := func(name string) func(*Invocation) error {
		return func(inv *Invocation) error {
			t.ran = append(t.ran, strings.Join(append([]string{name}, inv.Args...), " "))
			return nil
		}
	}
	site := func() *Flag {
		return &Flag{Name: "site", Metavar: "FILE", Usage: "FILE", Key: "site", Complete: AnyFile, Value: Text(&t.site)}
	}
	decide := &Command{Name: "decide", Usage: "decide", Flags: []*Flag{site()}, Arguments: []Argument{{Metavar: "GUEST"}}, Run: run("decide")}
	return &Command{
		Name: "prog", Usage: "test", Run: run("prog"), Arguments: []Argument{{Metavar: "FILE", Optional: true, Repeated: true}},
		Flags: []*Flag{
			{Name: "quiet", Short: "q", Usage: "quiet", Value: Switch(&t.quiet)},
			{Name: "jobs", Short: "j", Metavar: "N", Usage: "N jobs", Value: Number(&t.jobs)},
			{Name: "format", Short: "f", Metavar: "FORMAT", Usage: "FORMAT", Repeated: true, Value: List(&t.formats)},
			{Name: "wait", Metavar: "DURATION", Usage: "wait", Value: Duration(&t.wait)},
			site(),
		},
		Subcommands: []*Command{
			{Name: "show", Usage: "show", Flags: []*Flag{site()}, Arguments: []Argument{{Metavar: "RULE"}, {Metavar: "MORE", Optional: true}}, Example: "prog show x", Run: run("show")},
			{Name: "hook", Usage: "hook", Dashes: decide, Subcommands: []*Command{
				{Name: "install", Usage: "install", Flags: []*Flag{site(), {Name: "dry", Usage: "dry", Value: Switch(&t.dry)}}, Run: run("install")},
				{Name: "status", Usage: "status", Run: run("status")},
				decide,
			}},
			HelpCommand(), VersionCommand(),
		},
	}
}

// TestExecute: what a command line runs, or the first line of its error.
func TestExecute(t *testing.T) {
	for _, test := range []struct {
		line, want string
		set        table
	}{
		{"", "prog", table{}},
		{"a -q b", "prog a b", table{quiet: true}},
		{"-- -q show", "prog -q show", table{}},
		{"- -qj4 --format=a -f b -fc", "prog -", table{quiet: true, jobs: 4, formats: []string{"a", "b", "c"}}},
		{"--quiet=false --wait 2m", "prog", table{wait: 2 * time.Minute}},
		{"a show", "prog a show", table{}},
		{"--site x show r", "show r", table{site: "x"}},
		{"show r --site x m", "show r m", table{site: "x"}},
		{"hook --site x install --dry", "install", table{site: "x", dry: true}},
		{"hook --site x -- install", "decide install", table{site: "x"}},
		{"hook decide -- --help", "decide --help", table{}},
		{"-q show r", "-q does not apply to show", table{}},
		{"show r -q", "-q does not apply to show", table{}},
		{"show -x r", "unknown option -x", table{}},
		{"--qiet", "unknown option --qiet", table{}},
		{"-qx", "unknown option --qx", table{}},
		{"hook status --site x", "--site does not apply to hook status", table{}},
		{"hook --dry status", "--dry does not apply to hook status", table{}},
		{"-j", "-j: requires a value", table{}},
		{"-j x", `--jobs: "x" is not a valid value (it is not an integer)`, table{}},
		{"--wait 3", `--wait: "3" is not a valid value (a duration is a number with a unit, such as 10s or 2m)`, table{}},
		{"--quiet=maybe", `--quiet: "maybe" is not a valid value (it is true or false)`, table{}},
		{"show", "show: missing argument RULE", table{}},
		{"show a b c", `show: unexpected argument "c"`, table{}},
		{"hook", "hook: missing subcommand (install, status or decide)", table{}},
		{"hook instal", `hook: unknown subcommand "instal"`, table{}},
		{"hook web", `hook: unknown subcommand "web"`, table{}},
		{"help shw", `help: unknown command "shw"`, table{}},
		{"version", "prog 1.0", table{}},
		{"-V", "prog 1.0", table{}},
	} {
		got := &table{}
		var out, errOut bytes.Buffer
		code := Execute(got.program(), cmdutil.NewStreams(nil, &out, &errOut, "1.0"), strings.Fields(test.line))
		said, _, _ := strings.Cut(out.String()+strings.TrimPrefix(errOut.String(), "virt-audit: "), "\n")
		if said = strings.Join(append(got.ran, said), ""); said != test.want || (code == cmdutil.ExitUsage) != (errOut.Len() > 0) {
			t.Errorf("%q: %q, exit code %d, want %q", test.line, said, code, test.want)
		}
		if len(got.ran) == 1 {
			got.ran = nil
			w := test.set
			if got.quiet != w.quiet || got.dry != w.dry || got.jobs != w.jobs || got.wait != w.wait || got.site != w.site || !slices.Equal(got.formats, w.formats) {
				t.Errorf("%q sets %+v, want %+v", test.line, *got, w)
			}
		}
	}
}

// TestPrecedence: the command line overrides the environment, and that the configuration, and that
// the default.
func TestPrecedence(t *testing.T) {
	formats := []string{"default"}
	f := &Flag{Name: "format", Metavar: "FORMAT", Key: "format", Value: List(&formats)}
	check := func(source Source, origin string, want ...string) {
		t.Helper()
		if f.Source() != source || f.Origin() != origin || !slices.Equal(formats, want) {
			t.Errorf("source %d, %s: %q; want %d, %s: %q", f.Source(), f.Origin(), formats, source, origin, want)
		}
	}
	check(FromDefault, "--format", "default")
	if err := f.SetFromConfiguration("site.yaml:1:1: format", []string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	check(FromConfiguration, "site.yaml:1:1: format", "a", "b")
	t.Setenv("VIRT_AUDIT_FORMAT", "")
	if err := SetFromEnvironment([]*Flag{f}); err != nil {
		t.Fatal(err)
	}
	check(FromConfiguration, "site.yaml:1:1: format", "a", "b")
	t.Setenv("VIRT_AUDIT_FORMAT", "c")
	if err := SetFromEnvironment([]*Flag{f}); err != nil {
		t.Fatal(err)
	}
	check(FromEnvironment, "--format", "c")
	for _, v := range []string{"d", "e"} {
		if err := f.Set(v); err != nil {
			t.Fatal(err)
		}
	}
	check(FromCommandLine, "--format", "d", "e")
	_ = f.SetFromConfiguration("site.yaml:1:1: format", []string{"a"})
	_ = SetFromEnvironment([]*Flag{f})
	check(FromCommandLine, "--format", "d", "e")
}

// TestParseOptions reads options that an earlier run has written, without the environment.
func TestParseOptions(t *testing.T) {
	t.Setenv("VIRT_AUDIT_SITE", "environment")
	for _, test := range []struct{ words, want string }{
		{"", "|false"},
		{"--site=a=b --dry", "a=b|true"},
		{"--site= --dry=false", "|false"},
		{"--site", "--site: requires a value"},
		{"--sit=x", "unknown option --sit=x"},
		{"--dry=maybe", `--dry: "maybe" is not a valid value (it is true or false)`},
	} {
		var site string
		var dry bool
		flags := []*Flag{{Name: "site", Metavar: "FILE", Value: Text(&site)}, {Name: "dry", Value: Switch(&dry)}}
		got := ""
		if err := ParseOptions(flags, strings.Fields(test.words)); err != nil {
			got = err.Error()
		} else {
			got = site + "|" + flags[1].Value.String()
		}
		if got != test.want {
			t.Errorf("%q: %q, want %q", test.words, got, test.want)
		}
	}
}
