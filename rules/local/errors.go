package local

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"cel.dev/cel-go/common"

	"github.com/virt-audit/virt-audit/audit/source"
	"github.com/virt-audit/virt-audit/audit/suggest"
)

// problem returns an error about a field of a rule. Its File is the field as the configuration
// names it, and it has a position only if the field is the expression.
func problem(field, message string) *source.Error {
	return &source.Error{File: field, Message: message}
}

// reader translates CEL's errors about an expression for the author of the rule.
type reader struct {
	expression []rune
	missed     []missed
	each       bool // the rule is about single elements
}

// first returns the first of several errors.
func (r *reader) first(errs []*common.Error) *source.Error {
	e := slices.MinFunc(errs, func(a, b *common.Error) int {
		if d := a.Location.Line() - b.Location.Line(); d != 0 {
			return d
		}
		return a.Location.Column() - b.Location.Column()
	})
	out := problem("expression", e.Message)
	offset := r.offset(e.Location)
	switch word, rest := quoted(e.Message); {
	case strings.HasPrefix(e.Message, "undefined field "):
		offset = r.afterDot(offset)
		out.Message, out.Hint = r.noField(word)
	case strings.HasPrefix(e.Message, "undeclared reference to "):
		offset = r.nameBefore(offset, word)
		out.Message, out.Hint = "there is no "+word, r.undeclared(word)
	case strings.HasPrefix(e.Message, "found no matching overload for "):
		offset = r.nameBefore(offset, word)
		out.Message, out.Hint = noOverload(word, rest)
	case strings.HasPrefix(e.Message, "Syntax error: "):
		out.Message, _, _ = strings.Cut(strings.TrimPrefix(e.Message, "Syntax error: "), " expecting ")
		out.Message = strings.Replace("syntax error: "+out.Message, "mismatched input '<EOF>'", "unexpected end of the expression", 1)
		if strings.Contains(out.Message, "input ':'") {
			out.Hint = "write a colon in a name as an underscore"
		}
	case e.Message == "invalid matches argument":
		out.Message = "the pattern is invalid, or too large"
	case e.Message == "comprehension exceeds nesting limit":
		out.Message = fmt.Sprintf("more than %d nested macros such as all() and exists()", maxNesting)
	}
	if e.Location.Line() > 0 {
		out.Position = r.position(offset)
	}
	return out
}

// quoted returns the text between the first quotes of a message, and the text after them.
func quoted(message string) (word, rest string) {
	_, rest, _ = strings.Cut(message, "'")
	word, rest, _ = strings.Cut(rest, "'")
	return word, rest
}

// noField returns the message and hint about a field that an object does not have.
func (r *reader) noField(name string) (message, hint string) {
	i := slices.IndexFunc(r.missed, func(m missed) bool { return m.field == name })
	if i < 0 {
		return "there is no field " + name, ""
	}
	s := r.missed[i].shape
	what := s.name
	if _, ok := s.fields[textField]; ok {
		what = "<" + s.name[strings.LastIndexByte(s.name, '/')+1:] + ">"
	}
	return what + " has no " + name, s.meant(name)
}

// meant returns a hint with the most similar field, or "".
func (s *shape) meant(name string) string {
	names := s.names()
	for _, n := range names {
		// CEL parses features.nested-hv as a subtraction.
		if strings.HasPrefix(n, name+"-") || strings.ReplaceAll(n, "-", "_") == name {
			return "did you mean `" + n + "`, in backticks?"
		}
	}
	return suggest.Hint(name, names)
}

// undeclared returns a hint about a name that does not exist, or "".
func (r *reader) undeclared(name string) string {
	root, devices := shapes()["domain"], shapes()["domain/devices"]
	switch {
	case name == this && !r.each:
		return "it exists only in a rule with 'for'"
	case root.fields[name] != nil:
		return "did you mean 'domain." + name + "'?"
	case devices.fields[name] != nil:
		return "did you mean 'domain.devices." + name + "'?"
	}
	known := slices.Concat(variables, macros, slices.Sorted(maps.Values(functions)))
	// The name may be a function, used where a variable or a method is required.
	if slices.Contains(known, name) {
		return ""
	}
	return suggest.Hint(name[strings.LastIndexByte(name, '.')+1:], known)
}

// noOverload returns the message and hint about an operator or function with arguments of the wrong
// type. rest is the end of CEL's message: " applied to '(domain/name, string)'".
func noOverload(name, rest string) (message, hint string) {
	if shown := functions[name]; shown != "" {
		name = shown
	}
	types, _ := quoted(rest)
	message = name + " does not accept " + types
	for word := range strings.FieldsFuncSeq(types, func(c rune) bool { return strings.ContainsRune("(), .", c) }) {
		if s := shapes()[word]; s != nil && s.fields[textField] != nil {
			return message, "an element is an object; use ." + textField + " for its text"
		}
	}
	if strings.Contains(types, "string") && strings.Contains(types, "int") {
		hint = "attributes and texts are strings; use int() to convert them"
	}
	return message, hint
}

// offset returns the offset of a location in the expression, in code points.
func (r *reader) offset(at common.Location) int {
	line, i := 1, 0
	for ; i < len(r.expression) && line < at.Line(); i++ {
		if r.expression[i] == '\n' {
			line++
		}
	}
	return min(i+max(at.Column(), 0), len(r.expression))
}

// position is the inverse of offset, with columns from one.
func (r *reader) position(offset int) source.Position {
	at := source.Position{Line: 1, Column: 1}
	for _, c := range r.expression[:min(offset, len(r.expression))] {
		at.Column++
		if c == '\n' {
			at = source.Position{Line: at.Line + 1, Column: 1}
		}
	}
	return at
}

// afterDot returns the offset of the name after a dot.
func (r *reader) afterDot(offset int) int {
	for i := offset; i < len(r.expression); i++ {
		if c := r.expression[i]; c != '.' && !unicode.IsSpace(c) {
			return i
		}
	}
	return offset
}

// nameBefore returns the offset of a function's name, given the offset of its opening bracket.
func (r *reader) nameBefore(offset int, name string) int {
	if offset >= len(r.expression) || r.expression[offset] != '(' {
		return offset
	}
	before := strings.TrimRightFunc(string(r.expression[:offset]), unicode.IsSpace)
	name = name[strings.LastIndexByte(name, '.')+1:]
	if !strings.HasSuffix(before, name) {
		return offset
	}
	return len([]rune(strings.TrimSuffix(before, name)))
}
