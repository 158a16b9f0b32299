package edit

import (
	"fmt"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// plan is a set of edits of a document that do not overlap.
type plan struct {
	d      *domxml.Domain
	steps  []*step
	claims map[place]decision
	// touched lists the elements that contain the place of an edit, or are it, with the first one.
	touched map[domxml.Element]*step
}

// decision is what the first edit that claims a place decides.
type decision struct {
	value string
	by    *step
}

func newPlan(d *domxml.Domain) *plan {
	return &plan{d: d, claims: map[place]decision{}, touched: map[domxml.Element]*step{}}
}

// resolve finds the places of a list of edits, and checks that they do not overlap.
func (p *plan) resolve(edits []Edit) ([]*step, error) {
	alone := newPlan(p.d)
	for _, e := range edits {
		s, err := resolveEdit(p.d, e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e, err)
		}
		if err := alone.add(s); err != nil {
			return nil, err
		}
	}
	return alone.steps, nil
}

// addAll adds steps that do not overlap, or none of them if one overlaps with the plan.
func (p *plan) addAll(steps []*step) error {
	for _, s := range steps {
		if err := p.conflict(s); err != nil {
			return err
		}
	}
	for _, s := range steps {
		p.take(s)
	}
	return nil
}

func (p *plan) add(s *step) error {
	err := p.conflict(s)
	if err == nil {
		p.take(s)
	}
	return err
}

// conflict returns an error if the step overlaps with one of the plan.
func (p *plan) conflict(s *step) error {
	made := 0
	for _, c := range s.claims {
		old, ok := p.claims[c.place]
		if ok && old.value != c.value {
			return overlap(old.by, s)
		}
		if ok {
			made++
		}
	}
	if made == len(s.claims) {
		return nil // the same edit
	}
	for e, ok := s.at, true; ok; e, ok = e.Parent() {
		if old, ok := p.claims[place{at: e, part: whole}]; ok {
			return overlap(old.by, s)
		}
	}
	if old := p.touched[s.at]; old != nil && s.claims[0].part == whole {
		return overlap(old, s)
	}
	return nil
}

func overlap(a, b *step) error { return fmt.Errorf("%s and %s overlap", a.Edit, b.Edit) }

func (p *plan) take(s *step) {
	made := true
	for _, c := range s.claims {
		if _, ok := p.claims[c.place]; !ok {
			p.claims[c.place] = decision{c.value, s}
			made = false
		}
	}
	if made {
		return
	}
	p.steps = append(p.steps, s)
	for e, ok := s.at, true; ok && p.touched[e] == nil; e, ok = e.Parent() {
		p.touched[e] = s
	}
}
