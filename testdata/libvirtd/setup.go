package libvirtd

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// path is the search path of commands. A user's PATH may lack the sbin directories.
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// prerequisites are the executables that a daemon requires, and their packages in Debian and Ubuntu.
var prerequisites = []struct {
	program, pkg string
	daemon       bool // another root has its own
}{
	{"libvirtd", "libvirt-daemon", true},
	{"qemu-system-x86_64", "qemu-system-x86", true},
	{"virsh", "libvirt-clients", false},
	{"bash", "bash", false},
	{"ip", "iproute2", false},
	{"mount", "mount", false},
	{"nsenter", "util-linux", false},
}

// drivers are where libvirt looks for the part that runs QEMU, by distribution.
var drivers = []string{
	"/usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so",
	"/usr/lib64/libvirt/connection-driver/libvirt_driver_qemu.so",
	"/usr/lib/libvirt/connection-driver/libvirt_driver_qemu.so",
}

// Missing names what a daemon lacks on this machine: programs with their packages, and root. It is
// empty where a daemon can run. root is that of Options.
func Missing(root string) []string {
	_, missing := find(root)
	return missing
}

// require fails the test, with the names of all that is missing, where no daemon can be had.
func require(tb testing.TB, root string) map[string]string {
	tb.Helper()
	tools, missing := find(root)
	if len(missing) > 0 {
		tb.Fatalf("a real libvirtd needs what is missing here: %s; 'make tools' installs packages", strings.Join(missing, ", "))
	}
	return tools
}

// find returns the paths of the executables, and the names of the missing ones.
func find(root string) (tools map[string]string, missing []string) {
	tools = map[string]string{}
	for _, p := range prerequisites {
		file := lookPath(p.program)
		if p.daemon && root != "" {
			file = "/usr/sbin/" + p.program // chroot and libvirtd report what is missing
		}
		if file == "" {
			missing = append(missing, p.program+" (package "+p.pkg+")")
		}
		tools[p.program] = file
	}
	found := root != ""
	for _, pattern := range drivers {
		files, _ := filepath.Glob(pattern)
		found = found || len(files) > 0
	}
	if !found {
		missing = append(missing, "libvirt_driver_qemu.so (package libvirt-daemon-driver-qemu)")
	}
	if os.Geteuid() != 0 {
		missing = append(missing, "root (namespaces and mounts are its alone)")
	}
	return tools, missing
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

// lookPath finds an executable, or returns "".
func lookPath(program string) string {
	for _, dir := range filepath.SplitList(path) {
		if file, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return file
		}
	}
	return ""
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
	// The user exists on every system after furnish. No other daemon, security module or control group
	// of the host is to take part.
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
	// libvirtd looks up the user and the group that it was built with before it reads qemu.conf. On Debian
	// the package that makes them also starts a daemon, so they are put into copies that only ours sees.
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

// withEntries returns a file in the form of passwd with the entries that it lacks, "" when it lacks none.
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
