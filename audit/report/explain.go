package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/manager"
)

// Explain prints one rule for people: what is wrong, why it matters, the fix, sources, and a
// document that the rule flags.
func Explain(w io.Writer, r *audit.Rule, bad string, o Options) error {
	style := newStyles(o.Color)
	width := o.Width
	if width <= 0 {
		width = 80
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", style.bold(r.ID), style.severity[r.Severity](r.Severity.String()))
	fmt.Fprintf(&b, "%s\n", strings.Join(wrap(r.Title, width), "\n"))
	section := func(title string) { fmt.Fprintf(&b, "\n%s\n", style.bold(title)) }
	section("Why")
	for _, line := range wrap(r.Doc, width-2) {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	section("Fix")
	for l := range strings.SplitSeq(r.Fix, "\n") {
		if strings.HasPrefix(l, "$ ") {
			fmt.Fprintf(&b, "  %s\n", style.bold(l))
			continue
		}
		for _, line := range wrap(l, width-2) {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	if text := managerSettings(r, width); text != "" {
		section("In the application that manages the guest")
		b.WriteString(text)
	}
	if bad != "" {
		section("A document that it flags")
		for l := range strings.SplitSeq(strings.TrimSuffix(bad, "\n"), "\n") {
			fmt.Fprintf(&b, "  %s\n", l)
		}
	}
	if len(o.Decided) > 0 {
		section("On this site")
		for _, d := range o.Decided {
			fmt.Fprintf(&b, "  %s\n", printable(d))
		}
	}
	if r.Requires != 0 {
		section("Needs")
		fmt.Fprintf(&b, "  %s\n", notEvaluated(r))
	}
	section("Profiles")
	fmt.Fprintf(&b, "  %s\n", profileList(r))
	section("Sources")
	for _, ref := range r.Refs {
		fmt.Fprintf(&b, "  %s\n", ref)
	}
	if len(r.Refs) == 0 { // a site-specific rule
		fmt.Fprintf(&b, "  %s\n", printable(r.URL()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// managerSettings returns what to set in each manager that has a setting for the rule.
func managerSettings(r *audit.Rule, width int) string {
	var b strings.Builder
	for m, advice := range manager.Settings(r.ID) {
		for i, line := range wrap("In "+m.Name()+": "+advice.Text, width-4) {
			indent := "    "
			if i == 0 {
				indent = "  "
			}
			fmt.Fprintf(&b, "%s%s\n", indent, line)
		}
	}
	return b.String()
}

// notEvaluated returns the condition under which a rule with needs is not evaluated.
func notEvaluated(r *audit.Rule) string {
	if r.OptionalInputs {
		return "may not be evaluated where " + r.Requires.String()
	}
	return "not evaluated where " + r.Requires.String()
}

// notEvaluatedSentence is notEvaluated as a sentence.
func notEvaluatedSentence(r *audit.Rule) string {
	text := notEvaluated(r)
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// RuleEntry is a rule in a list, with the severity that it has at the site.
type RuleEntry struct {
	*audit.Rule
	Disabled bool // the configuration disables it
}

// title returns the rule's title, with a mark where the rule is disabled.
func (e RuleEntry) title() string {
	if e.Disabled {
		return e.Title + " (disabled on this site)"
	}
	return e.Title
}

// RuleTable prints the rules, one on a line.
func RuleTable(w io.Writer, rules []RuleEntry, o Options) error {
	style := newStyles(o.Color)
	idWidth := 0
	for _, r := range rules {
		idWidth = max(idWidth, len(r.ID))
	}
	for _, r := range rules {
		severity := style.severity[r.Severity](pad(r.Severity.String(), 8))
		if _, err := fmt.Fprintf(w, "%s  %s  %s\n", pad(r.ID, idWidth), severity, r.title()); err != nil {
			return err
		}
	}
	return nil
}

func profileList(r *audit.Rule) string {
	var out []string
	for _, p := range r.Profiles {
		out = append(out, string(p))
	}
	return strings.Join(out, ", ")
}

// RulesJSON prints the rules as JSON.
func RulesJSON(w io.Writer, rules []RuleEntry) error {
	type rule struct {
		ID       string   `json:"id"`
		Title    string   `json:"title"`
		Severity string   `json:"severity"`
		Disabled bool     `json:"disabled,omitempty"`
		Profiles []string `json:"profiles"`
		Doc      string   `json:"doc"`
		Fix      string   `json:"fix"`
		Refs     []string `json:"refs"`
		Needs    string   `json:"needs,omitempty"`
		URL      string   `json:"url"`
	}
	out := make([]rule, 0, len(rules))
	for _, r := range rules {
		out = append(out, rule{
			r.ID, r.Title, r.Severity.String(), r.Disabled, strings.Split(profileList(r.Rule), ", "),
			strings.Join(strings.Fields(r.Doc), " "), r.Fix, append([]string{}, r.Refs...), r.Requires.String(), r.URL(),
		})
	}
	text, err := encode(struct {
		Version int    `json:"version"`
		Rules   []rule `json:"rules"`
	}{1, out}, "")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
