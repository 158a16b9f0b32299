package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/virt-audit/virt-audit/audit"
)

// occurrences counts the uses of each fingerprint, to number entries that share one.
type occurrences map[string]int

// next returns the number of this use of the fingerprint, from 1.
func (o occurrences) next(fingerprint string) int {
	o[fingerprint]++
	return o[fingerprint]
}

// unreadableFingerprint identifies an input that could not be read: by the rule that stands for it
// and the source. Neither the place nor the message is part of it. Several problems of one source
// are numbered, see occurrences.
func unreadableFingerprint(r *audit.Rule, source string) string { return digest(r.ID, source) }

// numbered returns a fingerprint that is unique in a report: the first entry keeps its own.
func (o occurrences) numbered(fingerprint string) string {
	if n := o.next(fingerprint); n > 1 {
		return digest(fingerprint, strconv.Itoa(n))
	}
	return fingerprint
}

// digest returns 32 hexadecimal digits of a SHA-256 over the parts.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d %s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// fingerprints returns the fingerprints of a result about a source; seen numbers those that are
// equal.
func (s *sarifReporter) fingerprints(source, fingerprint string, seen occurrences) *sarifFingerprints {
	out := &sarifFingerprints{Finding: fingerprint}
	named := s.opt.StdinName != "" && source == s.opt.StdinName
	if n := seen.next(fingerprint); named || s.checkout.inside(source) == "" {
		out.GitHub = fmt.Sprintf("%s:%d", fingerprint, n)
	}
	return out
}
