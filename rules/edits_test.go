package rules

import "testing"

// TestWithItems covers what no fixture has: commas in values, and empty parts.
func TestWithItems(t *testing.T) {
	without := func(item string) (string, bool) { return item, item != "a=1" }
	for argument, want := range map[string]string{
		"":               "",
		"a=1":            "",
		"x,a=1,y":        "x,y",
		"x,,a=1":         "x,,a=1",
		"v=p,,q,a=1":     "v=p,,q",
		"v=p,,,a=1,y=,z": "v=p,,,y=,z",
		"x,":             "x,",
	} {
		if got := withItems(argument, without); got != want {
			t.Errorf("%q: %q, want %q", argument, got, want)
		}
	}
}
