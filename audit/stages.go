package audit

import (
	"cmp"
	"slices"
)

// finish puts the findings about one domain through the stages that need the domain, in this order:
// waivers, site severity, minimum, order. The stages that need the whole run follow in package
// pipeline.
func (c *Settings) finish(p *Pass, have Inputs) {
	c.waivers(p, have)
	c.siteSeverity(p.result)
	c.minimum(p.result)
	p.result.order()
}

// waivers moves the findings that a waiver covers to Result.Waived, and applies the rules about
// waivers, whose findings the site may waive.
func (c *Settings) waivers(p *Pass, have Inputs) {
	c.waive(p)
	if len(p.Waivers) == 0 {
		return
	}
	for _, r := range c.Rules {
		if r.Phase == AfterWaivers {
			c.apply(p, r, have)
		}
	}
	c.waiveWaiverFindings(p)
}

// siteSeverity gives findings the severity that the configuration gives to their rule.
func (c *Settings) siteSeverity(res *Result) {
	if len(c.Severities) == 0 {
		return
	}
	for i := range res.Findings {
		f := &res.Findings[i]
		f.Severity = c.SiteSeverity(f.Rule, f.Severity)
	}
	for i := range res.Waived {
		f := &res.Waived[i].Finding
		f.Severity = c.SiteSeverity(f.Rule, f.Severity)
	}
}

// SiteSeverity returns the severity that the configuration sets for all findings of a rule, or the
// reported one if it sets none.
func (c *Settings) SiteSeverity(r *Rule, reported Severity) Severity {
	if own, ok := c.Severities[r.ID]; ok {
		return own
	}
	return reported
}

// minimum omits the findings below the minimum severity.
func (c *Settings) minimum(res *Result) {
	res.Findings = slices.DeleteFunc(res.Findings, func(f Finding) bool { return f.Severity < c.Minimum })
	res.Waived = slices.DeleteFunc(res.Waived, func(f Waived) bool { return f.Severity < c.Minimum })
}

// order sorts the findings by line, column, rule and message.
func (r *Result) order() {
	slices.SortStableFunc(r.Findings, compareFindings)
	slices.SortStableFunc(r.Waived, func(a, b Waived) int { return compareFindings(a.Finding, b.Finding) })
}

func compareFindings(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.Pos.Line, b.Pos.Line),
		cmp.Compare(a.Pos.Column, b.Pos.Column),
		cmp.Compare(a.Rule.ID, b.Rule.ID),
		cmp.Compare(a.Message, b.Message),
	)
}
