package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fatih/color"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// The voice of the text report: a word for everything that a colour says, nothing in white or black
// (terminals are dark or light), the guest first, then the place, then why and how to mend it.

// styles are the colours of one writer; a terminal is asked for, never a global.
type styles struct {
	bold, dim, caret func(...any) string
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
		severity: map[audit.Severity]func(...any) string{
			audit.Critical: paint(color.FgRed, color.Bold, color.ReverseVideo),
			audit.High:     paint(color.FgRed, color.Bold),
			audit.Medium:   paint(color.FgYellow, color.Bold),
			audit.Low:      paint(color.FgCyan),
			audit.Info:     paint(color.FgBlue),
		},
		verdict: map[policy.Word]func(...any) string{
			policy.Virtualization:    paint(color.FgGreen, color.Bold),
			policy.NonVirtualization: paint(color.FgRed, color.Bold),
			policy.Undetermined:      paint(color.FgYellow, color.Bold),
			policy.NotApplicable:     paint(color.FgBlue),
		},
	}
}

// shortVerdict is what a person reads for each of the policy's four words.
var shortVerdict = map[policy.Word]string{
	policy.Virtualization:    "inside",
	policy.NonVirtualization: "OUTSIDE",
	policy.Undetermined:      "undetermined",
	policy.NotApplicable:     "not QEMU",
}

const (
	verdictWidth = 14
	nameWidth    = 16
)

type textReporter struct {
	w       io.Writer
	opt     Options
	style   styles
	width   int
	tally   Tally
	details spool
	begun   bool
	told    map[string]bool // rules whose why and fix were printed for the guest at hand
}

func newText(w io.Writer, o Options) Reporter {
	width := o.Width
	if width <= 0 {
		width = 80
	}
	return &textReporter{w: w, opt: o, style: newStyles(o.Color), width: max(width, 40)}
}

func (t *textReporter) Domain(r *audit.Result) error {
	t.tally.Add(r)
	if len(r.Findings) > 0 || t.opt.ShowWaived && len(r.Waived)+len(r.Known) > 0 {
		t.findings(&t.details, r)
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
	_, err := io.WriteString(t.w, t.row(r))
	return err
}

// row is a guest's line in the list: verdict, name, what decided it, and the count of findings.
func (t *textReporter) row(r *audit.Result) string {
	b := r.Boundary
	verdict := t.style.verdict[b.Word](pad(shortVerdict[b.Word], verdictWidth))
	what := []string{r.Target.Type}
	arch, origin := r.Target.Arch, ""
	if told(r.Origin) { // there is no room for both, and the guest's other documents have the architecture
		arch, origin = "", "("+r.Origin.String()+")"
	}
	for _, s := range []string{arch, r.Target.Machine, origin} {
		if s != "" {
			what = append(what, printable(s))
		}
	}
	left := pad(printable(r.Name), nameWidth) + "  " + strings.Join(what, " ")
	// The counts stand in a column of their own, as wide as the screen allows.
	column := min(t.width-2-verdictWidth-len("9 critical, 9 high…"), nameWidth+2+36)
	return strings.TrimRight("  "+verdict+pad(left, column)+"  "+t.counts(r), " ") + "\n"
}

// counts says how many findings of its worst severity a guest has, and how many more.
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

// findings prints all that is wrong with one guest.
func (t *textReporter) findings(w io.Writer, r *audit.Result) {
	b := r.Boundary
	head := fmt.Sprintf("%s  %s", t.style.bold(printable(r.Name)), t.style.dim(printable(r.Source)))
	if o := r.Origin; told(o) && o.Host == "" { // else the source says so
		head += "  " + t.style.dim("("+printable(o.String())+")")
	}
	fmt.Fprintf(w, "\n%s\n", head)
	for _, line := range wrap(fmt.Sprintf("%s: %s", b.Word, b.Explain()), t.width-2) {
		fmt.Fprintf(w, "  %s\n", t.style.verdict[b.Word](printable(line)))
	}
	if len(r.Origin.Taints) > 0 {
		for _, line := range wrap("libvirt calls it tainted: "+strings.Join(r.Origin.Taints, ", "), t.width-2) {
			fmt.Fprintf(w, "  %s\n", printable(line))
		}
	}
	t.told = map[string]bool{}
	for _, f := range r.Findings {
		t.finding(w, r, f)
	}
	if t.opt.ShowWaived {
		t.hidden(w, r)
	}
	if t.opt.Verbose {
		for _, u := range r.Unevaluated {
			fmt.Fprintf(w, "\n  not evaluated: %s, because %s\n", u.Rule.ID, u.Needs)
		}
	}
}

// hidden lists what does not count, and who says so.
func (t *textReporter) hidden(w io.Writer, r *audit.Result) {
	line := func(f *audit.Finding) {
		fmt.Fprintf(w, "\n  %s  %s\n", t.style.dim("("+f.Severity.String()+")"), f.Rule.ID)
		t.labelled(w, "", f.Message)
		fmt.Fprintf(w, "         %s:%d:%d\n", printable(r.Source), f.Pos.Line, f.Pos.Column)
	}
	for i := range r.Waived {
		waiver := r.Waived[i].Waiver
		line(&r.Waived[i].Finding)
		until := ""
		if !waiver.Until.IsZero() {
			until = " (until " + waiver.Until.Format(time.DateOnly) + ")"
		}
		t.labelled(w, "", fmt.Sprintf("waived: %s%s", waiver.Reason, until))
		fmt.Fprintf(w, "         %s:%d:%d\n", printable(waiver.Source), waiver.Pos.Line, waiver.Pos.Column)
	}
	for i := range r.Known {
		line(&r.Known[i])
		t.labelled(w, "", "known: it is in the baseline")
	}
}

func (t *textReporter) finding(w io.Writer, r *audit.Result, f audit.Finding) {
	const indent = "    "
	fmt.Fprintf(w, "\n  %s  %s\n", t.style.severity[f.Severity](f.Severity.String()), t.style.bold(f.Rule.ID))
	for _, line := range wrap(printable(f.Message), t.width-len(indent)) {
		fmt.Fprintf(w, "%s%s\n", indent, line)
	}
	fmt.Fprintf(w, "%s%s:%d:%d\n", indent, printable(r.Source), f.Pos.Line, f.Pos.Column)
	line, start, width := caret(f.Excerpt)
	if line != "" {
		number := strconv.Itoa(f.Pos.Line)
		room := t.width - len(indent) - len(number) - 5
		line, start, width = window(line, start, width, room)
		fmt.Fprintf(w, "%s%s %s\n", indent, t.style.dim(" "+number+" |"), line)
		fmt.Fprintf(w, "%s%s %s%s\n", indent, t.style.dim(" "+strings.Repeat(" ", len(number))+" |"), strings.Repeat(" ", start), t.style.caret(strings.Repeat("^", width)))
	}
	if f.Drift != "" {
		t.labelled(w, "but", f.Drift.Explain())
	}
	if t.told[f.Rule.ID] {
		return
	}
	t.told[f.Rule.ID] = true
	why := firstSentence(f.Rule.Doc)
	if t.opt.Verbose {
		why = f.Rule.Doc
	}
	t.labelled(w, "why", why)
	for i, l := range strings.Split(fixFor(f.Rule, r.Name), "\n") {
		label := ""
		if i == 0 {
			label = "fix"
		}
		if command, ok := strings.CutPrefix(l, "$ "); ok { // a command stays on one line, to be copied
			fmt.Fprintf(w, "%s%s %s\n", indent, pad(label, 4), t.style.bold("$ "+printable(command)))
			continue
		}
		t.labelled(w, label, l)
	}
	fmt.Fprintf(w, "%s%s %s\n", indent, pad("see", 4), f.Rule.URL())
	if t.opt.Verbose {
		for _, ref := range f.Rule.Refs {
			fmt.Fprintf(w, "%s     %s\n", indent, ref)
		}
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

// window shortens an excerpt to the columns at hand, around the part that is pointed at.
func window(line string, start, width, room int) (string, int, int) {
	runes := []rune(line)
	if len(runes) <= room || room < 10 {
		return line, start, width
	}
	from := 0
	if start+width > room-1 {
		from = min(max(0, start-4), max(0, len(runes)-room+1))
	}
	to := min(len(runes), from+room-2)
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

func (t *textReporter) Notice(n *audit.Notice) error {
	t.tally.AddNotice(n)
	place := n.Source
	if n.Pos.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", n.Source, n.Pos.Line, n.Pos.Column)
	}
	fmt.Fprintf(&t.details, "\n%s  %s\n", t.style.bold(printable(place)), t.style.dim("(no guest)"))
	fmt.Fprintf(&t.details, "\n  %s  %s\n", t.style.severity[n.Severity](n.Severity.String()), t.style.bold(n.Rule.ID))
	t.labelled(&t.details, "", n.Message)
	t.labelled(&t.details, "fix", n.Rule.Fix)
	return nil
}

func (t *textReporter) Problem(error) error {
	t.tally.Errors++ // standard error has the text
	return nil
}

func (t *textReporter) Close() error {
	if err := t.details.copyTo(t.w); err != nil {
		return err
	}
	if t.opt.Quiet {
		return nil
	}
	_, err := io.WriteString(t.w, t.summary())
	return err
}

// hiddenCounts says how many findings do not count, and why; "" when all do.
func hiddenCounts(t *Tally) string {
	var out []string
	if t.Waived > 0 {
		out = append(out, fmt.Sprintf("%d waived", t.Waived))
	}
	if t.Known > 0 {
		out = append(out, fmt.Sprintf("%d known by the baseline", t.Known))
	}
	return strings.Join(out, ", ")
}

func (t *textReporter) summary() string {
	var b strings.Builder
	n := t.tally
	if n.Domains == 0 && n.Errors == 0 {
		return ""
	}
	var verdicts []string
	for _, w := range []policy.Word{policy.Virtualization, policy.NonVirtualization, policy.Undetermined, policy.NotApplicable} {
		if c := n.Verdicts[w]; c > 0 {
			verdicts = append(verdicts, t.style.verdict[w](fmt.Sprintf("%d %s", c, strings.Replace(strings.ToLower(shortVerdict[w]), "qemu", "QEMU", 1))))
		}
	}
	if n.Domains > 0 {
		fmt.Fprintf(&b, "\n%s: %s\n", t.style.bold(plural(n.Domains, "guest")), strings.Join(verdicts, ", "))
	} else {
		b.WriteString(t.style.bold("no guest was audited") + "\n")
	}
	var found []string
	total := 0
	for _, s := range audit.Severities() {
		if c := n.Severities[s]; c > 0 {
			total += c
			found = append(found, t.style.severity[s](fmt.Sprintf("%d %s", c, s)))
		}
	}
	switch {
	case total > 0:
		fmt.Fprintf(&b, "%s: %s\n", t.style.bold(plural(total, "finding")), strings.Join(found, ", "))
	case n.Domains > 0:
		b.WriteString(t.style.bold("0 findings") + "\n")
	}
	if hidden := hiddenCounts(&n); hidden != "" {
		if !t.opt.ShowWaived {
			hidden += " (--show-waived lists them)"
		}
		b.WriteString("not counted: " + hidden + "\n")
	}
	if n.Errors > 0 {
		fmt.Fprintf(&b, "%s\n", t.style.severity[audit.High](plural(n.Errors, "input")+" could not be read: see the messages"))
	}
	needs := make([]audit.Needs, 0, len(n.Missing))
	for need := range n.Missing {
		needs = append(needs, need)
	}
	slices.Sort(needs)
	for _, need := range needs {
		for _, line := range wrap(fmt.Sprintf("not evaluated: %s, because %s", plural(n.Missing[need], "check"), need), t.width) {
			b.WriteString(t.style.dim(line) + "\n")
		}
	}
	return b.String()
}
