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

// dialSSH runs ssh, as virsh does. So the user's configuration, keys, agents and jump hosts are
// effective, and ssh prompts for passwords. On the remote host libvirt's virt-ssh-helper, or else
// netcat, connects to the socket.
func (t *target) dialSSH(o Options) (net.Conn, error) {
	name := "ssh"
	if command := t.params.Get("command"); command != "" {
		name = command
	}
	cmd := exec.Command(name, t.sshArgs(o.ReadOnly)...)
	cmd.WaitDelay = time.Second // ssh that shares a connection stays in the background with our pipe
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

// sshArgs returns the arguments of ssh.
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

// remoteScript returns the shell command that connects to the daemon's socket on the remote host.
// The helper finds the socket itself; netcat requires its path.
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
	// Some netcats exit at the end of their input only with -q, which others do not support.
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

// quote returns s as one word of a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// command is a running command, whose standard input and output are the connection.
type command struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	stderr tail
	once   sync.Once
}

// Read returns what the command prints. After its end, the error is what it wrote to standard
// error.
func (c *command) Read(p []byte) (int, error) {
	n, err := c.out.Read(p)
	if err != nil && n == 0 {
		err = c.failure(err)
	}
	return n, err
}

// Write writes to the command's standard input.
func (c *command) Write(p []byte) (int, error) {
	n, err := c.in.Write(p)
	if err != nil {
		err = c.failure(err)
	}
	return n, err
}

// failure waits for the command, and returns the last line that it wrote to standard error, or err
// if there is none.
func (c *command) failure(err error) error {
	c.wait()
	if text := c.stderr.String(); text != "" {
		return fmt.Errorf("%s: %s", c.cmd.Args[0], text)
	}
	return err
}

// Close kills the command.
func (c *command) Close() error {
	_ = c.in.Close()
	_ = c.cmd.Process.Kill()
	c.wait()
	return nil
}

// wait waits for the end of the command, once. It kills the command after a second.
func (c *command) wait() {
	c.once.Do(func() {
		timer := time.AfterFunc(time.Second, func() { _ = c.cmd.Process.Kill() })
		defer timer.Stop()
		_ = c.cmd.Wait() // failure returns the cause
	})
}

// The rest of net.Conn is not used: calls are limited by within.

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
