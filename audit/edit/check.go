package edit

import (
	"fmt"
	"maps"
	"slices"
	"sort"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// replacements returns the changes of the plan.
func (p *plan) replacements() ([]Replacement, error) {
	r, err := render(p)
	if err != nil {
		return nil, err
	}
	var list []Replacement
	for _, c := range r.changes {
		list = append(list, c.Replacement)
	}
	return list, nil
}

// apply returns the document with the changes of the plan, after it has read it.
func (p *plan) apply() ([]byte, error) {
	r, err := render(p)
	if err != nil {
		return nil, err
	}
	var out []byte
	from := 0
	var c checker
	for i := range r.changes {
		change := &r.changes[i]
		out = append(append(out, r.src[from:change.Start]...), change.Text...)
		c.ends, c.news = append(c.ends, change.End), append(c.news, len(out))
		from = change.End
	}
	out = append(out, r.src[from:]...)
	if c.again, err = domxml.Load(p.d.Source, out); err != nil {
		return nil, fmt.Errorf("the edited document could not be read: %w", err)
	}
	if err := c.check(r); err != nil {
		return nil, err
	}
	return out, nil
}

// checker compares the elements of a document before and after edits.
type checker struct {
	again      *domxml.Domain
	ends, news []int // the end of each change, before and after
	unmatched  map[int]domxml.Element
	matched    map[int]domxml.Element
}

// moved returns the new offset of a byte that no change replaces.
func (c *checker) moved(offset int) int {
	i := sort.SearchInts(c.ends, offset+1)
	if i == 0 {
		return offset
	}
	return c.news[i-1] + offset - c.ends[i-1]
}

// check requires that the new document contains exactly the elements that it must: those that
// remain, and those that were added, with their content.
func (c *checker) check(r *renderer) error {
	c.unmatched, c.matched = map[int]domxml.Element{}, map[int]domxml.Element{}
	for e := range c.again.Elements() {
		c.unmatched[e.Tag().Start] = e
	}
	var old []domxml.Element
	for e := range r.d.Elements() {
		old = append(old, e)
	}
	slices.SortFunc(old, func(a, b domxml.Element) int { return a.Tag().Start - b.Tag().Start })
	gone := r.gone
	for _, e := range old {
		start := e.Tag().Start
		for len(gone) > 0 && gone[0].End <= start {
			gone = gone[1:]
		}
		if len(gone) > 0 && start >= gone[0].Start {
			continue
		}
		if !c.match(c.moved(start), e.Name) {
			return fmt.Errorf("libvirt would no longer read %s", e.Path())
		}
	}
	for i, change := range r.changes {
		for _, e := range change.added {
			if err := c.added(e, c.news[i]-len(change.Text)); err != nil {
				return err
			}
		}
	}
	if len(c.unmatched) > 0 {
		e := c.unmatched[slices.Min(slices.Collect(maps.Keys(c.unmatched)))]
		line := c.again.PosOf(e.Tag()).Line
		return fmt.Errorf("libvirt would read %s in line %d, which it does not read now", e.Path(), line)
	}
	if n := len(c.again.Dropped); n > len(r.d.Dropped) {
		return fmt.Errorf("libvirt would drop more of the document than it does now: <%s>", c.again.Dropped[n-1].Name)
	}
	return c.steps(r.plan)
}

// match requires an element of that name at an offset of the new document.
func (c *checker) match(start int, name string) bool {
	e, ok := c.unmatched[start]
	if !ok || e.Name != name {
		return false
	}
	delete(c.unmatched, start)
	c.matched[start] = e
	return true
}

// added requires a new element, and all that is in it, in text that begins at an offset.
func (c *checker) added(e *element, base int) error {
	start := base + e.offset
	if !c.match(start, e.name) {
		return fmt.Errorf("libvirt would not read the new <%s>", e.name)
	}
	found := c.matched[start]
	for _, a := range e.attrs {
		if value, _ := found.Attr(a.name); value != a.value {
			return fmt.Errorf("libvirt would read another value of %s in the new <%s>", a.name, e.name)
		}
	}
	if e.text != nil && found.Text() != *e.text {
		return fmt.Errorf("libvirt would read another text of the new <%s>", e.name)
	}
	if e.name == "metadata" {
		return nil // its content is opaque
	}
	for _, child := range e.children {
		if err := c.added(child, base); err != nil {
			return err
		}
	}
	return nil
}

// steps requires the attributes and texts that were set or removed in elements that existed.
func (c *checker) steps(p *plan) error {
	for _, s := range p.steps {
		if len(s.missing) > 0 || s.Op == OpInsert || s.claims[0].part == whole {
			continue
		}
		e := c.matched[c.moved(s.at.Tag().Start)]
		name := s.At.Attribute()
		value, exists := "", true
		if name != "" {
			value, exists = e.Attr(name)
		} else {
			value = e.Text()
		}
		if exists != (s.Op == OpSet) || exists && value != s.Text {
			return fmt.Errorf("%s: libvirt would read another value", s.Edit)
		}
	}
	return nil
}
