package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/virt-audit/virt-audit/audit/files"
)

// hookHost is a host's hooks, as far as files tell.
type hookHost struct {
	hooks string // libvirt's folder
	name  string // of our script
	root  string // "" but in tests: where /run, /proc and /sys are
}

func (h *hookHost) script() string { return filepath.Join(h.hooks, "qemu.d", h.name) }

// describe prints whether the hook is active, and all that keeps it from being. It reports whether it is.
func (h *hookHost) describe(w io.Writer) bool {
	script, problems := h.check()
	if len(problems) == 0 {
		fmt.Fprintf(w, "%s is active\n", h.script())
	} else {
		fmt.Fprintf(w, "%s is NOT active:\n", h.script())
		for _, p := range problems {
			fmt.Fprintf(w, "  %s\n", p)
		}
	}
	if script != nil {
		fmt.Fprintf(w, "  it runs: %s hook %s\n", script.program, strings.Join(script.options, " "))
	}
	if h.hooks != libvirtHooks {
		fmt.Fprintf(w, "  note: libvirt reads this directory only when it was built to; distributions have %s\n", libvirtHooks)
	}
	return len(problems) == 0
}

// check looks at everything between libvirt and our verdict. Each problem is one sentence with what to do.
func (h *hookHost) check() (script *hookScript, problems []string) {
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	script, err := h.ours()
	switch {
	case err != nil:
		problem("%v", err)
		return nil, problems
	case script == nil:
		problem("it is not there: 'virt-audit hook install' writes it")
		return nil, problems
	}
	info, err := os.Stat(h.script())
	if err != nil {
		problem("%v", err)
		return script, problems
	}
	switch mode := info.Mode().Perm(); {
	case mode&0o111 == 0:
		problem("it is not executable, and libvirt starts guests without it: chmod 755")
	case mode&0o555 != 0o555:
		problem("it is not executable for every user, and the sessions of users start guests without it: chmod 755")
	}
	owner, _ := files.Owner(info)
	if why := files.Changeable(h.script(), owner); why != "" {
		problem("the script is not safe to run as root: %s", why)
	}
	switch data, err := os.ReadFile(h.script()); {
	case script.old:
		problem("it was written by an older version: 'virt-audit hook install' writes it again")
	case err != nil || string(data) != script.text():
		problem("it was changed since it was written: 'virt-audit hook install' writes it again")
	}
	h.checkProgram(script.program, owner, problem)
	if err := script.unusable(owner); err != nil {
		problem("it cannot judge any guest: %s: fix that, or install again", plain(err))
	}
	if h.hooks == libvirtHooks {
		h.checkDaemons(script.foundSince(info), problem)
	}
	return script, problems
}

// checkProgram looks at what the script runs.
func (h *hookHost) checkProgram(program string, owner uint32, problem func(string, ...any)) {
	switch info, err := os.Stat(program); {
	case err != nil:
		problem("the program is missing: %v", err)
		return
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		problem("the program %s is not executable", program)
		return
	}
	if why := files.Changeable(program, owner); why != "" {
		problem("the program is not safe to run as root: %s", why)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, program, "--version").Output(); err != nil || !bytes.HasPrefix(out, []byte("virt-audit ")) {
		problem("the program %s does not run: %v", program, err)
	}
	if profile := h.appArmor(); profile != "" && !h.runnable(program) {
		problem("AppArmor (profile %s) lets hooks run programs of /usr/bin and %s alone: move %s to /usr/bin, and install again from there", profile, h.hooks, program)
	}
}

// appArmor returns the profile that confines libvirt's daemon, "" where there is none.
func (h *hookHost) appArmor() string {
	data, _ := os.ReadFile(h.root + "/sys/kernel/security/apparmor/profiles")
	for line := range strings.Lines(string(data)) {
		if name, ok := strings.CutSuffix(strings.TrimSpace(line), " (enforce)"); ok && slices.Contains(daemons, filepath.Base(name)) {
			return name
		}
	}
	return ""
}

// runnable reports whether libvirt's AppArmor profile lets a hook run a program
// (src/security/apparmor/usr.sbin.libvirtd.in: "/usr/bin/* PUx", "/etc/libvirt/hooks/** rmix").
func (h *hookHost) runnable(program string) bool {
	return slices.Contains([]string{"/bin", "/sbin", "/usr/bin", "/usr/sbin"}, filepath.Dir(program)) ||
		strings.HasPrefix(program, h.hooks+"/")
}

// daemons are those of libvirt that start QEMU.
var daemons = []string{"libvirtd", "virtqemud"}

// checkDaemons looks for a daemon that runs and does not know of any hook: libvirt looks for hooks when
// it starts, and once it has seen one, finds others when it needs them (src/util/virhook.c,
// virHookInitialize; measured with libvirt 9.0).
func (h *hookHost) checkDaemons(since time.Time, problem func(string, ...any)) {
	for _, name := range daemons {
		pid, started := h.daemon(name)
		if pid != 0 && since.After(started) && !h.othersAt(started) {
			problem("%s (process %d) was started before the script was there, and executable, and looks for hooks when it starts: restart it (guests run on)", name, pid)
		}
	}
}

// daemon returns the process of a daemon that runs, and since when. Both are from its pid file, which
// it writes when it starts and locks while it runs; the clock is that of the files it is compared with.
func (h *hookHost) daemon(name string) (pid int, started time.Time) {
	file := filepath.Join(h.root, "/run", name+".pid")
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, time.Time{}
	}
	info, err := os.Stat(file)
	if err != nil {
		return 0, time.Time{}
	}
	pid, err = strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 0, time.Time{}
	}
	comm, err := os.ReadFile(fmt.Sprintf("%s/proc/%d/comm", h.root, pid))
	if err != nil || strings.TrimSpace(string(comm)) != name {
		return 0, time.Time{} // an old file
	}
	return pid, info.ModTime()
}

// othersAt reports whether there was another hook for QEMU at a time: the main script, or one in
// qemu.d, that has not changed since.
func (h *hookHost) othersAt(t time.Time) bool {
	files := []string{filepath.Join(h.hooks, "qemu")}
	entries, _ := os.ReadDir(filepath.Join(h.hooks, "qemu.d"))
	for _, e := range entries {
		if e.Name() != h.name {
			files = append(files, filepath.Join(h.hooks, "qemu.d", e.Name()))
		}
	}
	return slices.ContainsFunc(files, func(file string) bool {
		info, err := os.Stat(file)
		return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 && !changeTime(info).After(t)
	})
}
