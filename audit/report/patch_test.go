package report

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/edit"
)

// TestPatch paints lines by their place in the hunk, and lets no document control the terminal. In a
// pipe the difference is exact.
func TestPatch(t *testing.T) {
	before := "a\n-- x\n\tb\x1b[31m\r\nc\n"
	after := "a\n++ y\n\tb\x1b[31m\r\nc\nd"
	diff := edit.Diff("g/\u202ea.xml", []byte(before), []byte(after))
	shown := func(o PatchOptions) string {
		var b strings.Builder
		if err := Patch(&b, diff, o); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if shown(PatchOptions{}) != diff {
		t.Error("a pipe does not have the exact difference")
	}
	const plain = "--- g/\\u202ea.xml\n+++ g/\\u202ea.xml\n@@ -1,4 +1,5 @@\n a\n--- x\n+++ y\n \tb\\x1b[31m\\x0d\n c\n+d\n\\ No newline at end of file\n"
	if got := shown(PatchOptions{Terminal: true}); got != plain {
		t.Errorf("%q\nwant\n%q", got, plain)
	}
	painted := shown(PatchOptions{Terminal: true, Color: true})
	for _, want := range []string{"\x1b[31m--- x\x1b[0m\n", "\x1b[32m+++ y\x1b[0m\n", "\x1b[1m--- g/", "\x1b[36m@@ -1,4 +1,5 @@", "\n a\n"} {
		if !strings.Contains(painted, want) {
			t.Errorf("no %q in\n%q", want, painted)
		}
	}
}
