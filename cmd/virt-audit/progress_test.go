package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestProgress(t *testing.T) {
	var out strings.Builder
	p := &progress{err: &out, on: true, started: time.Now()}
	p.add()
	if out.Len() > 0 {
		t.Errorf("a short run shows %q", out.String())
	}
	p.started = p.started.Add(-time.Minute)
	p.add()
	p.add() // within progressInterval
	p.print("message\n")
	p.stop()
	const want = clearLine + "audited 2 (0/s)" + clearLine + "message\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	f, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if newProgress(f, false).on || newProgress(&out, false).on {
		t.Error("a file that is not a terminal shows progress")
	}
}
