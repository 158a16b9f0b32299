package domxml

import "slices"

// nameSet is a set of names. A small set is searched linearly. A document may contain a hundred
// thousand names, for which a linear search would be quadratic.
type nameSet struct {
	list []string
	many map[string]bool // the same names, once there are many
}

func (s *nameSet) has(name string) bool {
	if s.many != nil {
		return s.many[name]
	}
	return slices.Contains(s.list, name)
}

func (s *nameSet) add(name string) {
	if s.has(name) {
		return
	}
	s.list = append(s.list, name)
	switch {
	case s.many != nil:
		s.many[name] = true
	case len(s.list) > manyChildren:
		s.many = set(s.list...)
	}
}

// emptied returns an empty set that reuses the memory of this one.
func (s *nameSet) emptied() nameSet { return nameSet{list: s.list[:0]} }
