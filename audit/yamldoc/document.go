// Package yamldoc reads YAML files strictly, and reports every problem with its place. It accepts the
// part of YAML that all parsers read alike: one document of mappings, lists, strings, numbers and
// booleans, without anchors, aliases, tags and directives. It is the only package that knows the YAML
// parser.
package yamldoc

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/virt-audit/virt-audit/audit/source"
)

// The YAML parser takes quadratic time over long lines, over nested brackets and over a list of nulls.
// Within these limits the worst file that was found takes three seconds.
const (
	maxLine   = 4096
	maxDepth  = 32
	maxTokens = 100_000
	maxErrors = 50 // more are not of use
)

// Format describes a kind of file.
type Format struct {
	Holds    string // what one file holds, for messages: "one configuration"
	MaxBytes int

	// SyntaxHint returns what to do about a syntax error at a line of the file, or ""; nil for none.
	SyntaxHint func(lines []string, line int) string
}

// Document is one file. It collects the problems that its readers find.
type Document struct {
	file   string
	format Format
	lines  []string // without their ends
	root   *ast.MappingNode
	errs   []*source.Error
	places map[string]Span
}

// Span is the place of a key or value on its first line. The width is in code points.
type Span struct {
	source.Position
	Width int
}

// Parse reads a file. The name is for messages. The document is never nil; Err returns the problems.
func Parse(file string, data []byte, f Format) *Document {
	d := &Document{file: file, format: f, places: map[string]Span{}}
	d.root = d.parse(data)
	return d
}

// Root returns the mapping that the file consists of. It is not ok after an error, and for a file that
// holds nothing.
func (d *Document) Root() (root Node, ok bool) { return Node{d, d.root}, d.root != nil }

// Places returns the place of every key and list item that was visited, by path: "fail-on", "disable[0]",
// "waivers[1].until".
func (d *Document) Places() map[string]Span { return d.places }

// Err returns all problems as joined *source.Error, in the order of the file, or nil.
func (d *Document) Err() error {
	slices.SortStableFunc(d.errs, func(a, b *source.Error) int { return a.Compare(b.Position) })
	errs := make([]error, len(d.errs))
	for i, e := range d.errs {
		errs[i] = e
	}
	return errors.Join(errs...)
}

// Errorf notes a problem at a place. The place is moved into the file if it is outside: if something is
// missing, the YAML parser points after the end of the line. After 50 problems it does nothing.
func (d *Document) Errorf(at source.Position, hint, format string, args ...any) {
	if len(d.errs) == maxErrors {
		return
	}
	at.Line = max(1, min(at.Line, len(d.lines)))
	at.Column = max(1, min(at.Column, utf8.RuneCountInString(d.lines[at.Line-1])+1))
	d.errs = append(d.errs, &source.Error{File: d.file, Position: at, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (d *Document) parse(data []byte) *ast.MappingNode {
	text := d.check(data)
	if len(d.errs) > 0 {
		return nil
	}
	tokens := lexer.Tokenize(text)
	if at, problem := beyondLimits(tokens); at != nil {
		d.Errorf(start(at), "", "%s", problem)
		return nil
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		d.syntaxError(err)
		return nil
	}
	var root *ast.MappingNode
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		m, ok := doc.Body.(*ast.MappingNode)
		if !ok || root != nil {
			Node{d, doc.Body}.Errorf("", "the file is not a mapping of keys to values")
			return nil
		}
		root = m
	}
	return root
}

func (d *Document) syntaxError(err error) {
	at, message := source.Position{Line: 1, Column: 1}, err.Error()
	if located, ok := errors.AsType[yaml.Error](err); ok {
		message = located.GetMessage()
		if t := located.GetToken(); t != nil {
			at = start(t)
		}
	}
	message, _, _ = strings.Cut(message, "\n")
	hint := ""
	if d.format.SyntaxHint != nil {
		hint = d.format.SyntaxHint(d.lines, at.Line)
	}
	d.Errorf(at, hint, "%s", source.Printable(message)) // it may quote the file
}

// beyondLimits returns the first token that exceeds a limit, and a message.
func beyondLimits(tokens token.Tokens) (*token.Token, string) {
	if len(tokens) > maxTokens {
		return tokens[maxTokens], fmt.Sprintf("the file has more than %d YAML tokens", maxTokens)
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

func start(t *token.Token) source.Position {
	return source.Position{Line: t.Position.Line, Column: t.Position.Column}
}
