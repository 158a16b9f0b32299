package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// occurrences tells those apart that have the same fingerprint.
type occurrences map[string]int

// next returns how many there have been with that fingerprint, this one included.
func (o occurrences) next(fingerprint string) int {
	o[fingerprint]++
	return o[fingerprint]
}

// digest returns 32 hexadecimal digits that tell what all the parts say.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d %s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// fingerprints returns what finds a result about a source again.
func (s *sarifReporter) fingerprints(source, fingerprint string, seen occurrences) *sarifFingerprints {
	out := &sarifFingerprints{Finding: fingerprint}
	named := s.opt.StdinName != "" && source == s.opt.StdinName
	if n := seen.next(fingerprint); named || s.checkout.inside(source) == "" {
		out.GitHub = fmt.Sprintf("%s:%d", fingerprint, n)
	}
	return out
}
