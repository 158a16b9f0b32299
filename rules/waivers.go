package rules

import "github.com/virt-audit/virt-audit/audit"

// waivers are about the waivers that a guest carries. Those of the configuration, and the entries of a
// baseline, are about no guest: the command reports them under the same rules.
var waivers = []*audit.Rule{
	{
		ID:       "waiver-expired",
		Title:    "Waiver whose last day is past",
		Severity: audit.Low,
		Profiles: every,
		Doc: `A waiver with an end date is a promise to look again by then. After that day it counts no more, and what it
waived is reported as ever. Without an end date a waiver does not expire.`,
		Fix:          `Mend what was waived, or look again and give another day: virt-audit waive FILE RULE --reason "…" --until DATE`,
		Refs:         []string{waiverPage},
		AfterWaivers: true,
		Check: func(p *audit.Pass) {
			for _, w := range p.Waivers {
				if valid(w) && w.Expired {
					p.ReportWaiver(w, "%s", w.ExpiredMessage())
				}
			}
		},
	},
	{
		ID:       "waiver-unused",
		Title:    "Waiver, or entry of a baseline, for something that is not found",
		Severity: audit.Low,
		Profiles: every,
		Doc: `A waiver that waives nothing is left over from something that was mended, or never worked: the rule or the
device may be mistaken. Left in place it hides the thing when it comes back. A rule that is not part of the run, or
could not be evaluated, says nothing about its waivers.`,
		Fix:          `Delete the waiver; of a baseline, write it anew with --write-baseline.`,
		Refs:         []string{waiverPage},
		AfterWaivers: true,
		Check: func(p *audit.Pass) {
			for _, w := range p.Waivers {
				switch {
				case !valid(w) || w.Expired || w.Used || !w.Evaluated || w.NotAllowed != "":
				case w.Device != "":
					p.ReportWaiver(w, "%s finds nothing to waive at device %s", w.Rule, w.Device)
				default:
					p.ReportWaiver(w, "%s finds nothing here that could be waived", w.Rule)
				}
			}
		},
	},
	{
		ID:       "waiver-unknown-rule",
		Title:    "Waiver for a rule that does not exist",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `The ID of the rule is misspelt, or is that of a local rule that this run's configuration does not have. The
waiver has no effect, while whoever wrote it believes that it has.`,
		Fix:          `Write the ID as the report prints it; 'virt-audit rules' lists all.`,
		Refs:         []string{waiverPage},
		AfterWaivers: true,
		Check: func(p *audit.Pass) {
			for _, w := range p.Waivers {
				if w.Lost == "" && w.Flaw == "" && !w.Known {
					hint := ""
					if w.Nearest != "" {
						hint = ", did you mean '" + w.Nearest + "'?"
					}
					p.ReportWaiver(w, "there is no rule '%s'%s", w.Rule, hint)
				}
			}
		},
	},
	{
		ID:       "waiver-malformed",
		Title:    "Waiver without a reason, or with something that cannot be understood",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `A waiver names a rule, gives a reason and may end on a day. One that does not is no waiver: nobody could say
later why the risk was taken, and a day that cannot be read might never come. An element with another name where a
waiver is expected, such as <va:waiver>, is meant as one and is none.`,
		Fix:          `<va:waive rule="RULE" until="2027-06-30">why this is acceptable here, and who said so</va:waive>`,
		Refs:         []string{waiverPage},
		AfterWaivers: true,
		Check: func(p *audit.Pass) {
			for _, w := range p.Waivers {
				if w.Lost == "" && w.Flaw != "" {
					p.ReportWaiver(w, "this is no waiver: %s", w.Flaw)
				}
			}
		},
	},
	{
		ID:       "waiver-misplaced",
		Title:    "Waiver where libvirt does not keep it",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `libvirt keeps one element of each namespace directly inside <metadata>, the first, whatever its name is. What
stands elsewhere, in a second such element or without a namespace is gone when the guest is defined, and the waiver
with it. So it does not count; the form without a namespace, in which "virsh metadata" prints waivers, does count, and is an info.`,
		Fix: `<metadata><va:audit xmlns:va="` + audit.WaiverNamespace + `"><va:waive rule="RULE">why</va:waive></va:audit></metadata>
For a defined guest: virt-audit waive GUEST RULE --reason "why" prints the command that puts it there.`,
		Refs:         []string{waiverPage, "https://libvirt.org/formatdomain.html#general-metadata"},
		AfterWaivers: true,
		Check: func(p *audit.Pass) {
			for _, w := range p.Waivers {
				switch {
				case w.Lost != "":
					p.Key("misplaced").ReportWaiver(w, "the waiver of %s does not count: %s", w.Rule, w.Lost)
				case w.Bare:
					p.Key("dropped").ReportWaiverAs(audit.Info, w, "libvirt drops this waiver of %s when the guest is defined: <audit> has no namespace", w.Rule)
				}
			}
		},
	},
	{
		ID:       "waiver-not-allowed",
		Title:    "Waiver that a guest may not give itself",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `Whoever may define a guest can write a waiver into it. The verdict about QEMU's security support boundary
is not for the guest to take back, unless the site's configuration allows it, and the site may name more rules. The
site itself can waive any rule, in its configuration.`,
		Fix: `Move the waiver to the site's configuration, .virt-audit.yaml, under "waivers". Or let all guests waive the rule
themselves, under "domain-waivers" there: with "boundary: true" where it is one of the boundary's (boundary-...), else by
taking it out of "never".`,
		Refs:         []string{waiverPage},
		AfterWaivers: true,
		Check: func(p *audit.Pass) {
			for _, w := range p.Waivers {
				if valid(w) && w.NotAllowed != "" {
					p.ReportWaiver(w, "the waiver of %s does not count: %s", w.Rule, w.NotAllowed)
				}
			}
		},
	},
}

const waiverPage = "https://github.com/virt-audit/virt-audit/blob/main/audit/config/README.md#waivers"

// valid reports whether there is nothing wrong with a waiver in itself.
func valid(w *audit.AppliedWaiver) bool { return w.Flaw == "" && w.Lost == "" && w.Known }
