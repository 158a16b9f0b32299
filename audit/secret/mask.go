package secret

import (
	"bytes"
	"slices"
	"strings"
)

// Hidden replaces a secret in reports.
const Hidden = "******"

// notSecretNames lists names that libvirt and QEMU define and that contain such a word, but whose
// value is not a secret: switches, files, references to a secret that is stored elsewhere.
var notSecretNames = map[string]bool{
	"passthrough": true, "passwdValidTo": true, "keymap": true, "keyfile": true, "xauth": true, "authorKey": true,
	"keyid": true, "keywrap": true, "idAuth": true, "authz": true, "tls-authz": true, "sasl-authz": true,
	"tls-creds": true, "key-slot": true, "knownHosts": true,
}

// InName reports whether a name of an element, an attribute or a key marks its value as a secret.
func InName[T string | []byte](name T) bool {
	found := false
	for i := 0; i < len(name) && !found; i++ {
		switch Lower(name[i]) {
		case 'p', 's', 't', 'c', 'a', 'k', 'o', 'j', 'b':
			found = slices.ContainsFunc(anywhere, func(word string) bool { return foldAt(name, i, word) }) ||
				slices.ContainsFunc(atEdge, func(word string) bool {
					return foldAt(name, i, word) && (i == 0 || !letter(name[i-1]) && i+len(word) == len(name) || i+len(word) == len(name)) &&
						(i+len(word) == len(name) || !letter(name[i+len(word)]))
				})
		}
	}
	return found && !notSecretNames[string(name)] && !bytes.HasSuffix([]byte(name), []byte("-secret"))
}

// Lower converts an ASCII capital to lower case. It returns any other byte unchanged.
func Lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func letter(c byte) bool { c = Lower(c); return c >= 'a' && c <= 'z' }

// foldAt reports whether word, in lower case, is at an offset of text, in any case.
func foldAt[T string | []byte](text T, at int, word string) bool {
	if len(text)-at < len(word) {
		return false
	}
	for i := range len(word) {
		if Lower(text[at+i]) != word[i] {
			return false
		}
	}
	return true
}

// InValue reports whether a value of any attribute or element seems to contain a secret: one of the
// marks, or a user with a password as in "https://user:password@host".
func InValue[T string | []byte](value T) bool {
	at, colon, mark := -1, -1, false
	for i := range len(value) {
		switch value[i] {
		case '@':
			at = i
		case ':', '%':
			mark = mark || value[i] == ':'
			if colon < 0 {
				colon = i
			}
		case '=', '"':
			mark = true
		}
	}
	if colon >= 0 && at > colon {
		return true
	}
	if !mark {
		return false
	}
	_, end := Marked(value, 0)
	return end > 0
}

// Marked finds the first mark of a secret at or after an offset, and returns the range of the
// secret; 0, 0 if there is none.
func Marked[T string | []byte](value T, from int) (start, end int) {
	for i := from; i < len(value); i++ {
		switch Lower(value[i]) {
		case 'p', 'k', 't', 's', 'a':
		default:
			continue
		}
		for _, m := range marks {
			if start = endOfMark(value, i, m); start > 0 && start < len(value) {
				return start, start + endOfSecret(value[start:])
			}
		}
	}
	return 0, 0
}

// endOfMark returns where the secret after a mark begins, or 0 if the mark is not at the offset. A
// name may have more words before its "=": "password_prod=".
func endOfMark[T string | []byte](value T, at int, mark string) int {
	if foldAt(value, at, mark) {
		return at + len(mark)
	}
	word, ok := strings.CutSuffix(mark, "=")
	if !ok || !foldAt(value, at, word) {
		return 0
	}
	for i := at + len(word); i < len(value); i++ {
		switch c := value[i]; {
		case c == '=' && i > at+len(word):
			return i + 1
		case c >= '0' && c <= '9', c == '_', c == '-', c == '.':
		case letter(c) && i > at+len(word): // "passthrough" is another word
		default:
			return 0
		}
	}
	return 0
}

// endOfSecret returns the length of the secret at the beginning of text: up to the beginning of
// another parameter.
func endOfSecret[T string | []byte](text T) int {
	for i := range len(text) {
		switch text[i] {
		case '&', ';', '\n':
			return i
		case ' ', ',', ':':
			// A secret may contain one of these: it ends where another NAME=VALUE begins.
			for j := i + 1; j < len(text) && (letter(text[j]) || text[j] == '_' || text[j] == '-' || text[j] == '.'); j++ {
				if j+1 < len(text) && text[j+1] == '=' {
					return i
				}
			}
		}
	}
	return len(text)
}

// Mask returns a value in which Hidden replaces the parts that seem to be secret.
func Mask(value string) string {
	if !InValue(value) {
		return value
	}
	if at := strings.LastIndexByte(value, '@'); at > 0 {
		from := 0
		if i := strings.Index(value[:at], "://"); i >= 0 {
			from = i + len("://")
		}
		if i := strings.IndexAny(value[from:at], ":%"); i >= 0 {
			value = value[:from+i+1] + Hidden + value[at:]
		}
	}
	var b strings.Builder
	done := 0
	for {
		start, end := Marked(value, done)
		if end == 0 {
			break
		}
		b.WriteString(value[done:start] + Hidden)
		done = end
	}
	return b.String() + value[done:]
}

// MaskWords is Mask for a text in which single words may be such values.
func MaskWords(text string) string {
	if !InValue(text) {
		return text
	}
	words := strings.Split(text, " ")
	for i, word := range words {
		m := Mask(word)
		if m != word && strings.HasSuffix(m, Hidden) && strings.HasSuffix(word, "'") {
			m += "'"
		}
		words[i] = m
	}
	return strings.Join(words, " ")
}

// MaskArgs masks secrets in the arguments of a message. It does not change args.
func MaskArgs(args []any) []any {
	out := args
	for i, a := range args {
		text, ok := a.(string)
		if b, bytes := a.([]byte); bytes {
			text, ok = string(b), true
		}
		if !ok || !InValue(text) {
			continue
		}
		if &out[0] == &args[0] {
			out = slices.Clone(args)
		}
		out[i] = Mask(text)
	}
	return out
}
