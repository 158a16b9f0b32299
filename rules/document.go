package rules

import (
	"fmt"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

// documents is about the document itself. There is no rule about DOCTYPE and entity declarations:
// audit.Load refuses a document that has them.
var documents = []*audit.Rule{
	{
		ID:       "document-duplicate-elements",
		Title:    "libvirt ignores an element that is repeated or in a foreign namespace",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `Such a document can show an auditor another guest than the one that runs. If an
element may occur once, libvirt reads the first and ignores the others without a message, while many
tools read the last: a second <os>, <emulator> or <source> hides the effective one. Outside
<metadata>, libvirt reads only elements without a namespace, and those of its hypervisors directly
below <domain>, while tools that match by local name read all of them. A file that libvirt wrote has
neither, so each finding is a mistake or an attack. virt-audit audits what libvirt reads.`,
		Fix:  `Delete the element that libvirt ignores, or the first one if the later one is intended. Move an application's data to <metadata>.`,
		Refs: []string{refs.DomainOverview, "https://libvirt.org/formatdomain.html#general-metadata", "https://libvirt.org/drvqemu.html#pass-through-of-arbitrary-qemu-commands"},
		Check: func(p *audit.Pass) {
			for _, e := range p.Dropped {
				switch e.Reason { //nolint:exhaustive // text is for document-stray-text
				case audit.Repeated:
					p.Key("repeated").ReportDropped(e, "libvirt ignores this <%s>: it reads only the first", e.Name)
				case audit.ForeignNamespace:
					p.Key("namespace").ReportDropped(e, "libvirt ignores <%s>: it does not read this namespace here", e.Name)
				}
			}
		},
		NoFix: "Decide which of the elements is meant, and delete the other: libvirt reads the first, and who wrote the " +
			"other expected it to have an effect",
	},
	{
		ID:       "document-unknown-element",
		Title:    "libvirt does not know an element or attribute, and ignores it",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `libvirt ignores unknown names without a message, so a misspelt protection has no effect: the
document looks as if <secLabel>, or an attribute of the wrong element, were active. libvirt removes
unknown names when it stores the definition, so they occur in templates and in files that were
copied by hand. The known names are those of all drivers of libvirt ` + vocabularyVersion + ` and
older. It is harmless if a newer libvirt knows the name, or if it is a note of the author, which
belongs in <metadata>.`,
		Fix:  `Correct the spelling or the place. libvirt's schema finds it too: virt-xml-validate FILE domain`,
		Refs: []string{"https://libvirt.org/formatdomain.html", "https://libvirt.org/manpages/virsh.html#define"},
		Check: func(p *audit.Pass) {
			if p.Live() && p.Origin.Stated {
				return // libvirt wrote the file, and adds internal elements to the files about running guests
			}
			root := vocabulary()
			var open [audit.MaxDepth + 1]*elementNames // by depth
			for e := range p.Elements() {
				w := root
				if e.Depth > 0 {
					w = nil
					if parent := open[e.Depth-1]; parent != nil {
						_, children := parent.known()
						w = children[e.Name]
						if w == nil && !strings.Contains(e.Name, ":") {
							p.Reportf(e.Path(), "libvirt does not know <%s> here and ignores it%s", e.Name, suggestion("<%s>", e.Name, children))
						}
					}
				}
				open[e.Depth] = w
				switch {
				case w == nil: // nothing below is known either: one finding is enough
				case e.Depth == 1 && e.Name == "metadata": // libvirt preserves its attributes and its content
				default:
					reportUnknownAttributes(p, e, w)
				}
			}
		},
		Fixes: fixUnknownElement,
	},
	{
		ID:       "document-live-xml",
		Title:    "Document describes the running guest, not its stored definition",
		Severity: audit.Info,
		Profiles: allProfiles,
		Doc: `The running guest can differ from the one that starts next. A running guest's document
contains values that libvirt generated at the start (ports, labels, the CPU model) and old settings
until the guest is shut down, and virsh omits passwords unless requested. Nothing is wrong with the
guest. Audit the stored definition as well; a transient guest has none.`,
		Fix: `Audit the stored definition as well:
$ virsh dumpxml --inactive --security-info DOMAIN`,
		Refs: []string{"https://libvirt.org/manpages/virsh.html#dumpxml", "https://libvirt.org/formatdomain.html#element-and-attribute-overview"},
		Check: func(p *audit.Pass) {
			if p.Live() && !p.Origin.Stated { // not reported if the source of the document states that it is running
				p.Reportf(audit.At("@id"), "id '%d': this is the running guest, and its stored definition may differ", *p.ID)
			}
		},
		NoFix: "Audit the stored definition as well, which virsh dumpxml --inactive --security-info prints",
	},
}

// reportUnknownAttributes reports the attributes of an element that libvirt does not know, in one
// finding at the first of them: it names a few and counts the rest.
func reportUnknownAttributes(p *audit.Pass, e audit.Element, w *elementNames) {
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
	described := make([]string, len(names))
	for i, name := range names {
		described[i] = "'" + name + "'" + suggestion("'%s'", name, attributes)
	}
	switch {
	case more > 0:
		described = append(described, fmt.Sprintf("%d more", more))
		fallthrough
	case len(described) > 1:
		last := len(described) - 1
		p.Reportf(e.Path().Attr(names[0]), "libvirt does not know these attributes of <%s> and ignores them: %s and %s", e.Name, strings.Join(described[:last], ", "), described[last])
	default:
		p.Reportf(e.Path().Attr(names[0]), "libvirt does not know attribute '%s' of <%s> and ignores it%s", names[0], e.Name, suggestion("'%s'", names[0], attributes))
	}
}

// suggestion returns the end of a message that suggests the known name nearest to an unknown one,
// or "" if none is near.
func suggestion[T any](form, unknown string, known map[string]T) string {
	name := nearest(unknown, known)
	if name == "" {
		return ""
	}
	return " (did you mean " + strings.Replace(form, "%s", name, 1) + "?)"
}
