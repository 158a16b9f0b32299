package rules

import (
	"encoding/xml"
	"iter"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/secret"
)

var metadataPassword = &audit.Rule{
	ID:       "secret-metadata-password",
	Title:    "Metadata of an application contains a secret",
	Severity: audit.High,
	Profiles: allProfiles,
	Doc: `libvirt shows <metadata> to everyone who may list guests, read-only clients included, and
keeps it in the guest's file in clear text. Cockpit stores the passwords of root and of the first
user there (root_password, user_password) from the creation of a guest until its installation
begins. The rule reports elements and attributes of any application whose names mark a secret.`,
	Fix: `Let Cockpit install the guest, which deletes the passwords, and change them in the guest. Or delete what an
application stored, by its namespace (https://github.com/cockpit-project/cockpit-machines for Cockpit):
$ virsh metadata DOMAIN --config --remove --uri NAMESPACE`,
	Refs: []string{"https://libvirt.org/formatdomain.html#general-metadata", "https://libvirt.org/manpages/virsh.html#metadata", accessRules},
	Check: func(p *audit.Pass) {
		const named = 8
		n := 0
		for at, name := range metadataSecrets(p) {
			if n++; n <= named {
				p.Key("stored", name).ReportSpan(at, "the metadata contains a secret in clear text: '%s'", name)
			}
		}
		if n > named {
			p.Key("more").Reportf(audit.At("metadata"), "the metadata contains more secrets in clear text: %d", n-named)
		}
	},
	NoFix: "Let the application store the secret elsewhere, and change it: everyone who may list " +
		"guests could read it",
}

// metadataSecrets walks the elements of the metadata whose text or attributes are secrets by their
// names, and those names. Cockpit: install_machine.py of cockpit-machines.
func metadataSecrets(p *audit.Pass) iter.Seq2[audit.Span, string] {
	return func(yield func(audit.Span, string) bool) {
		if p.Metadata == nil || !secret.InName(p.Metadata.XML) {
			return
		}
		begin := p.SpanOf(audit.At("metadata")).End
		decoder := xml.NewDecoder(strings.NewReader(p.Metadata.XML))
		var at audit.Span
		var open string // the name of the element whose start tag was read last
		for {
			from := int(decoder.InputOffset())
			token, err := decoder.RawToken()
			if err != nil {
				return // the end: the reader accepted the document
			}
			switch token := token.(type) {
			case xml.StartElement:
				at, open = audit.Span{Start: begin + from, End: begin + int(decoder.InputOffset())}, token.Name.Local
				for _, a := range token.Attr {
					if isStoredSecret(a.Name.Local, a.Value) && !yield(at, a.Name.Local) {
						return
					}
				}
			case xml.EndElement:
				open = ""
			case xml.CharData:
				if isStoredSecret(open, string(token)) {
					if !yield(at, open) {
						return
					}
					open = ""
				}
			}
		}
	}
}

// isStoredSecret reports whether a value is a secret by its name, and not a mask of one.
func isStoredSecret(name, value string) bool {
	value = strings.TrimSpace(value)
	return secret.InParameter(name) && !isHarmlessValue(value) && strings.Trim(value, "*") != ""
}
