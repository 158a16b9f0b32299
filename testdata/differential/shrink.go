package differential

import "strings"

// shrinker makes a document smaller as long as holds is true for it.
type shrinker struct {
	holds  func(text string) bool
	budget int // calls of holds that are left
	text   string
}

// try accepts a smaller text if holds is true for it.
func (s *shrinker) try(text string) bool {
	if s.budget <= 0 || text == s.text || !s.holds(text) {
		return false
	}
	s.budget--
	s.text = text
	return true
}

// shrink returns the smallest document found.
func shrink(text string, budget int, holds func(text string) bool) string {
	s := &shrinker{text: text, budget: budget}
	s.holds = func(text string) bool {
		s.budget--
		return holds(text)
	}
	for before := ""; before != s.text && s.budget > 0; {
		before = s.text
		s.elements()
		s.attributes()
	}
	for size := len(s.text) / 4; size > 0 && s.budget > 0; size /= 2 {
		s.chunks(size)
	}
	return s.text
}

// elements deletes elements and pieces, the big ones first.
func (s *shrinker) elements() {
	for at := 1; s.budget > 0; {
		doc, ok := parse(s.text)
		if !ok {
			return
		}
		n := nth(doc, at)
		if n == nil {
			return
		}
		if n.parent == doc && n.name != "" && doc.root() == n {
			at++
			continue
		}
		n.remove()
		if !s.try(doc.String()) {
			at++
		}
	}
}

// attributes deletes attributes.
func (s *shrinker) attributes() {
	for e, a := 0, 0; s.budget > 0; {
		doc, ok := parse(s.text)
		if !ok {
			return
		}
		list := doc.elements()
		switch {
		case e >= len(list):
			return
		case a >= len(list[e].attrs):
			e, a = e+1, 0
			continue
		}
		list[e].attrs = append(list[e].attrs[:a:a], list[e].attrs[a+1:]...)
		if !s.try(doc.String()) {
			a++
		}
	}
}

// chunks deletes ranges of bytes.
func (s *shrinker) chunks(size int) {
	for at := 0; at+size <= len(s.text) && s.budget > 0; {
		if !s.try(s.text[:at] + s.text[at+size:]) {
			at += size
		}
	}
}

// nth returns the node at that place in the order of the document, which is number 0.
func nth(doc *node, at int) (found *node) {
	doc.walk(func(n *node) {
		if at == 0 {
			found = n
		}
		at--
	})
	return found
}

// slug makes the name of a file from a kind.
func slug(kind string) string {
	text := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r | 0x20
		}
		return ' '
	}, kind)
	text = strings.Join(strings.Fields(text), "-")
	return text[:min(len(text), 90)]
}
