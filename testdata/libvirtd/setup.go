package libvirtd

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/testdata/need"
)

// path is the search path of the daemon and its hooks. A user's PATH may lack the sbin directories.
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// A daemon requires hostCommands on this machine, and daemonFiles on this machine or in another
// root. The names are those of testdata/need.
var (
	hostCommands = []string{"virsh", "bash", "ip", "mount", "nsenter"}
	daemonFiles  = []string{
		"libvirtd", "qemu-system-x86_64",
		"/usr/lib*/libvirt/connection-driver/libvirt_driver_qemu.so,/usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so",
	}
)

// Missing returns what is missing for a daemon on this machine: commands with their packages, and
// the privileges of root. It is empty if a daemon can run. root is that of Options.
func Missing(root string) []string {
	missing := need.Missing(hostCommands...)
	if root == "" {
		missing = append(missing, need.Missing(daemonFiles...)...)
	}
	if os.Geteuid() != 0 {
		missing = append(missing, "root (which namespaces and mounts need)")
	}
	return missing
}

// require skips the test with -short, fails it with the names of what is missing for a daemon, and
// waits for the daemons of other tests.
func require(tb testing.TB, root string) {
	tb.Helper()
	need.Alone(tb, "a real libvirtd")
	if missing := Missing(root); len(missing) > 0 {
		tb.Fatalf("missing for a real libvirtd: %s; 'make tools' installs packages", strings.Join(missing, ", "))
	}
}

// libvirtdIn returns the path of the daemon. In another root, chroot and libvirtd report their own
// errors.
func libvirtdIn(root string) string {
	if root != "" {
		return "/usr/sbin/libvirtd"
	}
	return need.Path("libvirtd")
}

// environment hands the options to space.sh.
func (o *Options) environment() []string {
	env := []string{"ROOT=" + o.Root}
	if o.KVM {
		env = append(env, "KVM=1")
	}
	if o.Sealed {
		env = append(env, "SEALED=1")
	}
	if o.Limit > 0 {
		env = append(env, fmt.Sprintf("LIMIT=%d", o.Limit/1024))
	}
	return env
}

// places are the daemon's directories, on the host and in its namespaces.
var places = []struct{ outside, inside string }{
	{"etc", "/etc/libvirt"},
	{"lib", "/var/lib/libvirt"},
	{"cache", "/var/cache/libvirt"},
	{"log", "/var/log/libvirt"},
	{"run", "/run"},
}

const (
	// The user exists on every system after furnish. No other daemon, security module or control
	// group of the host must be involved.
	qemuConf = `user = "libvirt-qemu"
group = "libvirt-qemu"
stdio_handler = "file"
security_driver = "none"
cgroup_controllers = [ ]
namespaces = [ ]
`
	libvirtdConf = `auth_unix_ro = "none"
auth_unix_rw = "none"
listen_tls = 0
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
`
)

// furnish creates the daemon's directories.
func (d *Daemon) furnish(o Options) error {
	if err := os.Chmod(d.Dir, 0o755); err != nil { // QEMU does not run as root
		return err
	}
	for _, p := range places {
		if err := os.Mkdir(filepath.Join(d.Dir, p.outside), 0o755); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(d.Dir, "log/qemu"), 0o755); err != nil { // elsewhere a package has it
		return err
	}
	files := map[string]string{
		"space.sh":          space,
		"etc/qemu.conf":     qemuConf + o.QEMUConf,
		"etc/libvirtd.conf": libvirtdConf + o.Conf,
	}
	// libvirtd looks up the user and the group that it was built with before it reads qemu.conf. On
	// Debian the package that makes them also starts a daemon, so they are added to copies that
	// only this daemon reads.
	for file, entries := range map[string]map[string]string{
		"passwd": {"libvirt-qemu": "libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin\n"},
		"group":  {"libvirt-qemu": "libvirt-qemu:x:64055:\n", "kvm": "kvm:x:64056:\n"},
	} {
		text, err := withEntries(filepath.Join("/", o.Root, "etc", file), entries)
		if err != nil {
			return err
		}
		if text != "" {
			files[file] = text
		}
	}
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(d.Dir, file), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// withEntries returns a file in the form of passwd with the entries that it lacks, "" when it lacks
// none.
func withEntries(file string, entries map[string]string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	text := string(bytes.TrimRight(data, "\n")) + "\n"
	lacks := false
	for name, entry := range entries {
		if !strings.HasPrefix(text, name+":") && !strings.Contains(text, "\n"+name+":") {
			text += entry
			lacks = true
		}
	}
	if !lacks {
		return "", nil
	}
	return text, nil
}
