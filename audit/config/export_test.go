package config

import (
	"slices"

	"github.com/virt-audit/virt-audit/audit/files"
)

// The check of the users who could have written a configuration.
var (
	Untrusted    = untrusted
	PrivateGroup = files.PrivateGroup
)

// AddKey adds a key to the table for the duration of a test, which must not run in parallel with
// others.
func AddKey(k *Key) (remove func()) {
	before := table
	table = slices.Concat(before, []*Key{k})
	return func() { table = before }
}
