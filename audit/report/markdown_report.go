package report

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/source"
)

// The Markdown report is for comments on pull requests and for job summaries, in the flavour of
// GitHub. Foreign text must not become markup: an element, a link, a cell, or something that GitHub
// recognizes in plain text, such as @names, addresses and numbers of issues. GitHub does so
// everywhere except in code, so text that may be more than prose is printed as code.

// The limits of GitHub: of a comment, in characters (https://github.com/google/go-github/pull/440),
// and of a job summary, in bytes ("upload aborted, supports content up to a size of 1024k").
const (
	commentLimit = 65536
	summaryLimit = 1 << 20
)

// measured is a spool that knows its size.
type measured struct {
	spool
	bytes, characters int
}

func (m *measured) add(text string) error {
	text = inert(text)
	m.bytes += len(text)
	m.characters += utf8.RuneCountInString(text)
	_, err := io.WriteString(&m.spool, text)
	return err
}

type markdownReporter struct {
	w     io.Writer
	opt   Options
	tally Tally
	lacks lacks

	problems, table, details, notices measured
	noticed                           map[string]bool // rules whose fix was printed with a notice
}

func newMarkdown(w io.Writer, o Options) Reporter {
	return &markdownReporter{w: w, opt: o, lacks: lacks{}, noticed: map[string]bool{}}
}

func (m *markdownReporter) Domain(r *audit.Result) error {
	m.tally.Add(r)
	m.lacks.add(r)
	if err := m.table.add(m.row(r)); err != nil {
		return err
	}
	if len(r.Findings)+len(m.opt.uncounted(r)) > 0 {
		return m.details.add(m.guest(r))
	}
	return nil
}

// verdictWord returns a verdict for the table and the summary: "outside" is bold.
func verdictWord(w policy.Word) string {
	if w == policy.Outside {
		return "**outside**"
	}
	return string(w)
}

// row is a guest's line in the table.
func (m *markdownReporter) row(r *audit.Result) string {
	var machine []string
	for _, s := range []string{r.Target.Type, r.Target.Arch, r.Target.Machine} {
		if s != "" {
			machine = append(machine, s)
		}
	}
	name := cellCode(r.Name)
	if showsOrigin(r.Origin) {
		name += " " + cellCode(r.Origin.String())
	}
	worst := "–"
	if len(r.Findings) > 0 {
		worst = worstOf(r.Findings).String()
	}
	counts := severityCounts(r.Findings)
	if n := len(r.Unevaluated); n > 0 {
		counts += fmt.Sprintf(", %s not evaluated", plural(n, "check"))
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |\n", verdictWord(r.Boundary.Verdict), name, cellCode(strings.Join(machine, " ")), worst, counts)
}

func worstOf(findings []audit.Finding) audit.Severity {
	worst := audit.Info
	for i := range findings {
		worst = max(worst, findings[i].Severity)
	}
	return worst
}

// severityCounts returns the number of findings of each severity: "1 critical, 2 low".
func severityCounts(findings []audit.Finding) string {
	var n [audit.Critical + 1]int
	for i := range findings {
		n[findings[i].Severity]++
	}
	return counted(n, "no finding")
}

func counted(n [audit.Critical + 1]int, none string) string {
	var out []string
	for _, s := range audit.Severities() {
		if n[s] > 0 {
			out = append(out, fmt.Sprintf("%d %s", n[s], s))
		}
	}
	if out == nil {
		return none
	}
	return strings.Join(out, ", ")
}

// guest returns the findings about one guest in an element that is collapsed.
func (m *markdownReporter) guest(r *audit.Result) string {
	var b strings.Builder
	verdict := strings.ReplaceAll(verdictWord(r.Boundary.Verdict), "*", "")
	// In a line that begins with an element nothing is Markdown, up to the next empty line.
	fmt.Fprintf(&b, "\n<details><summary><code>%s</code>: %s, %s</summary>\n\n", htmlElement(r.Name), verdict, severityCounts(r.Findings))
	fmt.Fprintf(&b, "Verdict %s: %s, by policy %s. Read from %s", r.Boundary.Verdict,
		prose(r.Boundary.Explain()), codeSpan(r.Boundary.Policy), codeSpan(r.Source))
	if showsOrigin(r.Origin) && r.Origin.Host == "" { // otherwise the source contains it
		fmt.Fprintf(&b, " (%s)", codeSpan(r.Origin.String()))
	}
	b.WriteString(".\n")
	if len(r.Origin.Taints) > 0 {
		fmt.Fprintf(&b, "\nTainted according to libvirt: %s.\n", codeSpan(strings.Join(r.Origin.Taints, ", ")))
	}
	m.findings(&b, r, r.Findings, nil)
	if m.opt.ShowWaived {
		if len(r.Waived) > 0 {
			b.WriteString("\n#### Waived, not counted\n")
			waived := make([]audit.Finding, 0, len(r.Waived))
			for i := range r.Waived {
				waived = append(waived, r.Waived[i].Finding)
			}
			m.findings(&b, r, waived, func(i int) string { return waiverText(r.Waived[i].Waiver) })
		}
		if len(r.InBaseline) > 0 {
			b.WriteString("\n#### In the baseline, not counted\n")
			m.findings(&b, r, r.InBaseline, nil)
		}
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// ruleLink returns the ID of a rule as a link to its documentation, or as code with the address
// where that is not plain: site-specific rules may have an address of any form.
func ruleLink(r *audit.Rule) string {
	url := r.URL()
	if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") || strings.ContainsAny(url, " <>\\`\n") || printable(url) != url {
		return codeSpan(r.ID) + " (" + codeSpan(url) + ")"
	}
	return "[" + codeSpan(r.ID) + "](<" + url + ">)"
}

func waiverText(w *audit.Waiver) string {
	text := "; waived"
	if !w.Until.IsZero() {
		text += " until " + w.Until.Format("2006-01-02")
	}
	return text + ": " + prose(w.Reason)
}

// findings prints findings grouped by rule, the worst first, so that each fix is printed once.
// more, which may be nil, returns text to append to the finding with an index.
func (m *markdownReporter) findings(b *strings.Builder, r *audit.Result, all []audit.Finding, more func(i int) string) {
	type group struct {
		severity audit.Severity
		rule     *audit.Rule
	}
	var groups []group
	members := map[group][]int{}
	for i := range all {
		g := group{all[i].Severity, all[i].Rule}
		if members[g] == nil {
			groups = append(groups, g)
		}
		members[g] = append(members[g], i)
	}
	slices.SortStableFunc(groups, func(a, b group) int { return int(b.severity - a.severity) })
	for _, g := range groups {
		why := firstSentence(g.rule.Doc)
		if m.opt.Verbose {
			why = g.rule.Doc
		}
		fmt.Fprintf(b, "\n**%s** %s: %s\n\n", g.severity, ruleLink(g.rule), prose(why))
		for _, i := range members[g] {
			f := &all[i]
			fmt.Fprintf(b, "- %s: %s", codeSpan(source.Location(r.Source, f.Pos.Line, f.Pos.Column)), prose(f.Message))
			if f.Drift != "" {
				b.WriteString(" (" + f.Drift.Explain() + ")")
			}
			if more != nil {
				b.WriteString(more(i))
			}
			b.WriteByte('\n')
		}
		m.fixes(b, r, all, members[g])
	}
}

func (m *markdownReporter) Notice(n *audit.Notice) error {
	m.tally.AddNotice(n)
	place := source.Location(n.Source, n.Pos.Line, n.Pos.Column)
	text := fmt.Sprintf("\n**%s** %s: %s: %s\n", n.Severity, ruleLink(n.Rule), codeSpan(place), prose(n.Message))
	if !m.noticed[n.Rule.ID] {
		m.noticed[n.Rule.ID] = true
		a := ruleAdvice(n.Rule, "")
		text += "\n" + markdownAdvice(&a)
	}
	return m.notices.add(text)
}

func (m *markdownReporter) Unreadable(err error) error {
	m.tally.Unreadable++
	e := newJSONUnreadable(err)
	place := source.Location(e.Source, e.Line, e.Column)
	if place == "" {
		return m.problems.add("- An input: " + prose(e.Message) + "\n")
	}
	return m.problems.add("- " + codeSpan(place) + ": " + prose(e.Message) + "\n")
}

func (m *markdownReporter) Close() error {
	var tail measured
	err := m.lacks.each(func(need audit.Inputs, checks int, rules []string) error {
		for i, id := range rules {
			rules[i] = codeSpan(id)
		}
		return tail.add(fmt.Sprintf("- %s of %s, because %s\n", plural(checks, "check"), strings.Join(rules, ", "), prose(need.String())))
	})
	errs := []error{err}
	head := m.head()
	parts := []struct {
		title string
		body  *measured
	}{
		{"\n### Unreadable inputs\n\nThe guests in these were not audited.\n\n", &m.problems},
		{"\n### Guests\n\n| verdict | guest | runs as | worst | findings |\n|---|---|---|---|---|\n", &m.table},
		{"\n### Findings\n", &m.details},
		{"\n### Findings about no guest\n", &m.notices},
		{"\n### Not evaluated\n\nThese are not passes.\n\n", &tail},
	}
	size, characters := len(head), utf8.RuneCountInString(head)
	for _, p := range parts {
		if p.body.bytes > 0 {
			size += len(p.title) + p.body.bytes
			characters += len(p.title) + p.body.characters
		}
	}
	_, err = io.WriteString(m.w, head+lengthNote(size, characters))
	errs = append(errs, err)
	for _, p := range parts {
		if p.body.bytes > 0 {
			_, err := io.WriteString(m.w, p.title)
			errs = append(errs, err, p.body.copyTo(m.w))
		}
	}
	return errors.Join(errs...)
}

// head returns the headline and the counts.
func (m *markdownReporter) head() string {
	var b strings.Builder
	t := &m.tally
	b.WriteString("## virt-audit: ")
	if t.Domains > 0 {
		fmt.Fprintf(&b, "%s in %s", counted(t.Severities, "no finding"), plural(t.Domains, "guest"))
	} else {
		b.WriteString(noGuest)
	}
	if t.Unreadable > 0 {
		fmt.Fprintf(&b, ", %s", plural(t.Unreadable, "unreadable input"))
	}
	b.WriteString("\n")
	if t.Domains > 0 {
		var verdicts []string
		for _, w := range policy.Words() {
			if n := t.Verdicts[w]; n > 0 {
				verdicts = append(verdicts, fmt.Sprintf("%d %s", n, verdictWord(w)))
			}
		}
		fmt.Fprintf(&b, "\nQEMU's security support boundary (policy %s): %s.\n", codeSpan(m.opt.Policy), strings.Join(verdicts, ", "))
	}
	var counts []string
	if n := t.AtLeast(m.opt.FailOn); n > 0 {
		counts = append(counts, fmt.Sprintf("%s at or above %s: the audit fails.", plural(n, "finding"), m.opt.FailOn))
	}
	if t.Waived > 0 {
		counts = append(counts, plural(t.Waived, "finding")+" waived, not counted.")
	}
	if t.InBaseline > 0 {
		counts = append(counts, plural(t.InBaseline, "finding")+" in the baseline, not counted.")
	}
	if t.Unevaluated > 0 {
		counts = append(counts, plural(t.Unevaluated, "check")+" not evaluated.")
	}
	if counts != nil {
		fmt.Fprintf(&b, "\n%s\n", strings.Join(counts, " "))
	}
	return b.String()
}

// lengthNote returns a note if the report exceeds a limit of GitHub; else "".
func lengthNote(size, characters int) string {
	switch {
	case size > summaryLimit:
		return fmt.Sprintf("\n> This report is too long for GitHub: %d KiB, of which a job summary takes %d and a comment less.\n", size>>10, summaryLimit>>10)
	case characters > commentLimit:
		return fmt.Sprintf("\n> This report is too long for a comment on GitHub: %d characters, of which one takes %d. A job summary takes it.\n", characters, commentLimit)
	}
	return ""
}
