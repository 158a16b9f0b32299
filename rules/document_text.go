package rules

import (
	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

// documentText is about text of a document that has no effect, or not yet.
var documentText = []*audit.Rule{
	{
		ID:       "document-stray-text",
		Title:    "libvirt ignores text between elements",
		Severity: audit.Low,
		Profiles: allProfiles,
		Doc: `libvirt reads only the elements of a container such as <devices> and ignores text
there without a message. A line such as "// not needed any more" does not comment out the elements
after it; XML uses <!-- --> for that. A value that was written next to its element has no effect.
libvirt removes the text when it stores the definition.`,
		Fix:  `Delete the text, or make it a comment: <!-- text -->`,
		Refs: []string{refs.DomainOverview, "https://libvirt.org/manpages/virsh.html#define"},
		Check: func(p *audit.Pass) {
			for _, e := range p.Dropped {
				if e.Reason == audit.StrayText {
					p.Key("text", e.Name).ReportDropped(e, "libvirt ignores the text between the elements of <%s>", e.Name)
				}
			}
		},
		NoFix: "Decide whether the text is a note, which belongs in a comment, or a value that its element lacks, and " +
			"move or delete it",
	},
	{
		ID:       "document-template",
		Title:    "Document is a template that has not been rendered",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `The document has placeholders of a template language where libvirt reads names, paths
or elements. The template engine can insert any machine type, device or argument there, so the
verdict and the findings may not apply to the guest that runs.`,
		Fix:  `Render the template and audit the result, for example in the pipeline: render guest.xml.j2 | virt-audit -`,
		Refs: []string{refs.DomainOverview},
		Check: func(p *audit.Pass) {
			if at, mark := p.Template(); mark != "" {
				p.Key("placeholder", mark).ReportSpan(at, "placeholder '%s' is not rendered: render the template and audit the result", mark)
			}
		},
		NoFix: "Render the template and audit the result: only the template engine knows the values",
	},
}
