package domxml

import "crypto/sha256"

// Content is a digest of what a finding is about, for its fingerprint: the start tag of its
// element, the device that the element belongs to, the arguments that it names. The layout and
// quoting of the document do not matter, nor do the values that libvirt generates at every start of
// the guest. It contains no secret, because a digest can be tested against guesses.
type Content [16]byte

// contentKey names what a digest is made of: an element, with its text if the finding is about the
// element itself, and the device around it.
type contentKey struct {
	at, device int32
	exact      bool
}

// Digest returns the digest of a text.
func Digest(text string) (c Content) {
	sum := sha256.Sum256([]byte(text))
	copy(c[:], sum[:])
	return c
}

// namedDevice holds the names of a device.
type namedDevice struct {
	names []string
	shown string // the first of them, for reports; bounded and masked
}

// interval is a range of the document, in bytes, the end exclusive.
type interval struct{ start, end int }
