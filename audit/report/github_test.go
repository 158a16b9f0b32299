package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/source"
)

// command is a line that GitHub Actions parses as a workflow command.
type command struct {
	name       string
	properties map[string]string
	data       string
}

// registered are the commands of the runner.
var registered = []string{
	"error", "warning", "notice", "debug", "group", "endgroup", "echo", "add-mask", "add-matcher", "remove-matcher",
	"set-env", "set-output", "save-state", "add-path", "stop-commands",
}

// parse parses a line of a step's output as the runner does: the current form at the beginning of
// the line, and the legacy one anywhere in it (actions/runner, ActionCommand.TryParseV2 and
// TryParse, in ActionCommandManager.TryProcessCommand).
func parse(line string) (command, bool) {
	if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "::") {
		info, data, ok := strings.Cut(trimmed[2:], "::")
		if c, known := parseInfo(info, ",", unescape("\r", "\n", ":", ",")); ok && known {
			c.data = unescape("\r", "\n")(data)
			return c, true
		}
	}
	if _, rest, ok := strings.Cut(line, "##["); ok {
		info, data, ok := strings.Cut(rest, "]")
		if c, known := parseInfo(info, ";", unescape(";", "\r", "\n", "]")); ok && known {
			c.data = unescape(";", "\r", "\n", "]")(data)
			return c, true
		}
	}
	return command{}, false
}

func parseInfo(info, separator string, value func(string) string) (command, bool) {
	name, rest, _ := strings.Cut(info, " ")
	c := command{name: name, properties: map[string]string{}}
	for p := range strings.SplitSeq(strings.TrimSpace(rest), separator) {
		if key, v, ok := strings.Cut(p, "="); ok && key != "" && v != "" {
			c.properties[key] = value(v)
		}
	}
	return c, slices.Contains(registered, strings.ToLower(name))
}

// unescape undoes the escapes of these characters and, last, of the percent sign.
func unescape(characters ...string) func(string) string {
	return func(s string) string {
		for _, c := range append(characters, "%") {
			s = strings.ReplaceAll(s, fmt.Sprintf("%%%02X", c[0]), c)
		}
		return s
	}
}

// commands parses a log, and returns its commands and its other lines.
func commands(text string) (all []command, plain []string) {
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if c, ok := parse(line); ok {
			all = append(all, c)
		} else {
			plain = append(plain, line)
		}
	}
	return all, plain
}

// TestGitHub checks that the log contains all results of a run: the worst annotations first, with a
// level error if they fail the run, and a line for each guest.
func TestGitHub(t *testing.T) {
	results := fleet(t)
	o := options()
	o.FailOn, o.ShowWaived = audit.High, true
	r := results[0]
	r.Findings[0].Drift = audit.AtNextStart
	r.InBaseline = append(r.InBaseline, r.Findings[1])
	r.Waived = append(r.Waived, audit.Waived{Finding: r.Findings[1], Waiver: &audit.Waiver{Reason: "we know"}})
	r.Unevaluated = append(r.Unevaluated, audit.Unevaluated{Rule: baselineRules()[0], Missing: audit.NeedQEMUConf})
	problem := &source.Error{File: "no.xml", Position: source.Position{Line: 3, Column: 9}, Message: "is broken"}
	all, plain := commands(render(t, "github", o, results, notices()[:1], []error{problem}))

	levels := map[audit.Severity]string{audit.Critical: "error", audit.High: "error", audit.Medium: "warning", audit.Low: "notice", audit.Info: "notice"}
	var want []command
	for _, s := range audit.Severities() {
		for i, r := range results {
			if verdict := fmt.Sprintf("%-18s  %s  (%s): %s", r.Boundary.Verdict, r.Name, r.Source, r.Boundary.Explain()); s == audit.Info && !slices.Contains(plain, verdict) {
				t.Errorf("no line is %q", verdict)
			}
			for _, f := range r.Findings {
				if f.Severity == s {
					want = append(want, command{levels[s], map[string]string{
						"file": "guests/" + filepath.Base(r.Source), "line": strconv.Itoa(f.Pos.Line), "title": fmt.Sprintf("%s: %s in guest %s", s, f.Rule.ID, r.Name),
					}, f.Message})
				}
			}
			if n := notices()[0]; s == n.Severity && i == len(results)-1 {
				want = append(want, command{"notice", map[string]string{"file": n.Source, "line": "3"}, n.Message})
			}
		}
	}
	want = append([]command{{"error", map[string]string{"file": "no.xml", "line": "3", "col": "9"}, "no.xml:3:9: is broken"}}, want...)
	if len(all) != len(want) {
		t.Fatalf("%d commands, want %d", len(all), len(want))
	}
	for i, w := range want {
		c := all[i]
		if c.name != w.name || !strings.Contains(c.data, w.data) {
			t.Errorf("%v, want %v", c, w)
		}
		for key, v := range w.properties {
			if c.properties[key] != v {
				t.Errorf("%s is %q, want %q", key, c.properties[key], v)
			}
		}
	}
	for _, part := range []string{"fix: ", "see: https://", "why: ", "but: not exposed yet"} {
		if !slices.ContainsFunc(all, func(c command) bool { return strings.Contains(c.data, "\n"+part) }) {
			t.Errorf("no annotation contains %q", part)
		}
	}
	tail := strings.Join(plain, "\n")
	for _, part := range []string{
		"17 guests: 11 inside, ", "in the baseline", "not evaluated: 1 check, because the host's qemu.conf", "unreadable: 1 input", "annotations: ",
		"waived  " + r.Findings[1].Rule.ID, "in the baseline  " + r.Findings[1].Rule.ID, ": we know",
	} {
		if !strings.Contains(tail, part) {
			t.Errorf("no line contains %q: %s", part, tail)
		}
	}
}

// TestGitHubMany requires the first annotation to state that there are more than GitHub shows.
func TestGitHubMany(t *testing.T) {
	var all []error
	for i := range githubShown + 1 {
		all = append(all, fmt.Errorf("problem %d", i))
		got, plain := commands(render(t, "github", options(), nil, nil, all))
		more := 0
		if i == githubShown {
			more = 1
		}
		if len(got) != i+1+more || more > 0 && !strings.HasPrefix(got[0].data, "11 annotations of level error: GitHub shows 10") {
			t.Errorf("%d problems: %v", i+1, got)
		}
		if last := plain[len(plain)-1]; !strings.HasPrefix(last, fmt.Sprintf("annotations: %s,", plural(i+1, "error"))) {
			t.Errorf("%d problems: the last line is %q", i+1, last)
		}
	}
}

// TestGitHubHostile parses hostile names as the runner does. There must be no command except the
// annotations, and each must contain its name as text.
func TestGitHubHostile(t *testing.T) {
	for _, line := range []string{"::error::x", "  ::stop-commands::x", "a ##[set-env name=PATH]/tmp", "::group::", "##[ERROR]x"} {
		if _, ok := parse(line); !ok {
			t.Fatalf("the runner parses %q as a command, and this test does not", line)
		}
	}
	results := hostile(t)
	for i, name := range []string{"##[set-env name=PATH]/tmp", "::stop-commands::x", "  ::error::x", "##%5Berror]x", "x,line=7::y"} {
		results[i].Name, results[i].Source = name, "guests/"+name
		results[i].Findings[0].Message = name
		results[i].Waived[0].Message = name
	}
	o := options()
	o.ShowWaived = true
	all, plain := commands(render(t, "github", o, results, notices(), problems()))
	want := map[[3]string]int{} // file, title, the beginning of the message
	add := func(source, title, message string) {
		if title = printable(title); len(title) > 200 {
			title = title[:200] // GitHub takes 255 characters
		}
		want[[3]string{strings.TrimSpace(printable(source)), strings.TrimSpace(title), strings.TrimSpace(message)}]++
	}
	for _, r := range results {
		for _, f := range r.Findings {
			add(r.Source, fmt.Sprintf("%s: %s in guest %s", f.Severity, f.Rule.ID, r.Name), githubPlace(r.Source, f.Pos)+printable(f.Message))
		}
	}
	for _, n := range notices() {
		add(n.Source, fmt.Sprintf("%s: %s", n.Severity, n.Rule.ID), githubPlace(n.Source, n.Pos)+printable(n.Message))
	}
	for _, p := range problems() {
		e := newJSONUnreadable(p)
		add(e.Source, "unreadable input", githubPlace(e.Source, audit.Pos{Line: e.Line, Column: e.Column})+printable(e.Message))
	}
	more := 0
	for _, c := range all {
		if strings.HasPrefix(c.properties["title"], "virt-audit: more annotations") {
			more++
			continue
		}
		message, _, _ := strings.Cut(c.data, "\n")
		want[[3]string{strings.TrimSpace(c.properties["file"]), strings.TrimSpace(strings.TrimSuffix(c.properties["title"], "…")), strings.TrimSpace(message)}]--
		if !slices.Contains(githubLevels, c.name) {
			t.Errorf("%q is a command", c.name)
		}
		for key := range c.properties {
			if !slices.Contains([]string{"file", "line", "endLine", "col", "endColumn", "title"}, key) {
				t.Errorf("a name adds the property %q", key)
			}
		}
		if strings.Contains(c.data, "##[") {
			t.Errorf("the log's viewer would take a mark from %.200q", c.data)
		}
	}
	for c, n := range want {
		if n != 0 {
			t.Errorf("%d commands too few are %.200q", n, c)
		}
	}
	if more == 0 {
		t.Error("no annotation states that there are more than GitHub shows")
	}
	if guests := len(results) * 2; len(plain) < guests { // each, and its waived finding
		t.Errorf("%d lines for %d guests", len(plain), len(results))
	}
	for i, r := range results {
		if !slices.ContainsFunc(plain, func(line string) bool { return strings.Contains(line, printable(r.Name)) }) {
			t.Errorf("no line is about guest %d, %.40q", i, r.Name)
		}
	}
}

// TestGitHubCut checks the truncation of long texts, and the columns of a place.
func TestGitHubCut(t *testing.T) {
	if got := truncated("aéé", 2); got != "a…" {
		t.Errorf("cut to %q", got)
	}
	g := githubReporter{}
	if got := g.place("vm.xml", audit.Pos{Line: 3, Column: 5, EndLine: 4, EndColumn: 2}); len(got) != 3 || got[2] != [2]string{"endLine", "4"} {
		t.Errorf("columns of several lines: %v", got)
	}
}
