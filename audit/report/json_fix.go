package report

import "github.com/virt-audit/virt-audit/audit"

// jsonFix is one way to resolve a finding, the recommended one first. Changes and Diff are absent if
// the document of the finding is not what has to be changed.
type jsonFix struct {
	Safety  string       `json:"safety"`
	Text    string       `json:"text"`
	Changes []jsonChange `json:"changes,omitempty"`
	Diff    string       `json:"diff,omitempty"`
}

// jsonChange replaces a range of the input, the end exclusive.
type jsonChange struct {
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndLine   int    `json:"end_line"`
	EndColumn int    `json:"end_column"`
	Text      string `json:"text"`
}

func newJSONFixes(a *Advice) []jsonFix {
	out := make([]jsonFix, 0, len(a.fixes))
	for _, x := range a.fixes {
		out = append(out, jsonFix{x.Safety.String(), x.Text, newJSONChanges(x.Changes), x.Diff})
	}
	return out
}

func newJSONChanges(changes []audit.Change) []jsonChange {
	out := make([]jsonChange, 0, len(changes))
	for _, c := range changes {
		out = append(out, jsonChange{c.Pos.Line, c.Pos.Column, c.Pos.EndLine, c.Pos.EndColumn, c.Text})
	}
	return out
}
