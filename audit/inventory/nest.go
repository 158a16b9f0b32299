package inventory

import (
	"maps"
	"slices"
	"strings"
)

// Limits on what is looked at and listed inside directories: a multiple of what guests name.
const (
	insideFactor = 4
	insideLeast  = 10000
)

// nest adds to each directory what other guests touch inside it.
func (s *Sharing) nest() {
	paths := map[string][]string{} // by host, in order
	for at := range maps.Keys(s.things) {
		if strings.HasPrefix(at.key, "/") {
			paths[at.host] = append(paths[at.host], at.key)
		}
	}
	for _, list := range paths {
		slices.Sort(list)
	}
	budget := insideFactor*s.uses + insideLeast
	var directories []thing
	for at, t := range s.things {
		if t.directory {
			directories = append(directories, at)
		}
	}
	slices.SortFunc(directories, func(a, b thing) int {
		return strings.Compare(a.host+"\x00"+a.key, b.host+"\x00"+b.key)
	})
	inside := map[thing][]GuestUse{} // added at the end: what is inside counts as it is named
search:
	for _, at := range directories {
		prefix := strings.TrimSuffix(at.key, "/") + "/"
		list := paths[at.host]
		first, _ := slices.BinarySearch(list, prefix)
		for _, key := range list[first:] {
			if !strings.HasPrefix(key, prefix) {
				break
			}
			if budget--; budget < 0 {
				s.cut = true
				break search
			}
			for _, u := range s.things[thing{at.host, key}].Guests {
				budget--
				if !s.onlyUser(s.things[at], u.Member) {
					u.Inside = s.things[thing{at.host, key}].Name
					inside[at] = append(inside[at], u)
				}
			}
		}
	}
	for at, uses := range inside {
		s.things[at].Guests = append(s.things[at].Guests, uses...)
	}
}

// onlyUser reports whether no other guest than that of a document touches a thing.
func (s *Sharing) onlyUser(t *Shared, m *Member) bool {
	return !slices.ContainsFunc(t.Guests, func(u GuestUse) bool { return s.guest(u.Member) != s.guest(m) })
}
