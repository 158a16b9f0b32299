package textset

import (
	"strconv"
	"testing"
)

// TestSet checks small sets, which are searched linearly, and large ones.
func TestSet(t *testing.T) {
	var s Set
	for _, n := range []int{0, few - 1, few, few + 1, 4 * few} {
		for i := range n {
			if text := strconv.Itoa(i); s.Has(text) || !s.Add(text) || s.Add(text) || !s.Has(text) {
				t.Errorf("%d of %d: not in the set once", i, n)
			}
		}
		if s.Len() != n || s.Has("x") {
			t.Errorf("%d texts, want %d", s.Len(), n)
		}
		if s = s.Emptied(); s.Len() != 0 || s.Has("0") {
			t.Errorf("not empty after %d", n)
		}
	}
}
