package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/testdata/hostile"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// maxExponent is how fast the work for a hostile document may grow: n^1 is in step with its size; n
// log n and what is paid once stay below this, n^2 does not.
const maxExponent = 1.3

// counted are the packages whose statements count as work: virt-audit, and what reads and draws for
// it.
const counted = "./...,libvirt.org/go/libvirtxml,encoding/xml,github.com/rivo/uniseg"

// hostileArgs is the whole way: all profiles, every format, fingerprints and a baseline.
func hostileArgs(files, out string) []string {
	args := []string{
		"--no-config", "-j", "1", "--verbose", "--show-waived", "--max-size", "64M", "--exit-zero",
		"--profile", "baseline", "--profile", "hardened", "--profile", "multi-tenant", "--profile", "confidential",
		"--write-baseline", filepath.Join(out, "baseline"),
	}
	for _, f := range report.Formats() {
		args = append(args, "--format", f.Name+":"+filepath.Join(out, "report."+f.Name))
	}
	return append(args, files)
}

// hostileFiles writes the documents of a shape, and returns where, and where reports go.
func hostileFiles(tb testing.TB, s hostile.Shape, n int) (files, out string) {
	tb.Helper()
	dir := tb.TempDir()
	files, out = filepath.Join(dir, "in"), filepath.Join(dir, "out")
	for _, d := range []string{files, out} {
		if err := os.Mkdir(d, 0o700); err != nil {
			tb.Fatal(err)
		}
	}
	for name, text := range s.Files(n) {
		if err := os.WriteFile(filepath.Join(files, name), []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return files, out
}

// work is what was done for some documents.
type work struct {
	statements float64 // that were executed, as the compiler's coverage counts them
	allocated  float64 // bytes
	written    float64 // bytes of reports
}

// beyond returns the work beyond what is done once. What varies from run to run is less than the
// least that counts.
func (w work) beyond(once work) work {
	return work{max(w.statements-once.statements, 100_000), max(w.allocated-once.allocated, 2_000_000), max(w.written-once.written, 20_000)}
}

// TestBoundedWork counts the work for a quarter and for the whole of the size of everything that a
// document can hold any number of. No time is measured, so that a busy machine changes nothing.
func TestBoundedWork(t *testing.T) {
	if underRace {
		t.Skip("it counts the work of an executable that is built without -race, and runs in the tests without it")
	}
	need.Full(t, "a build of virt-audit that counts its statements")
	program := filepath.Join(t.TempDir(), "virt-audit")
	build := exec.CommandContext(t.Context(), "go", "build", "-cover", "-covermode=atomic", "-coverpkg="+counted, "-o", program, "./cmd/virt-audit")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	once := workOf(t, program, hostile.Shapes()[0], 0) // that is done for any document
	for _, s := range hostile.Shapes() {
		t.Run(s.Name, func(t *testing.T) {
			small, large := workOf(t, program, s, s.Size/4).beyond(once), workOf(t, program, s, s.Size).beyond(once)
			for _, w := range []struct {
				what         string
				small, large float64
			}{
				{"statements", small.statements, large.statements},
				{"bytes allocated", small.allocated, large.allocated},
				{"bytes written", small.written, large.written},
			} {
				e := math.Log(w.large/w.small) / math.Log(4)
				if e > maxExponent {
					t.Errorf("%s: %.0f for %d, %.0f for %d: they grow with an exponent of %.2f", w.what, w.small, s.Size/4, w.large, s.Size, e)
				} else {
					t.Logf("%-16s %12.0f %12.0f: exponent %.2f", w.what, w.small, w.large, e)
				}
			}
		})
	}
}

func workOf(t *testing.T, program string, s hostile.Shape, n int) work {
	t.Helper()
	files, out := hostileFiles(t, s, n)
	w := work{statements: statements(t, program, hostileArgs(files, out))}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run(append([]string{"virt-audit"}, hostileArgs(files, out)...), strings.NewReader(""), io.Discard, io.Discard)
	runtime.ReadMemStats(&after)
	w.allocated = float64(after.TotalAlloc - before.TotalAlloc)
	for _, f := range report.Formats() {
		info, err := os.Stat(filepath.Join(out, "report."+f.Name))
		if err != nil {
			t.Fatal(err)
		}
		w.written += float64(info.Size())
	}
	return w
}

// statements runs virt-audit and returns how many it has executed.
func statements(t *testing.T, program string, args []string) (n float64) {
	t.Helper()
	counts := t.TempDir()
	c := exec.CommandContext(t.Context(), program, args...)
	c.Env = append(os.Environ(), "GOCOVERDIR="+counts)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%.1000s", err, out)
	}
	reader, err := covdata()
	if err != nil {
		t.Fatal(err)
	}
	profile := filepath.Join(counts, "profile")
	if out, err := exec.CommandContext(t.Context(), reader, "textfmt", "-i="+counts, "-o="+profile).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := os.Open(profile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text()) // FILE:PLACE STATEMENTS TIMES
		if len(fields) != 3 {
			continue
		}
		each, err1 := strconv.ParseFloat(fields[1], 64)
		times, err2 := strconv.ParseFloat(fields[2], 64)
		if err1 != nil || err2 != nil {
			t.Fatalf("%s: %q", profile, lines.Text())
		}
		n += each * times
	}
	return n
}

// covdata returns the path of Go's reader of counters. "go tool" looks on each run whether the tool is up to
// date, which takes several times as long as the tool itself.
var covdata = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "tool", "-n", "covdata").Output()
	return strings.TrimSpace(string(out)), err
})

// BenchmarkHostile prints how the time for hostile documents grows: for the sizes of
// TestBoundedWork, twice and four times as much, with the exponents between them.
func BenchmarkHostile(b *testing.B) {
	fmt.Fprintf(os.Stdout, "%-45s %9s %9s %9s %9s %s\n", "hostile documents", "KB of n", "n", "2n", "4n", "exponents")
	for _, s := range hostile.Shapes() {
		var took [3]time.Duration
		size := 0
		for i := range took {
			n := s.Size << i
			files, out := hostileFiles(b, s, n)
			if i == 0 {
				for _, text := range s.Files(n) {
					size += len(text)
				}
			}
			took[i] = time.Hour
			for range 3 {
				start := time.Now()
				run(append([]string{"virt-audit"}, hostileArgs(files, out)...), strings.NewReader(""), io.Discard, io.Discard)
				took[i] = min(took[i], time.Since(start))
			}
		}
		exponent := func(i int) float64 { return math.Log2(took[i].Seconds() / took[i-1].Seconds()) }
		fmt.Fprintf(os.Stdout, "%-45s %9d %8.3fs %8.3fs %8.3fs %5.2f %5.2f\n", s.Name, size/1024,
			took[0].Seconds(), took[1].Seconds(), took[2].Seconds(), exponent(1), exponent(2))
	}
}
