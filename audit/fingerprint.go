package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/virt-audit/virt-audit/audit/host"
)

// Fingerprint tells a finding from all others by what it is about and not by where it stands: rule,
// guest, device and content, and neither line, of the document or of qemu.conf, nor the number of the device. It is the same for every
// file of the guest and in every run, for as long as that content and the rule's words for it stay as
// they are; it holds no secret. Findings that are the same in all this have the same fingerprint.
//
// It is 32 hexadecimal digits of a SHA-256.
func (r *Result) Fingerprint(f *Finding) string {
	h := sha256.New()
	message := host.Unplaced(f.Message)
	if f.Rule.Needs&NeedDomains != 0 {
		// It names other guests, with their places and their number: what is shared is in the content.
		message = ""
	}
	for _, part := range []string{
		"1", f.Rule.ID, r.Origin.Host, r.Name, past(r.Origin), f.Path.unnumbered(), message, string(f.content[:]),
	} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// past names what a document is of a guest, where that is not the guest as it is: a snapshot has
// findings of its own.
func past(o Origin) string {
	if o.Kind.Present() {
		return ""
	}
	return string(o.Kind) + " " + o.Label
}

// unnumbered returns the path without the numbers of its elements, which change as others come and go.
func (p Path) unnumbered() string {
	var b strings.Builder
	inside := false
	for _, c := range p.String() {
		switch {
		case c == '[':
			inside = true
		case c == ']':
			inside = false
		case !inside:
			b.WriteRune(c)
		}
	}
	return b.String()
}
