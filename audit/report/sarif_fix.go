package report

import (
	"github.com/virt-audit/virt-audit/audit"
)

// sarifFix is a fix that a reader can make (3.55). A reader must be able to make all replacements of
// one at once: they refer to the document as it was before the first of them, do not overlap, and
// are in the order of the document.
type sarifFix struct {
	Description sarifText          `json:"description"`
	Changes     []sarifChange      `json:"artifactChanges"`
	Properties  sarifFixProperties `json:"properties"`
}

type sarifFixProperties struct {
	Safety string `json:"safety"`
}

type sarifChange struct {
	Artifact     sarifArtifact      `json:"artifactLocation"`
	Replacements []sarifReplacement `json:"replacements"`
}

type sarifReplacement struct {
	Deleted  sarifRange `json:"deletedRegion"`
	Inserted *sarifText `json:"insertedContent,omitempty"`
}

// sarifRange is a region with an end, without which it would reach to the end of the line
// (3.30.8). It may be empty (3.57.3).
type sarifRange struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn"`
	EndLine     int `json:"endLine"`
	EndColumn   int `json:"endColumn"`
}

// fixes returns the fixes of a finding in a file. Standard input has them too if the user named it
// after the file that an editor holds.
func (s *sarifReporter) fixes(r *audit.Result, a *Advice) (out []sarifFix) {
	if !isFile(r.Source) {
		return nil
	}
	for _, x := range a.fixes {
		if len(x.Changes) == 0 {
			continue
		}
		change := sarifChange{Artifact: sarifAt(r.Source, audit.Pos{}).Physical.Artifact}
		for _, c := range x.Changes {
			one := sarifReplacement{Deleted: sarifRange{c.Pos.Line, c.Pos.Column, c.Pos.EndLine, c.Pos.EndColumn}}
			if c.Text != "" {
				one.Inserted = &sarifText{c.Text} // content, and not a message: it is not escaped
			}
			change.Replacements = append(change.Replacements, one)
		}
		out = append(out, sarifFix{
			sarifText{sarifMessage(x.Text + ".")}, []sarifChange{change}, sarifFixProperties{x.Safety.String()},
		})
	}
	return out
}
