package domxml

import (
	"bytes"
	"slices"
	"strings"
)

// The words by which a secret is recognised are all in this file. They decide what is hidden from reports and left
// out of fingerprints; which of the hidden things is a finding is for the rules to say, by narrower words.

// hidden is what stands in a report where the document holds a secret.
const hidden = "******"

// secretNames are the words, in small letters, that mark a name as that of a secret, anywhere in it: the author of
// a misspelt element or attribute has put a secret into it all the same.
var secretNames = []string{
	"pass", "pswd", "psswd", "pwd", "psk", "pincode", "secret", "token", "ticket", "cookie",
	"cred", "auth", "apikey", "key", "jwt", "bearer",
}

// secretWords mark a name as that of a secret where they are the whole of it, or its first or last word.
var secretWords = []string{"pw", "pin", "otp", "sig", "signature"}

// harmlessNames are names that libvirt and QEMU know, with such a word in them, whose value is no secret: switches,
// files, references to a secret that is kept elsewhere.
var harmlessNames = set("passthrough", "passwdValidTo", "keymap", "keyfile", "xauth", "authorKey", "keyid", "keywrap",
	"idAuth", "authz", "tls-authz", "sasl-authz", "tls-creds", "key-slot", "knownHosts")

// namesSecret reports whether a name of an element, an attribute or a key says that its value is a secret.
func namesSecret[T string | []byte](name T) bool {
	found := false
	for i := 0; i < len(name) && !found; i++ {
		switch lower(name[i]) {
		case 'p', 's', 't', 'c', 'a', 'k', 'o', 'j', 'b':
			found = slices.ContainsFunc(secretNames, func(word string) bool { return foldAt(name, i, word) }) ||
				slices.ContainsFunc(secretWords, func(word string) bool {
					return foldAt(name, i, word) && (i == 0 || !letter(name[i-1]) && i+len(word) == len(name) || i+len(word) == len(name)) &&
						(i+len(word) == len(name) || !letter(name[i+len(word)]))
				})
		}
	}
	return found && !harmlessNames[string(name)] && !bytes.HasSuffix([]byte(name), []byte("-secret"))
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func letter(c byte) bool { c = lower(c); return c >= 'a' && c <= 'z' }

// foldAt reports whether a word in small letters stands at a place in text, in whatever case.
func foldAt[T string | []byte](text T, at int, word string) bool {
	if len(text)-at < len(word) {
		return false
	}
	for i := range len(word) {
		if lower(text[at+i]) != word[i] {
			return false
		}
	}
	return true
}

// secretMarks begin a secret in a value of any kind: the parameters of URLs, of network storage and of programs.
var secretMarks = []string{
	"password=", "passwd=", "passphrase=", "pass=", "pwd=", "pswd=", "pw=", "psk=", "key=", "token=",
	"secret=", "ticket=", "sig=", "signature=", "password:", "passwd:", "token:", "secret:", "apikey:", `password"`, `passwd"`, `secret"`, `token"`,
}

// looksSecret reports whether a value of any attribute or element seems to hold a secret: a mark as above, or a user
// with a password as in "https://user:password@host".
func looksSecret[T string | []byte](value T) bool {
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
	_, end := markedSecret(value, 0)
	return end > 0
}

// markedSecret finds the first mark of a secret from a place on, and returns where the secret is; 0, 0 where there
// is none.
func markedSecret[T string | []byte](value T, from int) (start, end int) {
	for i := from; i < len(value); i++ {
		switch lower(value[i]) {
		case 'p', 'k', 't', 's', 'a':
		default:
			continue
		}
		for _, m := range secretMarks {
			if !foldAt(value, i, m) {
				continue
			}
			if start = i + len(m); start < len(value) {
				return start, start + endOfSecret(value[start:])
			}
		}
	}
	return 0, 0
}

// endOfSecret returns how long the secret is that text begins with: up to what begins another parameter.
func endOfSecret[T string | []byte](text T) int {
	for i := range len(text) {
		switch text[i] {
		case '&', ';', '\n':
			return i
		case ' ', ',', ':':
			// A secret may well have one of these in it: it ends where another NAME=VALUE begins.
			for j := i + 1; j < len(text) && (letter(text[j]) || text[j] == '_' || text[j] == '-' || text[j] == '.'); j++ {
				if j+1 < len(text) && text[j+1] == '=' {
					return i
				}
			}
		}
	}
	return len(text)
}

// masked returns a value with the parts hidden that seem to be secret.
func masked(value string) string {
	if !looksSecret(value) {
		return value
	}
	if at := strings.LastIndexByte(value, '@'); at > 0 {
		from := 0
		if i := strings.Index(value[:at], "://"); i >= 0 {
			from = i + len("://")
		}
		if i := strings.IndexAny(value[from:at], ":%"); i >= 0 {
			value = value[:from+i+1] + hidden + value[at:]
		}
	}
	var b strings.Builder
	done := 0
	for {
		start, end := markedSecret(value, done)
		if end == 0 {
			break
		}
		b.WriteString(value[done:start] + hidden)
		done = end
	}
	return b.String() + value[done:]
}

// MaskWords is masked for a text of which one word, but not the whole, may be such a value.
func MaskWords(text string) string {
	if !looksSecret(text) {
		return text
	}
	words := strings.Split(text, " ")
	for i, word := range words {
		m := masked(word)
		if m != word && strings.HasSuffix(m, hidden) && strings.HasSuffix(word, "'") {
			m += "'"
		}
		words[i] = m
	}
	return strings.Join(words, " ")
}

// MaskArgs hides secrets in the values that a message is made of. The list of the caller stays as it is.
func MaskArgs(args []any) []any {
	out := args
	for i, a := range args {
		text, ok := a.(string)
		if b, bytes := a.([]byte); bytes {
			text, ok = string(b), true
		}
		if !ok || !looksSecret(text) {
			continue
		}
		if &out[0] == &args[0] {
			out = slices.Clone(args)
		}
		out[i] = masked(text)
	}
	return out
}
