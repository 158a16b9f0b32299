package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkFolder audits a directory of 1,000 different guests, with one job and with two.
func BenchmarkFolder(b *testing.B) {
	model, err := os.ReadFile("../../testdata/noise/libvirt-stored.xml")
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	for n := range 1000 {
		doc := bytes.ReplaceAll(model, []byte("web01"), fmt.Appendf(nil, "vm%05d", n))
		doc = bytes.Replace(doc, []byte("1bc2bd98"), fmt.Appendf(nil, "%08d", n), 1)
		doc = bytes.Replace(doc, []byte("52:54:00:6b:5b"), fmt.Appendf(nil, "52:54:00:%02x:%02x", n/256, n%256), 1)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("vm%05d.xml", n)), doc, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for _, jobs := range []string{"1", "2"} {
		b.Run("jobs="+jobs, func(b *testing.B) {
			for b.Loop() {
				run([]string{"virt-audit", "-j", jobs, dir}, nil, io.Discard, io.Discard)
			}
		})
	}
}
