package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const testList = `
# comment
not yet: old/
mend(s|ed)? | fix | all
behind | after | all | behind a proxy
passed over | skipped | all
tells | reports | prose
WHY | REASON | all
`

func TestScan(t *testing.T) {
	tests := []struct {
		name, file, text string
		want             []string // line:column word
	}{
		{"comment", "a.go", "package a // it mends\n", []string{"1:17 mends"}},
		{"string", "a.go", "package a\nvar s = \"Mend\" + `\nmended`\n", []string{"2:10 Mend", "3:1 mended"}},
		{"identifiers are not text", "a.go", "package a\nvar mend int\n", nil},
		{"phrase across comment lines", "a.go", "package a\n\n// is passed\n// over\n", []string{"3:7 passed over"}},
		{"phrase across joined literals", "a.go", "package a\nvar s = \"passed \" +\n\t\"over\"\n", []string{"2:10 passed over"}},
		{"separate literals", "a.go", "package a\nvar s = []string{\"passed\", \"over\"}\n", nil},
		{"comments apart", "a.go", "package a // passed\nvar x int // over\n", nil},
		{"prose in a string", "a.go", "package a\nvar s = \"tells\" // tells\n", []string{"2:20 tells"}},
		{"allowed phrase", "a.md", "behind a\nproxy, behind the wall\n", []string{"2:8 behind"}},
		{"capitals", "a.md", "why WHY\n", []string{"1:5 WHY"}},
		{"code in Markdown", "a.md", "tells `tells`\n```\ntells mend\n```\n    tells\n", []string{"1:1 tells", "3:7 mend"}},
		{"script", "a.sh", "# passed\n# over\ntells; echo mend # tells\n", []string{"1:3 passed over", "3:13 mend", "3:20 tells"}},
		{"XML", "a.xml", "<mend a='mend'/><!-- mend -->\n<!-- want \"mend\" -->\n", []string{"1:22 mend", "2:12 mend"}},
		{"workflow", "a.yml", "name: mend # tells\n", []string{"1:7 mend", "1:14 tells"}},
		{"man page", "a.1", "It mends.\n", []string{"1:4 mends"}},
		{"longer words", "a.md", "amended mending\n", nil},
	}
	list, err := parseList(testList)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, f := range scan(tt.file, []byte(tt.text), list.Rows) {
				got = append(got, fmt.Sprintf("%d:%d %s", f.Line, f.Column, f.Word))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestParseListErrors(t *testing.T) {
	for text, want := range map[string]string{
		"a | b":             ":1: 2 fields",
		"\na | b | c":       `:2: "c": expected all or prose`,
		"( | b | all":       ":1: error parsing regexp",
		"a | b | all | ( ":  ":1: error parsing regexp",
		"a | b | all | c|d": "",
	} {
		_, err := parseList(text)
		if got := fmt.Sprint(err); want == "" && err != nil || !strings.Contains(got, want) && want != "" {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestRun(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	for name, text := range map[string]string{
		listName:       testList,
		"old/a.md":     "mend\n",
		"new/a.md":     "so it\nmends\n",
		"new/LICENSE":  "mend\n",
		"new/x.golden": "mend\n",
		"new/a.prom":   "mend\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("git", "init", "-q").CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	expect := func(want string, paths ...string) {
		t.Helper()
		var out strings.Builder
		count, err := run(&out, paths)
		if err != nil || out.String() != want || count != strings.Count(want, "\n") {
			t.Errorf("%q: got %d, %v\n%s", paths, count, err, out.String())
		}
	}
	line := "new/a.md:2:1: \"mends\": write fix\n"
	old := "old/a.md:1:1: \"mend\": write fix\n"
	expect(line)
	expect(line+old, ".")
	expect(old, "old")
	if err := os.WriteFile("old/a.md", []byte("fix\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	expect(line + listName + ": \"old/\" is clean: remove its row\n")
	if _, err := run(&strings.Builder{}, []string{"missing"}); err == nil {
		t.Error("no error for a path without files")
	}
}

// Every row matches the start of its own pattern's line, so that no row is dead by a mistake in
// the regular expression.
func TestList(t *testing.T) {
	data, err := os.ReadFile("words.txt")
	if err != nil {
		t.Fatal(err)
	}
	list, err := parseList(string(data))
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Rows) < 30 {
		t.Errorf("%d rows", len(list.Rows))
	}
	for _, text := range []string{
		"it mends", "the report tells", "libvirt says", "is wanted", "it goes by name", "gives the host away",
		"taken apart", "is passed over", "left out", "it stands in a file", "behind the element", "is no rule",
		"there it is none", "for want of", "in force", "is in order", "anew", "at hand", "lest", "for ever",
		"a rule of ours", "Whoever", "nobody", "Who asks for it gets it.", "a folder", "the processor",
		"the program", "an operand", "old model of", "WHY", "FOLDER",
	} {
		if len(scan("a.md", []byte(text+"\n"), list.Rows)) == 0 {
			t.Errorf("%q passes", text)
		}
	}
	for _, text := range []string{
		"there is no rule", "is no longer", "behind a proxy", "behind the PCI bridge", "what stands for it",
		"Who is affected?", "user nobody", "`<processor>`", "in the order of", "WantedBy=multi-user.target",
		"a device behind an IOMMU",
	} {
		if found := scan("a.md", []byte(text+"\n"), list.Rows); len(found) > 0 {
			t.Errorf("%q: %v", text, found)
		}
	}
}
