package files

import (
	"errors"
	"io"
	"os"
	"testing"
)

// TestReaderThatWouldWait reads a file whose read returns EAGAIN, as the kernel's trace_pipe does,
// which has the mode of a regular file.
func TestReaderThatWouldWait(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe() // package os creates a pipe that does not block
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	raw, err := r.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	in := &nonblockingReader{raw}
	if _, err := w.WriteString("text"); err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(in)
	if string(data) != "text" || !errors.Is(err, ErrWaits) {
		t.Errorf("%q, %v, want the text and %v", data, err, ErrWaits)
	}
	_ = w.Close()
	if data, err = io.ReadAll(in); len(data) > 0 || err != nil {
		t.Errorf("at the end: %q, %v", data, err)
	}
}
