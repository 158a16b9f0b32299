package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/source"
)

// findings prints all findings about one guest.
func (t *textReporter) findings(w io.Writer, r *audit.Result) {
	b := r.Boundary
	head := fmt.Sprintf("%s  %s", t.style.bold(printable(r.Name)), t.style.dim(printable(r.Source)))
	if o := r.Origin; showsOrigin(o) && o.Host == "" { // otherwise the source contains it
		head += "  " + t.style.dim("("+printable(o.String())+")")
	}
	fmt.Fprintf(w, "\n%s\n", head)
	for _, line := range wrap(fmt.Sprintf("%s: %s", b.Verdict, b.Explain()), t.width-2) {
		fmt.Fprintf(w, "  %s\n", t.style.verdict[b.Verdict](printable(line)))
	}
	if len(r.Origin.Taints) > 0 {
		for _, line := range wrap("tainted according to libvirt: "+strings.Join(r.Origin.Taints, ", "), t.width-2) {
			fmt.Fprintf(w, "  %s\n", printable(line))
		}
	}
	t.explained = map[string]bool{}
	for i := range r.Findings {
		t.finding(w, r, &r.Findings[i])
	}
	for _, u := range t.opt.uncounted(r) {
		t.uncounted(w, r, u)
	}
	if t.opt.Verbose {
		for _, u := range r.Unevaluated {
			fmt.Fprintf(w, "\n  not evaluated: %s, because %s\n", u.Rule.ID, u.Missing)
		}
	}
}

// uncounted prints a finding that does not count, why it does not, and how to fix it all the same.
func (t *textReporter) uncounted(w io.Writer, r *audit.Result, u uncounted) {
	fmt.Fprintf(w, "\n  %s  %s\n", t.style.dim("("+u.Severity.String()+")"), u.Rule.ID)
	t.message(w, u.Message)
	fmt.Fprintf(w, "    %s\n", source.Location(printable(r.Source), u.Pos.Line, u.Pos.Column))
	t.message(w, u.why())
	if u.Waiver != nil {
		at := u.Waiver.Pos
		fmt.Fprintf(w, "    %s\n", source.Location(printable(u.Waiver.Source), at.Line, at.Column))
	}
	t.advice(w, r, u.Finding)
}

func (t *textReporter) finding(w io.Writer, r *audit.Result, f *audit.Finding) {
	const indent = "    "
	fmt.Fprintf(w, "\n  %s  %s\n", t.style.severity[f.Severity](f.Severity.String()), t.style.bold(f.Rule.ID))
	t.message(w, f.Message)
	fmt.Fprintf(w, "%s%s\n", indent, source.Location(printable(r.Source), f.Pos.Line, f.Pos.Column))
	line, start, width := caret(f.Excerpt)
	if line != "" {
		number := strconv.Itoa(f.Pos.Line)
		columns := t.width - len(indent) - len(number) - 5
		line, start, width = window(line, start, width, columns)
		fmt.Fprintf(w, "%s%s %s\n", indent, t.style.dim(" "+number+" |"), line)
		fmt.Fprintf(w, "%s%s %s%s\n", indent, t.style.dim(" "+strings.Repeat(" ", len(number))+" |"), strings.Repeat(" ", start), t.style.caret(strings.Repeat("^", width)))
	}
	if f.Drift != "" {
		t.labelled(w, "but", f.Drift.Explain())
	}
	if !t.explained[f.Rule.ID] {
		why := firstSentence(f.Rule.Doc)
		if t.opt.Verbose {
			why = f.Rule.Doc
		}
		t.labelled(w, "why", why)
	}
	t.advice(w, r, f)
}

// advice prints how to fix a finding, and once for each rule and guest the address of the rule's
// documentation.
func (t *textReporter) advice(w io.Writer, r *audit.Result, f *audit.Finding) {
	a := t.opt.advice(r, f)
	t.fix(w, f.Rule, &a)
	if !t.explained[f.Rule.ID] {
		t.explained[f.Rule.ID] = true
		t.see(w, f.Rule)
	}
}

// fix prints an advice. A text or command is printed once for all findings of a rule in a guest.
func (t *textReporter) fix(w io.Writer, r *audit.Rule, a *Advice) {
	const indent = "         "
	once := func(text string) bool {
		key := r.ID + "\n" + text
		first := text != "" && !t.explained[key]
		t.explained[key] = true
		return first
	}
	if text := a.words(); once(text) {
		if a.Manager != "" {
			text = "(" + a.Manager + "): " + text
		}
		t.labelled(w, "fix", text)
	}
	for _, l := range a.shownDiff() {
		fmt.Fprintf(w, "%s%s\n", indent, t.style.diff[l[0]](fitted(l, t.width-len(indent))))
	}
	if once(a.Command) { // a command stays on one line, to be copied
		fmt.Fprintf(w, "%s%s\n", indent, t.style.bold("$ "+printable(a.Command)))
	}
}

// see prints the address of a rule's documentation.
func (t *textReporter) see(w io.Writer, r *audit.Rule) {
	const indent = "    "
	fmt.Fprintf(w, "%s%s %s\n", indent, pad("see", 4), printable(r.URL()))
	if t.opt.Verbose {
		for _, ref := range r.Refs {
			fmt.Fprintf(w, "%s     %s\n", indent, ref)
		}
	}
}

func (t *textReporter) message(w io.Writer, text string) {
	for _, line := range wrap(printable(text), t.width-4) {
		fmt.Fprintf(w, "    %s\n", line)
	}
}

func (t *textReporter) labelled(w io.Writer, label, prose string) {
	for i, line := range wrap(printable(strings.Join(strings.Fields(prose), " ")), t.width-9) {
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(w, "    %s %s\n", pad(label, 4), line)
	}
}

// window shortens an excerpt to n columns around the marked part.
func window(line string, start, width, n int) (string, int, int) {
	runes := []rune(line)
	if len(runes) <= n || n < 10 {
		return line, start, width
	}
	from := 0
	if start+width > n-1 {
		from = min(max(0, start-4), max(0, len(runes)-n+1))
	}
	to := min(len(runes), from+n-2)
	out := string(runes[from:to])
	if from > 0 {
		out = "…" + string(runes[from+1:to])
	}
	if to < len(runes) {
		out += "…"
	}
	start -= from
	return out, start, min(width, max(1, to-from-start))
}
