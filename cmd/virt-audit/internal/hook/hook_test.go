package hook

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
	"github.com/virt-audit/virt-audit/rules"
)

// run runs virt-audit, with this command alone, in this process.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	program := &command.Command{Name: "virt-audit", Subcommands: []*command.Command{New()}}
	return command.Execute(program, cmdutil.NewStreams(in, out, errOut, "devel"), args)
}

// asked runs 'virt-audit hook' in this process.
func asked(in io.Reader, options ...string) (code int, out, errOut string) {
	var stdout, stderr bytes.Buffer
	args := append([]string{"hook", "--log", "stderr"}, options...)
	code = run(append(args, "--", "web", "prepare", "begin", "-"), in, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

type reading func([]byte) (int, error)

func (r reading) Read(p []byte) (int, error) { return r(p) }

// TestHookInput gives the hook what it cannot judge: it gives up in time, and refuses the guest
// unless an option allows it.
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
		for _, option := range []string{"--no-config", "--fail-closed", "--allow-unreadable", "--log-only"} {
			timeout := "1m" // a slow machine must not give up if there is an answer
			if strings.HasPrefix(in.why, "no verdict") {
				timeout = "50ms"
			}
			start := time.Now()
			code, out, errOut := asked(in.in, "--timeout", timeout, "--max-size", "1M", option)
			if took := time.Since(start); took > time.Minute {
				t.Errorf("%s: %v", name, took)
			}
			want := 1
			if option == "--allow-unreadable" || option == "--log-only" {
				want = 0
			}
			if code != want || out != "" || !strings.Contains(errOut, in.why) {
				t.Errorf("%s, %s: code %d, want %d and %q\n%s%s", name, option, code, want, in.why, out, errOut)
			}
			if strings.ContainsAny(strings.ReplaceAll(errOut, "\n", ""), "\x00\x1b\u009b") {
				t.Errorf("%s: control characters: %q", name, errOut)
			}
			if n := strings.Count(errOut, "\n"); n > maxLines+1 || len(errOut) > maxLines*maxLine {
				t.Errorf("%s: %d lines, %d bytes", name, n, len(errOut))
			}
			if in, ok := in.in.(*strings.Reader); ok {
				_, _ = in.Seek(0, io.SeekStart)
			}
		}
	}
	if n := read.Load(); n > 16<<20 {
		t.Errorf("%d bytes were read of input without end", n)
	}
}

// TestBlame: a defect that every guest meets is ours, and one that only some meet is a way past the
// hook.
func TestBlame(t *testing.T) {
	rule := *rules.All()[0]
	for name, want := range map[string]bool{"control": false, "web": true} {
		rule.Check = func(p *audit.Pass) {
			if p.Name == name {
				panic("a defect")
			}
		}
		_, document := errors.AsType[*unjudged](blame(errors.New("a defect"), &audit.Settings{Rules: []*audit.Rule{&rule}}))
		if document != want {
			t.Errorf("a defect with guest %s is the document's: %v, want %v", name, document, want)
		}
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
		if code := run([]string{"hook", "--fail-closed", "--refuse=info", "--", "web", operation, "begin", "-"}, in, &out, &out); code != 0 || out.Len() > 0 {
			t.Errorf("%s: code %d\n%s", operation, code, out.String())
		}
	}
}

// TestHookFindsTheSame compares, over all documents of the rules, what is found in a file and what
// a hook finds in the same guest when libvirt is about to start it.
func TestHookFindsTheSame(t *testing.T) {
	files, err := filepath.Glob("../../../../testdata/rules/*/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	root := regexp.MustCompile(`<domain( type=)`)
	id := regexp.MustCompile(`<domain [^>]*\bid=`)
	all := &audit.Settings{Rules: rules.All()}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := domxml.Load(file, data)
		if err != nil || id.Match(data) || d.CPU != nil && d.CPU.Check == "full" {
			continue
		}
		want := audit.Run(d, all)
		got, err := judge(bytes.NewReader(root.ReplaceAll(data, []byte("<domain id='7'$1"))), 1<<20, opPrepare, all)
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
	b.WriteString(string(r.Boundary.Verdict) + "\n")
	for _, f := range r.Findings {
		b.WriteString(f.Severity.String() + " " + f.Rule.ID + " " + f.Message + "\n")
	}
	return b.String()
}

// TestHookNamesRules requires that the rules that hooks skip exist.
func TestHookNamesRules(t *testing.T) {
	for _, id := range notInHooks {
		if _, err := (&site.Site{}).Rule(id); err != nil {
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

// TestLines: what a guest's author has written cannot control the terminal of the user who starts
// it, nor fill it.
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
	for want, h := range []*script{
		{Program: "/nonexistent/virt-audit"},
		{
			Program: "/opt/o'brien's tools/<virt-audit>", Options: []string{"--refuse=outside,critical", "--policy=/a b/$(touch x)/'.yaml\n", "--fail-closed"},
			Written: now, Since: now.Add(-time.Hour),
		},
	} {
		text := h.text()
		back := parseScript(text)
		if back == nil || back.text() != text || back.Program != h.Program || !slices.Equal(back.Options, h.Options) {
			t.Errorf("%+v is read back as %+v", h, back)
		}
		if code, out := runScript(t, text, "web"); code != want || !strings.Contains(out, "status 127") {
			t.Errorf("%s: code %d, want %d\n%s", h.Program, code, want, out)
		}
	}
	for _, text := range []string{"", "#!/bin/sh\nexit 0\n", "#!/bin/sh\n# virt-audit hook\n"} {
		if parseScript(text) != nil {
			t.Errorf("%q is taken for ours", text)
		}
	}
	if old := parseScript("#!/bin/sh\n# virt-audit hook, form 1\n'/usr/bin/virt-audit' hook '--dry-run' -- \"$@\"\n"); old == nil || !old.old {
		t.Errorf("a script of an older version is read as %+v", old)
	}
	if (&script{Program: "/usr/bin/\xff"}).check() == nil {
		t.Error("a name that is not UTF-8 is written, and another is read back")
	}
}

// runScript has a shell run a script as libvirt does at "prepare", and returns its exit status and
// what it printed.
func runScript(t *testing.T, text, guest string) (code int, printed string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", file, guest, "prepare", "begin", "-")
	cmd.Stdin = strings.NewReader("<domain/>")
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	_ = cmd.Run()
	if out.Len() > 0 {
		t.Errorf("libvirt would take this for the XML of the guest: %s", out.String())
	}
	return cmd.ProcessState.ExitCode(), errOut.String()
}

// TestScriptNoAnswer has scripts run an executable that gives no answer: to no guest, or to one
// alone.
func TestScriptNoAnswer(t *testing.T) {
	dir := t.TempDir()
	program := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
		return file
	}
	always := program("always", "exit 139\n")
	once := program("once", `case "$*" in *control*) cat; exit 1 ;; esac; exit 139`+"\n")
	memory := program("memory", "exit 137\n")
	for _, tt := range []struct {
		program, option string
		code            int
		says            string
	}{
		{always, "", 0, "virt-audit ended with status 139: the guest is let through\n"},
		{always, "--fail-closed", 1, "status 139: the guest is refused (--fail-closed)\n"},
		{memory, "", 1, "status 137: it does so with the XML of this guest, which is refused\n"},
		{memory, "--log-only", 0, "the guest is let through\n"},
		{always, "--allow-unreadable", 0, "the guest is let through\n"},
		{once, "", 1, "status 139: it does so with the XML of this guest, which is refused\n"},
		{once, "--fail-closed", 1, "the guest is refused (--fail-closed)\n"},
		{once, "--allow-unreadable", 0, "the guest is let through\n"},
		{once, "--log-only", 0, "the guest is let through\n"},
	} {
		options := []string{tt.option}
		h := &script{Program: tt.program, Options: options}
		if code, out := runScript(t, h.text(), "web"); code != tt.code || !strings.HasSuffix(out, tt.says) {
			t.Errorf("%s %s: code %d, want %d and %q\n%s", tt.program, tt.option, code, tt.code, tt.says, out)
		}
	}
	// The name of a guest is data, whatever is in it.
	h := &script{Program: program("crashes", "exit 2\n")}
	for name, want := range map[string]string{
		"-n": "'-n'", `a\c\033[2Jb`: `'a\c\033[2Jb'`, "%s%n": "'%s%n'", "a\x1b[2J\nb": "'a?[2J?b'", "$(touch x)`id`": "'$(touch x)`id`'", "ü": "'??'",
	} {
		if _, out := runScript(t, h.text(), name); !strings.HasPrefix(out, "virt-audit: guest "+want+" cannot be judged") || strings.Count(out, "\n") != 1 {
			t.Errorf("%q is printed as %q", name, out)
		}
	}
}

// TestAppArmor: libvirt's profile lets a hook run executables of some directories only.
func TestAppArmor(t *testing.T) {
	root := t.TempDir()
	profiles := filepath.Join(root, "sys/kernel/security/apparmor/profiles")
	if err := os.MkdirAll(filepath.Dir(profiles), 0o755); err != nil {
		t.Fatal(err)
	}
	h := &scriptPlace{hooks: libvirtHooks, root: root}
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
	h := &scriptPlace{hooks: filepath.Join(root, "hooks"), name: "50-virt-audit", root: root}
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
