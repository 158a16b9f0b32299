package policy

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
	"github.com/goccy/go-yaml/parser"
)

// maxFile bounds a site's file: it is a short list, and the YAML parser takes quadratic time over brackets.
const maxFile = 16 << 10

// ParseError is something wrong at one place of an edition's file. Lines and columns count from 1,
// columns in characters.
type ParseError struct {
	File         string
	Line, Column int
	Message      string
}

// Error returns file:line:col: message.
func (e *ParseError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// Parse reads a site's own edition: a YAML mapping of name (needed), title, source, evidence (a list),
// targets (needed: for each of QEMU's targets a list of machine families, or of boards by their exact
// name), undecided (a list of targets) and scope (what is no security bug for a guest inside: a mapping of
// names to sentences). The built-in editions are examples. The file name is used for messages only. What
// is wrong is returned all at once, as joined ParseErrors in the order of the file.
func Parse(file string, data []byte) (*Edition, error) {
	// Reports name the edition. A site's list must not pass for QEMU's.
	return parse(file, data, Names())
}

func parse(file string, data []byte, taken []string) (*Edition, error) {
	r := reader{file: file, taken: taken}
	body := r.document(data)
	if body == nil {
		return nil, r.err()
	}
	e := r.edition(body)
	if err := r.err(); err != nil {
		return nil, err
	}
	return e, nil
}

// reader walks the nodes of one file and collects what is wrong with it.
type reader struct {
	file  string
	lines [][]byte // without their ends
	taken []string // names that the edition may not have
	errs  []*ParseError
	open  []ast.Node // the items of undecided, in the order of the edition's list
}

func (r *reader) err() error {
	slices.SortStableFunc(r.errs, func(a, b *ParseError) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	errs := make([]error, len(r.errs))
	for i, e := range r.errs {
		errs[i] = e
	}
	return errors.Join(errs...)
}

// errorAt keeps the place inside the file: where something is missing the YAML parser points behind
// the end of the line.
func (r *reader) errorAt(line, column int, format string, args ...any) {
	line = max(1, min(line, len(r.lines)))
	column = max(1, min(column, utf8.RuneCount(r.lines[line-1])+1))
	r.errs = append(r.errs, &ParseError{r.file, line, column, fmt.Sprintf(format, args...)})
}

func (r *reader) errorf(at ast.Node, format string, args ...any) {
	// The token of a mapping without braces is its first colon.
	if m, ok := at.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		at = m.Values[0].Key
	}
	pos := at.GetToken().Position
	r.errorAt(pos.Line, pos.Column, format, args...)
}

// document returns the mapping that the file consists of, or nil after an error.
func (r *reader) document(data []byte) *ast.MappingNode {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	r.lines = bytes.Split(data, []byte("\n"))
	if len(data) > maxFile {
		r.errorAt(1, 1, "the file is larger than %d bytes", maxFile)
		return nil
	}
	if i := invalidUTF8(data); i >= 0 {
		line, column := position(data[:i])
		r.errorAt(line, column, "the file is not UTF-8")
		return nil
	}
	f, err := parser.ParseBytes(data, 0)
	if err != nil {
		line, column, message := 1, 1, err.Error()
		if located, ok := errors.AsType[yaml.Error](err); ok {
			message = located.GetMessage()
			if t := located.GetToken(); t != nil {
				line, column = t.Position.Line, t.Position.Column
			}
		}
		message, _, _ = strings.Cut(message, "\n")
		r.errorAt(line, column, "%s", strings.Map(printable, message)) // it may quote the file
		return nil
	}
	var body *ast.MappingNode
	for _, doc := range f.Docs {
		if doc.Body == nil {
			continue
		}
		m, ok := doc.Body.(*ast.MappingNode)
		switch {
		case !ok:
			r.errorf(doc.Body, "the file is not a mapping of keys to values")
			return nil
		case body != nil:
			r.errorf(m, "a second document; a file holds one policy")
			return nil
		}
		body = m
	}
	if body == nil {
		r.errorAt(1, 1, "the file is empty")
	}
	return body
}

// position counts the lines and characters of what comes before a place.
func position(before []byte) (line, column int) {
	line = bytes.Count(before, []byte("\n")) + 1
	return line, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
}

// invalidUTF8 returns the index of the first byte that is not UTF-8, or -1.
func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		if c == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

func printable(c rune) rune {
	if unicode.IsPrint(c) {
		return c
	}
	return utf8.RuneError
}
