package audit_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/rules"
)

// TestRulesAskFirst checks for every rule across guests what the index relies on: if a guest has
// nothing in common with others, the rule asks no more than it asked when nothing was known, and
// reports nothing. The answers are then those of a run over this guest alone. The findings of a
// rule depend only on them, so it has nothing to report in the whole run either, and need not be
// applied again.
func TestRulesAskFirst(t *testing.T) {
	files, _ := filepath.Glob("../testdata/rules/*/*.xml")
	for _, more := range []string{"../testdata/fleet/*.xml", "../testdata/noise/*.xml"} {
		list, _ := filepath.Glob(more)
		if len(list) == 0 {
			t.Fatalf("there is no %s", more)
		}
		files = append(files, list...)
	}
	asked := map[*audit.Rule]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := domxml.Load(file, data)
		if err != nil {
			continue // the directory contains documents of other kinds
		}
		for _, r := range rules.All() {
			if r.Requires&audit.NeedDomains == 0 {
				continue
			}
			for _, oneHost := range []bool{false, true} {
				c := &audit.Settings{Rules: []*audit.Rule{r}, OneHost: oneHost}
				nothing, alone, answered, reported := audit.AskedAlone(d, c, rules.Indexers()...)
				asked[r] = asked[r] || len(nothing) > 0
				if answered {
					continue // the rule is applied again in any case
				}
				if reported {
					t.Errorf("%s: %s: reports something though no other guest is known", file, r.ID)
				}
				for _, q := range alone {
					if !slices.Contains(nothing, q) {
						t.Errorf("%s: %s: asks for %q only when the guest itself is known", file, r.ID, q)
					}
				}
			}
		}
	}
	for _, r := range rules.All() {
		if r.Requires&audit.NeedDomains != 0 && !asked[r] {
			t.Errorf("%s: asks nothing about any document", r.ID)
		}
	}
}
