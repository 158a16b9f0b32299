package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/fatih/color"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/source"
)

// The text report: a word for everything that a colour shows, nothing in white or black (terminals
// are dark or light), the guest first, then the place, then why and how to fix it.

// styles are the colours of one writer; there is no global state.
type styles struct {
	bold, dim, caret func(...any) string
	diff             map[byte]func(...any) string // by the mark of a line
	severity         map[audit.Severity]func(...any) string
	verdict          map[policy.Word]func(...any) string
}

func newStyles(on bool) styles {
	paint := func(attrs ...color.Attribute) func(...any) string {
		c := color.New(attrs...)
		if on {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
		return c.SprintFunc()
	}
	return styles{
		bold:  paint(color.Bold),
		dim:   paint(color.Faint),
		caret: paint(color.FgRed, color.Bold),
		diff:  map[byte]func(...any) string{'-': paint(color.FgRed), '+': paint(color.FgGreen), ' ': paint(color.Faint)},
		severity: map[audit.Severity]func(...any) string{
			audit.Critical: paint(color.FgRed, color.Bold, color.ReverseVideo),
			audit.High:     paint(color.FgRed, color.Bold),
			audit.Medium:   paint(color.FgYellow, color.Bold),
			audit.Low:      paint(color.FgCyan),
			audit.Info:     paint(color.FgBlue),
		},
		verdict: map[policy.Word]func(...any) string{
			policy.Inside:       paint(color.FgGreen, color.Bold),
			policy.Outside:      paint(color.FgRed, color.Bold),
			policy.Undetermined: paint(color.FgYellow, color.Bold),
			policy.NotQEMU:      paint(color.FgBlue),
		},
	}
}

const (
	verdictWidth = 14
	nameWidth    = 16
)

type textReporter struct {
	w         io.Writer
	opt       Options
	style     styles
	width     int
	tally     Tally
	details   spool
	problems  []string // messages about the first unreadable inputs
	begun     bool
	explained map[string]bool // rules, texts and commands that were printed for the current guest
	noticed   map[string]bool // rules whose fix was printed with a notice
}

func newText(w io.Writer, o Options) Reporter {
	width := o.Width
	if width <= 0 {
		width = 80
	}
	return &textReporter{w: w, opt: o, style: newStyles(o.Color), width: max(width, 40), noticed: map[string]bool{}}
}

func (t *textReporter) Domain(r *audit.Result) error {
	t.tally.Add(r)
	if len(r.Findings)+len(t.opt.uncounted(r)) > 0 {
		var b strings.Builder
		t.findings(&b, r)
		if err := writeLines(&t.details, b.String()); err != nil {
			return err
		}
	}
	if t.opt.Quiet {
		return nil
	}
	if !t.begun {
		t.begun = true
		if _, err := fmt.Fprintf(t.w, "%s  (policy %s)\n\n", t.style.bold("QEMU's security support boundary"), printable(t.opt.Policy)); err != nil {
			return err
		}
	}
	return writeLines(t.w, t.row(r)+t.notes(r))
}

// notes returns lines below the verdict of a guest about what the policy does not cover.
func (t *textReporter) notes(r *audit.Result) string {
	var b strings.Builder
	for _, note := range r.Notes {
		for _, line := range wrap("note: "+note, t.width-2-verdictWidth) {
			fmt.Fprintf(&b, "  %s%s\n", strings.Repeat(" ", verdictWidth), t.style.dim(printable(line)))
		}
	}
	return b.String()
}

// row returns the line of a guest in the list: verdict, name, what decided it, and the count of
// findings.
func (t *textReporter) row(r *audit.Result) string {
	b := r.Boundary
	verdict := t.style.verdict[b.Verdict](pad(string(b.Verdict), verdictWidth))
	what := []string{r.Target.Type}
	arch, origin := r.Target.Arch, ""
	if showsOrigin(r.Origin) { // there is space for one; another document of the guest shows the architecture
		arch, origin = "", "("+r.Origin.String()+")"
	}
	for _, s := range []string{arch, r.Target.Machine, origin} {
		if s != "" {
			what = append(what, printable(s))
		}
	}
	left := pad(printable(r.Name), nameWidth) + "  " + strings.Join(what, " ")
	// The counts have a column of their own, as far right as the width allows.
	column := min(t.width-2-verdictWidth-len("9 critical, 9 high…"), nameWidth+2+36)
	return strings.TrimRight("  "+verdict+pad(left, column)+"  "+t.counts(r), " ") + "\n"
}

// counts returns the number of findings of the worst severity, and of the others.
func (t *textReporter) counts(r *audit.Result) string {
	var n [audit.Critical + 1]int
	for _, f := range r.Findings {
		n[f.Severity]++
	}
	for _, s := range audit.Severities() {
		if n[s] == 0 {
			continue
		}
		text := t.style.severity[s](fmt.Sprintf("%d %s", n[s], s))
		if rest := len(r.Findings) - n[s]; rest > 0 {
			text += fmt.Sprintf(", %d more", rest)
		}
		return text
	}
	return ""
}

func (t *textReporter) Notice(n *audit.Notice) error {
	t.tally.AddNotice(n)
	place := source.Location(n.Source, n.Pos.Line, n.Pos.Column)
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s  %s\n", t.style.bold(printable(place)), t.style.dim("(no guest)"))
	fmt.Fprintf(&b, "\n  %s  %s\n", t.style.severity[n.Severity](n.Severity.String()), t.style.bold(n.Rule.ID))
	t.message(&b, n.Message)
	t.explained = map[string]bool{}
	if !t.noticed[n.Rule.ID] {
		t.noticed[n.Rule.ID] = true
		a := ruleAdvice(n.Rule, "")
		t.fix(&b, n.Rule, &a)
		t.see(&b, n.Rule)
	}
	return writeLines(&t.details, b.String())
}

// textProblems is the number of unreadable inputs that are named, and textProblem the number of
// bytes for each.
const (
	textProblems = 20
	textProblem  = 500
)

// Unreadable stores the message. It is printed on standard error too, which need not be kept with
// the report.
func (t *textReporter) Unreadable(err error) error {
	t.tally.Unreadable++
	if len(t.problems) < textProblems {
		e := newJSONUnreadable(err)
		if e.Source != "" {
			e.Message = (&source.Error{File: e.Source, Position: source.Position{Line: e.Line, Column: e.Column}, Message: e.Message}).Error()
		}
		t.problems = append(t.problems, truncated(printable(e.Message), textProblem))
	}
	return nil
}

func (t *textReporter) Close() error {
	if err := t.details.copyTo(t.w); err != nil {
		return err
	}
	if err := writeLines(t.w, t.unread()); err != nil || t.opt.Quiet {
		return err
	}
	return writeLines(t.w, t.summary())
}
