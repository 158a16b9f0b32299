package configcmd

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/config"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
	"github.com/virt-audit/virt-audit/rules"
)

// succeeds runs a command line in this process and requires exit code 0.
func succeeds(t *testing.T, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	program := &command.Command{Name: "virt-audit", Subcommands: []*command.Command{New()}}
	if code := command.Execute(program, cmdutil.NewStreams(strings.NewReader(""), &out, &errOut, "devel"), args); code != cmdutil.ExitClean {
		t.Fatalf("%v: exit code %d\n%s", args, code, errOut.String())
	}
	return out.String()
}

var comments = regexp.MustCompile(`(?m)^#.*\n| +# .*$`)

// TestConfigShowAgain: what is shown is a valid configuration, and shows the same.
func TestConfigShowAgain(t *testing.T) {
	long := strings.Repeat("name != 'a\"\\\\'  &&\n      ", 400)
	var many strings.Builder
	for i := range 60 {
		many.WriteString("    - /srv/images/of/customers/" + strings.Repeat("x", i+1) + "\n")
	}
	files := map[string]string{
		"empty.yaml": "",
		"full.yaml": `profiles: [baseline, hardened]
enable: [confidential-*]
disable: ["document-*", device-sound-legacy]
severity: {network-user-slirp: low}
fail-on: high
min-severity: low
policy: ./qemu-10.2
qemu-version: "10.1"
host-arch: x86_64
format: [text, "json:out/a b.json"]
baseline: known.json
show-waived: true
max-size: 1048576
waivers:
- {rule: endpoint-vnc-public, domain: "web*", device: vnc, until: 2030-06-30, reason: "it's \"ours\": #1"}
- {rule: endpoint-vnc-public, domain: "yes", reason: ` + strings.Repeat("because ", 450) + `}
domain-waivers: {boundary: true, never: [confinement-*]}
allow:
  emulators: [/opt/qemu/bin/qemu]
  directories:
` + many.String() + `rules:
- id: site-a
  severity: medium
  expression: >-
      ` + long + `true // as it is
  message: m
- id: site-b
  title: b
  severity: low
  for: devices/disk
  path: source@file
  expression: |
    this.type == 'file'
      // why

      || true
  message: "- m: x #y"
  doc: |
    one

    two
  fix: |
    $ rm
  url: https://example.org/x
- id: site-c
  severity: low
  expression: "\n  true"
  message: "null"
  doc: ` + "|\n" + strings.Repeat(" ", 4) + strings.Repeat("ü", 2040) + "\n    x\n",
		"qemu-10.2":  "name: site\ntitle: x\nsource: https://example.org\ntargets:\n  x86_64: [microvm]\n",
		"known.json": `{"version":1,"findings":[]}`,
	}
	dir := written(t, files)
	t.Chdir(t.TempDir())
	for _, file := range []string{"empty.yaml", "full.yaml"} {
		for _, options := range [][]string{nil, {
			"--no-domain-waivers", "--rule", "confinement-dac-root,boundary-accel-tcg", "--skip-rule", "boundary-accel-tcg", "--policy", filepath.Join(dir, "qemu-10.2"),
			"--format", "text", "--format", "csv:" + dir + "/x.csv", "--format", "json:elsewhere.json", "--format", "sarif:" + dir + "/a,b",
		}} {
			text := succeeds(t, append([]string{"config", "show", "--config", filepath.Join(dir, file)}, options...)...)
			if options != nil {
				for _, want := range []string{
					"  accept: false                          # option --no-domain-waivers",
					"# rule: [confinement-dac-root, boundary-accel-tcg] # option --rule: no other rule runs", "# skip-rule: [boundary-accel-tcg]        # option --skip-rule",
					`format: [text, "csv:x.csv"]`, `# format: ["json:elsewhere.json", "sarif:` + dir + `/a,b"] # option --format: a configuration cannot name the file`,
				} {
					if !strings.Contains(text, want) {
						t.Errorf("%s: there is no %q in\n%.2000s", file, want, text)
					}
				}
			}
			again := filepath.Join(dir, "again.yaml")
			if err := os.WriteFile(again, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			succeeds(t, "config", "check", again)
			if second := succeeds(t, "config", "show", "--config", again); comments.ReplaceAllString(second, "") != comments.ReplaceAllString(text, "") {
				t.Errorf("%s:\n%s\nis shown again as\n%s", file, text, second)
			}
			if options == nil {
				compareRules(t, filepath.Join(dir, file), again)
			}
		}
	}
}

// compareRules requires that the texts of two configurations are the same.
func compareRules(t *testing.T, files ...string) {
	t.Helper()
	known := config.Names{Formats: site.FormatNames()}
	for _, r := range rules.All() {
		known.Rules = append(known.Rules, r.ID)
	}
	var texts [2][]string
	for i, file := range files {
		f, err := config.Read(file, known)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range f.Rules {
			texts[i] = append(texts[i], r.ID, r.Title, r.For, r.Expression, r.Message, r.Path, r.Doc, r.Fix, r.URL)
		}
		for _, w := range f.Waivers {
			texts[i] = append(texts[i], w.Rule, w.Domains, w.Device, w.Reason)
		}
	}
	if !slices.Equal(texts[0], texts[1]) {
		t.Errorf("%q\nis shown as\n%q", texts[0], texts[1])
	}
}

// TestConfigShowKeys: every key of the table is shown, and an option has its documented default.
func TestConfigShowKeys(t *testing.T) {
	dir := written(t, map[string]string{"full.yaml": config.Example(), "empty.yaml": ""})
	full := succeeds(t, "config", "show", "--config", filepath.Join(dir, "full.yaml"))
	var walk func(keys []*config.Key)
	walk = func(keys []*config.Key) {
		for _, k := range keys {
			if !regexp.MustCompile(`(?m)^[ -]*` + k.Name + `:`).MatchString(full) {
				t.Errorf("%s is not shown in\n%s", k.Name, full)
			}
			walk(k.Keys)
		}
	}
	walk(config.Keys())
	empty := succeeds(t, "config", "show", "--config", filepath.Join(dir, "empty.yaml"))
	for _, k := range optionKeys() {
		want := strings.Trim(k.DefaultValue(), "[]")
		if want == "" {
			want = "not set"
		}
		line := regexp.MustCompile(`(?m)^(?:# )?` + k.Name + `: .* # default$`).FindString(empty)
		if !strings.Contains(line, want) {
			t.Errorf("%q: the default is not %s", line, want)
		}
	}
}

// written writes files into a directory of their own and returns it.
func written(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestKeys: every key that is shown belongs to exactly one option, and every option with a key is
// shown.
func TestKeys(t *testing.T) {
	var got []string
	for _, f := range options.NewAudit().Flags() {
		if f.Key != "" {
			got = append(got, f.Key)
		}
	}
	want := func() (names []string) {
		for _, k := range optionKeys() {
			names = append(names, k.Name)
		}
		return slices.Sorted(slices.Values(names))
	}()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("options have the keys %q, and shown are %q", got, want)
	}
}
