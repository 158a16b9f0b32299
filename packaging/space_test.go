package packaging_test

import (
	"bufio"
	"bytes"
	_ "embed"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/testdata/libvirtd"
	"github.com/virt-audit/virt-audit/testdata/need"
)

//go:embed testdata/space.sh
var spaceScript string

// path is the search path of commands. A user's path may lack the sbin directories.
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// space is a system in which the real systemd runs, with this machine's software but without its
// state.
type space struct {
	tb   testing.TB
	init int // process 1, as the machine counts
}

// newSpace starts a system that ends with the test. The directory shared is its /run/shared.
func newSpace(tb testing.TB, shared string) *space {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("skipped: only root can make namespaces and mounts, to install packages in")
	}
	need.Programs(tb, "systemctl", "bash", "nsenter", "unshare")
	need.AloneWithSystemd(tb)
	dir := tb.TempDir()
	script := filepath.Join(dir, "space.sh")
	mount := filepath.Join(dir, "mount")
	if err := os.WriteFile(script, []byte(spaceScript), 0o600); err != nil {
		tb.Fatal(err)
	}
	if err := os.Mkdir(mount, 0o700); err != nil {
		tb.Fatal(err)
	}
	branch := controlGroup(tb)
	cmd := exec.Command("bash", script, mount, branch, shared)
	cmd.Env = []string{"PATH=" + path, "LC_ALL=C"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL,
	}
	ended, err := libvirtd.StartTied(cmd)
	if err != nil {
		tb.Fatalf("namespaces: %v: root without CAP_SYS_ADMIN cannot make any; in a container, 'docker run --privileged' gives it", err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	s := &space{tb, cmd.Process.Pid}
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); {
		select {
		case <-ended:
			tb.Fatalf("systemd did not start: %s", &stderr)
		case <-time.After(100 * time.Millisecond):
		}
		// A "degraded" system runs, except for some unit of this machine's other packages.
		state, _ := s.command("systemctl", "is-system-running").Output()
		if word := strings.TrimSpace(string(state)); word == "running" || word == "degraded" {
			return s
		}
	}
	out, _ := s.command("systemctl", "list-jobs").CombinedOutput()
	tb.Fatalf("systemd does not come up: %s%s", &stderr, out)
	return nil
}

// controlGroup creates a branch in the hierarchy of control groups, which is removed at the end of
// the test.
func controlGroup(tb testing.TB) string {
	tb.Helper()
	mounts, err := os.Open("/proc/self/mounts")
	if err != nil {
		tb.Fatal(err)
	}
	defer mounts.Close() //nolint:errcheck // nothing was written
	for lines := bufio.NewScanner(mounts); lines.Scan(); {
		if f := strings.Fields(lines.Text()); f[2] == "cgroup2" {
			branch := filepath.Join(f[1], "virt-audit-test-"+strconv.Itoa(os.Getpid()))
			if err := os.Mkdir(branch, 0o755); err != nil {
				tb.Fatalf("systemd needs control groups of its own: %v; in a container, 'docker run --privileged' gives them", err)
			}
			tb.Cleanup(func() { removeGroup(tb, branch) })
			return branch
		}
	}
	tb.Fatal("no cgroup2 is mounted: systemd cannot run without")
	return ""
}

// removeGroup removes a branch after its processes have ended.
func removeGroup(tb testing.TB, branch string) {
	tb.Helper()
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var groups []string
		_ = filepath.WalkDir(branch, func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				groups = append(groups, name)
			}
			return nil
		})
		for _, g := range slices.Backward(groups) {
			err = os.Remove(g)
		}
		if err == nil || os.IsNotExist(err) {
			return
		}
	}
	tb.Errorf("a control group stays: %v", err)
}

// command prepares a command that runs in the space, without the environment of the test.
func (s *space) command(args ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", append([]string{"--target", strconv.Itoa(s.init), "--all", "--root", "--wd", "--"}, args...)...)
	cmd.Env = []string{"PATH=" + path, "LC_ALL=C", "HOME=/root", "DEBIAN_FRONTEND=noninteractive", "PAGER=cat"}
	return cmd
}

// try runs a command, and returns its output and its exit code.
func (s *space) try(args ...string) (output string, code int) {
	s.tb.Helper()
	out, err := s.command(args...).CombinedOutput()
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Output does not wrap it
		return string(out), exit.ExitCode()
	}
	if err != nil {
		s.tb.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return string(out), 0
}

// must runs a command that must succeed, and returns its output.
func (s *space) must(args ...string) string {
	s.tb.Helper()
	out, code := s.try(args...)
	if code != 0 {
		s.tb.Fatalf("%s: exit code %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// shell runs lines that must succeed.
func (s *space) shell(script string) string {
	s.tb.Helper()
	return s.must("sh", "-euc", script)
}

// changed lists the files that differ from the machine's, and all files with virt-audit in their
// names, except for databases of the package managers, logs and systemd's own records.
func (s *space) changed() []string {
	s.tb.Helper()
	return strings.Fields(s.shell(`cd /run/upper && find . \( -not -type d -o -name '*virt-audit*' \) \
		-not -path './var/lib/dpkg*' -not -path './var/lib/rpm*' -not -path './var/log/*' -not -path './var/cache/*' \
		-not -path ./etc/ld.so.cache | sort`))
}
