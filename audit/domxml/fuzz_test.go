package domxml_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/source"
)

// FuzzLoad loads arbitrary bytes. The result is a domain or one of the two kinds of error, and
// every position is inside the document.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(body))
	f.Add([]byte(strings.ReplaceAll(body, "<os>", "<os><os/></os><os>")))
	f.Add([]byte("<domain type='kvm' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:commandline><q:arg value='-accel'/><q:arg value='{\"a\":1}'/></q:commandline></domain>"))
	f.Add([]byte("<domain type='lxc'><devices><graphics passwd='&#65;\n'/><hostdev/><interface/></devices></domain>"))
	f.Add([]byte(status + body + "</domstatus>"))
	f.Add([]byte(snapshot + body + inner("inactiveDomain", "b") + body + "<f:domain/><name>x</name></domainsnapshot>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		domains, err := domxml.LoadAll("fuzz.xml", data)
		if err != nil {
			var input *source.Error
			var other *domxml.NotDomainError
			if !errors.As(err, &input) && !errors.As(err, &other) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		for _, d := range domains {
			everyPlace(t, d, data)
		}
	})
}

// everyPlace requests positions and excerpts of a domain.
func everyPlace(t *testing.T, d *domxml.Domain, data []byte) {
	t.Helper()
	lines := strings.Count(string(data), "\n") + 1
	for _, path := range []string{"", "@type", "os/type@machine", "devices/disk[2]/source@file", "devices/graphics[1]@passwd", "x/y[9]@z"} {
		pos := d.Pos(domxml.At(path))
		if pos.Line < 1 || pos.EndLine > lines || pos.Column < 1 || pos.EndLine < pos.Line {
			t.Fatalf("%s: %+v in %d lines", path, pos, lines)
		}
		d.Attr(domxml.At(path))
		d.Text(domxml.At(path))
	}
	for _, e := range d.Dropped {
		d.DroppedPos(e)
	}
	rule := &audit.Rule{ID: "a-b", Check: func(p *audit.Pass) {
		p.Reportf(domxml.At("os/type"), "x")
		p.Reportf(domxml.At("devices/graphics@passwd"), "x")
		for _, o := range p.Command.Options {
			p.Reportf(o.At, "x")
		}
		for _, e := range p.Dropped {
			p.ReportDropped(e, "x")
		}
	}}
	for _, f := range audit.Run(d, &audit.Settings{Rules: []*audit.Rule{rule}}).Findings {
		if n := len([]rune(f.Excerpt.Line)); f.Excerpt.Start < 0 || f.Excerpt.Start > n || f.Excerpt.End <= f.Excerpt.Start {
			t.Fatalf("excerpt %+v", f.Excerpt)
		}
	}
}
