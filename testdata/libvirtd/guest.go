package libvirtd

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/digitalocean/go-libvirt"
	"github.com/digitalocean/go-libvirt/socket/dialers"

	"github.com/virt-audit/virt-audit/testdata/need"
)

// Error is a command that has failed, with its standard error.
type Error struct {
	Command string
	Stderr  string
	Err     error
}

// Error returns everything that is known.
func (e *Error) Error() string { return fmt.Sprintf("%s: %v: %s", e.Command, e.Err, e.Stderr) }

// Unwrap returns the error of the command.
func (e *Error) Unwrap() error { return e.Err }

// Command prepares a command that runs in the daemon's namespaces, where /etc/libvirt and the other
// directories are the daemon's, with the environment that libvirt passes to hooks. name is a path,
// or the name of a command of the system.
func (d *Daemon) Command(name string, args ...string) *exec.Cmd {
	enter := []string{"--target", strconv.Itoa(d.init), "--mount", "--net", "--pid", "--ipc", "--"}
	if d.root != "" {
		enter = append(enter, "chroot", d.root)
	}
	cmd := exec.Command(need.Path("nsenter"), append(append(enter, name), args...)...)
	cmd.Env = []string{"LC_ALL=C", "HOME=/root", "PATH=" + path}
	return cmd
}

// Virsh runs a command of virsh on the daemon, from outside, and returns what it printed. The error
// is an *Error.
func (d *Daemon) Virsh(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, need.Path("virsh"), append([]string{"-q", "-c", d.URI}, args...)...)
	cmd.Env = []string{"LC_ALL=C", "HOME=/nonexistent", "PATH=" + path}
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), &Error{"virsh " + strings.Join(args, " "), stderr.String(), err}
	}
	return stdout.String(), nil
}

// Dial opens a connection of the RPC protocol, which answers much faster than virsh starts. The
// caller closes it.
func (d *Daemon) Dial() (*libvirt.Libvirt, error) {
	conn := libvirt.NewWithDialer(dialers.NewLocal(dialers.WithSocket(d.Socket), dialers.WithLocalTimeout(patience)))
	if err := conn.Connect(); err != nil {
		return nil, fmt.Errorf("%s: %w", d.Socket, err)
	}
	return conn, nil
}

// MustVirsh is Virsh for commands that must succeed.
func (d *Daemon) MustVirsh(args ...string) string {
	d.tb.Helper()
	out, err := d.Virsh(args...)
	if err != nil {
		d.tb.Fatalf("%v\n%s", err, d.Log())
	}
	return out
}

// Define defines a guest from a document.
func (d *Daemon) Define(xml string) {
	d.tb.Helper()
	d.MustVirsh("define", d.File("guest.xml", xml))
}

// File writes a file for virsh to read, and returns its path.
func (d *Daemon) File(name, text string) string {
	d.tb.Helper()
	file := filepath.Join(d.tb.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		d.tb.Fatal(err)
	}
	return file
}

// State returns the output of "virsh domstate": "running", "shut off".
func (d *Daemon) State(guest string) string {
	d.tb.Helper()
	return strings.TrimSpace(d.MustVirsh("domstate", guest))
}

// Guest returns the document of a guest that starts in a moment: no disk, 16 MB, software
// emulation. devices is further XML for its <devices>.
func Guest(name, devices string) string {
	return fmt.Sprintf(`<domain type='qemu'>
  <name>%s</name>
  <memory unit='MiB'>16</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    %s
  </devices>
</domain>
`, name, devices)
}
