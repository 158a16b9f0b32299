package domxml

import (
	"crypto/sha256"
	"encoding/hex"
	"unicode/utf8"
)

// A report repeats some texts with every finding, and a document can have as many findings as it is long: what
// is repeated must have a limit that does not depend on the document.
const (
	MaxName    = 1024 // bytes; no guest that starts has more than 255, for libvirt makes files of its name
	MaxMessage = 2000 // bytes of a message, and of a waiver's reason
)

// ShortName returns a name that can be repeated: of a long one the beginning, with a digest of the whole so
// that long names remain different.
func ShortName(name string) string {
	if len(name) <= MaxName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return cut(name, 64) + "… (SHA-256 " + hex.EncodeToString(sum[:16]) + ")"
}

// Shorten returns text of at most MaxMessage bytes, and the sign for more after it.
func Shorten(text string) string {
	if len(text) <= MaxMessage {
		return text
	}
	return cut(text, MaxMessage) + "…"
}

// cut returns the first bytes of a text, and no part of a code point.
func cut(text string, limit int) string {
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
