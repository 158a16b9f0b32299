package rules

import "github.com/virt-audit/virt-audit/audit"

// waivers are about the waivers in a guest's document. The command reports waivers of the
// configuration, and entries of a baseline, under the same rules.
var waivers = []*audit.Rule{
	{
		ID:       "waiver-expired",
		Title:    "Waiver has expired",
		Severity: audit.Low,
		Profiles: allProfiles,
		Doc: `A waiver with an end date must be reviewed by that day. After it the waiver has no
effect, and the finding is reported again. A waiver without an end date does not expire.`,
		Fix:   `Fix what was waived, or review it and set a new date: virt-audit waive FILE RULE --reason "…" --until DATE`,
		Refs:  []string{waiverPage},
		Phase: audit.AfterWaivers,
		Check: func(p *audit.Pass) {
			for _, w := range p.Waivers {
				if valid(w) && w.Expired {
					p.ReportWaiver(w, "%s", w.ExpiredMessage())
				}
			}
		},
		NoFix: "Fix what was waived, or review the reason and set a new date in the waiver",
	},
	{
		ID:       "waiver-unused",
		Title:    "Waiver or baseline entry without a finding",
		Severity: audit.Low,
		Profiles: allProfiles,
		Doc: `A waiver without a finding is about something that has been fixed, or it never had an
effect, because its rule or device is wrong. If it stays, it hides the finding when it returns. The
waivers of a rule that is not part of the run, or was not evaluated, are not reported.`,
		Fix:   `Delete the waiver, or update the baseline with --write-baseline.`,
		Refs:  []string{waiverPage},
		Phase: audit.AfterWaivers,
		Check: func(p *audit.Pass) {
			for _, w := range p.Waivers {
				switch {
				case !valid(w) || w.Expired || w.Used || !w.Evaluated || w.NotAllowed != "":
				case w.Device != "":
					p.ReportWaiver(w, "%s has no finding to waive at device %s", w.Rule, w.Device)
				default:
					p.ReportWaiver(w, "%s has no finding to waive here", w.Rule)
				}
			}
		},
		NoFix: "Decide whether the waiver names the wrong rule or device, and correct it; if what it was about has been " +
			"fixed, delete it",
	},
	{
		ID:       "waiver-unknown-rule",
		Title:    "Waiver for a rule that does not exist",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `The ID of the rule is misspelt, or belongs to a local rule that the configuration of
this run does not have. The waiver has no effect, although its author expects one.`,
		Fix:   `Use the ID that the report prints; 'virt-audit rules' lists all of them.`,
		Refs:  []string{waiverPage},
		Phase: audit.AfterWaivers,
		Check: func(p *audit.Pass) {
			for _, w := range p.Waivers {
				if w.WhyDropped == "" && w.Flaw == "" && !w.Known {
					hint := ""
					if w.Nearest != "" {
						hint = ", did you mean '" + w.Nearest + "'?"
					}
					p.ReportWaiver(w, "there is no rule '%s'%s", w.Rule, hint)
				}
			}
		},
		NoFix: "Write the ID of the rule that the waiver is meant for, as the report prints it, or delete the waiver",
	},
	{
		ID:       "waiver-malformed",
		Title:    "Waiver has no reason, or is invalid",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `A waiver names a rule, gives a reason and may have an end date. An element that does
not is not a waiver: without a reason the decision cannot be reviewed later, and an invalid date
might never be reached. An element with another name where a waiver is expected, such as
<va:waiver>, is reported too.`,
		Fix:   `Write <va:waive rule="RULE" until="2027-06-30">why this is acceptable here, and who decided it</va:waive>`,
		Refs:  []string{waiverPage},
		Phase: audit.AfterWaivers,
		Check: func(p *audit.Pass) {
			for _, w := range p.Waivers {
				if w.WhyDropped == "" && w.Flaw != "" {
					p.ReportWaiver(w, "the waiver is invalid: %s", w.Flaw)
				}
			}
		},
		NoFix: "Complete the waiver: a rule, a reason and, if it ends, a date such as 2027-06-30",
	},
	{
		ID:       "waiver-misplaced",
		Title:    "Waiver is where libvirt does not preserve it",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `libvirt removes the waiver when the guest is defined, since it preserves only the
first element of each namespace directly inside <metadata>. Such a waiver has no effect. A waiver
without a namespace, which is how "virsh metadata" prints waivers, does have an effect, and the
finding is info.`,
		Fix: `Write <metadata><va:audit xmlns:va="` + audit.WaiverNamespace + `"><va:waive rule="RULE">why</va:waive></va:audit></metadata>
For a defined guest, virt-audit waive GUEST RULE --reason "why" prints the command that adds it.`,
		Refs:  []string{waiverPage, "https://libvirt.org/formatdomain.html#general-metadata"},
		Phase: audit.AfterWaivers,
		Check: func(p *audit.Pass) {
			for _, w := range p.Waivers {
				switch {
				case w.WhyDropped != "":
					p.Key("misplaced").ReportWaiver(w, "the waiver of %s has no effect: %s", w.Rule, w.WhyDropped)
				case w.NoNamespace:
					p.Key("dropped").ReportWaiverAs(audit.Info, w, "libvirt removes this waiver of %s when the guest is defined: <audit> has no namespace", w.Rule)
				}
			}
		},
		NoFix: "Review the waiver, and move it to the first <va:audit> directly inside <metadata>: it then takes effect",
	},
	{
		ID:       "waiver-not-allowed",
		Title:    "Waiver is not allowed in a guest's document",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `Anyone who may define a guest can write a waiver into its document. A guest's document
must not waive rules about QEMU's security boundary unless the configuration of the site allows it,
and the site can name more such rules. The site itself can waive any rule in its configuration.`,
		Fix: `Move the waiver to the configuration of the site, .virt-audit.yaml, under "waivers". Or allow all guests to waive the
rule, under "domain-waivers" there: set "boundary: true" for a rule of the boundary (boundary-...), or delete another rule
from "never".`,
		Refs:  []string{waiverPage},
		Phase: audit.AfterWaivers,
		Check: func(p *audit.Pass) {
			for _, w := range p.Waivers {
				if valid(w) && w.NotAllowed != "" {
					p.ReportWaiver(w, "the waiver of %s has no effect: %s", w.Rule, w.NotAllowed)
				}
			}
		},
		NoFix: "Ask the owners of the site to waive the rule in its configuration, or delete the waiver: the document " +
			"must not decide it",
	},
}

const waiverPage = "https://github.com/virt-audit/virt-audit/blob/main/audit/config/README.md#waivers"

// valid reports whether a waiver is well-formed, is preserved by libvirt and names a rule that
// exists.
func valid(w *audit.AppliedWaiver) bool { return w.Flaw == "" && w.WhyDropped == "" && w.Known }
