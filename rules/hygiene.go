package rules

import "github.com/virt-audit/virt-audit/audit"

// hygiene is about the document itself. The catalogue of dangers also knows DOCTYPE and entity
// declarations: audit.Load refuses such a document, so there is nothing left for a rule to find.
var hygiene = []*audit.Rule{
	{
		ID:       "hyg-duplicate-elements",
		Title:    "Element that libvirt ignores, because it is given twice or in a foreign namespace",
		Severity: audit.High,
		Profiles: every,
		Doc: `A document can show an auditor another guest than the one that runs. Where an element counts once, libvirt
takes the first and says nothing about the others, while many readers take the last: a second <os>, <emulator> or
<source> hides the real one. Outside <metadata>, libvirt reads elements without a namespace and those of its
hypervisors directly below <domain>, while readers that match by local name take in all. A file that libvirt wrote has
neither, so each hit is a slip of the pen or an attempt. The audit is of what libvirt reads.`,
		Fix:  `Delete the element that libvirt ignores, or the first one if the later was meant; what an application keeps belongs into <metadata>.`,
		Refs: []string{domainOverview, "https://libvirt.org/formatdomain.html#general-metadata", "https://libvirt.org/drvqemu.html#pass-through-of-arbitrary-qemu-commands"},
		Check: func(p *audit.Pass) {
			for _, e := range p.Dropped {
				switch e.Reason {
				case audit.Repeated:
					p.ReportDropped(e, "a later <%s>, which libvirt ignores: it reads the first", e.Name)
				case audit.ForeignNamespace:
					p.ReportDropped(e, "<%s> is in no namespace that libvirt reads here, so libvirt ignores it", e.Name)
				}
			}
		},
	},
}
