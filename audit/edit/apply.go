package edit

import (
	"errors"
	"slices"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// Ranges returns the changes that a list of edits makes, in the order of the document and without
// overlaps. An empty range is an insertion; it precedes a replacement that begins at its offset.
// The errors are those of Apply, which also reads the result.
func Ranges(d *domxml.Domain, edits []Edit) ([]Replacement, error) {
	p, err := planOf(d, edits)
	if err != nil {
		return nil, err
	}
	return p.replacements()
}

// Apply returns the document with all edits of the list, which refer to the document as it was
// before the first of them. An edit that occurs twice is made once.
//
// It returns an error, and no document, if edits overlap or depend on each other, if the place of
// an edit does not exist, if the domain is part of another document, and if the result would not be
// read as the edits demand: libvirt would refuse it, drop what was added, or read another element
// that was hidden before.
func Apply(d *domxml.Domain, edits []Edit) ([]byte, error) {
	p, err := planOf(d, edits)
	if err != nil {
		return nil, err
	}
	return p.apply()
}

// ApplyAll reads a document at least minLoads times, and until it has read maxRead bytes, before it
// gives up looking for the lists that cannot be applied.
const (
	minLoads = 64
	maxRead  = 64 << 20
)

// ApplyAll applies lists of edits, in their order, as one. A list is applied as a whole or not at
// all: not if Apply refuses it, and not if it overlaps with a list before it. Lists may contain the
// same edit. The result is the document itself if no list can be applied. If very many lists of a
// large document cannot be applied, some that could be are not either.
//
// The paths of a list refer to d. What was not applied may be applicable to the result, with paths
// of that; the caller repeats until nothing is applied. Apply returns the reason for a single list.
func ApplyAll(d *domxml.Domain, lists [][]Edit) (out []byte, applied []bool) {
	applied = make([]bool, len(lists))
	out = d.Document()
	if refuse(d) != nil {
		return out, applied
	}
	p := newPlan(d)
	steps := make([][]*step, len(lists))
	var group []int
	for i, list := range lists {
		resolved, err := p.resolve(list)
		if err == nil && p.addAll(resolved) == nil {
			steps[i] = resolved
			group = append(group, i)
		}
	}
	// Almost always all of them can be applied together. A list whose result is not as it must be is
	// found by halving.
	loads := max(minLoads, maxRead/len(out))
	var taken []int
	var try func(group []int)
	try = func(group []int) {
		if len(group) == 0 || loads == 0 {
			return
		}
		loads--
		p := newPlan(d)
		for _, i := range slices.Concat(taken, group) {
			if p.addAll(steps[i]) != nil {
				return // cannot happen: they were added before
			}
		}
		if result, err := p.apply(); err == nil {
			out, taken = result, append(taken, group...)
		} else if len(group) > 1 {
			try(group[:len(group)/2])
			try(group[len(group)/2:])
		}
	}
	try(group)
	for _, i := range taken {
		applied[i] = true
	}
	return out, applied
}

// refuse returns an error if the domain cannot be edited at all.
func refuse(d *domxml.Domain) error {
	if d.Wrapped() {
		return errors.New("the domain is part of another document, which libvirt writes")
	}
	return nil
}

func planOf(d *domxml.Domain, edits []Edit) (*plan, error) {
	if err := refuse(d); err != nil {
		return nil, err
	}
	p := newPlan(d)
	steps, err := p.resolve(edits)
	if err != nil {
		return nil, err
	}
	return p, p.addAll(steps)
}
