package rules

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// beyondVirtXML are the commands that the installed virt-xml cannot run, or cannot run without a
// host.
var beyondVirtXML = map[string]string{
	"machine-i440fx": "--convert-to-q35 came with virt-xml 5.0",
}

// TestFixes applies the virt-xml command of every rule's fix to the rule's bad document, with the
// real virt-xml, and audits the result: that finding must disappear, and no new one may appear.
func TestFixes(t *testing.T) {
	need.Programs(t, "virt-xml")
	proven := 0
	for _, r := range All() {
		commands := fixCommands(r)
		if len(commands) == 0 || beyondVirtXML[r.ID] != "" {
			continue
		}
		proven++
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(fixtures, r.ID, "bad.xml")
			bad, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			checked := append(chosen([]audit.Profile{audit.Baseline}), r)
			others, _ := filepath.Glob(filepath.Join(fixtures, r.ID, "other*.xml"))
			before := audited(t, checked, others, file, bad)
			doc := bad
			for _, args := range commands {
				doc = apply(t, args, doc)
			}
			after := audited(t, checked, others, "fixed", doc)
			if n := after[r.ID]; n > 0 {
				t.Errorf("%d findings are left\n%s", n, doc)
			}
			for id, n := range after {
				if n > before[id] {
					t.Errorf("%d new findings of %s\n%s", n-before[id], id, doc)
				}
			}
		})
	}
	t.Logf("%d fixes are proven; not run: %v", proven, beyondVirtXML)
}

// fixCommands returns the arguments of the virt-xml lines of a fix.
func fixCommands(r *audit.Rule) [][]string {
	var out [][]string
	for line := range strings.SplitSeq(r.Fix, "\n") {
		if command, ok := strings.CutPrefix(line, "$ virt-xml DOMAIN "); ok {
			out = append(out, words(strings.ReplaceAll(command, "MACHINE", "q35"))) // the bad documents are of x86
		}
	}
	return out
}

// words splits a command line at blanks outside of quotes.
func words(command string) []string {
	var out []string
	var word strings.Builder
	quote, started := rune(0), false
	for _, c := range command {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, started = c, true
		case quote == 0 && c == ' ':
			if started {
				out = append(out, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteRune(c)
			started = true
		}
	}
	if started {
		out = append(out, word.String())
	}
	return out
}

// apply runs virt-xml over a document on standard input. virt-xml requires the root element first, so
// the comments before it are removed.
func apply(t *testing.T, args []string, doc []byte) []byte {
	t.Helper()
	if i := bytes.Index(doc, []byte("<domain")); i > 0 {
		doc = doc[i:]
	}
	cmd := exec.Command("virt-xml", slices.Concat([]string{"--connect", "test:///default"}, args, []string{"--print-xml"})...)
	cmd.Stdin = bytes.NewReader(doc)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "HOME="+t.TempDir())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("virt-xml %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return out
}

// chosen returns the rules of the profiles.
func chosen(profiles []audit.Profile) []*audit.Rule {
	return slices.DeleteFunc(All(), func(r *audit.Rule) bool { return !r.In(profiles) })
}

// audited counts the findings of a document by rule, among the other guests of the run.
func audited(t *testing.T, checked []*audit.Rule, others []string, name string, doc []byte) map[string]int {
	t.Helper()
	d, err := domxml.Load(name, doc)
	if err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	domains := []*audit.Domain{d}
	for _, other := range others {
		o, _ := load(t, other)
		domains = append(domains, o)
	}
	count := map[string]int{}
	for _, f := range together(t, &audit.Settings{Rules: checked}, domains...)[0].Findings {
		count[f.Rule.ID]++
	}
	return count
}
