package host

import (
	"fmt"
	"io/fs"
	"reflect"
	"testing"
	"testing/fstest"
)

func namesIn(text map[string]string) fstest.MapFS {
	tree := fstest.MapFS{}
	for name, data := range text {
		tree[name] = &fstest.MapFile{Data: []byte(data), Mode: 0o644}
	}
	return tree
}

func TestKernel(t *testing.T) {
	for _, tt := range []struct {
		tree fs.FS
		want string
	}{
		{namesIn(nil), "<nil>"},
		{namesIn(map[string]string{"sys/kernel/x": ""}), "&{none false}"},
		{namesIn(map[string]string{"sys/kernel/x": "", "sys/fs/selinux/enforce": "1"}), "&{selinux true}"},
		{namesIn(map[string]string{"sys/kernel/x": "", "sys/fs/selinux/enforce": "0\n"}), "&{selinux false}"},
		{namesIn(map[string]string{"sys/kernel/x": "", "sys/module/apparmor/parameters/enabled": "Y\n"}), "&{apparmor true}"},
		{namesIn(map[string]string{"sys/kernel/x": "", "sys/module/apparmor/parameters/enabled": "N\n"}), "&{none false}"},
	} {
		if got := fmt.Sprint((&search{tree: tt.tree}).kernel()); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.tree, got, tt.want)
		}
	}
}

func TestBridges(t *testing.T) {
	const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
	v6 := func(destination, length, name string) string {
		return destination + " " + length + " 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 " + name + "\n"
	}
	const any6 = "00000000000000000000000000000000"
	tree := namesIn(map[string]string{
		"sys/class/net/br0/bridge/x": "", "sys/class/net/br6/bridge/x": "", "sys/class/net/virbr0/bridge/x": "", "sys/class/net/eth0/x": "",
		"proc/net/route": head + "br0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n" +
			"eth0\t00000000\t0101A8C0\t0003\t0\t0\t200\t00000000\t0\t0\t0\n" +
			"virbr0\t007AA8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\nshort\n",
		"proc/net/ipv6_route": v6(any6, "00", "br6") + v6(any6, "00", "br0") + v6(any6, "80", "virbr0") + v6("fe80"+any6[4:], "40", "virbr0") + v6(any6, "00", "lo"),
	})
	if got := (&search{tree: tree}).bridges(); !reflect.DeepEqual(got, []string{"br0", "br6"}) {
		t.Errorf("%q", got)
	}
	if got := (&search{tree: namesIn(map[string]string{"proc/net/route": head})}).bridges(); got == nil || len(got) != 0 {
		t.Errorf("a host without a bridge: %q", got)
	}
	if got := (&search{tree: namesIn(nil)}).bridges(); got != nil {
		t.Errorf("%q", got)
	}
}

func TestAdd(t *testing.T) {
	conf := &QEMUConf{File: "given"}
	given := &Facts{
		HostArch: "s390x", LibvirtVersion: "11.0.0", QEMUVersion: "10.0.0", Capabilities: &Capabilities{},
		DomainCapabilities: []DomainCapabilities{{Type: "kvm"}}, QEMUConf: conf, Session: &Session{Directory: "/s"}, Kernel: &Kernel{MAC: "none"},
		ManagementBridges: []string{"br0"}, Files: map[string]File{}, files: func(string) (File, bool) { return File{}, true },
	}
	all := &Facts{HostArch: "x86_64", LibvirtVersion: "9.0.0", QEMUConf: &QEMUConf{File: "found"}}
	all.Add(given)
	if all.Arch() != "s390x" || all.LibvirtVersion != "11.0.0" || all.QEMUVersion != "10.0.0" || !all.KnowsCapabilities() || len(all.DomainCapabilities) != 1 ||
		all.Conf() != conf || all.Session.Directory != "/s" || all.Kernel == nil || !all.Manages("br0") || !all.KnowsFiles() {
		t.Errorf("%+v", all)
	}
	before := *all
	all.Add(&Facts{})
	all.Add(nil)
	if before.files == nil || all.files == nil {
		t.Error("the files are lost")
	}
	before.files, all.files = nil, nil
	if !reflect.DeepEqual(*all, before) {
		t.Errorf("facts were added: %+v", all)
	}
}

// TestAddKeepsEveryFact: no field of Facts is lost when facts are combined.
func TestAddKeepsEveryFact(t *testing.T) {
	t.Parallel()
	other := &Facts{files: func(string) (File, bool) { return File{}, false }}
	fill(t, reflect.ValueOf(other).Elem())
	f := &Facts{}
	f.Add(other)
	got, given := reflect.ValueOf(f).Elem(), reflect.ValueOf(other).Elem()
	for i := range given.NumField() {
		name := given.Type().Field(i).Name
		switch {
		case name == "session": // identifies the view of the facts
		case given.Field(i).IsZero():
			t.Errorf("the test has no value for %s", name)
		case got.Field(i).IsZero():
			t.Errorf("%s is lost", name)
		}
	}
}

// fill sets each exported field to a value that is not its zero value.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	for i := range v.NumField() {
		field := v.Field(i)
		switch {
		case !v.Type().Field(i).IsExported():
		case field.Kind() == reflect.Pointer:
			field.Set(reflect.New(field.Type().Elem()))
		case field.Kind() == reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 0, 0))
		case field.Kind() == reflect.Map:
			field.Set(reflect.MakeMap(field.Type()))
		case field.Kind() == reflect.String:
			field.SetString("known")
		case field.CanInt():
			field.SetInt(1)
		default:
			t.Fatalf("no value for %s of kind %s", v.Type().Field(i).Name, field.Kind())
		}
	}
}
