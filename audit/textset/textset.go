// Package textset is a set of texts of which most instances hold a few and some a hundred thousand:
// the names in a document, the resources that it uses.
package textset

import "slices"

// few is the largest number of texts that are searched linearly, which needs no memory for a map. A
// linear search of more would take time in the square of their number.
const few = 64

// Set is a set of texts. The zero value is an empty set.
type Set struct {
	list []string
	many map[string]bool // the same texts, once there are many
}

// Has reports whether the text is in the set.
func (s *Set) Has(text string) bool {
	if s.many != nil {
		return s.many[text]
	}
	return slices.Contains(s.list, text)
}

// Add reports whether the text is new.
func (s *Set) Add(text string) bool {
	if s.Has(text) {
		return false
	}
	s.list = append(s.list, text)
	switch {
	case s.many != nil:
		s.many[text] = true
	case len(s.list) > few:
		s.many = make(map[string]bool, len(s.list))
		for _, t := range s.list {
			s.many[t] = true
		}
	}
	return true
}

// Len returns the number of texts.
func (s *Set) Len() int { return len(s.list) }

// Emptied returns an empty set that reuses the memory of this one.
func (s *Set) Emptied() Set { return Set{list: s.list[:0]} }
