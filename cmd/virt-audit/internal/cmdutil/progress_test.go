package cmdutil

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestProgress(t *testing.T) {
	var out strings.Builder
	p := &Progress{err: &out, on: true, started: time.Now()}
	p.Add()
	if out.Len() > 0 {
		t.Errorf("a short run shows %q", out.String())
	}
	p.started = p.started.Add(-time.Minute)
	p.Add()
	p.Add() // within progressInterval
	p.Print("message\n")
	p.Stop()
	const want = clearLine + "audited 2 (0/s)" + clearLine + "message\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	f, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if NewProgress(f, false).on || NewProgress(&out, false).on {
		t.Error("a file that is not a terminal shows progress")
	}
}
