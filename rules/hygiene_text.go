package rules

import "github.com/virt-audit/virt-audit/audit"

// documentText is about text of a document that decides nothing, or not yet.
var documentText = []*audit.Rule{
	{
		ID:       "document-stray-text",
		Title:    "Text between elements: libvirt ignores it",
		Severity: audit.Low,
		Profiles: every,
		Doc: `libvirt looks for elements inside a container such as <devices> and drops text there without a message.
A line like "// not needed any more" does not comment out the elements after it, since XML has <!-- --> for that; and a
value that ended up beside its element has no effect. libvirt drops the text when it stores the definition.`,
		Fix:  `Delete the text, or make it a comment: <!-- text -->`,
		Refs: []string{domainOverview, "https://libvirt.org/manpages/virsh.html#define"},
		Check: func(p *audit.Pass) {
			for _, e := range p.Dropped {
				if e.Reason == audit.StrayText {
					p.Key("text", e.Name).ReportDropped(e, "text between the elements of <%s>: libvirt ignores it", e.Name)
				}
			}
		},
	},
	{
		ID:       "document-template",
		Title:    "Document looks like a template that was not rendered",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `The document has placeholders of a template language where libvirt reads names, paths or elements. The template
engine can put any machine type, device or argument there, so neither the verdict nor the findings about this document
need hold for the guest that runs.`,
		Fix:  `Render the template and audit the result, for example in the pipeline: render guest.xml.j2 | virt-audit -`,
		Refs: []string{domainOverview},
		Check: func(p *audit.Pass) {
			if at, mark := p.Template(); mark != "" {
				p.Key("placeholder", mark).ReportSpan(at, "placeholder '%s' is not filled in: render the template and audit the result", mark)
			}
		},
	},
}
