package rules

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
)

// FuzzRules runs every rule, and every indexer, over any document that loads: none may panic if an
// element is missing.
func FuzzRules(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join(fixtures, "*", "*.xml"))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	all := All()
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := domxml.Load("fuzz.xml", data)
		if err != nil {
			return
		}
		twin, err := domxml.Load("twin.xml", data)
		if err != nil {
			t.Fatal(err)
		}
		twin.Name += "-twin"
		twin.UUID = ""
		together(t, &audit.Settings{Rules: all}, d, twin)
	})
}
