// Package libvirtd starts a real libvirtd for tests that changes nothing on the host: it runs in
// separate mount, network, PID and IPC namespaces, with separate directories over /etc/libvirt,
// /var/lib/libvirt, /var/cache/libvirt, /var/log/libvirt and /run. QEMU runs its guests in software
// unless a test requests KVM, so that no other test requires /dev/kvm.
//
// A test that cannot have its daemon fails and reports what is missing; it never skips silently.
// Daemons of several tests, and of packages that are tested at the same time, do not see each
// other.
//
// However the test process ends, only a directory below the one for temporary files remains: daemon
// and guests live in a PID namespace whose first process dies with the test process.
package libvirtd

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/testdata/need"
)

//go:embed space.sh
var space string

// patience is the time limit for a daemon to answer, or to end. It takes a second on an idle
// machine.
const patience = 2 * time.Minute

// Options change how a daemon is set up. The zero value is a daemon whose only security driver is
// DAC, and that accepts every user who may open its socket.
type Options struct {
	QEMUConf string   // lines for qemu.conf, after the defaults of this package
	Conf     string   // lines for libvirtd.conf, after the defaults of this package
	Args     []string // further arguments, such as "--listen"

	Root   string // a directory with another libvirt and QEMU, which the daemon has as its root
	KVM    bool   // a /dev with KVM where the kernel has it, see Daemon.KVM
	Sealed bool   // what the daemon writes stays in memory, and the files of the machine are read-only
	Limit  int64  // bytes of address space that the daemon may have; 0: no limit
}

// Daemon is a libvirtd that runs until the test ends.
type Daemon struct {
	Dir    string // the daemon's directory on the host
	Socket string // the daemon's socket, which can be reached from outside
	URI    string // the connection that virsh takes for it, from outside and from within
	KVM    bool   // guests of type kvm can be defined and started

	root string

	tb testing.TB
	*processes
}

// processes are the processes of a daemon.
type processes struct {
	init    int // process 1 of the namespaces, as the host counts
	pid     int // of the daemon, as its namespace counts
	control io.Writer
	answers *bufio.Reader
}

// For returns the same daemon for a subtest, which is what then fails.
func (d *Daemon) For(tb testing.TB) *Daemon {
	tb.Helper()
	other := *d
	other.tb = tb
	return &other
}

// Start starts a daemon and waits until it answers. It ends, with its guests, when the test does.
func Start(tb testing.TB, o Options) *Daemon {
	tb.Helper()
	require(tb, o.Root)
	dir, err := os.MkdirTemp("", "lvd") //nolint:usetesting // what t.TempDir makes is too long for the path of a socket
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	d := &Daemon{Dir: dir, root: o.Root, tb: tb, processes: &processes{}, Socket: filepath.Join(dir, "run/libvirt/libvirt-sock")}
	d.URI = "qemu:///system?socket=" + d.Socket
	if err := d.furnish(o); err != nil {
		tb.Fatal(err)
	}
	if err := d.enter(o); err != nil {
		tb.Fatalf("namespaces for libvirtd: %v", err)
	}
	d.Start()
	return d
}

// enter creates the namespaces, and process 1 in them.
func (d *Daemon) enter(o Options) error {
	cmd := exec.Command(need.Path("bash"), append([]string{
		filepath.Join(d.Dir, "space.sh"), d.Dir,
		libvirtdIn(o.Root), "--config", "/etc/libvirt/libvirtd.conf", "--pid-file", "/run/libvirtd.pid",
	}, o.Args...)...)
	cmd.Dir = "/" // as a service has it: relative names in documents count from there
	cmd.Env = append(o.environment(), "LC_ALL=C", "HOME=/root", "PATH="+path, "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	control, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	answers, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	stderr := &strings.Builder{}
	cmd.Stderr = stderr

	ended, err := StartTied(cmd)
	if err != nil {
		return err
	}
	d.init, d.control, d.answers = cmd.Process.Pid, control, bufio.NewReader(answers)
	d.tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	word, err := d.answers.ReadString('\n')
	d.KVM = word == "ready kvm\n"
	if word != "ready\n" && !d.KVM {
		_ = cmd.Process.Kill()
		<-ended
		return fmt.Errorf("%w: %s%s", err, word, stderr)
	}
	return nil
}

// say sends a word to process 1, and returns the number that it answers.
func (d *Daemon) say(word string) int {
	d.tb.Helper()
	if _, err := fmt.Fprintln(d.control, word); err != nil {
		d.tb.Fatalf("%s libvirtd: %v", word, err)
	}
	answer := make(chan string, 1)
	go func() {
		line, _ := d.answers.ReadString('\n')
		answer <- line
	}()
	select {
	case line := <-answer:
		n, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			d.tb.Fatalf("%s libvirtd: answer %q", word, line)
		}
		return n
	case <-time.After(patience):
		d.tb.Fatalf("%s libvirtd: no answer in %v\n%s", word, patience, d.Log())
	}
	return 0
}

// Start starts a daemon that was stopped, and waits until it answers.
func (d *Daemon) Start() {
	d.tb.Helper()
	d.pid = d.say("start")
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		_, err := os.Stat(d.Socket)
		if err == nil {
			if _, err = d.Virsh("list"); err == nil {
				return
			}
		}
		if state := d.state(); state == "" || state == "Z" {
			d.tb.Fatalf("libvirtd has ended at once\n%s", d.Log())
		}
		if time.Now().After(deadline) {
			d.tb.Fatalf("libvirtd does not answer after %v: %v\n%s", patience, err, d.Log())
		}
	}
}

// Stop ends the daemon as a package upgrade does: its guests live on.
func (d *Daemon) Stop() {
	d.tb.Helper()
	d.say("TERM")
}

// Kill ends the daemon as a crash does: its guests live on.
func (d *Daemon) Kill() {
	d.tb.Helper()
	d.say("KILL")
}

// Reload makes the daemon read its configuration again.
func (d *Daemon) Reload() {
	d.tb.Helper()
	d.say("HUP")
}

// Restart stops the daemon and starts another.
func (d *Daemon) Restart() {
	d.tb.Helper()
	d.Stop()
	d.Start()
}

// state is the letter that the kernel has for the state of the daemon, or "" when there is none.
func (d *Daemon) state() string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/root/proc/%d/stat", d.init, d.pid))
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return rest[:min(1, len(rest))]
}

// Path returns the path on the host of a file in the daemon's namespaces, such as /etc/libvirt/...
// and /run/.... A path outside of the daemon's directories is the same for both.
func (d *Daemon) Path(inside string) string {
	for _, p := range places {
		if rest, ok := strings.CutPrefix(inside, p.inside); ok && (rest == "" || rest[0] == '/') {
			return filepath.Join(d.Dir, p.outside, rest)
		}
	}
	return inside
}

// Log returns what the daemon has logged: warnings and errors.
func (d *Daemon) Log() string {
	var b strings.Builder
	for _, name := range []string{"stdout.log", "libvirtd.log"} {
		data, _ := os.ReadFile(filepath.Join(d.Dir, "log", name))
		b.Write(data)
	}
	return b.String()
}

// StartTied starts a command that Pdeathsig kills when this process ends for any reason. The
// channel is closed when the command has ended.
func StartTied(cmd *exec.Cmd) (ended <-chan struct{}, err error) {
	started, done := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread() // Pdeathsig is sent when the thread ends that has started the process
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(done)
	}()
	return done, <-started
}
