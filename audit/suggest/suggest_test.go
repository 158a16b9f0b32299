package suggest_test

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/suggest"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ word, known, want string }{
		{"hihg", "critical high medium low info", "high"},
		{"hgih", "critical high medium low info", "high"},
		{"hi", "critical high medium low info", ""},
		{"worst", "critical high medium low info", ""},
		{"al", "has all exists", "all"},
		{"os", "id if", ""},
		{"lowerascii", "lowerAscii upperAscii", "lowerAscii"},
		{"LOW", "low", "low"},
		{"x86_46", "i386 x86_64", "x86_64"},
		{"qemu-10.3", "qemu-11.1 qemu-10.2", "qemu-10.2"},
		{"ab1", "ab2 ab3", "ab2"}, // the first of several
		{"--fail", "--fail-on --format", "--fail-on"},
		{"base", "baseline hardened", "baseline"},
		{"hard", "high hardened-more", ""},
		{"Net", "network-script", ""},
		{"disk[1]", "disc disk", "disk"},
		{"firmware_element", "arch firmware", "firmware"},
		{"firmwares", "firm", ""},
		{"exists", "exist exists", "exists"}, // known, where another kind of word is expected
		{"", "a b", ""},
		{"a", "", ""},
		{"boundary-acel-tgc", "boundary-accel-tcg boundary-accel-hax", "boundary-accel-tcg"},
	} {
		if got := suggest.Nearest(c.word, strings.Fields(c.known)); got != c.want {
			t.Errorf("Nearest(%q, %q) = %q, want %q", c.word, c.known, got, c.want)
		}
	}
	if got := suggest.Nearest(strings.Repeat("x", 1<<20), []string{strings.Repeat("x", 30)}); got != "" {
		t.Errorf("a long word is near %q", got)
	}
}

func TestHint(t *testing.T) {
	t.Parallel()
	if got := suggest.Hint("dsk", []string{"disk"}); got != "did you mean 'disk'?" {
		t.Errorf("%q", got)
	}
	if got := suggest.Hint("floppy", []string{"disk"}); got != "" {
		t.Errorf("%q", got)
	}
}
