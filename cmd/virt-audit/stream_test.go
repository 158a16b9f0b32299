package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestStream holds the last input back until the first guest has been told of.
func TestStream(t *testing.T) {
	for _, jobs := range []string{"1", "2"} {
		t.Run("-j "+jobs, func(t *testing.T) {
			pipe := filepath.Join(t.TempDir(), "late.xml")
			if err := syscall.Mkfifo(pipe, 0o600); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile("../../testdata/fleet/shadow.xml")
			if err != nil {
				t.Fatal(err)
			}
			program, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			bin := filepath.Join(t.TempDir(), "virt-audit") // testscript.Main goes by the name
			if err := os.Symlink(program, bin); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(bin, "-j", jobs, "-f", "ndjson", "../../testdata/fleet/web01.xml", pipe)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(out)
			next := func() (record struct{ Record, Name string }) {
				line, err := lines.ReadBytes('\n')
				if err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(line, &record); err != nil {
					t.Fatalf("%v: %s", err, line)
				}
				return record
			}
			for next().Record != "domain" {
				continue // what comes before the first guest
			}
			if err := os.WriteFile(pipe, text, 0o600); err != nil { // what is read now can only have been waited for
				t.Fatal(err)
			}
			if r := next(); r.Record != "domain" || r.Name != "shadow" {
				t.Errorf("then comes %+v", r)
			}
			if _, err := io.Copy(io.Discard, lines); err != nil {
				t.Error(err)
			}
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() != exitFindings {
				t.Errorf("%v", err)
			}
		})
	}
}
