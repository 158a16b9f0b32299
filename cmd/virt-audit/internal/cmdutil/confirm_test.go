package cmdutil

import (
	"strings"
	"testing"
)

// TestConfirm takes only a clear yes for one.
func TestConfirm(t *testing.T) {
	var out strings.Builder
	s := NewStreams(strings.NewReader("y\nYES \n\nno\nyy\ny"), nil, &out, "")
	c := s.NewConfirmer()
	for i, want := range []bool{true, true, false, false, false, false, false} {
		if got := c.Confirm("Define \x1bweb?"); got != want {
			t.Errorf("answer %d: %v", i, got)
		}
	}
	if want := `Define \x1bweb? [y/N] `; !strings.HasPrefix(out.String(), want) {
		t.Errorf("%q", out.String())
	}
	if s.Interactive() {
		t.Error("a reader that is not a terminal is interactive")
	}
}
