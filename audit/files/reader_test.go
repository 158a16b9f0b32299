package files

import (
	"errors"
	"io"
	"os"
	"testing"
)

// TestImpatient reads what answers "not now", as trace_pipe of the kernel does, which is regular by its mode.
func TestImpatient(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe() // of which package os makes one that does not block
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	raw, err := r.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	in := &impatient{raw}
	if _, err := w.WriteString("text"); err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(in)
	if string(data) != "text" || !errors.Is(err, ErrWaits) {
		t.Errorf("%q, %v, want what was there and %v", data, err, ErrWaits)
	}
	_ = w.Close()
	if data, err = io.ReadAll(in); len(data) > 0 || err != nil {
		t.Errorf("at the end: %q, %v", data, err)
	}
}
