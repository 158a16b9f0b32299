package rules

import (
	"os"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
)

// BenchmarkRules runs all baseline rules over a domain that libvirt wrote; compare it with
// audit.BenchmarkLoad, which reads the same document.
func BenchmarkRules(b *testing.B) {
	const file = "../testdata/noise/libvirt-stored.xml"
	data, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	d, err := domxml.Load(file, data)
	if err != nil {
		b.Fatal(err)
	}
	cfg := &audit.Settings{Rules: chosen([]audit.Profile{audit.Baseline})}
	b.ReportAllocs()
	for b.Loop() {
		audit.Run(d, cfg)
	}
}
