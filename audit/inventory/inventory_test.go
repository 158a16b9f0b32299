package inventory

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/reach"
)

// guest returns what a document with these devices touches.
func guest(t *testing.T, name, host, devices string) *Guest {
	t.Helper()
	text := "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>" + name + "</name><memory>1</memory>" +
		"<os><type arch='x86_64' machine='q35'>hvm</type></os>"
	if !strings.HasPrefix(devices, "<metadata") && !strings.HasPrefix(devices, "<qemu:") {
		devices = "<devices>" + devices + "</devices>"
	}
	d, err := domxml.Load(name+".xml", []byte(text+devices+"</domain>"))
	if err != nil {
		t.Fatal(err)
	}
	d.Origin.Kind = domxml.Stored
	return Of(d, host)
}

func disk(path string) string {
	return "<disk type='file'><source file='" + path + "'/><target dev='d" + strconv.Itoa(len(path)) + "'/></disk>"
}

func readOnly(path string) string {
	return strings.Replace(disk(path), "</disk>", "<readonly/></disk>", 1)
}

func share(path string) string {
	return "<filesystem type='mount'><source dir='" + path + "'/><target dir='t'/></filesystem>"
}

// TestOnce lists a thing once that a document names in several ways, with the access of all.
func TestOnce(t *testing.T) {
	g := guest(t, "a", "", "\n"+readOnly("/var/run/x")+"\n"+disk("/run//x")+"\n"+disk("/a"))
	var got []string
	for _, e := range g.Entries {
		if e.Kind != reach.Executable {
			got = append(got, fmt.Sprintf("%s %s %s %d places from line %d", e.Kind, e.Name, e.Access, len(e.Places), e.Places[0].Line))
		}
	}
	want := []string{"file /a read, write 1 places from line 4", "file /run/x read, write 2 places from line 2"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestSecretNames shows no name with what may be a secret in it.
func TestSecretNames(t *testing.T) {
	for devices, want := range map[string]string{
		"<qemu:commandline><qemu:env name='TZ' value='hunter2'/></qemu:commandline>":                                               "TZ=******",
		"<disk type='network'><source protocol='https' name='i' query='hunter2'><host name='h'/></source><target dev='a'/></disk>": "https://h:443/i?******",
		"<disk type='network'><source protocol='rbd' name='p/i:key=hunter2'/><target dev='a'/></disk>":                             "rbd:///p/i:key=******",
		disk("/srv/user:hunter2@x"): "/srv/user:******@x",
	} {
		var names []string
		for _, e := range guest(t, "a", "", devices).Entries {
			names = append(names, e.Name)
		}
		if !slices.Contains(names, want) || strings.Contains(strings.Join(names, " "), "hunter2") {
			t.Errorf("%s: %q, want %q", devices, names, want)
		}
	}
}

// TestPaths selects what is a path, is below it or contains it, under all of its names.
func TestPaths(t *testing.T) {
	for _, test := range []struct {
		devices, asked string
		want           bool
	}{
		{disk("/srv/a"), "/srv/a", true},
		{disk("/srv/a"), "/srv", true},
		{disk("/srv/a"), "/", true},
		{disk("/srv/a"), "a", true}, // relative to /srv
		{disk("/srv/a"), "../srv/./a", true},
		{disk("/srv/a"), "/srv/ab", false},
		{disk("/srv/ab"), "/srv/a", false},
		{share("/srv"), "/srv/x/y", true},
		{share("/"), "/etc/shadow", true},
		{disk("/run/x"), "/var/run/x", true},
		{disk("/dev/vg/a-b"), "/dev/mapper/vg-a--b", true},
		{disk("/dev/mapper/vg-a--b"), "/dev/vg/a-b", true},
		{disk("/dev/vg/a"), "/dev/vg", true},
		{"<interface type='bridge'><source bridge='br0'/></interface>", "/br0", false},
	} {
		g := guest(t, "a", "", test.devices)
		NewPaths("/srv", []string{"/nothing", test.asked}).Select(g)
		if got := len(g.Entries) > 0; got != test.want {
			t.Errorf("%s and %s: %t", test.devices, test.asked, got)
		}
	}
}

// TestHidden counts guests that may touch what their documents do not name.
func TestHidden(t *testing.T) {
	var h Hidden
	h.Add(guest(t, "a", "", disk("/srv/a")))
	h.Add(guest(t, "b", "", "<disk type='volume'><source pool='p' volume='v'/><target dev='a'/></disk>"))
	h.Add(guest(t, "c", "", "<qemu:commandline><qemu:arg value='-unheard-of'/><qemu:arg value='-add-fd'/><qemu:arg value='fd=3,set=1'/></qemu:commandline>"))
	if want := (Hidden{Volumes: 1, Arguments: 1, Descriptors: 1}); h != want {
		t.Errorf("%+v, want %+v", h, want)
	}
}
