package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// The format of GitLab's Code Quality (https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format)
// is a part of Code Climate's
// (https://github.com/codeclimate/platform/blob/master/spec/analyzers/SPEC.md#data-types). GitLab goes by the fields
// that it names and passes over the others, and it shows the description alone: that says of which guest the finding
// is, and the guest's verdict. Fix and documentation stand where Code Climate has a place for them. A guest
// without findings has no entry, since every entry is shown as a defect.
//
// What GitLab takes for one entry is what has one fingerprint; of several it keeps the last.

type gitlabEntry struct {
	Type        string         `json:"type"`
	CheckName   string         `json:"check_name"`
	Description string         `json:"description"`
	Categories  []string       `json:"categories"`
	Severity    string         `json:"severity"`
	Fingerprint string         `json:"fingerprint"`
	Location    gitlabLocation `json:"location"`
	Content     gitlabContent  `json:"content"`
}

type gitlabContent struct {
	Body string `json:"body"`
}

// gitlabLocation has the place twice: GitLab takes the line from either, others from lines alone.
type gitlabLocation struct {
	Path  string `json:"path"`
	Lines struct {
		Begin int `json:"begin"`
		End   int `json:"end"`
	} `json:"lines"`
	Positions struct {
		Begin gitlabPosition `json:"begin"`
		End   gitlabPosition `json:"end"`
	} `json:"positions"`
}

type gitlabPosition struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

// gitlabSeverity is a severity in GitLab's words. What could not be read at all is a "blocker", too.
var gitlabSeverity = map[audit.Severity]string{
	audit.Critical: gitlabBlocker, audit.High: "critical", audit.Medium: "major", audit.Low: "minor", audit.Info: gitlabInfo,
}

const (
	gitlabBlocker = "blocker"
	gitlabInfo    = "info"
)

type gitlabReporter struct {
	w       io.Writer
	opt     Options
	tally   Tally
	first   string // source that was audited
	entries int
	seen    occurrences // of what is about no guest

	checkout checkout
}

func newGitLab(w io.Writer, o Options) Reporter {
	return &gitlabReporter{w: w, opt: o, seen: occurrences{}, checkout: newCheckout(os.Getenv("CI_PROJECT_DIR"))}
}

func (g *gitlabReporter) entry(e *gitlabEntry) error {
	e.Type, e.Categories = "issue", []string{"Security"}
	text, err := JSON(e)
	if err != nil {
		return err
	}
	separator := ","
	if g.entries == 0 {
		separator = "["
	}
	g.entries++
	_, err = fmt.Fprintf(g.w, "%s\n  %s", separator, text)
	return err
}

func (g *gitlabReporter) Domain(r *audit.Result) error {
	if g.tally.Domains == 0 {
		g.first = r.Source
	}
	g.tally.Add(r)
	b := r.Boundary
	seen, about := occurrences{}, markdownParagraph(fmt.Sprintf("Guest %s: %s, %s (policy %s).", r.Name, b.Word, b.Explain(), b.Policy))
	for i := range r.Findings {
		if err := g.entry(g.finding(r, &r.Findings[i], about, seen)); err != nil {
			return err
		}
	}
	// GitLab has no mark for findings that do not count: they become information that says so.
	for _, u := range g.opt.uncounted(r) {
		e := g.finding(r, u.Finding, about, seen)
		e.Severity, e.Description = gitlabInfo, u.word()+": "+e.Description
		if u.Waiver != nil {
			e.Description += ", because " + printable(u.Waiver.Reason+until(u.Waiver))
		}
		if err := g.entry(e); err != nil {
			return err
		}
	}
	return nil
}

// finding returns a finding about a guest, of which about says the verdict.
func (g *gitlabReporter) finding(r *audit.Result, f *audit.Finding, about string, seen occurrences) *gitlabEntry {
	if f.Drift != "" {
		about += "But: " + f.Drift.Explain() + ".\n\n"
	}
	e := newGitLabEntry(f.Rule, f.Severity, f.Message, about, r.Name, g.location(r.Source, f.Pos))
	e.Description += fmt.Sprintf(" (guest %s: %s)", printable(r.Name), r.Boundary.Word)
	// What finds the finding again is the same for all documents of a guest. GitLab would show one of them.
	fingerprint := r.Fingerprint(f)
	e.Fingerprint = digest(
		fingerprint, string(r.Origin.Kind), r.Origin.Label, e.Location.Path, strconv.Itoa(seen.next(fingerprint)),
	)
	return e
}

// newGitLabEntry returns an entry that lacks its fingerprint. about, as Markdown, goes before the fix.
func newGitLabEntry(r *audit.Rule, s audit.Severity, message, about, domain string, at gitlabLocation) *gitlabEntry {
	fix := printableLines(Fix(r, domain))
	return &gitlabEntry{
		CheckName: printable(r.ID), Description: printable(message), Severity: gitlabSeverity[s], Location: at,
		Content: gitlabContent{about + "Fix:\n\n```\n" + fix + "\n```\n\n<" + printable(r.URL()) + ">\n"},
	}
}

func (g *gitlabReporter) Notice(n *audit.Notice) error {
	e := newGitLabEntry(n.Rule, n.Severity, n.Message, "", "", g.location(n.Source, n.Pos))
	e.Fingerprint = g.seen.numbered(n.Fingerprint())
	return g.entry(e)
}

// Problem makes an entry of the worst sort: without it, an input that nobody could read would look like one
// without defects.
func (g *gitlabReporter) Unreadable(err error) error {
	g.tally.Unreadable++
	p := newJSONUnreadable(err)
	e := newGitLabUnaudited(unreadableInput, "unreadable: "+p.Message, g.location(p.Source, audit.Pos{Line: p.Line, Column: p.Column}))
	e.Fingerprint = g.seen.numbered(unreadableFingerprint(unreadableInput, p.Source))
	return g.entry(e)
}

// newGitLabUnaudited returns an entry about what was not audited, which lacks its fingerprint.
func newGitLabUnaudited(r *audit.Rule, message string, at gitlabLocation) *gitlabEntry {
	e := newGitLabEntry(r, r.Severity, message, markdownParagraph(r.Doc), "", at)
	e.Severity = gitlabBlocker
	return e
}

func (g *gitlabReporter) Close() error {
	if g.tally.nothing() {
		e := newGitLabUnaudited(nothingAudited, noGuest, g.location(g.opt.operand(), audit.Pos{}))
		e.Fingerprint = digest(nothingAudited.ID)
		if err := g.entry(e); err != nil {
			return err
		}
	}
	if text := g.uncounted(); text != "" {
		about := []string{"This is about the whole run. --show-waived lists what is waived or in the baseline.\n\n"}
		for _, need := range slices.Sorted(maps.Keys(g.tally.Missing)) {
			about = append(about, markdownParagraph(fmt.Sprintf("Not evaluated, which is no pass: %s, because %s.", plural(g.tally.Missing[need], "check"), need)))
		}
		err := g.entry(&gitlabEntry{
			CheckName: "not-counted", Description: text, Severity: gitlabInfo,
			Fingerprint: digest("not-counted"), // the same in every run, or each number would be a new defect
			Location:    g.location(g.first, audit.Pos{}),
			Content:     gitlabContent{strings.Join(about, "") + "<" + unauditedPage + ">\n"},
		})
		if err != nil {
			return err
		}
	}
	end := "\n]\n"
	if g.entries == 0 {
		end = "[]\n"
	}
	_, err := io.WriteString(g.w, end)
	return err
}

// uncounted says how much of the run has no entry; "" when all has one.
func (g *gitlabReporter) uncounted() string {
	is := func(n int) string {
		if n == 1 {
			return "is"
		}
		return "are"
	}
	var parts []string
	t := &g.tally
	if n := t.Waived; n > 0 {
		parts = append(parts, plural(n, "finding")+" "+is(n)+" waived")
	}
	if n := t.InBaseline; n > 0 {
		parts = append(parts, plural(n, "finding")+" "+is(n)+" in the baseline")
	}
	if n := t.Unevaluated; n > 0 {
		parts = append(parts, plural(n, "check")+" could not be made")
	}
	return strings.Join(parts, ", ")
}

// location returns a place. GitLab wants the path of a file from the root of the repository, and something for what
// is in no file; and a line for each: the first, where none is known.
func (g *gitlabReporter) location(source string, p audit.Pos) gitlabLocation {
	at := gitlabLocation{Path: printable(cmp.Or(g.checkout.file(source), source))}
	begin := gitlabPosition{max(p.Line, 1), max(p.Column, 1)}
	end := gitlabPosition{p.EndLine, p.EndColumn}
	if end.Line < begin.Line || end.Line == begin.Line && end.Column < begin.Column {
		end = begin
	}
	at.Lines.Begin, at.Lines.End = begin.Line, end.Line
	at.Positions.Begin, at.Positions.End = begin, end
	return at
}
