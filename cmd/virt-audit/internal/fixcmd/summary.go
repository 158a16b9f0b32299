package fixcmd

import (
	"errors"
	"fmt"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/fixing"
	"github.com/virt-audit/virt-audit/audit/pipeline"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/audit/secret"
	"github.com/virt-audit/virt-audit/audit/source"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
)

// summary is what the run has done, and what it has not.
type summary struct {
	domains     int
	fixed       int // the number of fixes that were made
	changed     int // the number of documents with such
	refused     int // the number of fixes of documents that were not changed
	unreadable  int
	internal    bool
	unevaluated map[*audit.Rule]bool
	left        []remaining
}

// remaining is a finding that remains.
type remaining struct {
	source string
	fixing.Left
	pos audit.Pos
}

// fail counts an input that could not be read or judged.
func (s *summary) fail(err error) {
	s.unreadable++
	_, internal := errors.AsType[*pipeline.PanicError](err)
	s.internal = s.internal || internal
}

// skip counts a rule that was not evaluated.
func (s *summary) skip(r *audit.Rule) {
	if s.unevaluated == nil {
		s.unevaluated = map[*audit.Rule]bool{}
	}
	s.unevaluated[r] = true
}

// fix counts the fixes of documents that were changed.
func (s *summary) fix(parts []*fixing.Document) {
	if n := fixes(parts); n > 0 {
		s.fixed += n
		s.changed++
	}
}

// refuse counts the fixes of documents that were not changed.
func (s *summary) refuse(parts []*fixing.Document) { s.refused += fixes(parts) }

func fixes(parts []*fixing.Document) (n int) {
	for _, d := range parts {
		if x := d.Changed(); x != nil {
			n += len(x.Fixed)
		}
	}
	return n
}

// leave adds the findings that remain in a document. written means that the document was changed, so
// that positions are those of the new version.
func (s *summary) leave(source string, left []fixing.Left, written bool) {
	for _, l := range left {
		pos := l.Pos
		if !written && l.Was != (audit.Pos{}) {
			pos = l.Was
		}
		s.left = append(s.left, remaining{source, l, pos})
	}
}

// verdict lists what remains, and returns the exit code.
func (r *run) verdict() error {
	s := &r.summary
	for _, l := range s.left {
		line := fmt.Sprintf("%s: %s %s: %s (%s)", source.Location(l.source, l.pos.Line, l.pos.Column),
			l.Severity, l.Rule.ID, l.Message, secret.MaskWords(l.Reason))
		fmt.Fprintln(r.Err, report.LogLine(line))
	}
	if n := len(s.unevaluated); n > 0 {
		r.Errorf("%s could not be evaluated for some guests: an audit lists what is missing", plural(n, "rule"))
	}
	if s.domains > 0 {
		r.Errorf("%s", s.words(r.write || r.define))
	}
	switch {
	case s.internal:
		return cmdutil.Exit(cmdutil.ExitInternal)
	case s.unreadable > 0:
		return cmdutil.Exit(cmdutil.ExitInput)
	case s.domains == 0 && r.named:
		r.Errorf("no domain of libvirt was found; --verbose lists the files that were skipped")
		return cmdutil.Exit(cmdutil.ExitNothing)
	case s.domains == 0:
		r.Errorf("no domain was found: name files, directories or '-' for standard input")
		return cmdutil.Exit(cmdutil.ExitNothing)
	case len(s.left) > 0 || s.refused > 0:
		return cmdutil.Exit(cmdutil.ExitFindings)
	}
	return nil
}

// words returns the summary in words.
func (s *summary) words(written bool) string {
	text := "nothing to fix"
	switch {
	case s.fixed > 0 && written:
		text = fmt.Sprintf("%s made in %s", pluralOf(s.fixed, "fix", "fixes"), plural(s.changed, "document"))
	case s.fixed > 0:
		text = fmt.Sprintf("the difference has %s in %s", pluralOf(s.fixed, "fix", "fixes"), plural(s.changed, "document"))
	case len(s.left)+s.refused > 0:
		text = "nothing was fixed"
	}
	if s.refused > 0 {
		text += fmt.Sprintf(", %s not made", pluralOf(s.refused, "fix was", "fixes were"))
	}
	if n := len(s.left); n > 0 {
		text += ", " + pluralOf(n, "finding remains", "findings remain")
	}
	return text
}

func plural(n int, noun string) string { return pluralOf(n, noun, noun+"s") }

func pluralOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
