package house

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"
)

// repository is the address of a file of this repository in links that must also work elsewhere.
const repository = "https://github.com/virt-audit/virt-audit/blob/main/"

var (
	fenced   = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```")
	link     = regexp.MustCompile(`\[([^\]]*)\]\(<?([^)>\s]+)>?\)`)
	heading  = regexp.MustCompile(`(?m)^#+ +(.*?) *$`)
	anchorID = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
	symbol   = regexp.MustCompile("^`(?:\\w+\\.)?(\\w+)`$")
)

// TestLinks requires that every link of a document leads to a file, a heading or a symbol that exists.
func TestLinks(t *testing.T) {
	root := os.DirFS("../..")
	all := newDocuments(root)
	checked := 0
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == "dist" || name == "testdata/golden" || name != "." && strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".md":
			return nil
		}
		checked++
		for _, broken := range all.brokenLinks(t, name) {
			t.Error(broken)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 20 {
		t.Errorf("%d documents", checked)
	}
}

// TestBrokenLinks proves that each kind of broken link is found.
func TestBrokenLinks(t *testing.T) {
	root := fstest.MapFS{
		"code/a.go": {Data: []byte("package code\n\ntype Kind int\n\nfunc (k *Kind) String() string { return helper() }\n")},
		"docs/b.md": {Data: []byte("# One `two`, three\n\n<a id=\"place\"></a>\n")},
		"docs/a.md": {Data: []byte("# Title\n\n[good](b.md) [good](b.md#one-two-three) [good](#title) [good](b.md#place) [good](https://example.org/x)\n" +
			"[`Kind`](../code/a.go) [`Kind.String`](../code/a.go) [good](../code) [good](" + repository + "docs/b.md)\n" +
			"```\n[in code](absent.md)\n```\n" +
			"[bad](absent.md) [bad](b.md#four) [bad](#b) [`helper`](../code/a.go) [bad](" + repository + "docs/c.md) [bad](../../x.md)\n")},
	}
	got := newDocuments(root).brokenLinks(t, "docs/a.md")
	want := []string{"absent.md", "b.md#four", "#b", "../code/a.go", repository + "docs/c.md", "../../x.md"}
	if len(got) != len(want) {
		t.Fatalf("%q, want %q", got, want)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], "docs/a.md: "+want[i]+": ") {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
}

// documents are those of the repository, as far as they have been read.
type documents struct {
	root   fs.FS
	texts  map[string]string
	places map[string][]string // see placesOf
}

func newDocuments(root fs.FS) *documents {
	return &documents{root, map[string]string{}, map[string][]string{}}
}

// text returns the text of a file.
func (d *documents) text(t *testing.T, name string) string {
	t.Helper()
	if _, ok := d.texts[name]; !ok {
		data, err := fs.ReadFile(d.root, name)
		if err != nil {
			t.Fatal(err)
		}
		d.texts[name] = string(data)
	}
	return d.texts[name]
}

// brokenLinks returns the links of a document that lead nowhere, each with the reason.
func (d *documents) brokenLinks(t *testing.T, document string) (broken []string) {
	t.Helper()
	text := fenced.ReplaceAllString(d.text(t, document), "")
	for _, found := range link.FindAllStringSubmatch(text, -1) {
		label, to := found[1], found[2]
		if reason := d.follow(t, document, label, to); reason != "" {
			broken = append(broken, fmt.Sprintf("%s: %s: %s", document, to, reason))
		}
	}
	return broken
}

// follow returns why a link leads nowhere, or "".
func (d *documents) follow(t *testing.T, document, label, to string) string {
	t.Helper()
	name, place, _ := strings.Cut(to, "#")
	switch own, ok := strings.CutPrefix(name, repository); {
	case ok:
		name = own
	case strings.Contains(name, "://"):
		return ""
	case name == "":
		name = document
	default:
		name = path.Join(path.Dir(document), name)
	}
	if !fs.ValidPath(name) {
		return "outside of the repository"
	}
	info, err := fs.Stat(d.root, name)
	switch {
	case err != nil:
		return "no such file"
	case info.IsDir():
		return ""
	case path.Ext(name) == ".md" && place != "" && !slices.Contains(d.placesOf(t, name), place):
		return "no such heading"
	case path.Ext(name) == ".go" && symbol.MatchString(label) && !declares(d.text(t, name), symbol.FindStringSubmatch(label)[1]):
		return "declares no " + label
	}
	return ""
}

// placesOf returns the anchors of a document, as GitHub makes them of its headings.
func (d *documents) placesOf(t *testing.T, name string) []string {
	t.Helper()
	if out, ok := d.places[name]; ok {
		return out
	}
	var out []string
	text := d.text(t, name)
	for _, found := range anchorID.FindAllStringSubmatch(text, -1) {
		out = append(out, found[1])
	}
	for _, found := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		out = append(out, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, found[1]))
	}
	d.places[name] = out
	return out
}

// declares reports whether a Go file declares a name: at its top level, or as one of a list.
func declares(text, name string) bool {
	return regexp.MustCompile(`(?m)^(?:func (?:\([^)]*\) )?|type |var |const |\t)` + regexp.QuoteMeta(name) + `\b`).MatchString(text)
}
