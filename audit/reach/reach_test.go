package reach

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// TestDocument holds what each kind of position is read as, with near misses.
func TestDocument(t *testing.T) {
	for _, c := range []struct{ devices, want string }{
		{`<disk type='file'><source file='/a'/></disk>`, "file /a [read, write]"},
		{`<disk type='file'><source file='../var/run/a/'/></disk>`, "file /run/a [read, write]"},
		{`<disk><source file='/a'/><readonly/></disk>`, "file /a [read]"},
		{`<disk type='file' device='cdrom'><source file='/a'/></disk>`, "file /a [read]"},
		{`<disk type='file' device='cdrom'/>`, ""},
		{`<disk type='file'><source dev='/a'/></disk>`, ""},
		{`<disk type='file'><source file='nbd:h:1'/></disk>`, "file /nbd:h:1 [read, write]"},
		{`<disk type='block'><source dev='/dev/sda'/></disk>`, "block device /dev/sda [read, write, whole device]"},
		{`<disk type='block'><source dev='/dev/vg-a/l-v'/></disk>`, "block device /dev/mapper/vg--a-l--v [read, write, whole device]"},
		{`<disk type='file'><source file='/dev/disk/../zvol/a'/></disk>`, "file /dev/zvol/a [read, write]"},
		{`<disk type='file'><source file='/a'/><transient/></disk>`, "file /a [read]"},
		{`<disk type='vhostuser'><source type='unix' path='/s'/><readonly/></disk>`, "UNIX socket /s [read, connect]"},
		{`<disk type='dir'><source dir='/d'/><readonly/></disk>`, "directory /d [read]"},
		{`<disk type='volume'><source pool='p' volume='v'/></disk>`, "storage pool p [read]; storage volume p/v [read, write]"},
		{`<disk type='vhostuser'><source type='unix' path='/s'/></disk>`, "UNIX socket /s [connect]"},
		{
			`<disk type='nvme'><source type='pci' managed='yes' namespace='1'><address domain='0' bus='1' slot='0' function='0'/></source></disk>`,
			"PCI device 0000:01:00.0 [whole device]",
		},
		{
			`<disk type='network'><source protocol='nbd' name='e'><host name='h' port='1'/></source></disk>`,
			"network storage nbd://h:1/e [read, write]; network endpoint tcp://h:1 [connect]",
		},
		{
			`<disk type='network'><source protocol='nbd'><host transport='unix' socket='/s'/></source></disk>`,
			"network storage nbd://[/s] [read, write]; UNIX socket /s [connect]",
		},
		{
			`<disk type='network'><source protocol='rbd' name='p/i'><host name='mon2' port='6789'/><host name='MON1'/><snapshot name='s'/></source></disk>`,
			"network storage rbd://mon1:6789,mon2:6789/p/i@s [read]; network endpoint tcp://mon2:6789 [connect]; network endpoint tcp://mon1 [connect]",
		},
		{
			`<disk type='network'><source protocol='iscsi' name='iqn.2026-01.example:x'><host name='san'/></source></disk>`,
			"network storage iscsi://san:3260/iqn.2026-01.example:x/0 [read, write]; network endpoint tcp://san [connect]",
		},
		{
			`<disk type='network'><source protocol='https' name='i' query='q'><host name='h'/></source></disk>`,
			"network storage https://h:443/i?q [read]; network endpoint tcp://h [connect]",
		},
		{
			`<disk type='network'><source protocol='ssh' name='x'><host name='h'/><identity username='u' keyfile='/k' agentsock='/s'/><knownHosts path='/h'/></source></disk>`,
			"network storage ssh://h:22/x [read, write]; network endpoint tcp://h [connect]; file /k [read]; UNIX socket /s [connect]; file /h [read]",
		},
		{
			`<disk type='file'><source file='/a'><dataStore type='file'><format type='raw'/><source file='/b'/></dataStore></source></disk>`,
			"file /a [read, write]; file /b [read, write]",
		},
		{
			`<disk type='file'><source file='/a'/><backingStore type='file'><format type='raw'/><source file='/b'/><backingStore type='block'><format type='raw'/><source dev='/dev/c'/></backingStore></backingStore></disk>`,
			"file /a [read, write]; file /b [read]; block device /dev/c [read]",
		},
		{`<disk type='file'><source file='/a'/><mirror type='file' job='copy'><source file='/b'/></mirror></disk>`, "file /a [read, write]"},
		{`<filesystem type='mount'><source dir='.'/><target dir='t'/></filesystem>`, "directory / [read, write]"},
		{
			`<filesystem type='mount'><driver type='virtiofs'/><binary path='/usr/libexec/x'/><source dir='/d'/><target dir='t'/></filesystem>`,
			"executable /usr/libexec/x [execute]; directory /d [read, write]",
		},
		{`<filesystem type='ram'><source usage='1'/><target dir='/t'/></filesystem>`, ""},
		{`<interface type='bridge'><source bridge='b'/></interface>`, "bridge b [connect]"},
		{`<interface type='network'><source network='n'/></interface>`, "libvirt network n [connect]"},
		{`<interface type='direct'><source dev='eth0' mode='passthrough'/></interface>`, "host interface eth0 [whole device]"},
		{`<interface type='direct'><source dev='eth0' mode='vepa'/></interface>`, "host interface eth0 [connect]"},
		{`<interface type='ethernet'><script path='/s'/><target dev='t0'/></interface>`, "executable /s [execute]; host interface t0 [create]"},
		{`<interface type='vhostuser'><source type='unix' path='/s' mode='server'/></interface>`, "UNIX socket /s [listen]"},
		{`<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>`, "vDPA device /dev/vhost-vdpa-0 [whole device]"},
		{`<interface type='user'/>`, "host setting network of the host [connect]"},
		{`<interface type='server'><source port='1'/></interface>`, "network endpoint tcp://127.0.0.1:1 [listen]"},
		{`<interface type='mcast'><source address='230.0.0.1' port='1'/></interface>`, "network endpoint mcast://230.0.0.1:1 [connect, listen]"},
		{
			`<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='0x0a' slot='1' function='2'/></source></hostdev>`,
			"PCI device 0000:0a:01.2 [whole device]",
		},
		{`<hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source></hostdev>`, "USB device 001:002 [whole device]"},
		{
			`<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>`,
			"mediated device c2177883-f1bb-47f0-914d-32a22e3a8804 [whole device]",
		},
		{
			`<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/><address bus='0' target='0' unit='1'/></source><readonly/></hostdev>`,
			"host setting SCSI adapter scsi_host0 [read]; SCSI device scsi_host0:0:0:1 [read, whole device]",
		},
		{`<serial type='file'><source path='/a' append='on'/></serial>`, "file /a [write]"},
		{`<serial type='pty'><source path='/dev/pts/1'/></serial>`, ""},
		{`<serial type='unix'><source mode='bind' path='/s'/></serial>`, "UNIX socket /s [create, listen]"},
		{`<serial type='unix'><source path='/s'/></serial>`, "UNIX socket /s [connect]"},
		{`<serial type='tcp'><source mode='bind' host='::' service='1' tls='yes'/></serial>`, "network endpoint tcp://[::]:1 [listen]"},
		{
			`<serial type='udp'><source mode='bind' service='1'/><source mode='connect' host='h' service='2'/></serial>`,
			"network endpoint udp://*:1 [listen]; network endpoint udp://h:2 [connect]",
		},
		{`<serial type='null'><log file='/l'/></serial>`, "file /l [write, create]"},
		{
			`<serial type='dev'><source path='/dev/ttyS0'/></serial><console type='dev'><source path='/dev/ttyS0'/></console>`,
			"character device /dev/ttyS0 [read, write, whole device]",
		},
		{`<serial type='null'/><console type='file'><source path='/a'/><target type='virtio'/></console>`, "file /a [write, create]"},
		{`<rng model='virtio'><backend model='random'>/dev/hwrng</backend></rng>`, "file /dev/hwrng [read]"},
		{
			`<rng model='virtio'><backend model='egd' type='tcp'><source mode='connect' host='h' service='1'/></backend></rng>`,
			"network endpoint tcp://h:1 [connect]",
		},
		{`<rng model='virtio'><backend model='builtin'/></rng>`, ""},
		{`<tpm><backend type='passthrough'><device path='/dev/tpm1'/></backend></tpm>`, "character device /dev/tpm1 [whole device]"},
		{
			`<smartcard mode='host-certificates'><certificate>a</certificate><certificate>b</certificate><certificate>c</certificate><database>/d</database></smartcard>`,
			"host setting certificate a [read]; host setting certificate b [read]; host setting certificate c [read]; directory /d [read]",
		},
		{`<memory model='nvdimm'><source><path>/a</path></source><target><size>1</size></target></memory>`, "file /a [read, create]"},
		{`<memory model='nvdimm' access='shared'><source><path>/a</path></source></memory>`, "file /a [read, write, create]"},
		{`<memory model='virtio-pmem'><source><path>/a</path></source></memory>`, "file /a [read, write, create]"},
		{`<memory model='nvdimm' access='shared'><source><path>/a</path></source><target><readonly/></target></memory>`, "file /a [read]"},
		{`<shmem name='s'><model type='ivshmem-plain'/></shmem>`, "file /dev/shm/s [read, write, create]"},
		{`<input type='evdev'><source dev='/dev/input/event0'/></input>`, "character device /dev/input/event0 [read]"},
		{
			`<graphics type='vnc' port='5901' listen='0.0.0.0' websocket='5700'/>`,
			"network endpoint tcp://0.0.0.0:5901 [listen]; network endpoint tcp://0.0.0.0:5700 [listen]",
		},
		{`<graphics type='vnc' autoport='yes'><listen type='address' address='::ffff:0:0'/></graphics>`, "network endpoint tcp://0.0.0.0 [listen]"},
		{`<graphics type='vnc'><listen type='socket' socket='/s'/></graphics>`, "UNIX socket /s [create, listen]"},
		{
			`<graphics type='spice'><listen type='none'/><gl enable='yes' rendernode='/dev/dri/renderD128'/></graphics>`,
			"character device /dev/dri/renderD128 [read, write]",
		},
		{`<audio id='1' type='file' path='/a'/>`, "file /a [write, create]"},
		{`<lease><lockspace>l</lockspace><key>k</key><target path='/a'/></lease>`, "host setting lockspace l [write]; file /a [read, write]"},
	} {
		got := strings.Join(lines(Of(load(t, c.devices))), "; ")
		if got != c.want {
			t.Errorf("%s\n\tis   %s\n\twant %s", c.devices, got, c.want)
		}
	}
}

// TestImplied holds what a document implies; it is marked so.
func TestImplied(t *testing.T) {
	for _, c := range []struct{ devices, want string }{
		{`<graphics type='vnc'/>`, "network endpoint tcp://127.0.0.1 [listen]"},
		{`<filesystem type='mount'><driver type='virtiofs'/><target dir='t'/></filesystem>`, "executable virtiofsd [execute]"},
		{
			`<tpm><backend type='emulator'/></tpm>`,
			"directory /var/lib/libvirt/swtpm/11111111-2222-4333-8444-555555555555 [read, write, create]; executable swtpm [execute]",
		},
		{
			`<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>`,
			"UNIX socket /run/libvirt/qemu/channel/web/org.qemu.guest_agent.0 [create, listen]",
		},
		{`<pstore><size>1</size></pstore>`, "file /var/lib/libvirt/qemu/nvram/web_PSTORE.raw [read, write, create]"},
		{`<rng model='virtio'><backend model='random'/></rng>`, "file /dev/random [read]"},
	} {
		resources := Of(load(t, c.devices))
		if got := strings.Join(lines(resources), "; "); got != c.want {
			t.Errorf("%s\n\tis   %s\n\twant %s", c.devices, got, c.want)
		}
		for _, r := range resources {
			if !r.Implied || r.Written != "" {
				t.Errorf("%s: %s is not implied", c.devices, r.Name)
			}
		}
	}
}

// TestOpener holds who opens a disk, and whether its owner changes.
func TestOpener(t *testing.T) {
	const disk = `<devices><disk type='file'><source file='/a'>%</source></disk></devices></domain>`
	for _, c := range []struct {
		document, inner string
		opener          Opener
		own             bool
	}{
		{`<domain type='kvm'>`, "", Libvirt | QEMU, true},
		{`<domain type='kvm'><seclabel type='none'/>`, "", Libvirt | QEMU, false},
		{`<domain type='kvm'><seclabel type='none' model='selinux'/>`, "", Libvirt | QEMU, true},
		{`<domain type='kvm'><seclabel type='static' model='dac' relabel='no'><label>a:b</label></seclabel>`, "", Libvirt | QEMU, false},
		{`<domain type='kvm'>`, "<seclabel model='dac' relabel='no'/>", Libvirt | QEMU, false},
		{`<domain type='xen'>`, "", Toolstack, true},
		{`<domain type='lxc'>`, "", Toolstack, true},
	} {
		d, err := domxml.Load("test.xml", []byte(c.document+strings.Replace(disk, "%", c.inner, 1)))
		if err != nil {
			t.Fatal(err)
		}
		got := Of(d)
		if len(got) != 1 || got[0].Opener != c.opener || got[0].Relabel != c.own {
			t.Errorf("%s %s: %+v", c.document, c.inner, got)
		}
	}
}

// TestContainer holds what the documents of other drivers name.
func TestContainer(t *testing.T) {
	for _, c := range []struct{ document, want string }{
		{`<domain type='lxc' xmlns:lxc='http://libvirt.org/schemas/domain/lxc/1.0'><os><type>exe</type><init>/bin/sh</init></os>
<lxc:namespace><lxc:sharenet type='pid' value='1'/></lxc:namespace></domain>`, "executable /bin/sh [execute]; namespace net 1 [connect]"},
		{`<domain type='xen'><bootloader>/usr/bin/pygrub</bootloader></domain>`, "executable /usr/bin/pygrub [execute]"},
		{
			`<domain type='bhyve' xmlns:bhyve='http://libvirt.org/schemas/domain/bhyve/1.0'><bhyve:commandline><bhyve:arg value='-x'/></bhyve:commandline></domain>`,
			"unknown -x []",
		},
	} {
		d, err := domxml.Load("test.xml", []byte(c.document))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(lines(Of(d)), "; "); got != c.want {
			t.Errorf("%s\n\tis   %s\n\twant %s", c.document, got, c.want)
		}
	}
}

// TestPlaces holds that every resource is at a place that the document has, in the document's
// order.
func TestPlaces(t *testing.T) {
	d := load(t, strings.Repeat(`<disk type='file'><source file='/a'/></disk><serial type='tcp'><source mode='bind' service='1'/></serial>`, 100), "-D", "/a")
	var order []int
	for _, r := range Of(d) {
		if !d.Has(r.At) {
			t.Errorf("%s: no such place", r.At)
		}
		order = append(order, d.SpanOf(r.At).Start)
	}
	if len(order) != 201 || !slices.IsSorted(order) {
		t.Errorf("%d resources, in order: %v", len(order), slices.IsSorted(order))
	}
}

// TestRoles holds what guests have resources for.
func TestRoles(t *testing.T) {
	role := roles(positionsText)
	maps.Copy(role, optionRoles())
	known := map[string]bool{"qemu-image": true}
	for line := range strings.Lines(positionsText) {
		if f := strings.Fields(line); len(f) > 2 {
			known[f[0]] = true
		}
	}
	for _, rows := range options() {
		for _, r := range rows {
			known[r.id] = true
		}
	}
	for id := range role {
		if !known[id] {
			t.Errorf("no row has the ID %s", id)
		}
	}
	for _, c := range []struct {
		devices   string
		words     []string
		want      Role
		shareable bool
	}{
		{devices: `<disk type='file'><source file='/a'/></disk>`, want: Disk},
		{devices: `<disk type='file'><source file='/a'/><shareable/></disk>`, want: Disk, shareable: true},
		{devices: `<disk><backingStore type='file'><format type='raw'/><source file='/a'/></backingStore></disk>`, want: Backing},
		{devices: `<hostdev mode='subsystem' type='scsi'><source protocol='iscsi' name='a'/><shareable/></hostdev>`, want: Disk, shareable: true},
		{devices: `<filesystem type='mount'><source dir='/a'/></filesystem>`, want: Share},
		{devices: `<serial type='file'><source path='/a'/></serial>`, want: Output},
		{devices: `<rng model='virtio'><backend model='random'>/a</backend></rng>`, want: NoRole},
		{devices: `<lease><target path='/a'/></lease>`, want: NoRole},
		{devices: `<shmem name='s'><model type='ivshmem-plain'/></shmem>`, want: Memory},
		{words: []string{"-hda", "/a"}, want: Disk},
		{words: []string{"-hda", "fat:/a"}, want: Share},
		{words: []string{"-pflash", "/a"}, want: Firmware},
		{words: []string{"-drive", "if=pflash,file=/a"}, want: Firmware},
		{words: []string{"-bios", "/a"}, want: Firmware},
		{words: []string{"-kernel", "/a"}, want: Boot},
		{words: []string{"-blockdev", "driver=qcow2,node-name=n,backing.driver=file,backing.filename=/a"}, want: Backing},
		{words: []string{"-blockdev", "driver=blkdebug,node-name=n,config=/a"}, want: NoRole},
		{words: []string{"-chardev", "file,id=c,path=/a"}, want: Output},
		{words: []string{"-fsdev", "local,id=f,path=/a,security_model=none"}, want: Share},
	} {
		list := Of(load(t, c.devices, c.words...))
		if len(list) != 1 || list[0].Role != c.want || list[0].Shareable != c.shareable {
			t.Errorf("%s%s: %+v, want role %d", c.devices, c.words, list, c.want)
		}
	}
}
