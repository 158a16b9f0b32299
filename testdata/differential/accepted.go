package differential

import "slices"

// acceptance is a difference that is as it should be. A row is about findings or words only: explain
// never lets one pass in type, OS, architecture, machine or verdict.
type acceptance struct {
	name   string
	from   uint64 // the first version of libvirt that it is about, as 9000000 for 9.0.0; 0: any
	until  uint64 // the first version that it is not about any more; 0: none
	rules  []string
	dims   []dimension
	match  func(c *occurrence) bool // nil: no further condition
	reason string
}

// occurrence is a difference with the documents that show it.
type occurrence struct {
	difference
	ours, theirs *reading
	text, dump   string
}

// acceptances are all accepted differences.
var acceptances = []acceptance{}

// explain returns the row that accepts a difference, nil when there is none.
func explain(c *occurrence, version uint64) *acceptance {
	if !slices.Contains([]dimension{missing, extra, message, untrue}, c.dim) {
		return nil
	}
	for i := range acceptances {
		a := &acceptances[i]
		if version < a.from || a.until != 0 && version >= a.until {
			continue
		}
		if slices.Contains(a.dims, c.dim) && (c.rule == "" || slices.Contains(a.rules, c.rule)) && (a.match == nil || a.match(c)) {
			return a
		}
	}
	return nil
}
