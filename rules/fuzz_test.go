package rules

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/edit"
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

// maxFuzzed bounds the fixes that FuzzFixes applies to one document.
const maxFuzzed = 20

// FuzzFixes applies the recommended fixes of any document that loads, each alone: the result must
// load, the finding must be gone, and the verdict must not be worse. Fuzzed documents have findings
// that depend on each other in ways that no guest has, so that other findings are not compared.
func FuzzFixes(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join(fixtures, "*", "bad*.xml"))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	settings := &audit.Settings{Rules: All()}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := domxml.Load("fuzz.xml", data)
		if err != nil {
			return
		}
		before := audit.Run(d, settings)
		applied := 0
		for i := range before.Findings {
			finding := &before.Findings[i]
			x, _ := finding.Recommended()
			if x.Fault != "" {
				t.Errorf("%s %q: %s: %s", finding.Rule.ID, finding.Message, x.Text, x.Fault)
			}
			if !x.Applicable() || applied == maxFuzzed {
				continue
			}
			applied++
			out, err := edit.Apply(d, x.Edits)
			if err != nil {
				t.Errorf("%s %q: %s: %v", finding.Rule.ID, finding.Message, x.Text, err)
				continue
			}
			fixed, err := domxml.Load("fixed.xml", out)
			if err != nil {
				t.Fatalf("%s %q: %s: %v", finding.Rule.ID, finding.Message, x.Text, err)
			}
			after := audit.Run(fixed, settings)
			if found(after, finding) >= found(before, finding) {
				t.Errorf("%s %q: %s: the finding is still there\n%s", finding.Rule.ID, finding.Message, x.Text, x.Diff)
			}
			if worse(before, after) {
				t.Errorf("%s %q: %s: the verdict is worse\n%s", finding.Rule.ID, finding.Message, x.Text, x.Diff)
			}
		}
	})
}
