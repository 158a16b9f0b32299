package need

import (
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
)

func TestMissing(t *testing.T) {
	was := table
	t.Cleanup(func() { table = was })
	table = "# comment\nsh dash\nno-such-program nowhere\n/no/such/*,/bin/s? dash\n/no/such/* nowhere\n"
	got := strings.Join(Missing("sh", "no-such-program", "/no/such/*,/bin/s?", "/no/such/*"), "; ")
	if want := "no-such-program (package nowhere); /no/such/* (package nowhere)"; got != want {
		t.Errorf("missing %q, want %q", got, want)
	}
}

// TestAlone runs tests at the same time that must not overlap, in this process and in another.
func TestAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("what -short skips waits for nobody")
	}
	var inside atomic.Int32
	overlap := func(t *testing.T) {
		t.Helper()
		if inside.Add(1) != 1 {
			t.Error("not alone")
		}
		t.Cleanup(func() { inside.Add(-1) })
	}
	for _, name := range []string{"TestA", "TestB", "TestC"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			Alone(named{t, name}, "nothing")
			Alone(named{t, name + "/subtest"}, "nothing") // does not wait for itself
			overlap(t)
			if name == "TestA" {
				child(t)
			}
		})
	}
}

// named is a test under another name: as if it was not a subtest of this file's.
type named struct {
	*testing.T
	name string
}

func (n named) Name() string { return n.name }

// child requires the file to be locked by its parent, unless the parent passes on that it holds the
// lock.
func child(t *testing.T) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.v")
	cmd.Env = append(os.Environ(), "VIRT_AUDIT_TEST_CHILD=1", Held)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestChild(t *testing.T) {
	if os.Getenv("VIRT_AUDIT_TEST_CHILD") == "" {
		t.Skip("runs in the process that TestAlone starts")
	}
	Alone(t, "nothing")
}
