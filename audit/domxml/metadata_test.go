package domxml_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// TestMetadataNames reads the elements of the metadata as libvirt keeps them.
func TestMetadataNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, document, want string }{
		{"none", "<domain/>", ""},
		{"empty", "<domain><metadata/></domain>", ""},
		{"prefix", `<domain><metadata><a:x xmlns:a="u:a"/></metadata></domain>`, "u:a x"},
		{"default namespace", `<domain><metadata><x xmlns="u:a"><y/></x></metadata></domain>`, "u:a x"},
		{"declared above", `<domain xmlns:a="u:a"><metadata xmlns:b="u:b"><a:x/><b:y/></metadata></domain>`, "u:a x, u:b y"},
		{"another declaration", `<domain xmlns:a="u:a"><metadata><a:x xmlns:a="u:b"/></metadata></domain>`, "u:b x"},
		{"second of a namespace", `<domain><metadata><a:x xmlns:a="u:a"/><b:y xmlns:b="u:a"/></metadata></domain>`, "u:a x"},
		{"without a namespace", `<domain><metadata><x/><a:y/></metadata></domain>`, ""},
		{"inside others", `<domain><metadata><x><a:y xmlns:a="u:a"/></x></metadata></domain>`, ""},
		{"second metadata", `<domain><metadata><a:x xmlns:a="u:a"/></metadata><metadata><b:y xmlns:b="u:b"/></metadata></domain>`, "u:a x"},
		{"elsewhere", `<domain><a:x xmlns:a="u:a"/><devices><metadata><b:y xmlns:b="u:b"/></metadata></devices></domain>`, ""},
		{"comment and text", `<domain><metadata>a:x<!-- <a:x xmlns:a="u:a"/> --></metadata></domain>`, ""},
		{"a relative address", `<domain><metadata><k:info xmlns:k="kvirt"/></metadata></domain>`, "kvirt info"},
	} {
		document := strings.Replace(test.document, "<domain", "<domain type='kvm'", 1)
		d, err := domxml.Load(test.name, []byte(document))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		var got []string
		for _, n := range d.MetadataNames {
			got = append(got, n.Space+" "+n.Local)
		}
		if text := strings.Join(got, ", "); text != test.want {
			t.Errorf("%s: %q, want %q", test.name, text, test.want)
		}
	}
}

// TestMetadataNamesOfEach keeps the elements of two domains of a document apart.
func TestMetadataNamesOfEach(t *testing.T) {
	t.Parallel()
	domains, err := domxml.LoadAll("snapshot", []byte(`<domainsnapshot><name>s</name>
<domain type='kvm'><name>g</name><metadata><a:x xmlns:a="u:a"/></metadata></domain>
<inactiveDomain type='kvm'><name>g</name><metadata><b:y xmlns:b="u:a"/></metadata></inactiveDomain></domainsnapshot>`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range domains {
		for _, n := range d.MetadataNames {
			got = append(got, n.Local)
		}
	}
	if !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("%q", got)
	}
}
