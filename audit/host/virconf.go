package host

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/virt-audit/virt-audit/audit/source"
)

// The syntax is that of libvirt's src/util/virconf.c, a subset of Python's, with all its peculiarities: a
// file that libvirt refuses has no effect on any host.

// maxConf is the size above which libvirt does not read such a file (MAX_CONFIG_FILE_SIZE).
const maxConf = 10 << 20

// maxNesting limits nested lists, which no setting uses. libvirt's only limit is its stack.
const maxNesting = 64

// value is the value after "=". Its kind is text, number or list.
type value struct {
	kind   kind
	text   string
	number int64
	signed bool // written with a minus sign
	items  []value
}

func (v *value) texts() []string {
	out := make([]string, len(v.items))
	for i, item := range v.items {
		out[i] = item.text
	}
	return out
}

type confReader struct {
	file string
	data []byte
	at   int
	line int
}

// parseConf returns the assignments in the order of the file.
func parseConf(file string, data []byte) (statements []entry, err error) {
	r := &confReader{file, data, 0, 1}
	if len(data) > maxConf {
		return nil, r.errorf("more than the %d bytes that libvirt reads", maxConf)
	}
	for !r.end() {
		r.blanks(true)
		if r.peek() == '#' {
			r.comment()
		} else {
			e, err := r.assignment()
			if err != nil {
				return nil, err
			}
			statements = append(statements, e)
		}
		if err := r.separator(); err != nil {
			return nil, err
		}
	}
	return statements, nil
}

func (r *confReader) errorf(format string, args ...any) error {
	return &source.Error{File: r.file, Position: source.Position{Line: r.line}, Message: fmt.Sprintf(format, args...)}
}

func (r *confReader) end() bool { return r.at >= len(r.data) }

// peek returns the next byte, or 0 at the end.
func (r *confReader) peek() byte {
	if r.end() {
		return 0
	}
	return r.data[r.at]
}

func isEOL(c byte) bool   { return c == '\n' || c == '\r' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isAlpha(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// blanks skips blanks and, if eol is true, ends of lines.
func (r *confReader) blanks(eol bool) {
	for ; !r.end(); r.at++ {
		switch c := r.peek(); {
		case c == ' ' || c == '\t':
		case eol && c == '\n':
			r.line++
		case eol && c == '\r':
		default:
			return
		}
	}
}

func (r *confReader) comment() {
	for !r.end() && !isEOL(r.peek()) {
		r.at++
	}
}

// separator skips the text between two statements.
func (r *confReader) separator() error {
	r.blanks(false)
	switch c := r.peek(); {
	case r.end():
		return nil
	case c == ';':
		r.at++
	case !isEOL(c):
		return r.errorf("expected a new line or ';' after the value")
	}
	r.blanks(true)
	return nil
}

func (r *confReader) assignment() (entry, error) {
	e := entry{line: r.line}
	start := r.at
	if !isAlpha(r.peek()) {
		return e, r.errorf("expected the name of a setting")
	}
	for c := r.peek(); isAlpha(c) || isDigit(c) || c == '_'; c = r.peek() {
		r.at++
	}
	e.key = string(r.data[start:r.at])
	r.blanks(false)
	if r.peek() != '=' {
		return e, r.errorf("expected '=' after the name of a setting")
	}
	r.at++
	v, err := r.value(0)
	e.value = v
	r.blanks(false)
	if err == nil && r.peek() == '#' {
		r.comment()
	}
	return e, err
}

func (r *confReader) value(depth int) (value, error) {
	r.blanks(false)
	switch c := r.peek(); {
	case c == '"' || c == '\'':
		s, err := r.string(c)
		return value{kind: text, text: s}, err
	case c == '[':
		items, err := r.list(depth)
		return value{kind: list, items: items}, err
	case isDigit(c) || c == '-' || c == '+':
		return r.number()
	}
	return value{}, r.errorf("expected a value: a string in quotes, a number or a list")
}

// string reads a string in single, double or three double quotes. There are no escapes. A string ends
// with its line, except in three quotes, which libvirt only recognizes if anything follows them.
func (r *confReader) string(quote byte) (string, error) {
	rest := r.data[r.at:]
	if triple := []byte(`"""`); len(rest) > 6 && bytes.HasPrefix(rest, triple) {
		body, _, closed := bytes.Cut(rest[3:], triple)
		if !closed {
			body = rest[3 : len(rest)-2] // what libvirt has read when it finds no end
		}
		r.line += bytes.Count(body, []byte("\n"))
		if !closed {
			return "", r.errorf("the string has no end")
		}
		r.at += len(body) + 6
		return untilNUL(body), nil
	}
	n := bytes.IndexFunc(rest[1:], func(c rune) bool { return c == rune(quote) || c == '\n' || c == '\r' })
	if n < 0 || rest[1+n] != quote {
		return "", r.errorf("the string has no end")
	}
	r.at += n + 2
	return untilNUL(rest[1 : 1+n]), nil
}

// untilNUL cuts a string at the first NUL, as C does.
func untilNUL(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

// list reads a list, which may have several lines and end with a comma. It cannot contain comments.
func (r *confReader) list(depth int) ([]value, error) {
	if depth == maxNesting {
		return nil, r.errorf("lists are nested too deep: no setting has such a value")
	}
	items := []value{}
	r.at++
	r.blanks(true)
	for !r.end() && r.peek() != ']' {
		if len(items) > 0 {
			if r.peek() != ',' {
				return nil, r.errorf("expected ',' between the items of a list")
			}
			r.at++
			r.blanks(true)
			if r.peek() == ']' {
				break
			}
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
		r.blanks(true)
	}
	if r.peek() != ']' {
		return nil, r.errorf("the list has no end: ']' is missing")
	}
	r.at++
	return items, nil
}

// number reads decimal digits with or without a sign. Like libvirt it does not check for
// overflow, so that the value is the same.
func (r *confReader) number() (value, error) {
	v := value{kind: number, signed: r.peek() == '-'}
	if !isDigit(r.peek()) {
		r.at++
	}
	if !isDigit(r.peek()) {
		return v, r.errorf("expected a digit after the sign")
	}
	for ; isDigit(r.peek()); r.at++ {
		v.number = v.number*10 + int64(r.peek()-'0')
	}
	if v.signed {
		v.number = -v.number
	}
	return v, nil
}
