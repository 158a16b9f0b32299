package report

import (
	"fmt"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/source"
)

// boundary returns the test for the verdict.
func (j *junitReporter) boundary(r *audit.Result, class string) *junitTestCase {
	c := &junitTestCase{Class: class, Name: "boundary"}
	b := r.Boundary
	says := printable(fmt.Sprintf("%s: %s (policy %s)", b.Verdict, b.Explain(), b.Policy))
	failing := j.opt.boundaryFailures(r)
	switch {
	case len(failing) > 0: // also of a guest inside, with a device that is not
		see := "see " + strings.Join(failing, ", ")
		c.Failure = &junitOutcome{string(b.Verdict), says + "; " + see, junitProse(says, see)}
	case b.Verdict == policy.Outside || b.Verdict == policy.Undetermined:
		const why = "the run does not fail for it: the findings about it are waived, in the baseline or below --fail-on, or the rules about it did not run"
		c.Skipped = &junitOutcome{"", says, junitProse(says, why)}
	default:
		out := junitProse(says)
		c.Out = &out
	}
	return c
}

// junitGroup is the result of one rule for a guest.
type junitGroup struct {
	rule      *audit.Rule
	findings  []*audit.Finding
	uncounted []uncounted // listed or not
	needs     audit.Inputs
}

// junitGroups groups findings and rules that were not evaluated by rule, in order of appearance.
func junitGroups(r *audit.Result) []*junitGroup {
	var all []*junitGroup
	of := func(rule *audit.Rule) *junitGroup {
		for _, g := range all {
			if g.rule == rule {
				return g
			}
		}
		all = append(all, &junitGroup{rule: rule})
		return all[len(all)-1]
	}
	for i := range r.Findings {
		g := of(r.Findings[i].Rule)
		g.findings = append(g.findings, &r.Findings[i])
	}
	for _, u := range allUncounted(r) {
		g := of(u.Rule)
		g.uncounted = append(g.uncounted, u)
	}
	for _, u := range r.Unevaluated {
		of(u.Rule).needs = u.Missing
	}
	return all
}

// rule returns the test for a rule, or nil if none of its results is listed.
func (j *junitReporter) rule(r *audit.Result, g *junitGroup, class string) *junitTestCase {
	c := &junitTestCase{Class: class, Name: g.rule.ID}
	var failing, passing []string
	count := 0
	message, worst := "", audit.Info
	for _, f := range g.findings {
		text := j.finding(r, f)
		if !j.opt.fails(f.Severity) {
			passing = append(passing, text)
			continue
		}
		failing = append(failing, text)
		if count++; count == 1 {
			message = printable(f.Message)
		}
		worst = max(worst, f.Severity)
	}
	if count > 1 {
		message += fmt.Sprintf(" (and %d more)", count-1)
	}
	unknown := ""
	if g.needs != 0 {
		unknown = "not evaluated: " + g.needs.String()
	}
	reason := "" // why the rule is skipped, if it has no other result
	if j.opt.ShowWaived {
		for _, u := range g.uncounted {
			reason = printable(u.why())
			passing = append(passing, reason+"\n"+j.finding(r, u.Finding))
		}
	}
	about := junitAbout(g.rule)
	switch {
	case count > 0:
		if unknown != "" {
			passing = append(passing, unknown)
		}
		c.Failure = &junitOutcome{worst.String(), message, junitProse(append(failing, about)...)}
	case unknown != "":
		c.Skipped = &junitOutcome{"", unknown, junitProse(unknown, "see "+g.rule.URL())}
	case len(g.findings) > 0:
		passing = append(passing, about)
	case reason != "":
		c.Skipped = &junitOutcome{"", reason, junitProse(append(passing, about)...)}
		passing = nil
	default:
		return nil
	}
	if len(passing) > 0 {
		out := junitProse(passing...)
		c.Out = &out
	}
	return c
}

// finding describes a finding; junitAbout describes its rule.
func (j *junitReporter) finding(r *audit.Result, f *audit.Finding) string {
	place := source.Location(printable(r.Source), f.Pos.Line, f.Pos.Column)
	text := fmt.Sprintf("%s: %s\n  %s  %s", f.Severity, printable(f.Message), place, printable(f.Path.String()))
	if f.Drift != "" {
		text += "\n  but: " + f.Drift.Explain()
	}
	a := j.opt.advice(r, f)
	lines := []string{text}
	for _, line := range a.Lines() {
		lines = append(lines, "  "+printable(line))
	}
	for _, line := range a.shownDiff() {
		lines = append(lines, "    "+line)
	}
	return strings.Join(lines, "\n")
}

func junitAbout(rule *audit.Rule) string {
	return "why: " + firstSentence(rule.Doc) + "\nsee: " + rule.URL()
}

// junitNothing returns the failing test of a run without a guest.
func junitNothing() *junitTestCase {
	r := nothingAudited
	return &junitTestCase{
		Class: "virt-audit", Name: "there is a guest",
		Error: &junitOutcome{"input", noGuest, junitProse(r.Doc, "fix: "+r.Fix, "see: "+r.URL())},
	}
}

func junitDocument(r *audit.Result) string {
	if !showsOrigin(r.Origin) {
		return ""
	}
	return strings.TrimSpace(string(r.Origin.Kind) + " " + r.Origin.Label)
}
