package domxml_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// libvirtMade returns a domain document of 7 to 8 KB that libvirt wrote.
func libvirtMade(tb testing.TB) []byte {
	tb.Helper()
	data, err := os.ReadFile("../../testdata/noise/libvirt-stored.xml")
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// BenchmarkLoad measures the strict reader, positions included. BenchmarkUnmarshal is the
// reference: the plain decoder on the same bytes.
func BenchmarkLoad(b *testing.B) {
	data := libvirtMade(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := domxml.Load("vm.xml", data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	data := string(libvirtMade(b))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var d libvirtxml.Domain
		if err := d.Unmarshal(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPositions loads a large document and requests the position of every disk.
func BenchmarkPositions(b *testing.B) {
	var doc bytes.Buffer
	doc.WriteString("<domain type='kvm'><os><type>hvm</type></os><devices>\n")
	for i := range 10_000 {
		fmt.Fprintf(&doc, "<disk type='file'><source file='/%d'/></disk>\n", i)
	}
	doc.WriteString("</devices></domain>")
	b.SetBytes(int64(doc.Len()))
	for b.Loop() {
		d, err := domxml.Load("vm.xml", doc.Bytes())
		if err != nil {
			b.Fatal(err)
		}
		for at := range domxml.Each("devices/disk", d.Devices.Disks) {
			d.Pos(at.Elem("source").Attr("file"))
		}
	}
}
