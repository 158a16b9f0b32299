// Package fleet has the rules that compare the guests of a run with each other.
//
// A rule looks up with Pass.Others what an indexer has recorded with Pass.Use. Both walk the domain
// with the same function, so that they agree on what is the same resource. What the guest reaches of
// its host comes from the inventory, Pass.Reach, wherever the document names it. Files are compared
// by name; none is opened.
package fleet

import (
	"slices"

	"github.com/virt-audit/virt-audit/audit"
)

// every includes a rule in all profiles.
var every = audit.Profiles()

// Rules returns the fleet rules in the order of the rules page.
func Rules() []*audit.Rule {
	return slices.Concat(
		acrossDisks,
		acrossDirectories,
		acrossDevices,
		acrossMemory,
		acrossSelf,
		acrossNetwork,
		acrossHost,
	)
}

// Indexers record, for the fleet rules, what one domain uses.
func Indexers() []audit.Indexer {
	return []audit.Indexer{
		indexFiles,
		indexDirectories,
		indexDevices,
		indexMemory,
		indexSelf,
		indexNetwork,
		indexHost,
	}
}
