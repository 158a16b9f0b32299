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

// The format of GitLab Code Quality
// (https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format) is a part of that
// of Code Climate
// (https://github.com/codeclimate/platform/blob/master/spec/analyzers/SPEC.md#data-types). GitLab
// reads the fields that it lists, ignores the others, and shows the description only: that names
// the guest and its verdict. The fix and the address of the documentation are where Code Climate
// has a place for them. A guest without findings has no entry, since every entry is shown as a
// defect.
//
// GitLab identifies an entry by its fingerprint; of several entries with one fingerprint it keeps
// the last.

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

// gitlabSeverity maps severities to those of GitLab. An unreadable input is a "blocker", too.
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
	seen, about := occurrences{}, markdownParagraph(fmt.Sprintf("Guest %s: %s, %s (policy %s).", r.Name, b.Verdict, b.Explain(), b.Policy))
	for i := range r.Findings {
		if err := g.entry(g.finding(r, &r.Findings[i], about, seen)); err != nil {
			return err
		}
	}
	// GitLab has no mark for findings that do not count: they get the severity info and begin with
	// why.
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

// finding returns the entry of a finding about a guest; about is its verdict, as Markdown.
func (g *gitlabReporter) finding(r *audit.Result, f *audit.Finding, about string, seen occurrences) *gitlabEntry {
	if f.Drift != "" {
		about += "But: " + f.Drift.Explain() + ".\n\n"
	}
	a := g.opt.advice(r, f)
	e := newGitLabEntry(f.Rule, f.Severity, f.Message, about, &a, g.location(r.Source, f.Pos))
	e.Description += fmt.Sprintf(" (guest %s: %s)", printable(r.Name), r.Boundary.Verdict)
	// All documents of a guest share the fingerprint of a finding, and GitLab would show one.
	fingerprint := r.Fingerprint(f)
	e.Fingerprint = digest(
		fingerprint, string(r.Origin.Kind), r.Origin.Label, e.Location.Path, strconv.Itoa(seen.next(fingerprint)),
	)
	return e
}

// newGitLabEntry returns an entry without a fingerprint. about is Markdown that precedes the fix.
func newGitLabEntry(r *audit.Rule, s audit.Severity, message, about string, a *Advice, at gitlabLocation) *gitlabEntry {
	return &gitlabEntry{
		CheckName: printable(r.ID), Description: printable(message), Severity: gitlabSeverity[s], Location: at,
		Content: gitlabContent{about + markdownAdvice(a) + "\n<" + printable(r.URL()) + ">\n"},
	}
}

func (g *gitlabReporter) Notice(n *audit.Notice) error {
	a := ruleAdvice(n.Rule, "")
	e := newGitLabEntry(n.Rule, n.Severity, n.Message, "", &a, g.location(n.Source, n.Pos))
	e.Fingerprint = g.seen.numbered(n.Fingerprint())
	return g.entry(e)
}

// Unreadable writes an entry of the highest severity: without it, an unreadable input would look
// like one without defects.
func (g *gitlabReporter) Unreadable(err error) error {
	g.tally.Unreadable++
	p := newJSONUnreadable(err)
	e := newGitLabUnaudited(unreadableInput, "unreadable: "+p.Message, g.location(p.Source, audit.Pos{Line: p.Line, Column: p.Column}))
	e.Fingerprint = g.seen.numbered(unreadableFingerprint(unreadableInput, p.Source))
	return g.entry(e)
}

// newGitLabUnaudited returns an entry, without a fingerprint, about something that was not audited.
func newGitLabUnaudited(r *audit.Rule, message string, at gitlabLocation) *gitlabEntry {
	a := ruleAdvice(r, "")
	e := newGitLabEntry(r, r.Severity, message, markdownParagraph(r.Doc), &a, at)
	e.Severity = gitlabBlocker
	return e
}

func (g *gitlabReporter) Close() error {
	if g.tally.nothing() {
		e := newGitLabUnaudited(nothingAudited, noGuest, g.location(g.opt.firstArgument(), audit.Pos{}))
		e.Fingerprint = digest(nothingAudited.ID)
		if err := g.entry(e); err != nil {
			return err
		}
	}
	if text := g.uncounted(); text != "" {
		about := []string{"This is about the whole run. --show-waived lists the findings that are waived or in the baseline.\n\n"}
		for _, need := range slices.Sorted(maps.Keys(g.tally.Missing)) {
			about = append(about, markdownParagraph(fmt.Sprintf("Not evaluated, which is not a pass: %s, because %s.", plural(g.tally.Missing[need], "check"), need)))
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

// uncounted describes the part of the run that has no entry; "" if there is none.
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
		parts = append(parts, plural(n, "check")+" not evaluated")
	}
	return strings.Join(parts, ", ")
}

// location returns a place. GitLab requires a path, relative to the root of the repository for a
// file, and a line: 1 where none is known.
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
