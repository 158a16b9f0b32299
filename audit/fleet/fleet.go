// Package fleet knows what the guests of a run have in common: which of them use the same disk, host
// device, socket or label. It holds keys and places, and knows no rule.
package fleet
