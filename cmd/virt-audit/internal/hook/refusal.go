package hook

import (
	"fmt"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
)

const (
	outside      = "outside"
	undetermined = "undetermined"
)

// defaultRefuse is what is refused without --refuse.
var defaultRefuse = []string{outside, audit.Critical.String()}

// conditionWords are the conditions of --refuse that are not rules.
func conditionWords() []string {
	words := []string{outside, undetermined}
	for _, s := range audit.Severities() {
		words = append(words, s.String())
	}
	return words
}

// conditions completes the conditions of --refuse.
var conditions = command.Completion{
	Rules: true,
	Not:   notInHooks,
	Words: command.OneOf(conditionWords()...).Words,
}

// notInHooks are rules whose subject the XML that hooks get shows at some starts and not at others:
// libvirt keeps passwords in what it restores, and omits them everywhere else.
var notInHooks = []string{"secret-graphics-passwd", "secret-rdp-passwd", "secret-http-cookie", "endpoint-graphics-empty-password"}

// refusal is what is refused.
type refusal struct {
	outside, undetermined bool
	severity              audit.Severity // or worse
	any                   bool           // the severity is set
	rules                 []string
}

// parseRefusal reads the conditions of --refuse.
func parseRefusal(conditions []string, x *site.Site) (*refusal, error) {
	r := &refusal{}
	for _, word := range conditions {
		severity, err := audit.ParseSeverity(word)
		switch {
		case word == outside:
			r.outside = true
		case word == undetermined:
			r.undetermined = true
		case err == nil:
			if !r.any || severity < r.severity {
				r.severity, r.any = severity, true
			}
		case slices.Contains(notInHooks, word):
			return nil, cmdutil.Usagef("--refuse: %s is about passwords, which libvirt does not show to hooks", word)
		default:
			if _, err := x.Rule(word); err != nil {
				return nil, unknownCondition(word)
			}
			r.rules = append(r.rules, word)
		}
	}
	return r, nil
}

func unknownCondition(word string) error {
	hint := suggest.Hint(word, conditionWords())
	if hint == "" {
		hint = "one of " + strings.Join(conditionWords(), ", ") + ", or the ID of a rule"
	}
	return &cmdutil.UsageError{
		Message: fmt.Sprintf("--refuse: unknown condition %q", report.Printable(word)),
		Hint:    hint,
	}
}

// maxFindings is how many findings a refusal shows in full. It is read in the middle of an error of
// libvirt's, often by someone who did not install the hook: it must be short, and say what to do.
const maxFindings = 3

// reason returns why a guest is refused: one line with the causes, and lines on each. It is "" if
// it is not.
func (r *refusal) reason(res *audit.Result) string {
	var matching, others []audit.Finding
	for _, f := range res.Findings {
		switch {
		case r.any && f.Severity >= r.severity || slices.Contains(r.rules, f.Rule.ID):
			matching = append(matching, f)
		case aboutBoundary(f.Rule):
			others = append(others, f)
		}
	}
	verdict := r.verdict(res)
	causes := countBySeverity(matching)
	if verdict != "" {
		causes = append([]string{verdict}, causes...)
	}
	if len(causes) == 0 {
		return ""
	}
	slices.SortStableFunc(matching, worseFirst)
	var text strings.Builder
	text.WriteString(strings.Join(causes, ", ") + "\n")
	if verdict != "" && !slices.ContainsFunc(matching, func(f audit.Finding) bool { return aboutBoundary(f.Rule) }) {
		text.WriteString("boundary: " + res.Boundary.Explain() + "\n")
		if len(others) > 0 {
			worst := slices.MinFunc(others, worseFirst)
			text.WriteString(fixOf(res, &worst))
		}
	}
	writeFindings(&text, matching, res)
	return text.String()
}

// verdict returns the cause if the verdict is refused, or "".
func (r *refusal) verdict(res *audit.Result) string {
	switch {
	case boundaryWaived(res):
	case r.outside && res.Boundary.Verdict == policy.Outside:
		return "it is outside QEMU's security support boundary"
	case r.undetermined && res.Boundary.Verdict == policy.Undetermined:
		return "it is undetermined whether it is inside QEMU's security support boundary"
	}
	return ""
}

// boundaryWaived reports whether the site accepts the verdict: the rules about it found something,
// and all of that is waived.
func boundaryWaived(res *audit.Result) bool {
	return slices.ContainsFunc(res.Waived, func(w audit.Waived) bool { return aboutBoundary(w.Rule) }) &&
		!slices.ContainsFunc(res.Findings, func(f audit.Finding) bool { return aboutBoundary(f.Rule) })
}

func aboutBoundary(r *audit.Rule) bool { return r.Group() == "boundary" }

func worseFirst(a, b audit.Finding) int { return int(b.Severity - a.Severity) }

// countBySeverity returns "1 critical finding", "2 high findings".
func countBySeverity(findings []audit.Finding) []string {
	var out []string
	for _, s := range audit.Severities() {
		n := 0
		for _, f := range findings {
			if f.Severity == s {
				n++
			}
		}
		switch n {
		case 0:
		case 1:
			out = append(out, fmt.Sprintf("1 %s finding", s))
		default:
			out = append(out, fmt.Sprintf("%d %s findings", n, s))
		}
	}
	return out
}

func writeFindings(text *strings.Builder, findings []audit.Finding, res *audit.Result) {
	for i := range findings {
		f := &findings[i]
		if i == maxFindings {
			fmt.Fprintf(text, "and %d more\n", len(findings)-i)
			break
		}
		fmt.Fprintf(text, "%s: %s (%s, at %s)\n%s", f.Severity, f.Message, f.Rule.ID, place(f.Path), fixOf(res, f))
	}
	if len(findings) > 0 {
		fmt.Fprintf(text, "'virt-audit explain %s' describes the rule\n", findings[0].Rule.ID)
	}
}
