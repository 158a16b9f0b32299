package config_test

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/config"
)

// Each word of an expression is located in the file, for every YAML style of the expression.
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

// A comment ends with its line. If YAML folds several lines into one, the rest would be part of the
// comment.
func TestFoldedComments(t *testing.T) {
	t.Parallel()
	const at = ": a comment continues to the end of the folded lines; write the expression after |"
	for text, want := range map[string]string{
		" >\n      aa // one\n      && bb\n":                                 ":6:10" + at,
		" >-\n      // one\n      aa\n":                                      ":6:7" + at,
		" 'aa // it''s\n      && bb'\n":                                      ":5:21" + at,
		" \"aa || // one\n      bb\"\n":                                      ":5:24" + at,
		" \"aa // \\\n      bb\"\n":                                          ":5:21" + at,
		" >\n      aa == 'http://x' //\n      && bb\n":                       ":6:24" + at,
		" >\n      aa == r'\\' //\n      && bb\n":                            ":6:18" + at,
		" >\n      aa == \"\"\"a\"\"//\"\"\" && b\n      // one\n      cc\n": ":7:7" + at,

		" |\n      aa // one\n      && bb\n":                         "",
		" >\n      aa\n      && bb // one\n":                         "",
		" >\n      aa // one\n\n      && bb\n":                       "", // an empty line ends one
		" >\n      aa == 'http://x'\n      && bb\n":                  "",
		" >\n      aa == 'it\\'s //'\n      && bb\n":                 "",
		" >\n      aa == r\"\\\"\n      && bb == 'http://x'\n":       "",
		" >\n      aa.`b//c`\n      && bb == '''//'\n      '//'''\n": "",
		" aa // one\n":         "",
		" 'aa // one'\n":       "",
		" \"aa // one\\n bb\"": "",
	} {
		_, err := config.Parse(name, []byte("rules:\n  - id: site-a\n    severity: low\n    message: aa\n    expression:"+text), known)
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != name+want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// CEL that YAML parses as something else has the same hint, whatever the parser reports.
func TestExpressionQuotes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`aa == "a" ? true : false`, `!has(aa)`, `!has(aa) || bb`, `"web" == aa`, `'web' in ['a']`, `[1,2].size() > 0`, `{"a": 1}.size() > 0`,
		`[1]`, `true`, `1`, `@aa`, "`aa` == bb", "&aa", "*aa", "? aa : bb", "> 5", "%aa", "aa &&\n    bb",
	} {
		for _, before := range []string{"expression: ", "message: m\n  expression: "} {
			_, err := config.Parse(name, []byte("rules:\n- severity: low\n  id: site-a\n  "+before+text+"\n  doc: x\n"), known)
			if err == nil || !strings.Contains(err.Error(), "put it in quotes, or write it after |") {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
	_, err := config.Parse(name, []byte("rules:\n- expression: aa\n  doc: a: b\n"), known)
	if err == nil || strings.Contains(err.Error(), "quotes") {
		t.Errorf("another key: %v", err)
	}
}
