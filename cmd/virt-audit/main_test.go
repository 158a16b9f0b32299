package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/rulescmd"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
	"github.com/virt-audit/virt-audit/rules"
	"github.com/virt-audit/virt-audit/testdata"
)

var update = flag.Bool("update", false, "write generated files instead of comparing them")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"virt-audit": main})
}

// TestScript runs the command lines of testdata/script in the root of the project, by way of $ROOT.
func TestScript(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "../../testdata/script",
		UpdateScripts: *update,
		Condition: func(name string) (bool, error) {
			if name == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %s", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(e *testscript.Env) error {
			e.Setenv("ROOT", root)
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("GORACE", "atexit_sleep_ms=0") // with -race, each command would sleep for a second at its end
			e.Setenv("XDG_CONFIG_HOME", e.WorkDir)
			return nil
		},
	})
}

// exits is "exits CODE COMMAND...": exec that requires one exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// typed runs a command line in this process.
func typed(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	run(append([]string{"virt-audit"}, args...), strings.NewReader(""), &out, &errOut)
	return out.String(), errOut.String()
}

// succeeds runs a command line in this process and requires exit code 0.
func succeeds(t *testing.T, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	if code := run(append([]string{"virt-audit"}, args...), strings.NewReader(""), &out, &errOut); code != cmdutil.ExitClean {
		t.Fatalf("%v: exit code %d\n%s", args, code, errOut.String())
	}
	return out.String()
}

// TestJSONSchema validates real reports against the schema that is the contract.
func TestJSONSchema(t *testing.T) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile("../../audit/report/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.xml")
	if err := os.WriteFile(broken, []byte("<domain"), 0o600); err != nil {
		t.Fatal(err)
	}
	accepted := filepath.Join(t.TempDir(), "accepted.json")
	typed(t, "../../testdata/fleet", "--write-baseline", accepted)
	for _, args := range [][]string{
		{"../../testdata/fleet"},
		{"../../testdata/fleet", "--baseline", accepted, "--min-severity", "medium"},
		{"../../testdata/noise"}, // guests of Nova and KubeVirt
		{"../../testdata/rules", "--profile", "hardened", "--profile", "baseline", "--profile", "confidential"},
		{broken},
		{broken, "../../testdata/fleet/web01.xml", filepath.Join(t.TempDir(), "absent.xml")},
		{t.TempDir()},
	} {
		out, errOut := typed(t, append(args, "--format", "json")...)
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
		if err != nil {
			t.Fatalf("%v: %v\n%s%s", args, err, out, errOut)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// TestGenerated compares the committed documentation with what the rules say today.
func TestGenerated(t *testing.T) {
	var page bytes.Buffer
	if err := report.RulesPage(&page, rulescmd.Topics(site.Entries(rules.All())), testdata.Rule); err != nil {
		t.Fatal(err)
	}
	generated(t, "../../rules/README.md", page.Bytes())

	const readme = "../../README.md"
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for _, topic := range rulescmd.Topics(site.Entries(rules.All())) {
		table.WriteString("\n**" + topic.Title + "**\n\n" + report.RuleRows(topic.Rules, "rules/README.md"))
	}
	t.Chdir("../..")
	sample, _ := typed(t, "testdata/fleet/old-dos.xml")
	sample = "```\n$ virt-audit testdata/fleet/old-dos.xml\n" + sample + "```\n"
	readmeText := between(t, string(text), "rules", table.String()+"\n")
	readmeText = between(t, readmeText, "report", sample)
	var formats strings.Builder
	formats.WriteString("\n| format | what it is for |\n|---|---|\n")
	for _, f := range report.Formats() {
		formats.WriteString("| `" + f.Name + "` | " + f.About + " |\n")
	}
	readmeText = between(t, readmeText, "formats", formats.String()+"\n")
	generated(t, "README.md", []byte(readmeText))
}

// TestGeneratedSchema compares the words for facts of the host in the schema with the table of inputs.
func TestGeneratedSchema(t *testing.T) {
	const file = "../../audit/report/report.schema.json"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	begin := []byte(`"host_known": {"type": "array", "items": {"enum": [`)
	head, rest, ok := bytes.Cut(text, begin)
	_, tail, ok2 := bytes.Cut(rest, []byte("]"))
	if !ok || !ok2 {
		t.Fatal("the schema has no place for the facts of the host")
	}
	words := `"` + strings.Join(audit.Inputs(math.MaxUint).HostWords(), `", "`) + `"`
	generated(t, file, slices.Concat(head, begin, []byte(words+"]"), tail))
}

// between replaces what is between the marks of a generated part.
func between(t *testing.T, text, name, part string) string {
	t.Helper()
	begin, end := "<!-- "+name+": made by make docs -->\n", "<!-- end of "+name+" -->"
	head, rest, ok := strings.Cut(text, begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("there is no place for the generated part %q", name)
	}
	return head + begin + part + end + tail
}

// TestGolden compares whole reports in every format, and the text report also in colour and
// verbose, at 80 columns.
func TestGolden(t *testing.T) {
	t.Chdir("../..")
	t.Setenv("COLUMNS", "80")
	t.Setenv("SOURCE_DATE_EPOCH", "1795521600")
	was := version
	version = "VERSION"
	t.Cleanup(func() { version = was })
	reports := map[string][]string{
		"fleet.color.txt":   {"--color", "always", "testdata/fleet"},
		"fleet.verbose.txt": {"--verbose", "testdata/fleet/shadow.xml", "testdata/noise/libvirt-live.xml"},
	}
	for _, f := range report.Formats() {
		reports["fleet"+f.Extension] = []string{"--format", f.Name, "testdata/fleet"}
	}
	for file, args := range reports {
		out, _ := typed(t, args...)
		generated(t, filepath.Join("testdata", "golden", file), []byte(out))
	}
}

func generated(t *testing.T, file string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale: run 'make docs'", file)
	}
}

// TestStable runs the same directory with one job and with many: the report must not differ. Under the
// race detector it also proves that guests share nothing unguarded: rules, policy, facts of the host,
// configuration, baseline.
func TestStable(t *testing.T) {
	dir := written(t, map[string]string{"site.yaml": `severity: {network-user-slirp: low}
waivers: [{rule: endpoint-vnc-public, reason: the consoles are only reachable through the gateway}]
allow: {directories: [/srv/images]}
domain-waivers: {accept: true, boundary: false}
rules: [{id: site-serial, for: devices/disk, severity: low, message: no serial number, expression: has(this.serial)}]
`})
	known := filepath.Join(dir, "known.json")
	typed(t, "--no-config", "--write-baseline", known, "../../testdata/fleet")
	for name, args := range map[string][]string{
		"defaults": nil,
		"everything": {
			"--profile", "baseline", "--profile", "hardened", "--profile", "multi-tenant", "--profile", "confidential",
			"--config", filepath.Join(dir, "site.yaml"), "--facts", "../../testdata/rules/confinement-no-mac-host/bad.facts.json",
			"--baseline", known, "--show-waived", "../../testdata/fleet",
		},
	} {
		args = append([]string{"--format", "json", "../../testdata/rules"}, args...)
		one, _ := typed(t, append([]string{"-j", "1"}, args...)...)
		many, _ := typed(t, append([]string{"-j", "16"}, args...)...)
		if one != many || !json.Valid([]byte(one)) {
			t.Errorf("%s: the report depends on the number of jobs", name)
		}
	}
}

// TestCanaries greps every format's output over all rule fixtures, whose secrets hold a canary.
func TestCanaries(t *testing.T) {
	for _, f := range report.Formats() {
		colors := []string{"never"}
		if f.Name == "text" {
			colors = append(colors, "always") // no other format has colours
		}
		for _, color := range colors {
			out, errOut := typed(t, "--verbose", "--profile", "baseline", "--profile", "hardened", "--color", color, "--format", f.Name, "../../testdata/rules")
			for line := range strings.SplitSeq(out+errOut, "\n") {
				if strings.Contains(strings.ToLower(line), "canary") {
					t.Errorf("%s: a secret is shown: %s", f.Name, line)
				}
			}
		}
	}
	for _, args := range reachLists("../../testdata/rules") {
		out, errOut := typed(t, args...)
		if text := strings.ToLower(out + errOut); strings.Contains(text, "canary") {
			at := strings.Index(text, "canary")
			t.Errorf("%v: a secret is shown: %s", args, text[max(0, at-200):at+20])
		}
	}
}
