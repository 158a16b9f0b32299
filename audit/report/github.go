package report

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/source"
)

// The GitHub report is a log for GitHub Actions. A line that is a workflow command makes an
// annotation:
//
//	::error file=vm.xml,line=3,endLine=3,col=5,endColumn=9,title=…::message
//
// Data and properties are escaped as in actions/toolkit, packages/core/src/command.ts; what counts
// as a command is decided in actions/runner, src/Runner.Common/ActionCommand.cs. Each guest is a
// plain line, with its verdict: a group would hide the lines that people look for. GitHub shows ten
// annotations of each level in a step and omits the rest (actions/toolkit,
// docs/problem-matchers.md). So they are printed at the end of the run, the worst first; if there
// are more than ten, the first one contains their number.

// githubShown is the number of annotations of a level that GitHub shows.
const githubShown = 10

// githubLevels are the commands, the worst first.
var githubLevels = []string{"error", "warning", "notice"}

type githubReporter struct {
	w        io.Writer
	opt      Options
	tally    Tally
	checkout checkout
	problems spool
	findings [audit.Critical + 1]spool
	levels   map[string]int // annotations
}

func newGitHub(w io.Writer, o Options) Reporter {
	return &githubReporter{w: w, opt: o, checkout: newCheckout(os.Getenv("GITHUB_WORKSPACE")), levels: map[string]int{}}
}

// line writes a line that is not a command: it begins with a fixed word.
func (g *githubReporter) line(format string, args ...any) error {
	_, err := io.WriteString(g.w, printable(fmt.Sprintf(format, args...))+"\n")
	return err
}

// annotate writes a command. Each line of the message is made printable; empty properties are
// omitted.
func (g *githubReporter) annotate(w io.Writer, level string, properties [][2]string, message ...string) error {
	var b strings.Builder
	b.WriteString("::" + level)
	separator := " "
	for _, p := range properties {
		value := printable(p[1])
		if p[0] == "title" {
			value = truncated(value, githubTitle)
		}
		if value != "" {
			b.WriteString(separator + p[0] + "=" + githubProperty(value))
			separator = ","
		}
	}
	b.WriteString("::")
	for i, line := range strings.Split(strings.Join(message, "\n"), "\n") {
		if i > 0 {
			b.WriteString("%0A")
		}
		b.WriteString(githubData(truncated(printable(line), githubLine)))
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

// GitHub takes 255 characters of a title and 64 KB of a message; a guest can be called anything.
const (
	githubTitle = 200
	githubLine  = 12_000
)

// level returns the command for a severity.
func (g *githubReporter) level(s audit.Severity) string {
	switch {
	case g.opt.fails(s):
		return githubLevels[0]
	case s >= audit.Medium:
		return githubLevels[1]
	}
	return githubLevels[2]
}

// place returns the properties for a place. A range of columns is possible within one line only.
func (g *githubReporter) place(input string, p audit.Pos) [][2]string {
	file := g.checkout.file(input)
	if file == "" || p.Line == 0 {
		return [][2]string{{"file", file}}
	}
	end := max(p.Line, p.EndLine)
	out := [][2]string{{"file", file}, {"line", strconv.Itoa(p.Line)}, {"endLine", strconv.Itoa(end)}}
	if end == p.Line && p.Column > 0 {
		out = append(out, [2]string{"col", strconv.Itoa(p.Column)}, [2]string{"endColumn", strconv.Itoa(max(p.Column, p.EndColumn))})
	}
	return out
}

// githubPlace begins a message with its place, which the log shows nowhere else.
func githubPlace(input string, p audit.Pos) string {
	if input == "" {
		return ""
	}
	return source.Location(printable(input), p.Line, p.Column) + ": "
}

func (g *githubReporter) Domain(r *audit.Result) error {
	g.tally.Add(r)
	about := r.Source
	if showsOrigin(r.Origin) {
		about += ", " + r.Origin.String()
	}
	if err := g.line("%-18s  %s  (%s): %s", r.Boundary.Verdict, r.Name, about, r.Boundary.Explain()); err != nil {
		return err
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		message := []string{githubPlace(r.Source, f.Pos) + printable(f.Message)}
		if f.Drift != "" {
			message = append(message, "but: "+f.Drift.Explain())
		}
		message = append(message, "at: "+printable(f.Path.String()), "why: "+firstSentence(f.Rule.Doc))
		a := g.opt.advice(r, f)
		message = append(append(message, a.Lines()...), "see: "+f.Rule.URL())
		title := [2]string{"title", fmt.Sprintf("%s: %s in guest %s", f.Severity, f.Rule.ID, r.Name)}
		if err := g.finding(f.Severity, append(g.place(r.Source, f.Pos), title), message...); err != nil {
			return err
		}
	}
	for _, u := range g.opt.uncounted(r) {
		reason := ""
		if u.Waiver != nil {
			reason = ": " + u.Waiver.Reason + until(u.Waiver)
		}
		a := g.opt.advice(r, u.Finding)
		fix := strings.Join(a.Lines(), "; ")
		err := g.line("%s  %s  %s%s%s; %s; see: %s", u.word(), u.Rule.ID, githubPlace(r.Source, u.Pos), u.Message, reason, fix, u.Rule.URL())
		if err != nil {
			return err
		}
	}
	return nil
}

// finding stores an annotation until Close.
func (g *githubReporter) finding(s audit.Severity, properties [][2]string, message ...string) error {
	g.levels[g.level(s)]++
	return g.annotate(&g.findings[s], g.level(s), properties, message...)
}

func (g *githubReporter) Notice(n *audit.Notice) error {
	g.tally.AddNotice(n)
	properties := append(g.place(n.Source, n.Pos), [2]string{"title", fmt.Sprintf("%s: %s", n.Severity, n.Rule.ID)})
	return g.finding(n.Severity, properties, githubPlace(n.Source, n.Pos)+printable(n.Message), "fix: "+n.Rule.Fix, "see: "+n.Rule.URL())
}

func (g *githubReporter) Unreadable(err error) error {
	g.tally.Unreadable++
	g.levels[githubLevels[0]]++
	e := newJSONUnreadable(err)
	at := audit.Pos{Line: e.Line, Column: e.Column}
	properties := append(g.place(e.Source, at), [2]string{"title", "unreadable input"})
	return g.annotate(&g.problems, githubLevels[0], properties, githubPlace(e.Source, at)+printable(e.Message))
}

// Close writes the annotations, unreadable inputs first, and then the counts.
func (g *githubReporter) Close() error {
	if g.tally.nothing() {
		g.levels[githubLevels[0]]++
		r := nothingAudited
		err := g.annotate(&g.problems, githubLevels[0], [][2]string{{"title", "virt-audit: " + noGuest}}, r.Doc, "fix: "+r.Fix, "see: "+r.URL())
		if err != nil {
			return err
		}
	}
	for _, level := range githubLevels {
		if n := g.levels[level]; n > githubShown {
			text := fmt.Sprintf("%d annotations of level %s: GitHub shows %d per step, including this one; the rest are in the log", n, level, githubShown)
			if err := g.annotate(g.w, level, [][2]string{{"title", "virt-audit: more annotations than are shown"}}, text); err != nil {
				return err
			}
		}
	}
	if err := g.problems.copyTo(g.w); err != nil {
		return err
	}
	for _, s := range audit.Severities() {
		if err := g.findings[s].copyTo(g.w); err != nil {
			return err
		}
	}
	for _, text := range g.summary() {
		if err := g.line("%s", text); err != nil {
			return err
		}
	}
	return nil
}

// summary are the last lines.
func (g *githubReporter) summary() []string {
	levels := make([]string, 0, len(githubLevels))
	for _, level := range githubLevels {
		levels = append(levels, plural(g.levels[level], level))
	}
	return append(g.tally.lines(g.opt.Policy), fmt.Sprintf("annotations: %s; GitHub shows the first %d of each", strings.Join(levels, ", "), githubShown))
}
