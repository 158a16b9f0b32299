package reach_test

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/reach"
	"github.com/virt-audit/virt-audit/testdata/libvirtd"
)

// inside is the directory of the daemon's own that the guest's files are in.
const inside = "/var/lib/libvirt/images/reach"

// probe is a device of the guest, with what it does to a file named after it.
type probe struct {
	name, xml string // % is the file
	content   string // of the file before the start; "-" for none
	open      bool   // QEMU holds it open
	made      bool   // it exists after the start
}

var probes = []probe{
	{"disk", `<disk type='file'><driver type='raw'/><source file='%'/><target dev='vda' bus='virtio'/></disk>`, "x", true, true},
	{"shown", `<disk type='file'><driver type='raw'/><source file='%'/><target dev='vdb' bus='virtio'/><readonly/></disk>`, "x", true, true},
	{"base", `<disk type='file'><driver type='raw'/><source file='/%'/><target dev='vdc' bus='virtio'/></disk>`, "x", true, true},
	{"relative", `<disk type='file' device='cdrom'><driver type='raw'/><source file='..%'/><target dev='hda' bus='ide'/></disk>`, "x", true, true},
	{"vvfat", `<disk type='dir'><driver type='fat'/><source dir='%'/><target dev='vdd' bus='virtio'/><readonly/></disk>`, "dir", false, true},
	{"serial", `<serial type='file'><source path='%'/></serial>`, "-", true, true},
	{"log", `<serial type='null'><log file='%'/></serial>`, "-", true, true},
	{"bind", `<serial type='unix'><source mode='bind' path='%'/></serial>`, "-", false, true},
	{"pipe", `<serial type='pipe'><source path='%'/></serial>`, "fifo", true, true},
	{"connect", `<channel type='unix'><source mode='connect' path='%'/><target type='virtio' name='a.b'/></channel>`, "socket", false, true},
	{"random", `<rng model='virtio'><backend model='random'>%</backend></rng>`, "x", true, true},
	{"shared", `<filesystem type='mount' accessmode='mapped'><source dir='%'/><target dir='t'/></filesystem>`, "dir", true, true},
	{"vnc", `<graphics type='vnc'><listen type='socket' socket='%'/></graphics>`, "-", false, true},
	{"script", `<interface type='ethernet'><script path='%'/><model type='virtio'/></interface>`, "program", false, true},
}

// passed are arguments for QEMU; each holds one file.
var passed = []probe{
	{"cmdlog", "-D|%", "-", true, true},
	{"cmdchar", "-chardev|file,id=zz,path=%", "-", true, true},
	{"cmdlogfile", "-chardev|null,id=zy,logfile=%", "-", true, true},
	{"cmdsocket", "-chardev|socket,id=zx,path=%,server=on,wait=off", "-", false, true},
	{"cmddrive", "-drive|if=none,id=zw,format=raw,file=%", "x", true, true},
	{"cmdblock", `-blockdev|{"driver":"file","node-name":"zv","filename":"%","read-only":true}`, "x", true, true},
	{"cmdmemory", "-object|memory-backend-file,id=zu,size=4096,share=on,mem-path=%", "x", true, true},
	{"cmdrng", "-object|rng-random,id=zt,filename=%", "x", true, true},
	{"cmdserial", "-serial|file:%", "-", true, true},
	{"cmdpid", "-pidfile|%", "-", true, true},
	{"cmddump", "-object|filter-dump,id=zs,netdev=zr,file=%", "-", true, true},
	{"cmdfirmware", "-fw_cfg|name=opt/a,file=%", "x", false, true},
}

// TestOnLibvirtd starts one guest that reaches its host in many ways, and compares what happens
// with the inventory: every file that QEMU holds open or libvirt gives it is in the list, and what
// the list states about owners is so.
func TestOnLibvirtd(t *testing.T) {
	daemon := libvirtd.Start(t, libvirtd.Options{})
	outside := daemon.Path(inside)
	if err := os.MkdirAll(outside, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(outside, 0o777); err != nil { //nolint:gosec // QEMU's user makes files there
		t.Fatal(err)
	}
	devices, arguments := furnish(t, outside)
	doc := strings.NewReplacer("<domain type='qemu'>", "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>",
		"</domain>", "<qemu:commandline>"+arguments+"</qemu:commandline></domain>").Replace(libvirtd.Guest("reach", devices))
	daemon.Define(doc)
	before := owners(t, outside)
	daemon.MustVirsh("start", "reach")
	d, err := domxml.Load("reach.xml", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]reach.Resource{}
	for _, r := range reach.Of(d) {
		listed[r.Name] = r
	}
	descriptors := open(t, daemon)
	after := owners(t, outside)
	for _, p := range slices.Concat(probes, passed) {
		name := inside + "/" + p.name
		r, ok := listed[name]
		if !ok {
			t.Errorf("%s is not in the inventory", p.name)
			continue
		}
		if held := slices.Contains(descriptors, name); held != p.open {
			t.Errorf("%s: QEMU holds it open: %v", p.name, held)
		}
		_, there := after[p.name]
		if there != p.made || p.content == "-" && there && r.Access&reach.Create == 0 {
			t.Errorf("%s: made %v, listed as %s", p.name, there, r.Access)
		}
		if was, ok := before[p.name]; ok && (after[p.name] != was) != r.Relabel {
			t.Errorf("%s: the owner changes from %d to %d, listed as %v", p.name, was, after[p.name], r.Relabel)
		}
	}
	if _, ok := after["script.mark"]; !ok || listed[inside+"/script"].Access != reach.Execute || !listed[inside+"/script"].Opener.Root() {
		t.Error("the script was not run, or is not listed as run by root")
	}
	for _, name := range descriptors {
		if _, ok := listed[name]; strings.HasPrefix(name, inside+"/") && !ok {
			t.Errorf("QEMU has %s open, which is not in the inventory", name)
		}
	}
	t.Logf("kinds of resources compared: %d; open: %d", len(probes)+len(passed), len(descriptors))
}

// TestArgumentsOfLibvirt holds that the two tables agree: what libvirt makes of a document's
// devices on QEMU's command line names nothing that the document's inventory lacks.
func TestArgumentsOfLibvirt(t *testing.T) {
	daemon := libvirtd.Start(t, libvirtd.Options{})
	const devices = `
<disk type='file'><driver type='qcow2'/><source file='/a.qcow2'/><backingStore type='file'><format type='raw'/><source file='/b.raw'/><backingStore/></backingStore><target dev='vda' bus='virtio'/></disk>
<disk type='block' device='lun'><driver type='raw'/><source dev='/dev/sdx'/><target dev='sda' bus='scsi'/></disk><controller type='scsi' model='virtio-scsi'/>
<disk type='network'><driver type='raw'/><source protocol='nbd' name='e'><host name='h.example' port='1'/></source><target dev='vdb' bus='virtio'/></disk>
<disk type='network'><driver type='raw'/><source protocol='nbd'><host transport='unix' socket='/s.nbd'/></source><target dev='vdc' bus='virtio'/></disk>
<disk type='network' device='cdrom'><driver type='raw'/><source protocol='https' name='x.iso'><host name='w.example' port='443'/></source><target dev='hda' bus='ide'/></disk>
<interface type='user'><model type='virtio'/><rom file='/i.rom'/></interface>
<interface type='server'><source address='127.0.0.1' port='5'/><model type='virtio'/></interface>
<interface type='mcast'><source address='230.0.0.1' port='6'/><model type='virtio'/></interface>
<interface type='udp'><source address='10.0.0.1' port='7'><local address='10.0.0.2' port='8'/></source><model type='virtio'/></interface>
<serial type='tcp'><source mode='bind' host='127.0.0.1' service='9'/><protocol type='raw'/></serial>
<serial type='tcp'><source mode='connect' host='c.example' service='10'/><protocol type='telnet'/></serial>
<serial type='udp'><source mode='bind' host='127.0.0.3' service='11'/><source mode='connect' host='127.0.0.4' service='12'/></serial>
<serial type='unix'><source mode='connect' path='/s.connect'/></serial>
<serial type='dev'><source path='/dev/ttyS7'/></serial>
<serial type='pipe'><source path='/p.pipe'/></serial>
<hostdev mode='subsystem' type='scsi'><source protocol='iscsi' name='iqn.2020-01.a:b/1'><host name='i.example' port='3260'/></source></hostdev>
<graphics type='vnc' port='5930' websocket='5730'><listen type='address' address='127.0.0.5'/></graphics>
<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
<rng model='virtio'><backend model='egd' type='tcp'><source mode='connect' host='e.example' service='13'/></backend></rng>
<shmem name='shm1'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>
<audio id='1' type='file' path='/o.wav'/>
<input type='evdev'><source dev='/dev/input/event9'/></input>
<filesystem type='mount'><source dir='/d.dir'/><target dir='t'/></filesystem>`
	doc := strings.Replace(libvirtd.Guest("reach", devices), "<os>",
		`<sysinfo type='fwcfg'><entry name='opt/com.x' file='/f.fwcfg'/></sysinfo><os><kernel>/k.kernel</kernel><initrd>/i.initrd</initrd>`, 1)
	d, err := domxml.Load("reach.xml", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, r := range reach.Of(d) {
		listed[r.Name] = true
	}
	var args strings.Builder
	for _, word := range words(daemon.MustVirsh("domxml-to-native", "qemu-argv", daemon.File("reach.xml", doc))) {
		args.WriteString(argument(word))
	}
	own, err := domxml.Load("argv.xml", []byte("<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:commandline>"+args.String()+"</qemu:commandline></domain>"))
	if err != nil {
		t.Fatal(err)
	}
	agreed := 0
	for _, r := range reach.Of(own) {
		switch {
		case listed[r.Name]:
			agreed++
		case r.Kind == reach.Unknown:
			t.Errorf("libvirt's own argument is unknown: %s", r.Name)
		case r.Kind == reach.Descriptor, r.ID == "qemu-sandbox", strings.Contains(r.Name, "/domain-"): // libvirt's own
		default:
			t.Errorf("not in the inventory of the document: %s %s (%s)", r.Kind, r.Name, r.ID)
		}
	}
	t.Logf("resources that both tables name: %d", agreed)
}

// words splits what virsh prints for a shell: variables of the environment, the executable, and its
// arguments.
func words(text string) []string {
	var out []string
	var b strings.Builder
	quoted, begun := false, false
	for _, c := range strings.ReplaceAll(text, "\\\n", " ") {
		switch {
		case c == '\'':
			quoted, begun = !quoted, true
		case !quoted && (c == ' ' || c == '\n'):
			if begun {
				out = append(out, b.String())
			}
			b.Reset()
			begun = false
		default:
			b.WriteRune(c)
			begun = true
		}
	}
	for i, word := range out {
		if strings.HasPrefix(word, "-") {
			return out[i:]
		}
	}
	return out
}

// furnish makes what the probes find, and returns the XML of the devices and of the arguments.
func furnish(t *testing.T, outside string) (devices, arguments string) {
	t.Helper()
	var xml, args strings.Builder
	for _, p := range probes {
		prepare(t, outside+"/"+p.name, p.content)
		fmt.Fprintln(&xml, strings.ReplaceAll(p.xml, "%", inside+"/"+p.name))
	}
	args.WriteString(argument("-netdev") + argument("user,id=zr"))
	for _, p := range passed {
		prepare(t, outside+"/"+p.name, p.content)
		for word := range strings.SplitSeq(strings.ReplaceAll(p.xml, "%", inside+"/"+p.name), "|") {
			args.WriteString(argument(word))
		}
	}
	return xml.String(), args.String()
}

// argument returns the element that passes a word to QEMU.
func argument(word string) string {
	return "<qemu:arg value='" + strings.NewReplacer("&", "&amp;", "<", "&lt;", "'", "&apos;").Replace(word) + "'/>"
}

// prepare makes what a probe finds.
func prepare(t *testing.T, file, content string) {
	t.Helper()
	var err error
	switch content {
	case "-":
		return
	case "dir":
		err = os.Mkdir(file, 0o755)
	case "fifo":
		err = syscall.Mkfifo(file, 0o666)
	case "socket":
		var l net.Listener
		if l, err = net.Listen("unix", file); err == nil {
			t.Cleanup(func() { _ = l.Close() })
			err = os.Chmod(file, 0o777)
		}
	case "program":
		err = os.WriteFile(file, []byte("#!/bin/sh\ntouch $0.mark\n"), 0o755)
	default:
		if err = os.WriteFile(file, make([]byte, 1<<20), 0o666); err == nil {
			err = os.Chmod(file, 0o666)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// owners returns the owner of each file.
func owners(t *testing.T, dir string) map[string]uint32 {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]uint32{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			out[e.Name()] = s.Uid
		}
	}
	return out
}

// open returns the names of the files that QEMU has open.
func open(t *testing.T, daemon *libvirtd.Daemon) []string {
	t.Helper()
	out, err := daemon.Command("/bin/sh", "-c", `p=$(cat /run/libvirt/qemu/reach.pid) && for f in /proc/$p/fd/*; do readlink $f; done`).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.Fields(string(out))
}
