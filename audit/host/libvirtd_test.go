package host_test

import (
	"os"
	"strings"
	"testing"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/testdata/libvirtd"
)

// TestAsDaemon compares the results for a host's facts with those of its libvirtd.
func TestAsDaemon(t *testing.T) {
	d := libvirtd.Start(t, libvirtd.Options{QEMUConf: "vnc_listen = '127.0.0.8' # the first wins\nvnc_listen = \"127.0.0.9\"\nspice_listen =\t'::1'; vnc_password = 'canary'"})
	file := d.Path("/etc/libvirt/qemu.conf")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := host.ParseQEMUConf(file, text)
	if err != nil {
		t.Fatal(err)
	}
	f := &host.Facts{QEMUConf: c}
	for _, command := range []string{"capabilities", "domcapabilities", "version"} {
		if err := f.AddCapabilities(command, []byte(d.MustVirsh(command))); err != nil {
			t.Fatal(err)
		}
	}
	if f.LibvirtVersion == "" || f.QEMUVersion == "" || len(f.DomainCapabilities) != 1 {
		t.Errorf("%q %q %+v", f.LibvirtVersion, f.QEMUVersion, f.DomainCapabilities)
	}

	defined := func(name, machine, devices string) *libvirtxml.Domain {
		t.Helper()
		guest := strings.Replace(libvirtd.Guest(name, devices), " machine='pc'", machine, 1)
		if !strings.Contains(guest, "arch='x86_64'"+machine+">") {
			t.Fatalf("the guest has no machine to replace: %s", guest)
		}
		d.Define(guest)
		out := &libvirtxml.Domain{}
		if err := out.Unmarshal(d.MustVirsh("dumpxml", name)); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if name, ok := f.DefaultMachine("x86_64", "qemu"); !ok || defined("none", "", "").OS.Type.Machine != name {
		t.Errorf("the default is not %q", name)
	}
	for _, alias := range []string{"pc", "q35", "isapc", "pc-q35-5.2"} {
		name, _, ok := f.Machine("x86_64", "qemu", alias)
		if got := defined(alias, " machine='"+alias+"'", "").OS.Type.Machine; !ok || got != name {
			t.Errorf("%s is %q, not %q", alias, got, name)
		}
	}
	if got := defined("emulator", "", "").Devices.Emulator; !strings.HasSuffix(got, "qemu-system-"+f.Target("x86_64", "qemu", "")) {
		t.Errorf("emulator %s", got)
	}

	defined("display", " machine='pc'", "<graphics type='vnc'/>")
	d.MustVirsh("start", "display")
	live := &libvirtxml.Domain{}
	if err := live.Unmarshal(d.MustVirsh("dumpxml", "display")); err != nil {
		t.Fatal(err)
	}
	if address, _ := c.Listen("vnc"); len(live.Devices.Graphics) != 1 || live.Devices.Graphics[0].VNC.Listen != address.Value {
		t.Errorf("the display listens on %+v, not on %s", live.Devices.Graphics, address.Value)
	}
	user, _ := (&host.Facts{Capabilities: f.Capabilities}).User() // by number
	for _, l := range live.SecLabel {
		if l.Model == "dac" && !strings.HasPrefix(l.Label, user+":") {
			t.Errorf("QEMU runs as %s, not as %s", l.Label, user)
		}
	}
}
