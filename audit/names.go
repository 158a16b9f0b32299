package audit

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

// names returns the names of the children of a container that goes on where an earlier one ended, and
// keeps them for those that may follow.
func (r *reader) names(at int32) *nameSet {
	if s := r.joined[at]; s != nil {
		return s
	}
	s := &nameSet{}
	for i := r.nodes[at].first; i != 0; i = r.nodes[i].next {
		s.add(r.nodes[i].name)
	}
	if r.joined == nil {
		r.joined = map[int32]*nameSet{}
	}
	r.joined[at] = s
	return s
}
