package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
)

// program returns a file that is virt-audit when it is run.
func program(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "virt-audit") // testscript.Main uses the name
	if err := os.Symlink(self, file); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestEnded ends a run that waits for input: nothing unfinished stays, and the signal is seen by
// who waits.
func TestEnded(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			if signal.Ignored(sig) {
				t.Skipf("this process ignores %v, as nohup makes it, and so would virt-audit", sig)
			}
			dir := t.TempDir()
			pipe := filepath.Join(dir, "late.xml")
			if err := syscall.Mkfifo(pipe, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(program(t), "-f", "ndjson", "-f", "json:"+filepath.Join(dir, "report.json"), "../../testdata/fleet/web01.xml", pipe)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := bufio.NewReader(out).ReadBytes('\n'); err != nil { // the reports are open, and the pipe is waited for
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != sig {
				t.Errorf("it ends with %v, want %v", cmd.ProcessState, sig)
			}
			left, err := os.ReadDir(dir)
			if err != nil || len(left) != 1 {
				t.Errorf("%v, %v stays", err, left)
			}
		})
	}
}

// TestEndedUnread ends a run whose standard output is full, since no one reads it.
func TestEndedUnread(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = read.Close() }()
	defer func() { _ = write.Close() }()
	fill(t, write)
	dir := t.TempDir()
	cmd := exec.Command(program(t), "-f", "csv", "-f", "json:"+filepath.Join(dir, "report.json"), "../../testdata/rules")
	cmd.Stdout = write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	begun := func() bool {
		there, err := os.ReadDir(dir)
		return err == nil && len(there) > 0
	}
	for !begun() {
		select {
		case <-ended:
			t.Fatal("no report is begun")
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ended // or it goes on, and the time limit of the tests ends
	if begun() {
		t.Error("a temporary file stays")
	}
}

// TestEndedOpening ends a run that has begun one report and waits for the reader of the next, a FIFO.
func TestEndedOpening(t *testing.T) {
	dir, fifo := t.TempDir(), filepath.Join(t.TempDir(), "report.csv")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program(t), "-f", "json:"+filepath.Join(dir, "report.json"), "-f", "csv:"+fifo, "../../testdata/fleet")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for begun := false; !begun; time.Sleep(10 * time.Millisecond) {
		there, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		begun = len(there) > 0
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v, %v stays", err, left)
	}
}

// fill writes to a pipe until it takes no more.
func fill(t *testing.T, pipe *os.File) {
	t.Helper()
	raw, err := pipe.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var full error
	for full == nil {
		err := raw.Write(func(fd uintptr) bool {
			_, full = syscall.Write(int(fd), make([]byte, 4096))
			return true // however that went: do not wait for a reader
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if !errors.Is(full, syscall.EAGAIN) {
		t.Fatalf("the pipe is not full: %v", full)
	}
}

// TestStream holds the last input back until the first guest has been reported.
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
			cmd := exec.Command(program(t), "-j", jobs, "-f", "ndjson", "../../testdata/fleet/web01.xml", pipe)
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
			if err := cmd.Wait(); cmd.ProcessState.ExitCode() != cmdutil.ExitFindings {
				t.Errorf("%v", err)
			}
		})
	}
}
