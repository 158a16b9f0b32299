package audit

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// TestMisspeltSecret requires that the value of an attribute that libvirt does not know is neither
// shown nor part of a fingerprint if the name marks it as a secret.
func TestMisspeltSecret(t *testing.T) {
	everything := &Rule{ID: "tst-all", Severity: Low, Check: func(p *Pass) {
		for e := range p.Elements() {
			p.Reportf(e.Path(), "here")
		}
	}}
	for _, attribute := range []string{"password", "Passwd", "PASSWD", "pwd", "vncPassword", "authToken", "Secret", "cookies", "credential"} {
		var prints []string
		for _, secret := range []string{"hunter2", "hunter3"} {
			d, err := domxml.Load("x.xml", []byte("<domain type='kvm'><name>a</name><os><type>hvm</type></os><devices>\n"+
				"<graphics type='vnc' "+attribute+"='"+secret+"'/></devices></domain>"))
			if err != nil {
				t.Fatal(err)
			}
			res := Run(d, &Settings{Rules: []*Rule{everything}})
			var all []string
			for i := range res.Findings {
				f := &res.Findings[i]
				if strings.Contains(f.Excerpt.Line, secret) {
					t.Errorf("%s: the excerpt shows it: %s", attribute, f.Excerpt.Line)
				}
				all = append(all, res.Fingerprint(f))
			}
			prints = append(prints, strings.Join(all, " "))
		}
		if prints[0] != prints[1] {
			t.Errorf("%s: the fingerprint depends on it", attribute)
		}
	}
}
