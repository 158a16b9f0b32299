package yamldoc_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/source"
	"github.com/virt-audit/virt-audit/audit/yamldoc"
)

var format = yamldoc.Format{Holds: "one list", MaxBytes: 200}

// read reads a file with the keys name, text, list and on.
func read(data string) (values map[string]string, doc *yamldoc.Document) {
	doc = yamldoc.Parse("a.yaml", []byte(data), format)
	values = map[string]string{}
	root, ok := doc.Root()
	if !ok {
		return values, doc
	}
	root.Fields("", []string{"name", "text", "list", "on"}, []string{"name"}, func(e yamldoc.Entry) {
		switch e.Key {
		case "name":
			values[e.Key], _ = e.Value.Text()
		case "text":
			values[e.Key] = e.Value.Prose()
		case "list":
			e.Value.Words(e.Path, func(_ yamldoc.Node, word string) { values[e.Key] += word + " " })
		case "on":
			if e.Value.Bool(e.Path) {
				values[e.Key] = "true"
			}
		}
	})
	return values, doc
}

func TestRead(t *testing.T) {
	t.Parallel()
	values, doc := read("name: 'ü'\ntext: |\n  a\n  b\nlist:\n- x\n- \"y\"\non: true\n")
	if err := doc.Err(); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"name": "ü", "text": "a\nb", "list": "x y ", "on": "true"} {
		if values[key] != want {
			t.Errorf("%s: %q, want %q", key, values[key], want)
		}
	}
	at := doc.Places()["list[1]"]
	if want := (yamldoc.Span{Position: source.Position{Line: 7, Column: 3}, Width: 1}); at != want {
		t.Errorf("%+v, want %+v", at, want)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"nam: a\n":                             "a.yaml:1:1: unknown key \"nam\"; did you mean 'name'?\na.yaml:1:1: missing name",
		"name: 1.0\non: yes\n":                 "a.yaml:1:7: must be a string, not a number; put it in quotes\na.yaml:2:5: on must be true or false, not a string",
		"name: a\nlist: [x, x]\n":              "a.yaml:2:11: \"x\" is in list twice",
		"name: a\n---\nname: b\n":              "a.yaml:2:1: a second document: a file holds one list",
		"name: a\n" + strings.Repeat("#", 200): "a.yaml:1:1: the file is larger than 200 bytes",
	} {
		_, doc := read(text)
		err := doc.Err()
		if err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
		if _, ok := errors.AsType[*source.Error](err); !ok {
			t.Errorf("%q: not a source.Error: %T", text, err)
		}
	}
}

// TestCharacters finds each character of a string in the file, however it is written.
func TestCharacters(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]source.Position{
		"name: ab\n":         {{Line: 1, Column: 7}, {Line: 1, Column: 8}, {Line: 1, Column: 9}},
		"name: \"a\\x62\"\n": {{Line: 1, Column: 8}, {Line: 1, Column: 9}, {Line: 1, Column: 13}},
		"name: |\n  a\n  b":  {{Line: 2, Column: 3}, {Line: 2, Column: 4}, {Line: 3, Column: 3}, {Line: 3, Column: 4}},
	} {
		root, ok := yamldoc.Parse("a.yaml", []byte(text), format).Root()
		if !ok {
			t.Fatalf("%q is not read", text)
		}
		n, _ := root.Get("name")
		if got := n.Characters(n.Prose()); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
