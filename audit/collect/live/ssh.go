package live

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// dialSSH runs ssh, as virsh does: so a user's configuration, keys, agents and
// jump hosts are in force, and ssh asks for passwords itself. On the other side
// a helper of libvirt's, or else netcat, leads to the socket.
func (t *target) dialSSH(o Options) (net.Conn, error) {
	name := "ssh"
	if command := t.params.Get("command"); command != "" {
		name = command
	}
	cmd := exec.Command(name, t.sshArgs(o.ReadOnly)...)
	cmd.WaitDelay = time.Second // a connection that ssh shares lives on in the background, with our pipe
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c := &command{cmd: cmd, in: stdin, out: stdout}
	cmd.Stderr = &c.stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return c, nil
}

// sshArgs are the arguments for ssh.
func (t *target) sshArgs(readOnly bool) []string {
	args := []string{"-T", "-e", "none"}
	if port := t.url.Port(); port != "" {
		args = append(args, "-p", port)
	}
	if user := t.url.User.Username(); user != "" {
		args = append(args, "-l", user)
	}
	if file := t.params.Get("keyfile"); file != "" {
		args = append(args, "-i", file)
	}
	if t.params.Get("no_verify") == "1" {
		args = append(args, "-o", "StrictHostKeyChecking=no")
	}
	if t.params.Get("no_tty") == "1" {
		args = append(args, "-o", "BatchMode=yes")
	}
	return append(args, "--", t.url.Hostname(), "sh -c "+quote(t.remoteScript(readOnly)))
}

// remoteScript leads to the daemon's socket on the remote host. The helper knows
// where sockets are; netcat has to be told.
func (t *target) remoteScript(readOnly bool) string {
	helper := "virt-ssh-helper "
	if readOnly {
		helper += "-r "
	}
	helper += quote(t.remote())
	nc := t.params.Get("netcat")
	if nc == "" {
		nc = "nc"
	}
	nc = quote(nc)
	// Some netcats end when their input does only if told so with -q, which others do not know.
	netcat := fmt.Sprintf(`if %s -q 2>&1 | grep "requires an argument" >/dev/null 2>&1; then Q=-q0; else Q=; fi; exec %s $Q -U %s`,
		nc, nc, quote(t.remoteSocket(readOnly)))
	switch proxy := t.params.Get("proxy"); {
	case proxy == "native":
		return "exec " + helper
	case proxy == "netcat" || t.params.Has("socket") || t.params.Has("netcat"):
		return netcat
	}
	return "if command -v virt-ssh-helper >/dev/null 2>&1; then exec " + helper + "; fi; " + netcat
}

// quote makes one word of a text, for a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// command is a program's standard input and output as a connection.
type command struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	stderr tail
	once   sync.Once
}

// Read returns what the program prints. When it has ended, the error is what it
// wrote to standard error.
func (c *command) Read(p []byte) (int, error) {
	n, err := c.out.Read(p)
	if err != nil && n == 0 {
		err = c.why(err)
	}
	return n, err
}

// Write gives the program its input.
func (c *command) Write(p []byte) (int, error) {
	n, err := c.in.Write(p)
	if err != nil {
		err = c.why(err)
	}
	return n, err
}

// why returns what the program says about its end, or else err.
func (c *command) why(err error) error {
	c.end()
	if text := c.stderr.String(); text != "" {
		return fmt.Errorf("%s: %s", c.cmd.Args[0], text)
	}
	return err
}

// Close ends the program.
func (c *command) Close() error {
	_ = c.in.Close()
	_ = c.cmd.Process.Kill()
	c.end()
	return nil
}

// end waits for the program, once.
func (c *command) end() {
	c.once.Do(func() {
		timer := time.AfterFunc(time.Second, func() { _ = c.cmd.Process.Kill() })
		defer timer.Stop()
		_ = c.cmd.Wait() // how it ended, its output has told
	})
}

// The rest of net.Conn, which nobody asks: calls are bounded from outside.

func (c *command) LocalAddr() net.Addr              { return nil }
func (c *command) RemoteAddr() net.Addr             { return nil }
func (c *command) SetDeadline(time.Time) error      { return nil }
func (c *command) SetReadDeadline(time.Time) error  { return nil }
func (c *command) SetWriteDeadline(time.Time) error { return nil }

// tail keeps the last line that was written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - 4096; over > 0 {
		t.buf = t.buf[over:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := bytes.Split(bytes.TrimSpace(t.buf), []byte("\n"))
	return strings.TrimSpace(string(lines[len(lines)-1]))
}
