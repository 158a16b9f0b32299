package report

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/baseline"
	"github.com/virt-audit/virt-audit/audit/source"
)

// TestHostileCommands requires that no name looks like a command of a fix: no line of a report, nor
// of a fix in it, may begin with the name.
func TestHostileCommands(t *testing.T) {
	o := options()
	o.ShowWaived, o.Verbose, o.Width = true, true, 80
	results := hostile(t)
	for _, f := range Formats() {
		out := render(t, f.Name, o, results, notices(), problems())
		if !strings.Contains(out, "$ curl") {
			t.Errorf("%s: the name is not in the report", f.Name)
		}
		texts := []string{out}
		for _, document := range jsonDocuments(f, out) {
			texts = append(texts, fixes(t, document)...)
		}
		for line := range strings.SplitSeq(strings.Join(texts, "\n"), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "$ curl") {
				t.Errorf("%s: a name is a command: %.200s", f.Name, line)
			}
		}
	}
}

// TestHostileLog parses every report as the runner of GitHub Actions parses the log of a job. No
// line may be a command, except the annotations of the format github.
func TestHostileLog(t *testing.T) {
	o := options()
	o.ShowWaived, o.Verbose, o.Width = true, true, 80
	results := hostile(t)
	unread := problems()
	noticed := notices()
	for i, text := range hostileNames { // a file can have any name as well
		results[i].Source = text
		noticed[i].Source = text
		unread[2*i] = &source.Error{File: text, Message: text}
	}
	for _, f := range Formats() {
		all, _ := commands(render(t, f.Name, o, results, noticed, unread))
		for _, c := range all {
			if f.Name != "github" || !slices.Contains(githubLevels, c.name) {
				t.Errorf("%s: %v is a command", f.Name, c)
			}
		}
	}
	var b strings.Builder
	d := &baseline.Difference{}
	for _, text := range hostileNames {
		f := baseline.Finding{Rule: "a-rule", Severity: "high", Message: strings.Repeat("long ", 15) + text, Fix: text, URL: text}
		d.New = append(d.New, baseline.Item{Domain: text, Source: text, Finding: f})
	}
	if err := Difference(&b, d, o); err != nil {
		t.Fatal(err)
	}
	if all, _ := commands(b.String()); len(all) > 0 {
		t.Errorf("diff: %v", all)
	}
}

// TestInert checks that only lines that are commands are changed.
func TestInert(t *testing.T) {
	for in, want := range map[string]string{
		"::error::x": `\x3a:error::x`, "a\n  ::x::\n": "a\n  \\x3a:x::\n", "listen ::1\n:x\n": "listen ::1\n:x\n", "": "",
	} {
		if got := inert(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if line, start, width := caret(audit.Excerpt{Line: "##[x] <a/>", Start: 6, End: 10}); line != `##\x5bx] <a/>` || start != 9 || width != 4 {
		t.Errorf("an excerpt: %q %d %d", line, start, width)
	}
}

// jsonDocuments returns the JSON documents that a report consists of; none if it is not JSON.
func jsonDocuments(f Format, report string) []string {
	switch f.Media {
	case "application/json", "application/sarif+json":
		return []string{report}
	case "application/x-ndjson":
		return strings.Split(strings.TrimSpace(report), "\n")
	}
	return nil
}

// fixes returns all texts about fixes in a document.
func fixes(t *testing.T, document string) (out []string) {
	t.Helper()
	var all any
	if err := json.Unmarshal([]byte(document), &all); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for key, e := range v {
				if text, ok := e.(string); ok && slices.Contains([]string{"fix", "text", "diff", "command"}, key) {
					out = append(out, text)
				}
				walk(e)
			}
		}
	}
	walk(all)
	return out
}
