package source_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/virt-audit/virt-audit/audit/source"
)

func TestLocation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file         string
		line, column int
		want         string
	}{
		{"a.xml", 3, 7, "a.xml:3:7"},
		{"a.xml", 3, 0, "a.xml:3"},
		{"a.xml", 0, 7, "a.xml"},
		{"a.xml", 0, 0, "a.xml"},
		{"", 3, 7, "3:7"},
		{"", 0, 0, ""},
	} {
		if got := source.Location(c.file, c.line, c.column); got != c.want {
			t.Errorf("Location(%q, %d, %d) = %q, want %q", c.file, c.line, c.column, got, c.want)
		}
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	at := source.Position{Line: 2, Column: 5}
	for _, c := range []struct {
		err  source.Error
		want string
	}{
		{source.Error{File: "a.yaml", Position: at, Message: "unknown key", Hint: "remove it"}, "a.yaml:2:5: unknown key; remove it"},
		{source.Error{File: "a.yaml", Message: "unknown key"}, "a.yaml: unknown key"},
		{source.Error{Position: at, Message: "unknown key"}, "2:5: unknown key"},
		{source.Error{Message: "unknown key"}, "unknown key"},
		{source.Error{File: "a\x1b[1m\nb", Position: at, Message: "unknown key"}, `a\x1b[1m\x0ab:2:5: unknown key`},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.err, got, c.want)
		}
	}
	if err := error(&source.Error{File: "a.yaml", Err: fs.ErrNotExist}); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	first, second, third := source.Position{Line: 1, Column: 9}, source.Position{Line: 2, Column: 3}, source.Position{Line: 2, Column: 4}
	if first.Compare(second) >= 0 || third.Compare(second) <= 0 || second.Compare(source.Position{Line: 2, Column: 3}) != 0 {
		t.Error("positions are not ordered by line and column")
	}
}
