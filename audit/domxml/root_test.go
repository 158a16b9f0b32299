package domxml_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// TestForeignRoot loads documents that are not of libvirt. They are identified by their root
// element, whatever else they contain. What libvirt might accept is read strictly.
func TestForeignRoot(t *testing.T) {
	const jboss = "urn:jboss:domain:4.0"
	for name, c := range map[string]struct {
		doc, root string // root is "" if the document is read strictly
	}{
		"JBoss":                    {"<domain xmlns='" + jboss + "'><extensions/></domain>", "domain"},
		"JBoss with bad bytes":     {"<domain xmlns='" + jboss + "'>\xff\x01</domain>", "domain"},
		"GlassFish":                {"<!DOCTYPE domain PUBLIC '-//X//Y' 'http://x.test/d.dtd'>\n<domain application-root='${x}/applications' log-root='y'/>", "domain"},
		"a prefix":                 {"<j:domain xmlns:j='" + jboss + "' schema='1'/>", "domain"},
		"a bad byte":               {"<device>\xe9</device>", "device"},
		"a document type":          {"<!DOCTYPE busconfig PUBLIC 'x' 'y'><busconfig/>", "busconfig"},
		"Latin-1":                  {"<?xml version='1.0' encoding='ISO-8859-1'?><capabilities>\xe9</capabilities>", "capabilities"},
		"a byte order mark":        {"\xef\xbb\xbf<network>\xff</network>", "network"},
		"libvirt's type":           {"<domain xmlns='" + jboss + "' type='kvm'/>", ""},
		"a type with a prefix":     {"<domain xmlns:f='urn:f' f:type='kvm' log-root='x'/>", ""},
		"no type and nothing else": {"<domain><name>web</name></domain>", ""},
		"an id alone":              {"<domain id='3'/>", ""},
		"an unknown type":          {"<domain type='quantum' log-root='x'/>", ""},
		"attributes by a subset":   {"<!DOCTYPE domain [<!ATTLIST domain type CDATA 'kvm'>]><domain log-root='x'/>", ""},
		"a quoted root element":    {"<!DOCTYPE domain SYSTEM '><x/>'><domain type='kvm'/>", ""},
		"a quoted root, twice":     {"<!DOCTYPE domain PUBLIC '-//x//' \"'><x>\"><domain type='kvm'/>", ""},
		"a quoted bracket":         {"<!DOCTYPE x SYSTEM 'a[b]'><x/>", "x"},
		"UTF-7":                    {"<?xml version='1.0' encoding='UTF-7'?><!-- +AC0ALQA+- --><x/>", ""},
		"UTF-16":                   {"\xff\xfe<\x00x\x00/\x00>\x00", ""},
		"text before the root":     {"x<device/>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := domxml.LoadAll("f.xml", []byte(c.doc))
			other, ok := errors.AsType[*domxml.NotDomainError](err)
			if ok != (c.root != "") || ok && other.Root != c.root && other.Root != "j:"+c.root {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestTemplateError loads templates that cannot be read: the error reports that the document looks
// like a template.
func TestTemplateError(t *testing.T) {
	for name, doc := range map[string]string{
		"Jinja":           with(t, "<os>", "{% if x < 3 %}<os>"),
		"number":          with(t, "65536", "{{ memory }}"),
		"ERB":             with(t, "<os>", "<% if x %><os>"),
		"shell":           with(t, "'kvm'", "'${TYPE}'"),
		"autoconf":        with(t, "hvm", "@OS_TYPE@"),
		"before the root": "{{ header }}\n" + body,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := domxml.LoadAll("f.xml", []byte(doc))
			if err == nil || !strings.Contains(err.Error(), "looks like a template that was not rendered") {
				t.Error(err)
			}
		})
	}
	if _, err := domxml.LoadAll("f.xml", []byte(with(t, "65536", "many@example.test@"))); err == nil || strings.Contains(err.Error(), "template") {
		t.Error(err)
	}
}
