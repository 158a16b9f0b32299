package report

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestHostileCommands wants no name to look like a command that we advise: no line begins with it, neither
// of a report nor of a fix in one.
func TestHostileCommands(t *testing.T) {
	o := options()
	o.ShowWaived, o.Verbose, o.Width = true, true, 80
	results := hostile(t)
	for _, f := range Formats() {
		out := render(t, f.Name, o, results, notices(), problems())
		if !strings.Contains(out, "$ curl") {
			t.Errorf("%s: the name is not in the report", f.Name)
		}
		lines := out
		for _, document := range jsonDocuments(f.Name, out) {
			lines += "\n" + strings.Join(fixes(t, document), "\n")
		}
		for line := range strings.SplitSeq(lines, "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "$ curl") {
				t.Errorf("%s: a name is a command: %.200s", f.Name, line)
			}
		}
	}
}

// jsonDocuments returns the JSON that a report is made of, if it is of any.
func jsonDocuments(format, report string) []string {
	switch format {
	case "json", "sarif", "gitlab":
		return []string{report}
	case "ndjson":
		return strings.Split(strings.TrimSpace(report), "\n")
	}
	return nil
}

// fixes returns all that a document has under the key "fix".
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
				if text, ok := e.(string); ok && key == "fix" {
					out = append(out, text)
				}
				walk(e)
			}
		}
	}
	walk(all)
	return out
}
