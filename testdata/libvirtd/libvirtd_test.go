package libvirtd_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/testdata/libvirtd"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// TestDaemon checks the operations that the other tests use.
func TestDaemon(t *testing.T) {
	d := libvirtd.Start(t, libvirtd.Options{})
	d.Define(libvirtd.Guest("web", ""))
	d.MustVirsh("start", "web")
	want := func(after, state string) {
		t.Helper()
		if s := d.State("web"); s != state {
			t.Errorf("after %s the guest is %s, want %s", after, s, state)
		}
	}
	d.Restart()
	want("a restart", "running")
	d.Kill()
	d.Start()
	want("a crash", "running")
	d.Reload()
	want("a reload", "running")
	d.MustVirsh("managedsave", "web")
	want("a managed save", "shut off")
	d.MustVirsh("start", "web")
	want("a restore", "running")
	d.MustVirsh("snapshot-create-as", "web", "memory", "--memspec", "file=/var/lib/libvirt/memory.img")
	d.MustVirsh("destroy", "web")
	want("its end", "shut off")

	for file, inside := range map[string]string{
		"/etc/libvirt/qemu/web.xml":          "etc/qemu/web.xml",
		"/var/lib/libvirt/qemu/snapshot/web": "lib/qemu/snapshot/web",
		"/run/libvirtd.pid":                  "run/libvirtd.pid",
		"/etc/libvirtx":                      "",
	} {
		host := d.Path(file)
		if inside == "" {
			if host != file {
				t.Errorf("%s is %s outside, want it to be the same", file, host)
			}
			continue
		}
		if host != filepath.Join(d.Dir, inside) {
			t.Errorf("%s is %s outside", file, host)
		}
		if _, err := os.Stat(host); err != nil {
			t.Error(err)
		}
		if out, err := d.Command("ls", "-d", file).CombinedOutput(); err != nil {
			t.Errorf("inside: %v: %s", err, out)
		}
		if _, err := os.Stat(file); err == nil && strings.Contains(file, "web") {
			t.Errorf("%s is on the host", file)
		}
	}
}

// TestApart starts two daemons at a time, with a guest of one name.
func TestApart(t *testing.T) {
	a, b := libvirtd.Start(t, libvirtd.Options{}), libvirtd.Start(t, libvirtd.Options{})
	for _, d := range []*libvirtd.Daemon{a, b} {
		d.Define(libvirtd.Guest("web", "<graphics type='vnc' port='5900'/>"))
		d.MustVirsh("start", "web")
	}
	a.MustVirsh("destroy", "web")
	if s := b.State("web"); s != "running" {
		t.Errorf("the other daemon's guest is %s", s)
	}
}

// TestSealed checks that a sealed daemon works, and writes nothing to the machine.
func TestSealed(t *testing.T) {
	d := libvirtd.Start(t, libvirtd.Options{Sealed: true, KVM: true, Limit: 8 << 30})
	for _, file := range []string{"/usr/virt-audit-test", "/var/tmp/virt-audit-test", "/etc/virt-audit-test"} {
		if out, err := d.Command("touch", file).CombinedOutput(); err == nil {
			t.Errorf("the daemon can write %s: %s", file, out)
			_ = os.Remove(file)
		}
	}
	conn, err := d.Dial()
	if err != nil {
		t.Fatal(err)
	}
	xml := libvirtd.Guest("web", "")
	if d.KVM {
		xml = strings.Replace(xml, "'qemu'", "'kvm'", 1)
	} else {
		t.Log("no KVM here: the guest is one of type qemu")
	}
	dom, err := conn.DomainDefineXMLFlags(xml, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.DomainCreate(dom); err != nil {
		t.Errorf("%v\n%s", err, d.Log())
	}
	if out, err := d.Command("ls", "/etc/libvirt/qemu/web.xml").CombinedOutput(); err != nil {
		t.Errorf("the definition is not where the daemon has it: %s", out)
	}
	if _, err := os.Stat(d.Path("/etc/libvirt/qemu/web.xml")); err == nil {
		t.Error("the definition is on the machine's disk")
	}
	if err := conn.DomainDestroy(dom); err != nil {
		t.Error(err)
	}
	if err := conn.Disconnect(); err != nil {
		t.Error(err)
	}
}

// TestOrphans kills a test process, and checks that daemon and guest end with it.
func TestOrphans(t *testing.T) {
	const child = "VIRT_AUDIT_TEST_ORPHANS"
	if os.Getenv(child) != "" {
		d := libvirtd.Start(t, libvirtd.Options{})
		d.Define(libvirtd.Guest("orphan", ""))
		d.MustVirsh("start", "orphan")
		fmt.Printf("\nready %s\n", d.Dir)    //nolint:forbidigo // it is read below
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent has ended
		return
	}
	need.Alone(t, "a real libvirtd")
	cmd := exec.Command(os.Args[0], "-test.run=^TestOrphans$")
	cmd.Env = append(os.Environ(), child+"=1", need.Held)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dir := ""
	for lines := bufio.NewScanner(out); dir == "" && lines.Scan(); {
		dir, _ = strings.CutPrefix(lines.Text(), "ready ")
		if dir == lines.Text() {
			dir = ""
		}
	}
	before := 0
	if dir != "" {
		before = len(processes(t, dir))
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if before < 3 { // the first one, libvirtd, QEMU
		t.Fatalf("the other process had %d processes, want libvirtd and a guest", before)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // what a killed test cannot do
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		left := processes(t, dir)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still there: %v", left)
		}
	}
}

// processes are those that have the daemon's directory mounted: all in its namespaces.
func processes(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range files {
		if data, err := os.ReadFile(f); err == nil && strings.Contains(string(data), filepath.Base(dir)+"/etc ") {
			found = append(found, f)
		}
	}
	return found
}
