package hook

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

// scriptPlace is the place of the script, and of the files of the host that show whether libvirt
// runs it.
type scriptPlace struct {
	hooks string // libvirt's directory
	name  string // of the script
	root  string // "" but in tests: where /run, /proc and /sys are
}

func (p *scriptPlace) path() string { return filepath.Join(p.hooks, "qemu.d", p.name) }

// describe prints that the hook is active, or why it cannot be relied on. It reports whether it is
// active.
func (p *scriptPlace) describe(w io.Writer) bool {
	s, problems := p.check()
	if len(problems) == 0 {
		fmt.Fprintf(w, "%s is active\n", p.path())
	} else {
		fmt.Fprintf(w, "%s cannot be relied on:\n", p.path())
		for _, problem := range problems {
			fmt.Fprintf(w, "  %s\n", problem)
		}
	}
	if s != nil && !s.old {
		fmt.Fprintf(w, "  it runs: %s hook decide %s\n", s.Program, strings.Join(s.Options, " "))
	}
	if p.hooks != libvirtHooks {
		fmt.Fprintf(w, "  note: libvirt reads this directory only when it was built to; distributions have %s\n", libvirtHooks)
	}
	return len(problems) == 0
}

// check looks at everything between libvirt and the verdict. Each problem is one sentence with its
// fix.
func (p *scriptPlace) check() (s *script, problems []string) {
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	s, err := p.read()
	switch {
	case err != nil:
		problem("%v", err)
		return nil, problems
	case s == nil:
		problem("it is not there: 'virt-audit hook install' writes it")
		return nil, problems
	}
	info, err := os.Stat(p.path())
	if err != nil {
		problem("%v", err)
		return s, problems
	}
	switch mode := info.Mode().Perm(); {
	case mode&0o111 == 0:
		problem("it is not executable, and libvirt starts guests without it: chmod 755")
	case mode&0o555 != 0o555:
		problem("it is not executable for every user, and the sessions of users start guests without it: chmod 755")
	}
	owner, _ := files.Owner(info)
	if why := files.Changeable(p.path(), owner); why != "" {
		problem("the script is not safe to run as root: %s", why)
	}
	if s.old {
		problem("an older version wrote it, and libvirt may still run it: 'virt-audit hook install' replaces it, with the options given then and not those of the old script")
		return s, problems
	}
	if data, err := os.ReadFile(p.path()); err != nil || string(data) != s.text() {
		problem("it was changed since it was written: 'virt-audit hook install' writes it again")
	}
	p.checkProgram(s.Program, owner, problem)
	if err := s.unusable(owner); err != nil {
		problem("it cannot judge any guest: %s: fix that, or install again", hinted(err))
	}
	if p.hooks == libvirtHooks {
		p.checkDaemons(s.foundSince(info), problem)
	}
	return s, problems
}

// checkProgram looks at the executable that the script runs.
func (p *scriptPlace) checkProgram(program string, owner uint32, problem func(string, ...any)) {
	switch info, err := os.Stat(program); {
	case err != nil:
		problem("the executable is missing: %v", err)
		return
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		problem("%s is not executable", program)
		return
	}
	if why := files.Changeable(program, owner); why != "" {
		problem("the executable is not safe to run as root: %s", why)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, program, "--version").Output(); err != nil || !bytes.HasPrefix(out, []byte("virt-audit ")) {
		problem("the executable %s does not run: %v", program, err)
	}
	if profile := p.appArmor(); profile != "" && !p.runnable(program) {
		problem("AppArmor (profile %s) lets hooks run only executables in /usr/bin and %s: move %s to /usr/bin, and install again from there", profile, p.hooks, program)
	}
}

// appArmor returns the profile that confines libvirt's daemon, or "" if there is none.
func (p *scriptPlace) appArmor() string {
	data, _ := os.ReadFile(p.root + "/sys/kernel/security/apparmor/profiles")
	for line := range strings.Lines(string(data)) {
		if name, ok := strings.CutSuffix(strings.TrimSpace(line), " (enforce)"); ok && slices.Contains(daemons, filepath.Base(name)) {
			return name
		}
	}
	return ""
}

// runnable reports whether libvirt's AppArmor profile lets a hook run an executable
// (src/security/apparmor/usr.sbin.libvirtd.in: "/usr/bin/* PUx", "/etc/libvirt/hooks/** rmix").
func (p *scriptPlace) runnable(program string) bool {
	return slices.Contains([]string{"/bin", "/sbin", "/usr/bin", "/usr/sbin"}, filepath.Dir(program)) ||
		strings.HasPrefix(program, p.hooks+"/")
}

// daemons are libvirt's daemons that start QEMU.
var daemons = []string{"libvirtd", "virtqemud"}

// checkDaemons looks for a daemon that runs and has not found any hook: libvirt looks for hooks
// when it starts, and once it has found one, finds others when it needs them (src/util/virhook.c,
// virHookInitialize; measured with libvirt 9.0).
func (p *scriptPlace) checkDaemons(since time.Time, problem func(string, ...any)) {
	for _, name := range daemons {
		pid, started := p.daemon(name)
		if pid != 0 && since.After(started) && !p.othersAt(started) {
			problem("%s (process %d) was started before the script was there, and executable, and looks for hooks when it starts: restart it (guests keep running)", name, pid)
		}
	}
}

// daemon returns the process of a daemon that runs, and since when it does. Both are from its pid
// file, which it writes when it starts and locks while it runs; the clock is that of the files it
// is compared with.
func (p *scriptPlace) daemon(name string) (pid int, started time.Time) {
	file := filepath.Join(p.root, "/run", name+".pid")
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
	comm, err := os.ReadFile(fmt.Sprintf("%s/proc/%d/comm", p.root, pid))
	if err != nil || strings.TrimSpace(string(comm)) != name {
		return 0, time.Time{} // an old file
	}
	return pid, info.ModTime()
}

// othersAt reports whether there was another hook for QEMU at a time: the main script, or one in
// qemu.d, that has not changed since.
func (p *scriptPlace) othersAt(t time.Time) bool {
	files := []string{filepath.Join(p.hooks, "qemu")}
	entries, _ := os.ReadDir(filepath.Join(p.hooks, "qemu.d"))
	for _, e := range entries {
		if e.Name() != p.name {
			files = append(files, filepath.Join(p.hooks, "qemu.d", e.Name()))
		}
	}
	return slices.ContainsFunc(files, func(file string) bool {
		info, err := os.Stat(file)
		return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 && !changeTime(info).After(t)
	})
}
