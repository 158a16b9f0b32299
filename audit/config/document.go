package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The YAML parser takes quadratic time over long lines, over brackets in brackets and over a list of
// nothings. Within these bounds the worst file that we could think of takes three seconds.
const (
	maxFile   = 1 << 20
	maxLine   = 4096
	maxDepth  = 32
	maxTokens = 100_000
	maxErrors = 50 // who has more to mend will not read them
)

// reader walks the nodes of one file and collects what is wrong with it.
type reader struct {
	known Names
	out   *File
	lines []string // without their ends
	errs  []*Error

	rules []string // IDs of all rules, those of the site too
	ids   map[string]bool
}

func (r *reader) err() error {
	slices.SortStableFunc(r.errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	errs := make([]error, len(r.errs))
	for i, e := range r.errs {
		errs[i] = e
	}
	return errors.Join(errs...)
}

// fail notes an error. It keeps the place inside the file: where something is missing the YAML parser
// points behind the end of the line.
func (r *reader) fail(at place, hint, format string, args ...any) {
	if len(r.errs) == maxErrors {
		return
	}
	line := max(1, min(at.line, len(r.lines)))
	column := max(1, min(at.column, utf8.RuneCountInString(r.lines[line-1])+1))
	r.errs = append(r.errs, &Error{r.out.Path, line, column, fmt.Sprintf(format, args...), hint})
}

// document returns the mapping that the file consists of. It is nil after an error, and for a file that
// holds nothing.
func (r *reader) document(data []byte) *ast.MappingNode {
	text := r.source(data)
	if len(r.errs) > 0 {
		return nil
	}
	tokens := lexer.Tokenize(text)
	if at, what := excess(tokens); at != nil {
		r.fail(start(at), "", "%s", what)
		return nil
	}
	f, err := parser.Parse(tokens, 0)
	if err != nil {
		at, message := place{1, 1}, err.Error()
		if located, ok := errors.AsType[yaml.Error](err); ok {
			message = located.GetMessage()
			if t := located.GetToken(); t != nil {
				at = start(t)
			}
		}
		message, _, _ = strings.Cut(message, "\n")
		hint := ""
		if r.inExpression(at.line) {
			hint = asExpression
		}
		r.fail(at, hint, "%s", strings.Map(printable, message)) // it may quote the file
		return nil
	}
	var body *ast.MappingNode
	for _, doc := range f.Docs {
		if doc.Body == nil {
			continue
		}
		m, ok := doc.Body.(*ast.MappingNode)
		if !ok || body != nil {
			r.fail(r.place(doc.Body), "", "the file is not a mapping of keys to values")
			return nil
		}
		body = m
	}
	return body
}

// source checks the bytes of the file and returns them as the YAML parser is to see them. What it would
// read in another way than YAML's specification is refused: it drops tabs out of the middle of words, the
// dots of a line that begins with three, and the whole of a document behind an empty one.
func (r *reader) source(data []byte) string {
	if len(data) > maxFile {
		r.lines = []string{""}
		r.fail(place{1, 1}, "", "the file is larger than %d bytes", maxFile)
		return ""
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	r.lines = strings.Split(text, "\n")
	begun := false
	for i, line := range r.lines {
		word := strings.TrimLeft(line, " ")
		comment := strings.HasPrefix(word, "#")
		at, bad := strange(line, comment)
		switch here := (place{i + 1, 1}); {
		case len(line) > maxLine:
			r.fail(here, "write it over several lines", "the line is longer than %d bytes", maxLine)
		case bad != "":
			r.fail(place{i + 1, at}, "", "%s", bad)
		case begun && strings.HasPrefix(line, "---"):
			r.fail(here, "", "a second document; a file holds one configuration")
		case strings.HasPrefix(line, "..."):
			r.fail(here, "", "YAML's end of a document; a file holds one configuration")
		case strings.HasPrefix(line, "%"):
			r.fail(here, "", "YAML's directives have no use in this file")
		}
		if len(r.errs) > 0 {
			return ""
		}
		begun = begun || word != "" && !comment
	}
	return text + "\n" // without it the parser folds the last lines of a text wrongly
}

// excess returns the first token that goes beyond the bounds, and in words what is wrong.
func excess(tokens token.Tokens) (*token.Token, string) {
	if len(tokens) > maxTokens {
		return tokens[maxTokens], "the file is too large"
	}
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			if depth++; depth > maxDepth {
				return t, fmt.Sprintf("brackets are nested deeper than %d", maxDepth)
			}
		case token.SequenceEndType, token.MappingEndType:
			depth--
		default:
		}
	}
	return nil, ""
}

func start(t *token.Token) place { return place{t.Position.Line, t.Position.Column} }

// place returns where a node begins.
func (r *reader) place(n ast.Node) place {
	// The token of a mapping without braces is its first colon.
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	at := start(n.GetToken())
	if before := n.GetToken().Prev; before != nil && overLines(n) {
		at = start(before) // the parser loses where such a text begins
	}
	// For a text behind a comment the parser's column is too small.
	if at.line >= 1 && at.line <= len(r.lines) && at.column >= 1 {
		if line := []rune(r.lines[at.line-1]); at.column <= len(line) {
			rest := string(line[at.column-1:])
			if word := strings.TrimLeft(rest, " "); word != "" {
				at.column += len(rest) - len(word)
			}
		}
	}
	return at
}

// strange returns the column of the first character that has no place in a line, and what is wrong.
func strange(line string, comment bool) (column int, what string) {
	for i, c := range line {
		column++
		switch {
		case c == utf8.RuneError && !strings.HasPrefix(line[i:], string(c)):
			return column, "the file is not UTF-8"
		case c == '\t' && !comment:
			return column, "a tab; use spaces"
		case c == '\t' || unicode.IsPrint(c) || unicode.In(c, unicode.Zs, unicode.Cf): // of the latter texts take fewer
		default:
			return column, fmt.Sprintf("the character %U cannot be in this file", c)
		}
	}
	return 0, ""
}

func printable(c rune) rune {
	if unicode.IsPrint(c) {
		return c
	}
	return utf8.RuneError
}
