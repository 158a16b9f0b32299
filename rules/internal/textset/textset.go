// Package textset is a set of texts for rules: most hold a few, some a hundred thousand.
package textset

import "slices"

// Set is a set of texts. A small set is searched linearly.
type Set struct {
	few  []string
	many map[string]bool
}

// Has reports whether the text is in the set.
func (s *Set) Has(text string) bool {
	if s.many != nil {
		return s.many[text]
	}
	return slices.Contains(s.few, text)
}

// Add reports whether the text is new.
func (s *Set) Add(text string) bool {
	if s.Has(text) {
		return false
	}
	if s.many == nil && len(s.few) < 16 {
		s.few = append(s.few, text)
		return true
	}
	if s.many == nil {
		s.many = map[string]bool{}
		for _, t := range s.few {
			s.many[t] = true
		}
	}
	s.many[text] = true
	return true
}

// Len returns the number of texts.
func (s *Set) Len() int { return max(len(s.few), len(s.many)) }
