package domxml

import "slices"

// nameSet holds names, each once. Few are searched one by one; a document may well have a hundred
// thousand, each of which would be compared with all before it.
type nameSet struct {
	list []string
	many map[string]bool // the same, once they are many
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

// emptied returns an empty set that uses the memory of this one.
func (s *nameSet) emptied() nameSet { return nameSet{list: s.list[:0]} }
