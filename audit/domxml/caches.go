package domxml

import "crypto/sha256"

// Content is a digest of what a finding is about, for its fingerprint: the start tag of its element, the
// device that it belongs to, the arguments that it means. How the document is laid out and quoted does not
// matter, nor what libvirt makes up anew at every start of the guest; no secret goes into it, since
// somebody with the digest could try out what it was made of.
type Content [16]byte

// contentKey names what a digest is made of: an element, with its text where the finding is about the element
// itself, and the device around it.
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

// namedDevice is a device by its names.
type namedDevice struct {
	names []string
	shown string // the first of them, for reports
}

// interval is a stretch of the document, in bytes.
type interval struct{ start, end int }
