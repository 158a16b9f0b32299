package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/virt-audit/virt-audit/audit/collect/live"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/testdata/libvirtd"
)

// fixes runs 'virt-audit fix' in this process.
func fixes(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = run(append([]string{"virt-audit", "fix"}, args...), strings.NewReader(""), &out, &errOut)
	return out.String(), errOut.String(), code
}

// TestFixGuests lets a real libvirtd store fixed definitions. Passwords stay, the running guest keeps
// its devices, and what a difference shows has no secrets.
func TestFixGuests(t *testing.T) {
	daemon := libvirtd.Start(t, libvirtd.Options{})
	const (
		vnc    = "<graphics type='vnc' listen='127.0.0.1' passwd='hunter2'/>"
		floppy = "<disk type='file' device='floppy'><target dev='fda' bus='fdc'/></disk>"
	)
	daemon.Define(libvirtd.Guest("web", vnc+floppy))
	daemon.Define(libvirtd.Guest("db", vnc))
	daemon.MustVirsh("start", "web")
	daemon.MustVirsh("create", daemon.File("passing.xml", libvirtd.Guest("passing", floppy)), "--paused")
	definition := func() string { return daemon.MustVirsh("dumpxml", "web", "--inactive", "--security-info") }
	before := definition()
	args := func(more ...string) []string {
		return append([]string{"--no-config", "-c", daemon.URI, "--rule", "device-floppy", "--unsafe"}, more...)
	}

	out, errOut, code := fixes(t, args("web")...)
	if code != cmdutil.ExitClean || !strings.Contains(out, "\n-    <disk type='file' device='floppy'>\n") || !strings.Contains(errOut, "1 fix in 1 document") {
		t.Errorf("exit code %d\n%s\n%s", code, out, errOut)
	}
	all, errOut, code := fixes(t, args()...)
	if code != cmdutil.ExitFindings || !strings.Contains(errOut, "passing (paused):") || !strings.Contains(errOut, "(libvirt has no stored definition of this guest)") {
		t.Errorf("exit code %d\n%s", code, errOut)
	}
	if strings.Contains(out+all+errOut, "hunter2") {
		t.Errorf("a secret is shown:\n%s%s", out, errOut)
	}
	for _, more := range [][]string{{"web", "--define"}, {"web", "-r", "--define", "--yes"}, {"--define", "--yes"}} {
		if _, errOut, code := fixes(t, args(more...)...); code != cmdutil.ExitUsage {
			t.Errorf("%v: exit code %d\n%s", more, code, errOut)
		}
	}
	ro := []string{"--no-config", "-c", "qemu:///system?socket=" + daemon.Socket + "-ro", "--rule", "device-floppy", "--unsafe", "web", "--define", "--yes"}
	if _, errOut, code := fixes(t, ro...); code != cmdutil.ExitFindings || !strings.Contains(errOut, "not defined: this connection may not read passwords") {
		t.Errorf("exit code %d\n%s", code, errOut)
	}
	stale := live.Definition{Guest: strings.TrimSpace(daemon.MustVirsh("domuuid", "web")), Before: []byte(before + " "), After: []byte(before)}
	if _, err := live.Define(daemon.URI, live.Options{Timeout: time.Minute}, stale); err == nil || !strings.Contains(err.Error(), "changed meanwhile") {
		t.Errorf("a definition that has changed: %v", err)
	}
	if definition() != before {
		t.Fatal("the definition has changed")
	}

	if code, shown := asked(t, "n\n", args("web", "--define")...); code != cmdutil.ExitFindings || !strings.Contains(shown, "Define web? [y/N]") || definition() != before {
		t.Errorf("the answer no: exit code %d\n%s", code, shown)
	}

	out, errOut, code = fixes(t, args("web", "--define", "--yes")...)
	if code != cmdutil.ExitClean || !strings.Contains(errOut, "web: defined, 1 fix made") || !strings.Contains(errOut, "the running guest keeps its devices") || strings.Contains(out+errOut, "hunter2") {
		t.Errorf("exit code %d\n%s\n%s", code, out, errOut)
	}
	after := definition()
	if strings.Contains(after, "device='floppy'") || !strings.Contains(after, "passwd='hunter2'") {
		t.Errorf("stored:\n%s", after)
	}
	if !strings.Contains(daemon.MustVirsh("dumpxml", "web"), "device='floppy'") {
		t.Error("the running guest has lost its drive")
	}
	if _, errOut, code = fixes(t, args("web", "--define", "--yes")...); code != cmdutil.ExitClean || !strings.Contains(errOut, "nothing to fix") {
		t.Errorf("again: exit code %d\n%s", code, errOut)
	}

	daemon.Define(strings.Replace(after, "</devices>", floppy+"</devices>", 1))
	if code, shown := asked(t, "y\n", args("web", "--define")...); code != cmdutil.ExitClean || strings.Contains(definition(), "device='floppy'") {
		t.Errorf("the answer yes: exit code %d\n%s", code, shown)
	}

	// libvirt refuses what its schema does not accept, and keeps the definition.
	invalid := live.Definition{Guest: stale.Guest, Before: []byte(after), After: []byte(strings.Replace(after, "<devices>", "<devices><nonsense/>", 1))}
	if _, err := live.Define(daemon.URI, live.Options{Timeout: time.Minute}, invalid); err == nil || !strings.Contains(err.Error(), "libvirt refuses the definition") {
		t.Errorf("an invalid definition: %v", err)
	}
}

// asked runs 'virt-audit fix' at a terminal, where an answer is typed, and returns what is shown there.
func asked(t *testing.T, answer string, args ...string) (code int, shown string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = master.Close() }()
	var number, unlock uint32
	for request, value := range map[uintptr]*uint32{syscall.TIOCSPTLCK: &unlock, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Fatal(errno)
		}
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := master.WriteString(answer); err != nil {
		t.Fatal(err)
	}
	done := make(chan string)
	go func() {
		data, _ := io.ReadAll(master) // which ends with an error when the terminal is closed
		done <- string(data)
	}()
	code = run(append([]string{"virt-audit", "fix"}, args...), terminal, io.Discard, terminal)
	_ = terminal.Close()
	return code, <-done
}

// TestFixShowsNoSecrets looks for secrets in what is listed about documents. The difference of a file
// is exact, and has what the file has.
func TestFixShowsNoSecrets(t *testing.T) {
	_, errOut, code := fixes(t, "--no-config", "--profile", "hardened", "--unsafe", "../../testdata/rules")
	if code != cmdutil.ExitFindings && code != cmdutil.ExitInput || strings.Count(errOut, "\n") < 100 {
		t.Fatalf("exit code %d\n%.2000s", code, errOut)
	}
	for line := range strings.SplitSeq(errOut, "\n") {
		if strings.Contains(strings.ToLower(line), "canary") {
			t.Errorf("a secret is shown: %s", line)
		}
	}
}

// TestFixRules fixes the documents of all rules. What is written is a document that has no finding of
// those that were fixed: nothing is fixed a second time.
func TestFixRules(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../testdata/rules")); err != nil {
		t.Fatal(err)
	}
	_, first, _ := fixes(t, "--no-config", "--unsafe", "--write", "--force", dir)
	if !strings.Contains(first, "fixes made in") || strings.Contains(first, "internal error") {
		t.Fatalf("%.2000s", first)
	}
	out, again, _ := fixes(t, "--no-config", "--unsafe", dir)
	if out != "" || strings.Contains(again, "the difference has") {
		t.Errorf("there is more to fix:\n%.2000s", out)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*", ".*")); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
}
