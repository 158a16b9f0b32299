package config_test

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/config"
)

// However an expression is written, each of its words is found again in the file.
func TestExpressionAt(t *testing.T) {
	t.Parallel()
	for what, text := range map[string]string{
		"plain":            " aa.bb == cc # dd\n",
		"comment before":   " # dd\n      # ee\n      aa == bb\n",
		"single quotes":    " 'aa == ''b'' && cc'\n",
		"double quotes":    ` "aa == \"b\u0062\" && \x63c \\ dd"` + "\n",
		"quoted lines":     " \"aa &&\n      bb\n\n      cc ü dd\"\n",
		"escaped line end": " \"aa && \\\n      bb\"\n",
		"literal":          " |\n      aa &&\n\n        bb || cc  \n      // dd\n",
		"literal, blank":   " |\n\n      aa\n",
		"folded":           " >-\n      aa ||\n      bb\n\n\n      cc &&\n        dd\n",
		"CRLF":             " |\r\n      aa &&\r\n      bb\r\n",
		"no end":           " >\n      aa\n      bb",
	} {
		file := "rules:\n  - id: site-a\n    severity: low\n    message: aa\n    expression:" + text
		f, err := config.Parse(name, []byte(file), known)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		r := f.Rules[0]
		lines := strings.Split(file, "\n")
		found := 0
		for l, line := range strings.Split(r.Expression, "\n") {
			for _, word := range []string{"aa", "bb", "cc", "dd"} {
				before, _, has := strings.Cut(line, word)
				if !has {
					continue
				}
				found++
				fileLine, fileColumn := r.ExpressionAt(l+1, len([]rune(before))+1)
				rest := string([]rune(lines[fileLine-1])[fileColumn-1:])
				if !strings.HasPrefix(rest, word[:1]) && !strings.HasPrefix(rest, `\x63`) || word == "aa" && fileLine < 5 {
					t.Errorf("%s: %s of %q is at %d:%d, where there is %q", what, word, r.Expression, fileLine, fileColumn, rest)
				}
			}
		}
		if found == 0 {
			t.Errorf("%s: no word in %q", what, r.Expression)
		}
		line, column := r.ExpressionAt(99, 1)
		if endLine, endColumn := r.ExpressionAt(strings.Count(r.Expression, "\n")+1, 999); line != endLine || column != endColumn || line < 5 || line > len(lines) {
			t.Errorf("%s: the end is at %d:%d and %d:%d", what, line, column, endLine, endColumn)
		}
	}
}
