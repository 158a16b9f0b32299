package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// notCountedCounts counts the findings that do not count, by reason; "" if all count.
func notCountedCounts(t *Tally) string {
	var out []string
	if t.Waived > 0 {
		out = append(out, fmt.Sprintf("%d waived", t.Waived))
	}
	if t.InBaseline > 0 {
		out = append(out, fmt.Sprintf("%d in the baseline", t.InBaseline))
	}
	return strings.Join(out, ", ")
}

// unread lists the unreadable inputs, one a line.
func (t *textReporter) unread() string {
	if t.tally.Unreadable == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\n", t.gap(), t.style.severity[audit.High]("unreadable"))
	for _, p := range t.problems {
		b.WriteString("  " + p + "\n")
	}
	if more := t.tally.Unreadable - len(t.problems); more > 0 {
		fmt.Fprintf(&b, "  and %d more: see standard error\n", more)
	}
	return b.String()
}

// gap returns an empty line if there is something above.
func (t *textReporter) gap() string {
	if t.tally.Domains == 0 && t.tally.AtLeast(audit.Info) == 0 {
		return ""
	}
	return "\n"
}

// rulesRun returns the number of rules that a run applies and their profiles; "" if unknown.
func rulesRun(o *Options) string {
	if len(o.Rules) == 0 {
		return ""
	}
	text := strconv.Itoa(len(o.Rules))
	if of := ofProfiles(o); of != "" {
		text += " (" + of + ")"
	}
	return text
}

// ofProfiles lists the profiles of a run; "" if rules were selected by ID.
func ofProfiles(o *Options) string {
	if o.Named || len(o.Profiles) == 0 {
		return ""
	}
	names := make([]string, len(o.Profiles))
	for i, p := range o.Profiles {
		names[i] = string(p)
	}
	word := "profile "
	if len(names) > 1 {
		word = "profiles "
	}
	return word + strings.Join(names, ", ")
}

func (t *textReporter) summary() string {
	var b strings.Builder
	n := t.tally
	gap := t.gap()
	if n.Unreadable > 0 {
		gap = "\n"
	}
	var verdicts []string
	for _, w := range []policy.Word{policy.Inside, policy.Outside, policy.Undetermined, policy.NotQEMU} {
		if c := n.Verdicts[w]; c > 0 {
			verdicts = append(verdicts, t.style.verdict[w](fmt.Sprintf("%d %s", c, w)))
		}
	}
	if n.Domains > 0 {
		fmt.Fprintf(&b, "%s%s: %s\n", gap, t.style.bold(plural(n.Domains, "guest")), strings.Join(verdicts, ", "))
	} else {
		b.WriteString(gap + t.style.bold(noGuest) + "\n")
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
	if ran := rulesRun(&t.opt); ran != "" && n.Domains > 0 {
		b.WriteString("rules: " + ran + "\n")
	}
	if hidden := notCountedCounts(&n); hidden != "" {
		if !t.opt.ShowWaived {
			hidden += " (--show-waived lists them)"
		}
		b.WriteString("not counted: " + hidden + "\n")
	}
	if n.Unreadable > 0 {
		fmt.Fprintf(&b, "%s\n", t.style.severity[audit.High](plural(n.Unreadable, "unreadable input")))
	}
	needs := make([]audit.Inputs, 0, len(n.Missing))
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
