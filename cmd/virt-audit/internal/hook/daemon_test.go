package hook

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/testdata/libvirtd"
)

// hooked is a libvirtd whose hooks are ours.
type hooked struct {
	*libvirtd.Daemon
	*testing.T
	program string
	logged  chan string // what came to the daemon's syslog
}

const (
	rootLabel = "<seclabel type='static' model='dac' relabel='no'><label>root:root</label></seclabel>"
	// Without KVM no guest is inside the boundary. This lets them start, and refuses what else is
	// critical.
	allowTCG = "--refuse=critical --skip-rule=boundary-accel-tcg"
)

// TestHookAndLibvirtd has a real libvirtd ask the hook, for real guests.
func TestHookAndLibvirtd(t *testing.T) {
	h := &hooked{Daemon: libvirtd.Start(t, libvirtd.Options{}), T: t, logged: make(chan string, 10_000)}
	h.build()
	h.listen()
	h.Define(libvirtd.Guest("tame", ""))
	h.Define(strings.Replace(libvirtd.Guest("rooted", ""), "</domain>", rootLabel+"</domain>", 1))

	for _, step := range []struct {
		name string
		run  func(*hooked)
	}{
		{"first hook of a running daemon", (*hooked).first},
		{"refuse and allow", (*hooked).refuse},
		{"create", (*hooked).create},
		{"inherited from qemu.conf", (*hooked).inherited},
		{"restore", (*hooked).restore},
		{"what the site lives with", (*hooked).site},
		{"log only and reconnect", (*hooked).logOnly},
		{"program that gives no answer", (*hooked).broken},
		{"not executable", (*hooked).notExecutable},
		{"same verdict", (*hooked).same},
		{"names of commands, XML of a megabyte", (*hooked).odd},
		{"XML that cannot be judged", (*hooked).unjudged},
		{"uninstall", (*hooked).uninstalled},
	} {
		ok := t.Run(step.name, func(t *testing.T) {
			start := time.Now()
			sub := *h
			sub.T, sub.Daemon = t, h.For(t)
			step.run(&sub)
			t.Logf("%.1f s", time.Since(start).Seconds())
		})
		if !ok {
			return // the next one begins where this one should have ended
		}
	}
}

// build puts the executable where only root can change it.
func (h *hooked) build() {
	h.Helper()
	h.program = filepath.Join(h.Dir, "virt-audit")
	cmd := exec.Command("go", "build", "-o", h.program, "../..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		h.Fatalf("go build: %v\n%s", err, out)
	}
}

// listen is the syslog of the daemon's host.
func (h *hooked) listen() {
	h.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: h.Path("/run/syslog"), Net: "unixgram"})
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { _ = conn.Close() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			h.logged <- string(buf[:n])
		}
	}()
}

// hook runs 'virt-audit hook' on the daemon's host and returns what it printed, and its exit code.
func (h *hooked) hook(args string) (string, int) {
	h.Helper()
	cmd := h.Command(h.program, append([]string{"hook"}, strings.Fields(args)...)...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		h.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func (h *hooked) install(options string) {
	h.Helper()
	if out, code := h.hook("install " + options); code != 0 {
		h.Fatalf("hook install %s: %d\n%s", options, code, out)
	}
}

// status requires that 'hook status' ends with a code, and prints a text.
func (h *hooked) status(code int, want string) {
	h.Helper()
	out, got := h.hook("status")
	if got != code || !strings.Contains(out, want) {
		h.Errorf("hook status: exit code %d, want %d and %q\n%s", got, code, want, out)
	}
}

// starts requires that a guest starts, and ends it.
func (h *hooked) starts(guest string) {
	h.Helper()
	h.MustVirsh("start", guest)
	h.MustVirsh("destroy", guest)
}

// refused requires that libvirt refuses something, and that virsh prints all reasons.
func (h *hooked) refused(virsh []string, why ...string) {
	h.Helper()
	_, err := h.Virsh(virsh...)
	if err == nil {
		h.Fatalf("virsh %s: not refused", strings.Join(virsh, " "))
	}
	for _, w := range why {
		if !strings.Contains(err.Error(), w) {
			h.Errorf("virsh %s does not say %q:\n%v", strings.Join(virsh, " "), w, err)
		}
	}
}

// wantLog waits for a line in the log.
func (h *hooked) wantLog(text string) {
	h.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case line := <-h.logged:
			if strings.Contains(line, text) {
				return
			}
		case <-timeout:
			h.Fatalf("%q was not logged", text)
		}
	}
}
