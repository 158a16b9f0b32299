package rules

import (
	"os"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// TestCorpus prints how often each rule reports findings for real documents that libvirt's schema
// accepts, for review by a person ("make corpus"). The test itself checks that every document
// loads.
func TestCorpus(t *testing.T) {
	files := need.ValidDocuments(t)
	if len(files) == 0 {
		t.SkipNow()
	}
	type count struct {
		documents, unknown int
		severities         [audit.Critical + 1]int
	}
	counts := map[string]*count{}
	all := All()
	for _, rule := range all {
		counts[rule.ID] = &count{}
	}
	documents := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := domxml.Load(file, data)
		if err != nil {
			t.Error(err)
			continue
		}
		documents++
		res := audit.Run(d, &audit.Settings{Rules: all})
		seen := map[string]bool{}
		for _, f := range res.Findings {
			c := counts[f.Rule.ID]
			c.severities[f.Severity]++
			if !seen[f.Rule.ID] {
				seen[f.Rule.ID] = true
				c.documents++
			}
		}
		for _, u := range res.Unevaluated {
			counts[u.Rule.ID].unknown++
		}
	}
	t.Logf("%d documents", documents)
	t.Logf("%-30s %9s %8s %6s %6s %6s %6s %13s", "rule", "documents", "critical", "high", "medium", "low", "info", "not evaluated")
	for _, rule := range all {
		c := counts[rule.ID]
		s := c.severities
		t.Logf("%-30s %9d %8d %6d %6d %6d %6d %13d", rule.ID, c.documents, s[audit.Critical], s[audit.High], s[audit.Medium], s[audit.Low], s[audit.Info], c.unknown)
	}
}
