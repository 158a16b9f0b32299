package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/rules"
)

// asked runs 'virt-audit hook' in this process.
func asked(in io.Reader, options ...string) (code int, out, errOut string) {
	var stdout, stderr bytes.Buffer
	args := append([]string{"virt-audit", "hook", "--log", "stderr"}, options...)
	code = run(append(args, "--", "web", "prepare", "begin", "-"), in, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

type reading func([]byte) (int, error)

func (r reading) Read(p []byte) (int, error) { return r(p) }

// TestHookInput gives the hook what it cannot judge: it gives up in time, and then does as it is told.
func TestHookInput(t *testing.T) {
	var read atomic.Int64 // a reader may go on when the hook has given up
	inputs := map[string]struct {
		in  io.Reader
		why string
	}{
		"no end of waiting": {reading(func([]byte) (int, error) { select {} }), "no verdict after 50ms"},
		"a byte at times": {reading(func(p []byte) (int, error) {
			time.Sleep(10 * time.Millisecond)
			return copy(p, " "), nil
		}), "no verdict after 50ms"},
		"no end of bytes": {reading(func(p []byte) (int, error) {
			read.Add(int64(len(p)))
			return len(p), nil
		}), "the XML is larger than 1048576 bytes"},
		"error":              {reading(func([]byte) (int, error) { return 0, errors.New("broken pipe") }), "read the XML: broken pipe"},
		"panic":              {reading(func([]byte) (int, error) { panic("ours") }), "internal error: ours"},
		"empty":              {strings.NewReader(""), "the document is empty"},
		"noise":              {strings.NewReader("\x00\xff<<<"), "control character"},
		"control characters": {strings.NewReader("<domain type='kvm'><os><type>\u009b31m</type></os></domain>"), "unknown OS type"},
	}
	for name, in := range inputs {
		for _, closed := range []bool{false, true} {
			timeout := "1m" // a slow machine is no reason to give up where there is an answer
			if strings.HasPrefix(in.why, "no verdict") {
				timeout = "50ms"
			}
			options := []string{"--timeout", timeout, "--max-size", "1M"}
			if closed {
				options = append(options, "--fail-closed")
			}
			start := time.Now()
			code, out, errOut := asked(in.in, options...)
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("%s: %v", name, took)
			}
			if want := map[bool]int{false: 0, true: 1}[closed]; code != want || out != "" || !strings.Contains(errOut, in.why) {
				t.Errorf("%s, closed %v: code %d, want %d and %q\n%s%s", name, closed, code, want, in.why, out, errOut)
			}
			if strings.ContainsAny(strings.ReplaceAll(errOut, "\n", ""), "\x00\x1b\u009b") {
				t.Errorf("%s: control characters: %q", name, errOut)
			}
			if in, ok := in.in.(*strings.Reader); ok {
				_, _ = in.Seek(0, io.SeekStart)
			}
		}
	}
	if n := read.Load(); n > 8<<20 {
		t.Errorf("%d bytes were read of input without end", n)
	}
}

// TestHookReadsNothing has operations that are not ours end without a look at the input.
func TestHookReadsNothing(t *testing.T) {
	for _, operation := range []string{"reconnect", "start", "started", "stopped", "release", "attach", "", "-", "PREPARE", "later"} {
		var out bytes.Buffer
		in := reading(func([]byte) (int, error) {
			t.Errorf("%s: the input is read", operation)
			return 0, io.EOF
		})
		if code := run([]string{"virt-audit", "hook", "--fail-closed", "--refuse=info", "--", "web", operation, "begin", "-"}, in, &out, &out); code != 0 || out.Len() > 0 {
			t.Errorf("%s: code %d\n%s", operation, code, out.String())
		}
	}
}

// TestHookFindsTheSame compares, over all documents of the rules, what is found in a file and what a
// hook finds in the same guest when libvirt is about to start it.
func TestHookFindsTheSame(t *testing.T) {
	files, err := filepath.Glob("../../testdata/rules/*/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	root := regexp.MustCompile(`<domain( type=)`)
	id := regexp.MustCompile(`<domain [^>]*\bid=`)
	all := &audit.Config{Rules: rules.All()}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := audit.Load(file, data)
		if err != nil || id.Match(data) || d.CPU != nil && d.CPU.Check == "full" {
			continue
		}
		want := audit.Run(d, all)
		got, err := judgeHooked(bytes.NewReader(root.ReplaceAll(data, []byte("<domain id='7'$1"))), 1<<20, opPrepare, all)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if w, g := verdictText(want), verdictText(got); w != g {
			t.Errorf("%s: in a file\n%sin a hook\n%s", file, w, g)
		}
	}
}

func verdictText(r *audit.Result) string {
	var b strings.Builder
	b.WriteString(string(r.Boundary.Word) + "\n")
	for _, f := range r.Findings {
		b.WriteString(f.Severity.String() + " " + f.Rule.ID + " " + f.Message + "\n")
	}
	return b.String()
}

// TestHookNamesRules wants the rules that hooks leave out to exist.
func TestHookNamesRules(t *testing.T) {
	for _, id := range notInHooks {
		if _, err := ruleNamed(id); err != nil {
			t.Error(err)
		}
	}
}

func TestPlace(t *testing.T) {
	for path, want := range map[string]string{
		"":                                    "<domain>",
		"@type":                               "<domain>, type",
		"os/type@arch":                        "<os>, <type>, arch",
		"devices/graphics[2]/listen@address":  "<graphics> 2, <listen>, address",
		"devices/disk[1]/backingStore/source": "<disk> 1, <backingStore>, <source>",
	} {
		if got := place(audit.At(path)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// TestLines: what a guest's author has written cannot steer the terminal of whoever starts it, nor fill it.
func TestLines(t *testing.T) {
	text := lines("first\n\x1b[2Jsecond\n" + strings.Repeat("ü", 1000) + "\n")
	want := "first\n  \\x1b[2Jsecond\n  " + strings.Repeat("ü", maxLine) + "..."
	if text != want {
		t.Errorf("%q", text)
	}
	if n := len(oneLine(strings.Repeat(text+"\n", 100))); n > maxLogged+3 {
		t.Errorf("a line of %d bytes is logged", n)
	}
}

// TestScriptText reads scripts back, and has a shell read them.
func TestScriptText(t *testing.T) {
	now := time.Now().UTC()
	for _, h := range []*hookScript{
		{program: "/nonexistent/virt-audit"},
		{program: "/opt/o'brien's tools/virt-audit", options: []string{"--refuse=outside,critical", "--policy=/a b/$(touch x)/'.yaml"}, failClosed: true, written: now, since: now.Add(-time.Hour)},
	} {
		text := h.text()
		back := parseScript(text)
		if back == nil || back.text() != text || back.program != h.program || strings.Join(back.options, "|") != strings.Join(h.options, "|") {
			t.Errorf("%+v is read back as %+v", h, back)
		}
		cmd := exec.Command("sh", "-s", "--", "web", "prepare", "begin", "-")
		cmd.Stdin = strings.NewReader(text)
		var out, errOut strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errOut
		_ = cmd.Run()
		want := map[bool]int{false: 0, true: 1}[h.failClosed]
		if code := cmd.ProcessState.ExitCode(); code != want || out.Len() > 0 || !strings.Contains(errOut.String(), "status 127") {
			t.Errorf("%s: code %d, want %d\n%s%s", h.program, code, want, out.String(), errOut.String())
		}
	}
	for _, text := range []string{"", "#!/bin/sh\nexit 0\n", "#!/bin/sh\n# virt-audit hook, form 2\n"} {
		if parseScript(text) != nil {
			t.Errorf("%q is taken for ours", text)
		}
	}
}

func TestDistrust(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "bin", "virt-audit")
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if why := distrust(program); why != "" {
		t.Errorf("not trusted: %s", why)
	}
	for _, path := range []string{program, filepath.Dir(program), dir} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
		if why := distrust(program); why != path+" can be changed by every user" {
			t.Errorf("%s is open to all: %q", path, why)
		}
		if err := os.Chmod(path, info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	if distrust(filepath.Join(dir, "gone")) == "" {
		t.Error("a program that is not there is trusted")
	}
}

// TestAppArmor: libvirt's profile lets a hook run some folders' programs only.
func TestAppArmor(t *testing.T) {
	root := t.TempDir()
	profiles := filepath.Join(root, "sys/kernel/security/apparmor/profiles")
	if err := os.MkdirAll(filepath.Dir(profiles), 0o755); err != nil {
		t.Fatal(err)
	}
	h := &hookHost{hooks: libvirtHooks, root: root}
	for text, want := range map[string]string{
		"":                      "",
		"libvirtd (complain)\n": "",
		"libvirtd (enforce)\n":  "libvirtd",
		"man_groff (enforce)\n/usr/sbin/virtqemud (enforce)\nvirtqemud//qemu_bridge_helper (enforce)\n": "/usr/sbin/virtqemud",
		"libvirtd//qemu_bridge_helper (enforce)\n":                                                      "",
	} {
		if err := os.WriteFile(profiles, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := h.appArmor(); got != want {
			t.Errorf("%q: profile %q, want %q", text, got, want)
		}
	}
	for program, want := range map[string]bool{
		"/usr/bin/virt-audit": true, "/etc/libvirt/hooks/bin/virt-audit": true, "/usr/local/bin/virt-audit": false, "/usr/bin/x/virt-audit": false,
	} {
		if h.runnable(program) != want {
			t.Errorf("%s: runnable %v", program, !want)
		}
	}
}

// TestDaemonStart: a pid file alone does not make a daemon.
func TestDaemonStart(t *testing.T) {
	root := t.TempDir()
	h := &hookHost{hooks: filepath.Join(root, "hooks"), name: "50-virt-audit", root: root}
	write := func(file, text string, mode os.FileMode) {
		t.Helper()
		file = filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	count := func(since time.Time) (n int) {
		h.checkDaemons(since, func(string, ...any) { n++ })
		return n
	}
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if n := count(future); n != 0 {
		t.Error("there is no daemon, and it is found")
	}
	write("run/virtqemud.pid", "7\n", 0o644)
	if n := count(future); n != 0 {
		t.Error("a pid file without a process is taken for a daemon")
	}
	write("proc/7/comm", "bash\n", 0o644)
	if n := count(future); n != 0 {
		t.Error("another process is taken for a daemon")
	}
	write("proc/7/comm", "virtqemud\n", 0o644)
	if n := count(future); n != 1 {
		t.Error("a script that is newer than the daemon is taken for known")
	}
	if n := count(past); n != 0 {
		t.Error("a script that is older than the daemon is taken for unknown")
	}
	write("hooks/qemu.d/10-other", "#!/bin/sh\n", 0o644)
	write("hooks/qemu.d/50-virt-audit", "#!/bin/sh\n", 0o755)
	if n := count(future); n != 1 {
		t.Error("a script that is not executable, or ours, makes hooks known")
	}
	write("hooks/qemu.d/20-other", "#!/bin/sh\n", 0o755)
	if err := os.Chtimes(filepath.Join(root, "run/virtqemud.pid"), future, future); err != nil {
		t.Fatal(err)
	}
	if n := count(future.Add(time.Hour)); n != 0 {
		t.Error("with another hook that the daemon knows, ours is found at once")
	}
}
