package domxml

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/virt-audit/virt-audit/audit/secret"
)

const (
	// jsonDepth is how deep values may be nested in QEMU (MAX_NESTING in qobject/json-streamer.c).
	jsonDepth = 1024
	// jsonKey is longer than any key of QEMU, its enclosing keys included. jsonGrowth bounds the
	// total length of the keys, in multiples of the text: each key contains its enclosing keys.
	jsonKey, jsonGrowth = 512, 16
)

// DecodeJSON parses an argument, or what follows "json:" in the name of an image, in QEMU's dialect of JSON, which also accepts strings in single
// quotes and refuses duplicate keys (qobject/json-lexer.c and json-parser.c of QEMU 7.2). Keys of
// nested objects and numbers of list items are joined by dots, as in QEMU's other form of
// arguments; the result is sorted by key. It returns an error for anything that QEMU refuses.
func DecodeJSON(text string) ([]KeyValue, error) {
	r := jsonReader{text: text}
	r.value("", 0)
	r.blanks()
	if r.err == nil && r.pos < len(text) {
		r.fail("text after the value")
	}
	if r.err != nil {
		return nil, r.err
	}
	slices.SortStableFunc(r.out, func(a, b KeyValue) int { return strings.Compare(a.Key, b.Key) })
	return r.out, nil
}

type jsonReader struct {
	text string
	pos  int
	out  []KeyValue
	keys int // total bytes of the keys of out
	err  error
}

// fail keeps the first error. The error does not quote the text, which may be secret.
func (r *jsonReader) fail(message string) {
	if r.err == nil {
		r.err = errors.New(message)
	}
	r.pos = len(r.text)
}

func (r *jsonReader) blanks() {
	for r.pos < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.pos]) >= 0 {
		r.pos++
	}
}

// accept skips blanks, then consumes c if it is the next byte and reports whether it was.
func (r *jsonReader) accept(c byte) bool {
	if r.blanks(); r.pos < len(r.text) && r.text[r.pos] == c {
		r.pos++
		return true
	}
	return false
}

// value reads one value and adds it, or its parts, under key.
func (r *jsonReader) value(key string, depth int) {
	r.blanks()
	switch {
	case r.pos == len(r.text):
		r.fail("it ends too early")
	case depth >= jsonDepth:
		r.fail("it is nested too deeply")
	case r.accept('{'):
		r.object(key, depth+1)
	case r.accept('['):
		r.list(key, depth+1)
	case r.text[r.pos] == '"' || r.text[r.pos] == '\'':
		r.add(key, r.quoted())
	default:
		r.add(key, r.literal())
	}
}

func (r *jsonReader) add(key, value string) {
	r.keys += len(key)
	if r.keys > jsonGrowth*len(r.text) {
		r.fail("its keys are nested too deeply")
		return
	}
	r.out = append(r.out, KeyValue{key, value})
}

// nested reads a value whose key is enclosed by another.
func (r *jsonReader) nested(prefix, key string, depth int) {
	if len(prefix)+len(key) > jsonKey {
		r.fail("a key is longer than any of QEMU's")
		return
	}
	if prefix != "" {
		key = prefix + "." + key
	}
	r.value(key, depth)
}

func (r *jsonReader) object(prefix string, depth int) {
	if r.accept('}') {
		return
	}
	seen := map[string]bool{}
	for r.err == nil {
		r.blanks()
		if r.pos == len(r.text) || r.text[r.pos] != '"' && r.text[r.pos] != '\'' {
			r.fail("a key is missing")
			return
		}
		key := r.quoted()
		if seen[key] {
			r.fail("a key is a duplicate")
		}
		seen[key] = true
		if !r.accept(':') {
			r.fail("a colon is missing")
		}
		r.nested(prefix, key, depth)
		if r.accept('}') {
			return
		}
		if !r.accept(',') {
			r.fail("a comma or brace is missing")
		}
	}
}

func (r *jsonReader) list(prefix string, depth int) {
	if r.accept(']') {
		return
	}
	for i := 0; r.err == nil; i++ {
		r.nested(prefix, strconv.Itoa(i), depth)
		if r.accept(']') {
			return
		}
		if !r.accept(',') {
			r.fail("a comma or bracket is missing")
		}
	}
}

// literal reads a number, true, false or null. QEMU's other form spells the booleans "on" and
// "off".
func (r *jsonReader) literal() string {
	start := r.pos
	for r.pos < len(r.text) && strings.IndexByte(" \t\r\n,:{}[]\"'", r.text[r.pos]) < 0 {
		r.pos++
	}
	switch word := r.text[start:r.pos]; {
	case word == "true":
		return "on"
	case word == "false":
		return "off"
	case word == "null" || jsonNumber(word):
		return word
	default:
		r.fail("a value is neither a string nor a number, true, false or null")
		return ""
	}
}

// jsonNumber reports whether a word is a number as defined by RFC 8259.
func jsonNumber(word string) bool {
	digits := func() bool {
		n := 0
		for n < len(word) && word[n] >= '0' && word[n] <= '9' {
			n++
		}
		word = word[n:]
		return n > 0
	}
	word = strings.TrimPrefix(word, "-")
	if rest, zero := strings.CutPrefix(word, "0"); zero {
		word = rest
	} else if !digits() {
		return false
	}
	if rest, ok := strings.CutPrefix(word, "."); ok {
		if word = rest; !digits() {
			return false
		}
	}
	if word != "" && (word[0] == 'e' || word[0] == 'E') {
		word = word[1:]
		if word != "" && (word[0] == '+' || word[0] == '-') {
			word = word[1:]
		}
		return digits() && word == ""
	}
	return word == ""
}

// quoted reads a string in either kind of quotes.
func (r *jsonReader) quoted() string {
	quote := r.text[r.pos]
	r.pos++
	var b strings.Builder
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; {
		case c == quote:
			r.pos++
			return b.String()
		case c == '\\':
			r.escape(&b)
		case c < 0x20:
			r.fail("a control character in a string")
		default:
			ch, size := utf8.DecodeRuneInString(r.text[r.pos:])
			if ch == utf8.RuneError && size == 1 || !jsonRune(ch) {
				r.fail("a string is not Unicode")
				return ""
			}
			b.WriteRune(ch)
			r.pos += size
		}
	}
	r.fail("a string does not end")
	return ""
}

func (r *jsonReader) escape(b *strings.Builder) {
	r.pos++
	if r.pos == len(r.text) {
		return
	}
	c := r.text[r.pos]
	r.pos++
	if i := strings.IndexByte(`"'\/bfnrt`, c); i >= 0 {
		b.WriteByte("\"'\\/\b\f\n\r\t"[i])
		return
	}
	if c != 'u' {
		r.fail("an escape sequence is unknown")
		return
	}
	ch := r.hex()
	if ch >= 0xd800 && ch < 0xdc00 && strings.HasPrefix(r.text[r.pos:], `\u`) {
		r.pos += 2
		low := r.hex()
		if low < 0xdc00 || low > 0xdfff {
			r.fail("an escape sequence is not a valid character")
			return
		}
		ch = 0x10000 + (ch&0x3ff)<<10 | low&0x3ff
	}
	if !jsonRune(ch) {
		r.fail("an escape sequence is not a valid character")
		return
	}
	b.WriteRune(ch)
}

// hex reads four hexadecimal digits. It returns -1 if there are not four.
func (r *jsonReader) hex() rune {
	var n rune
	for range 4 {
		i := -1
		if r.pos < len(r.text) {
			i = strings.IndexByte("0123456789abcdef", secret.Lower(r.text[r.pos]))
		}
		if i < 0 {
			r.fail("an escape sequence is not hexadecimal")
			return -1
		}
		n = n<<4 | rune(i)
		r.pos++
	}
	return n
}

// jsonRune is is_valid_codepoint in QEMU's util/unicode.c: it excludes surrogates and
// noncharacters.
func jsonRune(c rune) bool {
	return c >= 0 && c <= utf8.MaxRune && c&0xfffe != 0xfffe && (c < 0xfdd0 || c > 0xfdef) && (c < 0xd800 || c > 0xdfff)
}
