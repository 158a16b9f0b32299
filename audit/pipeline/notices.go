package pipeline

import (
	"fmt"
	"slices"

	"github.com/virt-audit/virt-audit/audit"
)

// maxMissing is how many missing entries of a baseline are reported one by one.
const maxMissing = 20

// The rules that report notices.
const (
	expiredRule = "waiver-expired"
	unusedRule  = "waiver-unused"
)

// Notices returns the notices about the site's waivers and the baseline: expired waivers, and
// waivers and entries without a finding. It must be called after the last outcome.
func (r *Run) Notices() []*audit.Notice {
	n := notices{settings: r.opt.Settings}
	today := r.opt.Settings.Today
	for _, w := range r.opt.Settings.Waivers {
		switch {
		case w.Expired(today):
			n.add(expiredRule, w.Key(), w.Source, w.Pos, "%s", w.ExpiredMessage())
		case r.WaiverUse(w).Unused():
			n.add(unusedRule, w.Key(), w.Source, w.Pos, "%s finds nothing to waive%s", w.Rule, w.Scope())
		}
	}
	gone, _ := r.Missing()
	for i, e := range gone {
		source := r.opt.Baseline.Source
		if i == maxMissing {
			n.add(unusedRule, "more", source, audit.Pos{}, "%d more entries are not found any more: write a new baseline", len(gone)-i)
			break
		}
		n.add(unusedRule, e.Fingerprint, source, audit.Pos{Line: e.Line, Column: 1}, "%s is not found any more in guest %s, at %s", e.Rule, e.Domain, e.Path)
	}
	return n.list
}

// notices collects notices. They pass the stages of findings that apply to them: site severity and
// minimum.
type notices struct {
	settings *audit.Settings
	list     []*audit.Notice
}

// add adds a notice if its rule is part of the run.
func (n *notices) add(rule, key, source string, pos audit.Pos, format string, args ...any) {
	i := slices.IndexFunc(n.settings.Rules, func(r *audit.Rule) bool { return r.ID == rule })
	if i < 0 {
		return
	}
	r := n.settings.Rules[i]
	if severity := n.settings.SiteSeverity(r, r.Severity); severity >= n.settings.Minimum {
		n.list = append(n.list, &audit.Notice{Rule: r, Severity: severity, Key: key, Message: fmt.Sprintf(format, args...), Source: source, Pos: pos})
	}
}
