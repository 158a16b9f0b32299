package rules

import (
	"fmt"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// hygiene is about the document itself. The catalogue of dangers also knows DOCTYPE and entity
// declarations: audit.Load refuses such a document, so there is nothing left for a rule to find.
var hygiene = []*audit.Rule{
	{
		ID:       "document-duplicate-elements",
		Title:    "Element given twice, or in a foreign namespace: libvirt ignores it",
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
				switch e.Reason { //nolint:exhaustive // text is for document-stray-text
				case audit.Repeated:
					p.Key("repeated").ReportDropped(e, "a later <%s>, which libvirt ignores: it reads the first", e.Name)
				case audit.ForeignNamespace:
					p.Key("namespace").ReportDropped(e, "<%s> is in no namespace that libvirt reads here, so libvirt ignores it", e.Name)
				}
			}
		},
	},
	{
		ID:       "document-unknown-element",
		Title:    "Element or attribute that libvirt does not know",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `libvirt passes over what it does not know without a word, so a misspelt protection is none: <secLabel>, or
an attribute of the wrong element, stays without effect while the document looks as if it were in force. libvirt drops
it when it stores the definition, so such names stand in templates and in files that were placed by hand. The names
are those of libvirt ` + vocabularyVersion + ` and older, of all its drivers: harmless where a newer libvirt knows the
name, or where the thing was a note of the author's, which belongs into <metadata>.`,
		Fix:  `Mend the spelling or the place; libvirt's own schema finds it too: virt-xml-validate FILE domain`,
		Refs: []string{"https://libvirt.org/formatdomain.html", "https://libvirt.org/manpages/virsh.html#define"},
		Check: func(p *audit.Pass) {
			if p.Live() && p.Origin.Stated {
				return // libvirt wrote it, and notes things of its own in the files about running guests
			}
			root := vocabulary()
			var open [audit.MaxDepth + 1]*word // by depth
			for e := range p.Elements() {
				w := root
				if e.Depth > 0 {
					w = nil
					if parent := open[e.Depth-1]; parent != nil {
						_, children := parent.known()
						w = children[e.Name]
						if w == nil && !strings.Contains(e.Name, ":") {
							p.Reportf(e.Path(), "libvirt knows no <%s> here and ignores it%s", e.Name, meant("<%s>", nearest(children, e.Name)))
						}
					}
				}
				open[e.Depth] = w
				switch {
				case w == nil: // nothing below is known either, and one finding says so
				case e.Depth == 1 && e.Name == "metadata": // libvirt keeps its attributes as it keeps its content
				default:
					unknownAttributes(p, e, w)
				}
			}
		},
	},
	{
		ID:       "document-live-xml",
		Title:    "Document describes the running guest, not its stored definition",
		Severity: audit.Info,
		Profiles: every,
		Doc: `What runs now and what will start next can differ: a running guest's document has values that libvirt
made up at the start (ports, labels, the processor model) and keeps old settings until the guest is shut down, and
virsh leaves passwords out of it unless asked. Nothing is wrong with the guest. For a whole picture look at the stored
definition as well; a guest without one (transient) has only this.`,
		Fix:  `$ virsh dumpxml --inactive --security-info DOMAIN`,
		Refs: []string{"https://libvirt.org/manpages/virsh.html#dumpxml", "https://libvirt.org/formatdomain.html#element-and-attribute-overview"},
		Check: func(p *audit.Pass) {
			if p.Live() && !p.Origin.Stated { // a document that is known to be of the running guest says so itself
				p.Reportf(audit.At("@id"), "id '%d': this is the guest as it runs, the stored definition may differ", *p.ID)
			}
		},
	},
}

// unknownAttributes reports the attributes of an element that libvirt does not know, in one finding: it stands at
// the first of them, names a few and counts the rest.
func unknownAttributes(p *audit.Pass, e audit.Element, w *word) {
	const named = 3
	attributes, _ := w.known()
	var names []string
	more := 0
	for name := range e.Attributes {
		switch {
		case attributes[string(name)]:
		case len(names) < named:
			names = append(names, string(name))
		default:
			more++
		}
	}
	if len(names) == 0 {
		return
	}
	said := make([]string, len(names))
	for i, name := range names {
		said[i] = "'" + name + "'" + meant("'%s'", nearest(attributes, name))
	}
	switch {
	case more > 0:
		said = append(said, fmt.Sprintf("%d more", more))
		fallthrough
	case len(said) > 1:
		last := len(said) - 1
		p.Reportf(e.Path().Attr(names[0]), "libvirt does not know attributes of <%s> here and ignores them: %s and %s", e.Name, strings.Join(said[:last], ", "), said[last])
	default:
		p.Reportf(e.Path().Attr(names[0]), "libvirt knows no attribute '%s' of <%s> here and ignores it%s", names[0], e.Name, meant("'%s'", nearest(attributes, names[0])))
	}
}

// meant words a guess at what was meant, if there is one.
func meant(form, guess string) string {
	if guess == "" {
		return ""
	}
	return " (is " + strings.Replace(form, "%s", guess, 1) + " meant?)"
}
