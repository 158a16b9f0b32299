package audit

import (
	"crypto/sha256"
	"encoding/hex"
)

// Fingerprint identifies a finding by rule, key, guest, device and content. Line numbers, the
// device's number and the message are not part of it. It is therefore the same for every file of
// the guest and in every run while the content stays the same, even if the rule is reworded. It
// contains no secret. Findings that agree in all of this have the same fingerprint.
//
// It is 32 hexadecimal digits of a SHA-256.
func (r *Result) Fingerprint(f *Finding) string {
	return fingerprint(
		"1", f.Rule.ID, f.Key, r.Origin.Host, r.Name, documentIdentity(r.Origin),
		f.Path.Unnumbered(), string(f.content[:]),
	)
}

// Fingerprint identifies a notice by rule, source and key. Like the fingerprint of a finding it
// contains neither the position nor the message.
func (n *Notice) Fingerprint() string { return fingerprint("notice", n.Rule.ID, n.Source, n.Key) }

// fingerprint returns 32 hexadecimal digits of a SHA-256 over the parts.
func fingerprint(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// documentIdentity distinguishes the documents of a guest that describe its past: a snapshot has
// findings of its own. It is "" for the others.
func documentIdentity(o Origin) string {
	if o.Kind.Present() {
		return ""
	}
	return string(o.Kind) + " " + o.Label
}
