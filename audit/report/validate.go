package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/fatih/color"
	"github.com/rivo/uniseg"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/source"
)

// The lines are those of virt-host-validate and virt-pki-validate, column by column: "%6s: %-69s:
// ", the result, and a hint in parentheses after every result except PASS
// (tools/virt-validate-common.c in libvirt). The name of a check never contains ": ", so that a
// parser finds the result, whatever guests and files are called.
const (
	prefixWidth = 6
	checkWidth  = 69
)

// outcome is the result of a check.
type outcome string

const (
	pass outcome = "PASS"
	fail outcome = "FAIL" // makes the run fail
	warn outcome = "WARN"
	note outcome = "NOTE"
)

// lacks counts checks that were not evaluated by the missing facts and by rule.
type lacks map[audit.Inputs]map[string]int

func (l lacks) add(r *audit.Result) {
	for _, u := range r.Unevaluated {
		if l[u.Missing] == nil {
			l[u.Missing] = map[string]int{}
		}
		l[u.Missing][u.Rule.ID]++
	}
}

// each calls do for each need, in order, with the number of checks and the rules.
func (l lacks) each(do func(need audit.Inputs, checks int, rules []string) error) error {
	for _, need := range slices.Sorted(maps.Keys(l)) {
		n := 0
		for _, c := range l[need] {
			n += c
		}
		if err := do(need, n, slices.Sorted(maps.Keys(l[need]))); err != nil {
			return err
		}
	}
	return nil
}

type validate struct {
	w     io.Writer
	opt   Options
	paint map[outcome]func(...any) string
	tally Tally
	lacks lacks
}

func newValidate(w io.Writer, o Options) Reporter {
	v := &validate{w: w, opt: o, paint: map[outcome]func(...any) string{}, lacks: lacks{}}
	for word, attr := range map[outcome]color.Attribute{pass: color.FgGreen, fail: color.FgRed, warn: color.FgYellow, note: color.FgBlue} {
		c := color.New(attr)
		if o.Color {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
		v.paint[word] = c.SprintFunc()
	}
	return v
}

// line prints one line with its hints in parentheses; empty hints are omitted.
func (v *validate) line(prefix, check string, word outcome, hint ...string) error {
	if word == pass && v.opt.Quiet {
		return nil
	}
	prefix = strings.Repeat(" ", max(0, prefixWidth-uniseg.StringWidth(prefix))) + prefix
	check = validateCheck("Checking " + check)
	text := fmt.Sprintf("%s: %s: %s", prefix, pad(check, checkWidth), v.paint[word](string(word)))
	hint = slices.DeleteFunc(hint, func(s string) bool { return s == "" })
	if len(hint) > 0 {
		text += " (" + clean(strings.Join(hint, "; ")) + ")"
	}
	return writeLines(v.w, text+"\n")
}

// driver names the hypervisor of a guest as virt-host-validate does.
func driver(r *audit.Result) string {
	if r.Boundary.Verdict == policy.NotQEMU {
		return strings.ToUpper(clean(r.Target.Type))
	}
	return "QEMU"
}

// subject names a guest, and its document where that is known.
func subject(r *audit.Result) string {
	if showsOrigin(r.Origin) {
		return r.Name + " (" + r.Origin.String() + ")"
	}
	return r.Name
}

// word returns the result for a finding of a severity. A run fails if there is a FAIL or if nothing
// was audited.
func (v *validate) word(s audit.Severity) outcome {
	switch {
	case v.opt.fails(s):
		return fail
	case s >= audit.Medium:
		return warn
	}
	return note
}

func (v *validate) Domain(r *audit.Result) error {
	v.tally.Add(r)
	v.lacks.add(r)
	if err := v.boundary(r); err != nil {
		return err
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if err := v.finding(r, f, v.word(f.Severity)); err != nil {
			return err
		}
	}
	for _, u := range v.opt.uncounted(r) {
		if err := v.finding(r, u.Finding, note, u.why()); err != nil {
			return err
		}
	}
	if v.opt.Verbose {
		for _, u := range r.Unevaluated {
			if err := v.line(driver(r), subject(r)+" for "+u.Rule.ID, warn, "not evaluated, because "+u.Missing.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

// boundary prints the line of the verdict. It is a FAIL if a finding about the boundary fails the
// run; it is printed even if that finding is waived or its rule disabled.
func (v *validate) boundary(r *audit.Result) error {
	word := pass
	switch r.Boundary.Verdict {
	case policy.Inside:
	case policy.Outside:
		word = warn
		if len(v.opt.boundaryFailures(r)) > 0 {
			word = fail
		}
	case policy.Undetermined:
		word = warn
	case policy.NotQEMU:
		word = note
	}
	check := subject(r) + " is inside QEMU's security support boundary"
	if word == pass {
		return v.line(driver(r), check, pass)
	}
	return v.line(driver(r), check, word, fmt.Sprintf("%s: %s by policy %s", r.Source, r.Boundary.Verdict, v.opt.Policy), r.Boundary.Explain())
}

// finding prints the line of a finding; more are hints before the fix.
func (v *validate) finding(r *audit.Result, f *audit.Finding, word outcome, more ...string) error {
	place := source.Location(r.Source, f.Pos.Line, f.Pos.Column)
	hint := append([]string{fmt.Sprintf("%s: %s: %s", place, f.Severity, f.Message), f.Drift.Explain()}, more...)
	a := v.opt.advice(r, f)
	hint = append(append(hint, a.Lines()...), "see "+f.Rule.URL())
	return v.line(driver(r), subject(r)+" for "+f.Rule.ID, word, hint...)
}

// fixHint returns a fix as a part of a hint; "" if there is none.
func fixHint(fix string) string {
	if fix == "" {
		return ""
	}
	return "fix: " + strings.TrimSuffix(oneLine(fix), ".")
}

func (v *validate) Notice(n *audit.Notice) error {
	v.tally.AddNotice(n)
	place := source.Location(n.Source, n.Pos.Line, n.Pos.Column)
	return v.line("AUDIT", n.Source+" for "+n.Rule.ID, v.word(n.Severity), fmt.Sprintf("%s: %s: %s", place, n.Severity, n.Message), fixHint(n.Rule.Fix), "see "+n.Rule.URL())
}

func (v *validate) Unreadable(err error) error {
	v.tally.Unreadable++
	e := newJSONUnreadable(err)
	if place := source.Location("", e.Line, e.Column); place != "" {
		e.Message = place + ": " + e.Message
	}
	if e.Source == "" {
		e.Source = "an input"
	}
	return v.line("INPUT", e.Source+" can be read", fail, e.Message)
}

func (v *validate) Close() error {
	if v.tally.nothing() {
		if err := v.line("INPUT", "there is a guest", fail, noGuest); err != nil {
			return err
		}
	}
	err := v.lacks.each(func(need audit.Inputs, checks int, rules []string) error {
		return v.line("AUDIT", "rules that need more facts", warn,
			fmt.Sprintf("not evaluated: %s, because %s", plural(checks, "check"), need), "of "+strings.Join(rules, ", "))
	})
	if err != nil {
		return err
	}
	for _, c := range []struct {
		n         int
		what, why string
	}{{v.tally.Waived, "waivers", "waived"}, {v.tally.InBaseline, "the baseline", "in the baseline"}} {
		if c.n == 0 {
			continue
		}
		if err := v.line("AUDIT", c.what, note, plural(c.n, "finding")+" "+c.why+": not counted"); err != nil {
			return err
		}
	}
	return nil
}
