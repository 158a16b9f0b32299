package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/fleet"
	"github.com/virt-audit/virt-audit/rules"
)

func writingTo(name, disk string) string {
	return fmt.Sprintf("<domain type='kvm'><name>%s</name><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>"+
		"<disk type='file'><source file='%s'/></disk></devices></domain>", name, disk)
}

// outcomeText formats the outcome of a document: "NAME RULE..." or "error", "skipped".
func outcomeText(o Outcome) string {
	var out []string
	for _, r := range o.Results {
		out = append(out, r.Name)
		for _, f := range r.Findings {
			out = append(out, f.Rule.ID)
		}
	}
	switch {
	case errors.Is(o.Err, collect.ErrChanged):
		out = append(out, "changed")
	case errors.Is(o.Err, fs.ErrNotExist):
		out = append(out, "vanished")
	case o.Err != nil:
		out = append(out, "error")
	case o.Kind == Skipped:
		out = append(out, "skipped")
	}
	return strings.Join(out, " ")
}

// ruleNamed returns the rule with that ID.
func ruleNamed(t *testing.T, id string) *audit.Rule {
	t.Helper()
	for _, r := range rules.All() {
		if r.ID == id {
			return r
		}
	}
	t.Fatalf("there is no rule %s", id)
	return nil
}

// runOf returns a run with the given rules.
func runOf(jobs int, applied ...*audit.Rule) *Run {
	return New(Options{Settings: &audit.Settings{Rules: applied}, Indexers: rules.Indexers(), Jobs: jobs})
}

// TestChangedBetweenPasses rewrites a document after the first pass has seen it.
func TestChangedBetweenPasses(t *testing.T) {
	rule := ruleNamed(t, "fleet-disk-rw-shared")
	big := strings.Repeat(" ", maxKept) // so that no document after it is kept
	tests := []struct {
		name   string
		change func(file string) error
		want   string
	}{
		{"not at all", func(string) error { return nil }, "db fleet-disk-rw-shared"},
		{"other disk", func(f string) error { return os.WriteFile(f, []byte(writingTo("db", "/own")), 0o600) }, "db changed"},
		{"one more byte", func(f string) error { return os.WriteFile(f, []byte(writingTo("db", "/d")+"\n"), 0o600) }, "db fleet-disk-rw-shared changed"},
		{"broken", func(f string) error { return os.WriteFile(f, []byte("<domain"), 0o600) }, "error"},
		{"other kind", func(f string) error { return os.WriteFile(f, []byte("<network/>"), 0o600) }, "changed"},
		{"removed", os.Remove, "vanished"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			var files []string
			for i, text := range []string{writingTo("big", "/big") + big, writingTo("web", "/d"), "<network/>", "<domain>", writingTo("db", "/d")} {
				files = append(files, filepath.Join(dir, fmt.Sprintf("%d.xml", i)))
				if err := os.WriteFile(files[i], []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			documents := func(yield func(*collect.Document, error) bool) {
				for d, err := range collect.Find(files, collect.Options{}) {
					if !yield(d, err) {
						return
					}
				}
				if err := tt.change(files[4]); err != nil {
					t.Error(err)
				}
			}
			var got []string
			for o := range runOf(1, rule).Outcomes(documents) {
				got = append(got, outcomeText(o))
			}
			if want := "big, web fleet-disk-rw-shared, skipped, error, " + tt.want; strings.Join(got, ", ") != want {
				t.Errorf("got %q, want %q", strings.Join(got, ", "), want)
			}
		})
	}
}

// TestEarlyEnd ends the loop over outcomes at different times.
func TestEarlyEnd(t *testing.T) {
	for _, id := range []string{"fleet-disk-rw-shared", "boundary-accel-tcg"} {
		rule := ruleNamed(t, id)
		for stop := range 4 {
			n := 0
			for range runOf(4, rule).Outcomes(collect.Find([]string{"../../testdata/fleet"}, collect.Options{})) {
				if n++; n > stop {
					break
				}
			}
		}
	}
}

// TestTwoPasses compares the two passes with the simple way: every document judged with the
// complete index. A question that a rule does not ask in the first pass would lose findings.
func TestTwoPasses(t *testing.T) {
	dirs, _ := filepath.Glob("../../testdata/rules/fleet-*")
	for _, dir := range append(dirs, "../../testdata/fleet", "../../testdata/rules") {
		cfg := &audit.Settings{Rules: rules.All()}
		var domains []*audit.Domain
		index := fleet.NewIndex()
		for doc, err := range collect.Find([]string{dir}, collect.Options{}) {
			if err != nil {
				t.Fatal(err)
			}
			data, err := doc.Read()
			if err != nil {
				t.Fatal(err)
			}
			d, err := domxml.Load(doc.Source, data)
			if err != nil {
				t.Fatal(err)
			}
			cfg.Prepare(d).Collect(index, rules.Indexers()...)
			domains = append(domains, d)
		}
		index.Freeze()
		whole := *cfg
		whole.Index = index
		n := 0
		for out := range New(Options{Settings: cfg, Indexers: rules.Indexers(), Jobs: 2}).Outcomes(collect.Find([]string{dir}, collect.Options{})) {
			want := audit.Run(domains[n], &whole)
			n++
			if out.Err != nil {
				t.Fatal(out.Err)
			}
			if got := out.Results[0]; !slices.EqualFunc(got.Findings, want.Findings, func(a, b audit.Finding) bool { return a.Rule == b.Rule && a.Message == b.Message && a.Pos == b.Pos }) {
				t.Errorf("%s: %d findings in two passes, %d in one", got.Source, len(got.Findings), len(want.Findings))
			}
		}
		if n != len(domains) {
			t.Errorf("%s: %d results for %d documents", dir, n, len(domains))
		}
	}
}
