package config_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/virt-audit/virt-audit/audit/config"
	"github.com/virt-audit/virt-audit/audit/source"
)

// FuzzParse parses arbitrary bytes. There must be no panic; an error must name a place inside the
// file, in one printable line; an accepted configuration must contain only valid values.
func FuzzParse(f *testing.F) {
	for _, m := range mistakes {
		if len(m.file) < 1000 {
			f.Add([]byte(m.file))
		}
	}
	example, err := os.ReadFile("example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte(rule + "  doc: >\n    a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := strings.Split(strings.TrimPrefix(string(data), "\ufeff"), "\n")
		inside := func(what string, line, column int) {
			if line < 1 || column < 1 || line > len(lines) || column > utf8.RuneCountInString(lines[line-1])+1 {
				t.Errorf("%s: no place %d:%d in %q", what, line, column, data)
			}
		}
		c, err := config.Parse("site.yaml", data, known)
		if err != nil {
			for _, err := range err.(interface{ Unwrap() []error }).Unwrap() {
				var e *source.Error
				if !errors.As(err, &e) {
					t.Fatalf("%T is not an Error: %v", err, err)
				}
				inside(err.Error(), e.Line, e.Column)
				if strings.ContainsAny(err.Error(), "\n\x1b\x00") {
					t.Errorf("message is not one printable line: %q", err)
				}
			}
			return
		}
		for path, p := range c.Places {
			inside(path, p.Line, p.Column)
		}
		for _, w := range c.Waivers {
			if w.Rule == "" || w.Reason == "" || w.Flaw != "" {
				t.Errorf("accepted %+v", w)
			}
		}
		for _, r := range c.Rules {
			if !strings.HasPrefix(r.ID, "site-") || r.Title == "" || r.Message == "" || strings.TrimSpace(r.Expression) == "" {
				t.Errorf("accepted %+v", r)
			}
			for line, text := range strings.Split(r.Expression, "\n") {
				for column := range utf8.RuneCountInString(text) + 1 {
					l, c := r.ExpressionAt(line+1, column+1)
					inside("expression", l, c)
				}
			}
		}
	})
}
