package report

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/edit"
	"github.com/virt-audit/virt-audit/rules"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// sarifApply reads lines with a document and a report, and prints each fix's result.
//
//go:embed testdata/sarif_apply.py
var sarifApply string

// writtenAs are forms in which a document can be written without a change of its meaning.
var writtenAs = map[string]func(string) string{
	"plain": func(s string) string { return s },
	"crlf":  func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
	"bom":   func(s string) string { return "\ufeff" + s },
	"tabs":  func(s string) string { return strings.ReplaceAll(s, "  ", "\t") },
	"wide": func(s string) string {
		return strings.NewReplacer("\n  <", "\n<!--日𝒳e\u0301--><", "\n    <", "\n<!--🖥\u2028\u0085-->\t<").Replace(s)
	},
	"one line": func(s string) string { return "\ufeff" + strings.ReplaceAll(s, "\n", " ") },
}

// TestSARIFFixes has a reader that knows only the regions of SARIF make the fixes of the fixtures. The
// results must be the bytes that package edit writes.
func TestSARIFFixes(t *testing.T) {
	need.Programs(t, "python3")
	files, err := filepath.Glob("../../testdata/rules/*/*.xml")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d fixtures, %v", len(files), err)
	}
	var in bytes.Buffer
	var want [][]byte
	var names []string
	made := map[string]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		own := slices.DeleteFunc(rules.All(), func(r *audit.Rule) bool {
			return r.ID != filepath.Base(filepath.Dir(file))
		})
		for form, write := range writtenAs {
			doc := []byte(write(string(text)))
			d, err := domxml.Load("my guest.xml", doc)
			if err != nil {
				continue // some are meant to be unreadable, or become so
			}
			r := audit.Run(d, &audit.Settings{Rules: own})
			n := len(want)
			for i := range r.Findings {
				for _, x := range r.Findings[i].Fixes {
					if len(x.Changes) == 0 {
						continue
					}
					out, err := edit.Apply(d, x.Edits)
					if err != nil {
						t.Errorf("%s %s: %v", file, form, err)
					}
					want, names = append(want, out), append(names, file+" "+form+": "+x.Text)
				}
			}
			if r.Manager.Owns() { // its guests have no such fixes
				want, names = want[:n], names[:n]
			}
			if len(want) == n {
				continue
			}
			made[form]++
			line, err := json.Marshal(map[string]string{
				"document": base64.StdEncoding.EncodeToString(doc), "report": render(t, "sarif", options(), []*audit.Result{r}, nil, nil),
			})
			if err != nil {
				t.Fatal(err)
			}
			in.Write(append(line, '\n'))
		}
	}
	for form := range writtenAs {
		if made[form] == 0 {
			t.Errorf("no document as %s has a fix", form)
		}
	}
	cmd := exec.Command(need.Path("python3"), "-c", sarifApply)
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(string(out))
	if len(got) != len(want) {
		t.Fatalf("%d fixes were made, want %d", len(got), len(want))
	}
	for i, text := range got {
		if doc, err := base64.StdEncoding.DecodeString(text); err != nil || !bytes.Equal(doc, want[i]) {
			t.Errorf("%s: %v\n%q\nwant\n%q", names[i], err, doc, want[i])
		}
	}
}
