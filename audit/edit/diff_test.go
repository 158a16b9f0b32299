package edit_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/edit"
	"github.com/virt-audit/virt-audit/testdata/need"
)

func numbered(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "%d\n", i)
	}
	return b.String()
}

// TestDiff compares whole differences.
func TestDiff(t *testing.T) {
	for _, test := range []struct{ name, before, after, want string }{
		{"a", "x\n", "x\n", ""},
		{"a", "", "x\n", "--- a\n+++ a\n@@ -0,0 +1,1 @@\n+x\n"},
		{"a", "x", "", "--- a\n+++ a\n@@ -1,1 +0,0 @@\n-x\n\\ No newline at end of file\n"},
		{"a", "x\r\ny", "x\r\ny\r\n", "--- a\n+++ a\n@@ -1,2 +1,2 @@\n x\r\n-y\n\\ No newline at end of file\n+y\r\n"},
		{"a b", numbered(0, 9), numbered(0, 4) + "x\n" + numbered(5, 9), "--- a b\t\n+++ a b\t\n@@ -2,7 +2,7 @@\n 1\n 2\n 3\n-4\n+x\n 5\n 6\n 7\n"},
		{"a\n\"\\é", "x\n", "y\n", "--- \"a\\012\\\"\\\\\\303\\251\"\n+++ \"a\\012\\\"\\\\\\303\\251\"\n@@ -1,1 +1,1 @@\n-x\n+y\n"},
		// Six lines between two changes are one hunk, and seven are two.
		{"a", "a\n" + numbered(0, 6) + "b\n", numbered(0, 6), "--- a\n+++ a\n@@ -1,8 +1,6 @@\n-a\n 0\n 1\n 2\n 3\n 4\n 5\n-b\n"},
		{"a", "a\n" + numbered(0, 7) + "b\n", numbered(0, 7), "--- a\n+++ a\n@@ -1,4 +1,3 @@\n-a\n 0\n 1\n 2\n@@ -6,4 +5,3 @@\n 4\n 5\n 6\n-b\n"},
		// Lines that occur twice are matched next to others that occur once, and then among themselves.
		{"a", "p\nx\np\ny\nq\n", "p\nx\nn\np\ny\nm\nq\n", "--- a\n+++ a\n@@ -1,5 +1,7 @@\n p\n x\n+n\n p\n y\n+m\n q\n"},
	} {
		if got := edit.Diff(test.name, []byte(test.before), []byte(test.after)); got != test.want {
			t.Errorf("%q to %q:\n%s\nwant\n%s", test.before, test.after, got, test.want)
		}
	}
}

// TestDiffApplies has patch and git apply differences of random texts.
func TestDiffApplies(t *testing.T) {
	need.Programs(t, "patch", "git")
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 150 {
		name := []string{"a.xml", "a b.xml", "a\t\"b\\é.xml", "é"}[i%4]
		before, after := randomTexts(rng)
		diff := edit.Diff(name, before, after)
		if diff == "" {
			if !bytes.Equal(before, after) {
				t.Fatalf("no difference of %q and %q", before, after)
			}
			continue
		}
		for _, program := range [][]string{
			{"patch", "-p0", "--fuzz=0", "-s"}, {"git", "apply", "-p0", "--whitespace=nowarn"},
		} {
			file := filepath.Join(dir, name)
			if err := os.WriteFile(file, before, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(need.Path(program[0]), program[1:]...)
			cmd.Dir, cmd.Stdin = dir, strings.NewReader(diff)
			cmd.Env = []string{"LC_ALL=C", "GIT_CEILING_DIRECTORIES=" + filepath.Dir(dir), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null"}
			out, err := cmd.CombinedOutput()
			got, _ := os.ReadFile(file) // git and patch remove an empty file
			if err != nil || !bytes.Equal(got, after) {
				t.Fatalf("%s: %v: %s\n%q\n%q\nwant\n%q\n%s", program[0], err, out, before, got, after, diff)
			}
		}
	}
}

// randomTexts returns two texts of few different lines, of which the second has some changes.
func randomTexts(rng *rand.Rand) (before, after []byte) {
	ends := []string{"\n", "\n", "\r\n", "\r"}
	line := func() string { return strconv.Itoa(rng.IntN(12)) + ends[rng.IntN(len(ends))] }
	for range rng.IntN(60) {
		l := line()
		before = append(before, l...)
		switch rng.IntN(12) {
		case 0:
		case 1:
			after = append(append(after, line()...), l...)
		case 2:
			after = append(after, line()...)
		default:
			after = append(after, l...)
		}
	}
	if rng.IntN(2) == 0 {
		before = append(before, "end"...)
	}
	if rng.IntN(2) == 0 {
		after = append(after, "end"...)
	}
	return before, after
}

// TestDiffLarge requires few hunks for few changes of a file with many equal lines. Were every line
// compared with every other, it would not end.
func TestDiffLarge(t *testing.T) {
	var before, after strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&before, "<disk>\n<x/>\n<source file='%d'/>\n</disk>\n", i)
		fmt.Fprintf(&after, "<disk>\n<x/>\n<source file='%d'/>\n", i)
		if i%50_000 == 10 {
			after.WriteString("<readonly/>\n")
		}
		after.WriteString("</disk>\n")
	}
	diff := edit.Diff("a", []byte(before.String()), []byte(after.String()))
	if n := strings.Count(diff, "\n@@"); n != 4 || strings.Count(diff, "\n-") > 1 {
		t.Errorf("%d hunks:\n%s", n, diff[:min(len(diff), 2000)])
	}
}
