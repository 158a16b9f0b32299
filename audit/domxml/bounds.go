package domxml

import (
	"crypto/sha256"
	"encoding/hex"
	"unicode/utf8"
)

// A report repeats some texts with every finding, and the number of findings grows with the
// document. The repeated texts must therefore have a limit that does not depend on the document.
const (
	// MaxName is in bytes. No guest that starts has a name of more than 255 bytes, because libvirt
	// creates files with its name.
	MaxName    = 1024
	MaxMessage = 2000 // bytes of a message or of a waiver's reason
)

// ShortName returns a name that is short enough to be repeated. A long name is cut; a digest of the
// whole name keeps long names distinct.
func ShortName(name string) string {
	if len(name) <= MaxName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return cut(name, 64) + "… (SHA-256 " + hex.EncodeToString(sum[:16]) + ")"
}

// Shorten returns text, cut to MaxMessage bytes and followed by an ellipsis if it is longer.
func Shorten(text string) string {
	if len(text) <= MaxMessage {
		return text
	}
	return cut(text, MaxMessage) + "…"
}

// cut returns at most the first limit bytes of a text, and never part of a code point.
func cut(text string, limit int) string {
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
