// Package fleet is the index of what the guests of a run have in common: which of them use the same
// disk, host device, socket or label. It stores keys and positions, and depends on no rule.
package fleet
