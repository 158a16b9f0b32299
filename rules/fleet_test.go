package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
)

// guest is a document in short: what differs from an ordinary guest.
type guest struct {
	name, devices, rest string
	id                  int    // of a running one
	kind                string // type, if not kvm
	os                  string
}

func (g guest) document() string {
	kind, id := "kvm", ""
	if g.kind != "" {
		kind = g.kind
	}
	if g.id > 0 {
		id = fmt.Sprintf(" id='%d'", g.id)
	}
	return fmt.Sprintf(`<domain type='%s'%s><name>%s</name>
<os><type arch='x86_64' machine='pc-q35-9.2'>hvm</type>%s</os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
%s
</devices>
%s</domain>`, kind, id, g.name, g.os, g.devices, g.rest)
}

// findings runs the fleet rules over a host, and returns "RULE severity guest: message".
func findings(t *testing.T, guests ...guest) []string {
	t.Helper()
	cfg := &audit.Settings{OneHost: true}
	for _, r := range All() {
		if r.Requires&audit.NeedDomains != 0 {
			cfg.Rules = append(cfg.Rules, r)
		}
	}
	var loaded []*audit.Domain
	for i, g := range guests {
		d, err := domxml.Load(fmt.Sprintf("%d.xml", i), []byte(g.document()))
		if err != nil {
			t.Fatalf("%s: %v", g.name, err)
		}
		loaded = append(loaded, d)
	}
	var out []string
	for _, res := range together(t, cfg, loaded...) {
		for _, f := range res.Findings {
			out = append(out, fmt.Sprintf("%s %s %s: %s", f.Rule.ID, f.Severity, res.Name, f.Message))
		}
		for _, u := range res.Unevaluated {
			out = append(out, fmt.Sprintf("%s unknown %s", u.Rule.ID, res.Name))
		}
	}
	slices.Sort(out)
	return out
}

// ordinary is the n-th guest of a well-kept host, with everything that guests of one host can have
// in common without a conflict. Running, it shows what libvirt fills in.
func ordinary(n int, running bool) guest {
	g := guest{name: fmt.Sprintf("vm%02d", n)}
	g.os = fmt.Sprintf(`<loader readonly='yes' secure='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.ms.fd</loader>
<nvram template='/usr/share/OVMF/OVMF_VARS_4M.ms.fd'>/var/lib/libvirt/qemu/nvram/%s_VARS.fd</nvram>`, g.name)
	port, channel := "-1", "<source mode='bind'/>"
	if running {
		g.id = n + 1
		port, channel = strconv.Itoa(5900+n), fmt.Sprintf("<source mode='bind' path='/run/libvirt/qemu/channel/%d-%s/org.qemu.guest_agent.0'/>", n, g.name)
		g.rest = fmt.Sprintf(`<seclabel type='dynamic' model='apparmor' relabel='yes'><label>libvirt-%s</label></seclabel>
<seclabel type='dynamic' model='dac' relabel='yes'><label>+64055:+109</label></seclabel>`, g.name)
	}
	g.devices = fmt.Sprintf(`
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/var/lib/libvirt/images/%[1]s.qcow2'/>
 <backingStore type='file'><format type='qcow2'/><source file='/srv/base/noble.qcow2'/><backingStore/></backingStore><target dev='vda' bus='virtio'/></disk>
<disk type='network' device='disk'><driver name='qemu' type='raw'/><auth username='cinder'><secret type='ceph' uuid='5b6c8a04-9a6e-4b5c-8b77-0f6f6cf6d001'/></auth>
 <source protocol='rbd' name='volumes/%[1]s'><host name='mon1' port='6789'/></source><target dev='vdb' bus='virtio'/></disk>
<disk type='block' device='disk'><driver name='qemu' type='raw'/><source dev='/dev/mapper/quorum'/><target dev='sdd' bus='scsi'/><shareable/></disk>
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/srv/tools.img'/><target dev='vdc' bus='virtio'/><readonly/></disk>
<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='/srv/iso/virtio-win.iso'/><target dev='sda' bus='sata'/><readonly/></disk>
<disk type='file' device='cdrom'><source file='/srv/iso/noble.iso'/><target dev='sdb' bus='sata'/></disk>
<disk type='block' device='cdrom'><source dev='/dev/sr0'/><target dev='sde' bus='sata'/></disk>
<disk type='file' device='cdrom'><target dev='sdc' bus='sata'/><readonly/></disk>
<disk type='file' device='floppy'><target dev='fda' bus='fdc'/></disk>
<filesystem type='mount'><driver type='virtiofs'/><source dir='/srv/doc'/><target dir='doc'/><readonly/></filesystem>
<filesystem type='mount'><driver type='virtiofs'/><source dir='/srv/home/%[1]s'/><target dir='home'/></filesystem>
<interface type='network'><mac address='52:54:00:00:01:%02[2]x'/><source network='default'/><model type='virtio'/></interface>
<interface type='bridge'><mac address='52:54:00:00:02:%02[2]x'/><source bridge='br0'/><virtualport type='openvswitch'/></interface>
<interface type='user'><mac address='52:54:00:00:00:01'/></interface>
<interface type='hostdev'><mac address='52:54:00:00:03:%02[2]x'/><source><address type='pci' domain='0' bus='3' slot='0x10' function='%[5]d'/></source></interface>
<interface type='vhostuser'><mac address='52:54:00:00:04:%02[2]x'/><source type='unix' path='/run/ovs/vhost0' mode='client'/></interface>
<serial type='pty'><target port='0'/></serial><console type='pty'><target type='serial' port='0'/></console>
<channel type='unix'>%[4]s<target type='virtio' name='org.qemu.guest_agent.0'/></channel>
<graphics type='vnc' port='%[3]s' autoport='yes' listen='127.0.0.1'><listen type='address' address='127.0.0.1'/></graphics>
<graphics type='spice' autoport='yes'/>
<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>
<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
<vsock model='virtio'><cid auto='yes' address='3'/></vsock>
<memory model='nvdimm'><source><path>/srv/kata.img</path></source><target><size unit='MiB'>128</size><node>0</node></target></memory>`,
		g.name, n, port, channel, n%8)
	g.rest += "<vcpu cpuset='0-15'>2</vcpu><genid/><sysinfo type='smbios'><system><entry name='manufacturer'>Fedora</entry><entry name='serial'>ds=nocloud</entry></system></sysinfo>"
	return g
}

// TestOrdinaryHost: a host of ordinary guests, half of which are given twice, stored and running,
// must have no findings.
func TestOrdinaryHost(t *testing.T) {
	var host []guest
	for i := range 8 {
		host = append(host, ordinary(i, false))
		if i%2 == 0 {
			host = append(host, ordinary(i, true))
		}
	}
	for _, f := range findings(t, host...) {
		t.Error(f)
	}
}

// TestKubeVirt: each guest is in a container, where files, bridges and ports have the same names.
func TestKubeVirt(t *testing.T) {
	var host []guest
	for i := range 3 {
		host = append(host, guest{
			name: fmt.Sprint("default_vm", i), devices: `
<disk type='file'><source file='/var/run/kubevirt-private/vmi-disks/rootdisk/disk.img'/><target dev='vda'/></disk>
<disk type='file'><source file='/var/run/libvirt/cloud-init-dir/default/vm/noCloud.iso'/><target dev='vdc'/></disk>
<disk type='block'><source dev='/dev/datadisk'/><target dev='vdb'/></disk>
<interface type='bridge'><mac address='02:00:00:00:00:01'/><source bridge='k6t-eth0'/></interface>
<serial type='unix'><source mode='bind' path='/var/run/kubevirt-private/virt-serial0'/></serial>
<graphics type='vnc' port='5900' autoport='no' listen='127.0.0.1'/>`,
			os: "<nvram>/var/run/kubevirt-private/nvram/vars.fd</nvram>", rest: `<metadata><kubevirt xmlns="http://kubevirt.io"><uid/></kubevirt></metadata>`,
		})
	}
	for _, f := range findings(t, host...) {
		t.Error(f)
	}
}

func TestAcrossGuests(t *testing.T) {
	disk := func(source, more string) string {
		return "<disk type='file'><source file='" + source + "'/><target dev='vda'/>" + more + "</disk>"
	}
	folder := func(dir, more string) string {
		return "<filesystem type='mount'><source dir='" + dir + "'/><target dir='x'/>" + more + "</filesystem>"
	}
	nic := func(network string) string {
		return "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='" + network + "'/></interface>"
	}
	log := func(file string) string { return "<serial type='null'><log file='" + file + "' append='on'/></serial>" }
	lun := func(more string) string {
		return "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/><address bus='0' target='0' unit='1'/></source>" + more + "</hostdev>"
	}
	const common = `<lease><lockspace>l</lockspace><key>k</key><target path='/lease'/></lease><serial type='pipe'><source path='/pipe'/></serial>
<rng model='virtio'><backend model='random'/></rng><graphics type='spice'><listen type='none'/><gl enable='yes' rendernode='/dev/dri/renderD128'/></graphics>`
	const pflash = "<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>"
	const noMAC = "<seclabel type='none'/>"
	dac := func(kind string) string {
		return "<seclabel type='" + kind + "' model='dac'><label>+107:+107</label></seclabel>"
	}
	tests := []struct {
		name   string
		guests []guest
		want   []string // beginnings
	}{
		{
			"stand-by: one is running",
			[]guest{{name: "a", id: 1, devices: disk("/d", "")}, {name: "b", devices: disk("/d", "")}},
			[]string{"fleet-disk-rw-shared high a:", "fleet-disk-rw-shared high b:"},
		},
		{
			"both run",
			[]guest{{name: "a", id: 1, devices: disk("/d", "")}, {name: "b", id: 2, devices: disk("/d", "")}},
			[]string{"fleet-disk-rw-shared critical a:", "fleet-disk-rw-shared critical b:"},
		},
		{
			"one side is shareable",
			[]guest{{name: "a", devices: disk("/d", "<shareable/>")}, {name: "b", devices: disk("/d", "")}},
			[]string{"fleet-disk-rw-shared critical a:", "fleet-disk-rw-shared critical b:"},
		},
		{
			"log of a console and a disk",
			[]guest{{name: "a", devices: disk("/d", "")}, {name: "b", devices: log("/x/../d")}},
			[]string{"fleet-disk-rw-shared critical a: disk /d is", "fleet-disk-rw-shared critical b: output file /x/../d is"},
		},
		{
			"one log of two consoles",
			[]guest{{name: "a", devices: log("/l")}, {name: "b", devices: "<serial type='file'><source path='/l'/></serial>"}},
			[]string{"fleet-disk-rw-shared medium a:", "fleet-disk-rw-shared medium b:"},
		},
		{"logs in /dev/null", []guest{{name: "a", devices: log("/dev/null")}, {name: "b", devices: log("/dev/null")}}, nil},
		{"a lease and a pipe", []guest{{name: "a", devices: common}, {name: "b", devices: common}}, nil},
		{
			"NVRAM of one is a disk of another",
			[]guest{{name: "a", os: "<nvram>/v</nvram>"}, {name: "b", devices: disk("/v", "")}},
			[]string{"fleet-disk-rw-shared critical a: NVRAM /v is", "fleet-disk-rw-shared critical b: disk /v is"},
		},
		{
			"NVRAM that libvirt chooses",
			[]guest{{name: "a", os: pflash}, {name: "b", os: pflash + "<nvram>/var/lib/libvirt/qemu/nvram/a_VARS.fd</nvram>"}},
			[]string{"fleet-state-dup high a: NVRAM /var/lib/libvirt/qemu/nvram/a_VARS.fd is used by b", "fleet-state-dup high b:"},
		},
		{
			"NVRAM of two guests with one name",
			[]guest{
				{name: "a", os: pflash, rest: "<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1801</uuid>"},
				{name: "a", os: pflash + "<nvram>/var/lib/libvirt/qemu/nvram/a_VARS.fd</nvram>", rest: "<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1802</uuid>"},
			},
			[]string{"fleet-uuid-dup medium a:", "fleet-uuid-dup medium a:"},
		},
		{
			"private memory and a disk",
			[]guest{{name: "a", devices: "<memory model='nvdimm'><source><path>/d</path></source></memory>"}, {name: "b", devices: disk("/d", "")}},
			[]string{"fleet-disk-rw-ro high a: memory in /d is read", "fleet-disk-rw-ro high b:"},
		},
		{
			"memory is shared by its cell",
			[]guest{
				{name: "a", devices: "<memory model='nvdimm'><source><path>/d</path></source></memory>", rest: "<cpu><numa><cell id='0' memory='1' memAccess='shared'/></numa></cpu>"},
				{name: "b", devices: "<memory model='virtio-pmem'><source><path>/d</path></source></memory>"},
			},
			[]string{"fleet-shmem-shared high a:", "fleet-shmem-shared high b:"},
		},
		{
			"copy of a running guest's disk",
			[]guest{{name: "a", id: 1, devices: disk("/a", "<mirror type='file' job='copy'><format type='raw'/><source file='/d'/></mirror>")}, {name: "b", id: 2, devices: disk("/d", "")}},
			[]string{"fleet-disk-rw-shared critical a:", "fleet-disk-rw-shared critical b:"},
		},
		{"shareable SCSI unit, read only", []guest{{name: "a", devices: lun("<shareable/>")}, {name: "b", devices: lun("<readonly/>")}}, nil},
		{
			"SCSI unit of which one is not shareable",
			[]guest{{name: "a", devices: lun("<shareable/>")}, {name: "b", devices: lun("")}},
			[]string{"fleet-hostdev-dup high a:", "fleet-hostdev-dup high b:"},
		},
		{
			"a script in a shared directory",
			[]guest{{name: "a", devices: folder("/srv/x", "")}, {name: "b", devices: "<interface type='ethernet'><script path='/srv/x/up'/></interface>"}},
			[]string{"fleet-share-contains-host-asset critical a:", "fleet-share-contains-host-asset critical b: program /srv/x/up"},
		},
		{
			"TPM state that libvirt chooses, in a shared directory",
			[]guest{{name: "a", devices: folder("/var/lib/libvirt", "<readonly/>")}, {name: "b", devices: "<tpm><backend type='emulator'/></tpm>", rest: "<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1801</uuid>"}},
			[]string{"fleet-share-contains-host-asset high a:", "fleet-share-contains-host-asset high b: TPM state"},
		},
		{
			"a range of forwarded ports",
			[]guest{
				{name: "a", devices: "<interface type='user'><backend type='passt'/><portForward proto='tcp'><range start='2000' end='2010'/></portForward></interface>"},
				{name: "b", devices: "<interface type='user'><backend type='passt'/><portForward proto='tcp'><range start='2004' end='2020'/></portForward></interface>"},
				{name: "c", devices: "<serial type='tcp'><source mode='bind' host='127.0.0.1' service='2006'/></serial>"},
			},
			[]string{"fleet-port-dup low a: TCP ports 2000-2010 on any address is also used by b", "fleet-port-dup low b:", "fleet-port-dup low c: TCP port 2006 on"},
		},
		{
			"a display that chooses its port, and one without network",
			[]guest{
				{name: "a", devices: "<graphics type='vnc' port='5901' autoport='yes'/><graphics type='spice' port='5902'><listen type='none'/></graphics>"},
				{name: "b", devices: "<graphics type='vnc' port='5901'/><graphics type='spice' port='5902'/>"},
			},
			nil,
		},
		{"transient", []guest{{name: "a", devices: disk("/d", "<transient/>")}, {name: "b", devices: disk("/d", "<transient shareBacking='yes'/>")}}, nil},
		{
			"read-only directory with a disk",
			[]guest{{name: "a", devices: folder("/srv", "<readonly/>")}, {name: "b", devices: disk("/srv/b.img", "")}},
			[]string{"fleet-share-contains-host-asset high a:", "fleet-share-contains-host-asset high b:"},
		},
		{"read-only directory with the emulator", []guest{{name: "a", devices: folder("/usr", "<readonly/>")}, {name: "b"}}, nil},
		{
			"directory with the emulator",
			[]guest{{name: "a", devices: folder("/usr", "")}, {name: "b"}},
			[]string{"fleet-share-contains-host-asset critical a:", "fleet-share-contains-host-asset critical b:"},
		},
		{
			"directory with a medium",
			[]guest{{name: "a", devices: folder("/srv", "")}, {name: "b", devices: disk("/srv/b.iso", "<readonly/>")}},
			[]string{"fleet-share-contains-host-asset high a:", "fleet-share-contains-host-asset high b:"},
		},
		{"own disk in own directory", []guest{{name: "a", devices: folder("/srv", "") + disk("/srv/a.img", "")}, {name: "b"}}, nil},
		{"neighbouring directory", []guest{{name: "a", devices: folder("/srv/vm", "")}, {name: "b", devices: disk("/srv/vm-2/b.img", "")}}, nil},
		{
			"MAC on two networks",
			[]guest{{name: "a", devices: nic("one")}, {name: "b", devices: nic("two")}},
			[]string{"fleet-mac-dup low a:", "fleet-mac-dup low b:"},
		},
		{
			"MAC on a network and a bridge",
			[]guest{{name: "a", devices: nic("one")}, {name: "b", devices: "<interface type='bridge'><mac address='52:54:0:0:0:1'/><source bridge='br0'/></interface>"}},
			[]string{"fleet-mac-dup medium a:", "fleet-mac-dup medium b:"},
		},
		{
			"users by hand",
			[]guest{{name: "a", rest: noMAC + dac("static")}, {name: "b", rest: noMAC + dac("static")}},
			[]string{"fleet-dac-same-user medium a:", "fleet-dac-same-user medium b:"},
		},
		{
			"running without labels",
			[]guest{{name: "a", id: 1, rest: dac("dynamic")}, {name: "b", id: 2, rest: dac("dynamic")}},
			[]string{"fleet-dac-same-user low a:", "fleet-dac-same-user low b:"},
		},
		{"stored, labels unknown", []guest{{name: "a", rest: dac("static")}, {name: "b", rest: dac("static")}}, nil},
		{
			"one test guest",
			[]guest{{name: "a"}, {name: "b"}, {name: "lab", kind: "qemu"}},
			[]string{"fleet-tenant-boundary-mix high lab: this guest is outside"},
		},
		{
			"one proper guest",
			[]guest{{name: "a"}, {name: "lab", kind: "qemu"}, {name: "lab2", kind: "qemu"}},
			[]string{"fleet-tenant-boundary-mix high a: this guest is inside"},
		},
		{"a labelled test guest", []guest{{name: "a"}, {name: "lab", kind: "qemu", rest: "<seclabel type='dynamic' model='selinux'/>"}}, nil},
		{"no guest inside", []guest{{name: "a", kind: "qemu"}, {name: "b", kind: "qemu"}}, nil},
		{"same name, other driver", []guest{{name: "a", rest: "<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1801</uuid>"}, {name: "a", kind: "lxc", rest: "<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1802</uuid>"}}, nil},
		{
			"ports of passthrough and of a device",
			[]guest{
				{name: "a", devices: "<serial type='tcp'><source mode='bind' host='127.0.0.1' service='1234'/></serial>"},
				{name: "b", rest: "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-s'/></qemu:commandline>"},
			},
			[]string{"fleet-port-dup low a:", "fleet-port-dup low b:"},
		},
		{
			"masked passwords",
			[]guest{{name: "a", devices: "<graphics type='vnc' passwd='***'/>"}, {name: "b", devices: "<graphics type='vnc' passwd='***'/>"}},
			[]string{"fleet-password-reuse unknown a", "fleet-password-reuse unknown b"},
		},
		{
			"VNC's eight characters",
			[]guest{{name: "a", devices: "<graphics type='vnc' passwd='canary-1-x'/>"}, {name: "b", devices: "<graphics type='spice' passwd='canary-1'/>"}},
			[]string{"fleet-password-reuse medium a:", "fleet-password-reuse medium b:"},
		},
		{
			"first function and another",
			[]guest{
				{name: "a", devices: "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='0' slot='0x1f' function='0'/></source></hostdev>"},
				{name: "b", rest: "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-device'/><qemu:arg value='vfio-pci,host=00:1f.3'/></qemu:commandline>"},
			},
			[]string{"fleet-pci-same-slot medium a:", "fleet-pci-same-slot medium b:"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := findings(t, tt.guests...)
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], tt.want[i]) {
					t.Errorf("got %q, want %q", got[i], tt.want[i])
				}
				if strings.Contains(got[i], "canary") {
					t.Errorf("a secret is printed: %q", got[i])
				}
			}
		})
	}
}

// TestEveryThing creates two guests that share one of every kind of resource in the index, in
// different forms if libvirt accepts several, and counts the findings of each rule for the first
// guest.
func TestEveryThing(t *testing.T) {
	const devices = `
<disk type='volume'><source pool='p' volume='v'/></disk>
<disk type='network'><source protocol='nbd' name=''><host name='H%[1]s'/></source></disk>
<disk type='network'><source protocol='nbd' name='x'><host transport='unix' socket='/run/nbd.sock'/></source></disk>
<disk type='network'><source protocol='iscsi' name='iqn.2026-01.example:x'><host name='san'/></source></disk>
<disk type='network'><source protocol='rbd' name='p/i'><snapshot name='s'/></source></disk>
<disk type='network'><source protocol='https' name='i' query='q'><host name='h'/></source></disk>
<disk type='vhostuser'><source type='unix' path='/run/blk.sock'/></disk>
<disk type='vhostvdpa'><source dev='/dev/vhost-vdpa-0'/></disk>
<disk type='nvme'><source type='pci' managed='yes' namespace='1'><address domain='0' bus='9' slot='0' function='0'/></source></disk>
<disk type='dir'><source dir='/srv/fat'/></disk>
<disk type='file'><source file='/srv/q.qcow2'><dataStore type='file'><format type='raw'/><source file='/srv/q.raw'/></dataStore></source></disk>
<filesystem type='file'><source file='/srv/ct.img'/><target dir='/'/></filesystem>
<filesystem type='block'><source dev='/dev/vg/ct'/><target dir='/'/></filesystem>
<filesystem type='volume'><source pool='p' volume='w'/><target dir='/'/></filesystem>
<filesystem type='bind'><source dir='/srv/bind'/><target dir='/'/></filesystem>
<hostdev mode='subsystem' type='scsi'><source protocol='iscsi' name='iqn.2026-01.example:y'><host name='san'/></source></hostdev>
<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/><address bus='0' target='0' unit='1'/></source></hostdev>
<hostdev mode='subsystem' type='scsi_host'><source protocol='vhost' wwpn='naa.5001405'/></hostdev>
<hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source></hostdev>
<hostdev mode='capabilities' type='storage'><source><block>/dev/sdx</block></source></hostdev>
<hostdev mode='capabilities' type='misc'><source><char>/dev/input/event3</char></source></hostdev>
<hostdev mode='capabilities' type='misc'><source><char>/dev/net/tun</char></source></hostdev>
<hostdev mode='capabilities' type='net'><source><interface>eth1</interface></source></hostdev>
<interface type='vdpa'><source dev='/dev/vhost-vdpa-1'/></interface>
<interface type='direct'><mac address='52:54:00:00:00:09'/><source dev='eth0' mode='bridge'/></interface>
<interface type='network'><mac address='52:54:0:0:0:8'/><source network='n' portgroup='g'/><vlan><tag id='5'/></vlan></interface>
<interface type='vhostuser'><mac address='00:00:00:00:00:00'/><source type='unix' path='/run/vhu' mode='server'/></interface>
<tpm><backend type='passthrough'/></tpm>
<tpm><backend type='emulator'><source type='file' path='/srv/tpm'/><encryption secret='0f4c5d28-2f2f-4c39-9d43-2bb5d2b6e6f1'/></backend></tpm>
<tpm><backend type='emulator'><source type='dir' path='/srv/tpm.d'/></backend></tpm>
<tpm><backend type='external'><source type='unix' mode='connect' path='/run/swtpm'/></backend></tpm>
<pstore backend='acpi-erst'><path>/srv/pstore</path><size unit='KiB'>8</size></pstore>
<input type='passthrough'><source evdev='/dev/input/event1'/></input>
<input type='evdev'><source dev='/dev/input/event2'/></input>
<serial type='dev'><source path='/dev/ttyS0'/></serial>
<serial type='udp'><source mode='bind' host='*' service='700'/><source mode='connect' host='h' service='701'/></serial>
<console type='dev'><source path='/dev/ttyS0'/><target type='serial'/></console>
<parallel type='dev'><source path='/dev/parport0'/></parallel>
<redirdev bus='usb' type='tcp'><source mode='bind' host='localhost' service='702'/></redirdev>
<smartcard mode='passthrough' type='unix'><source mode='bind' path='/run/card'/></smartcard>
<rng model='virtio'><backend model='egd' type='unix'><source mode='bind' path='/run/egd'/></backend></rng>
<graphics type='vnc' port='5999' websocket='5998' listen='0.0.0.0'/>
<graphics type='vnc' socket='/run/vnc'/>
<graphics type='spice' port='5997' tlsPort='5996'><listen type='network' network='n'/></graphics>
<graphics type='spice'><listen type='socket' socket='/run/spice'/></graphics>
<graphics type='rdp' port='3389' passwd='example'><listen type='address'/></graphics>
<shmem name='s'><model type='ivshmem-doorbell'/><server/></shmem>
<memory model='nvdimm' access='shared'><source><path>/srv/nv</path></source></memory>
<vsock><cid auto='no' address='%[2]s'/></vsock>`
	const rest = `
<sysinfo type='smbios'><system><entry name='uuid'>43dc0cf8-809b-4adb-9bea-a9abb5f3d90e</entry><entry name='serial'>To be filled by O.E.M.</entry></system></sysinfo>
<hwuuid>43DC0CF8-809B-4ADB-9BEA-A9ABB5F3D90F</hwuuid>
<cputune><vcpupin vcpu='0' cpuset='3'/><vcpusched vcpus='0' scheduler='fifo' priority='1'/></cputune><memoryBacking><locked/></memoryBacking>
<seclabel type='static' model='selinux'><label>u:r:t:s0</label></seclabel>
<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
<qemu:arg value='-qmp'/><qemu:arg value='unix:/run/qmp,server=on'/><qemu:arg value='-monitor'/><qemu:arg value='tcp:0:703,server'/>
<qemu:arg value='-chardev'/><qemu:arg value='socket,id=c,path=/run/cd,server=on'/><qemu:arg value='-chardev'/><qemu:arg value='socket,id=d,port=704,server=on'/>
<qemu:arg value='-chardev'/><qemu:arg value='pty,id=e'/><qemu:arg value='-serial'/><qemu:arg value='unix:/run/client'/>
<qemu:arg value='-device'/><qemu:arg value='vfio-pci,sysfsdev=/sys/bus/pci/devices/0000:0a:00.0'/></qemu:commandline>`
	const os = `<loader type='pflash' readonly='no'>/srv/fw.fd</loader><nvram type='file'><source file='/srv/vars.fd'/></nvram><varstore path='/srv/store'/>`
	got := map[string]int{}
	for _, f := range findings(t,
		guest{name: "a", devices: fmt.Sprintf(devices, "", "9"), rest: rest, os: os},
		guest{name: "b", devices: fmt.Sprintf(devices, "", "0x9"), rest: rest, os: os},
	) {
		if rule, about, _ := strings.Cut(f, " "); strings.Contains(about, " a: ") {
			got[rule]++
		}
	}
	want := map[string]int{
		"fleet-disk-rw-shared": 12, "fleet-fs-overlap": 1, "fleet-share-contains-host-asset": 0, "fleet-state-dup": 6, "fleet-loader-writable-shared": 1,
		"fleet-pci-dup": 2, "fleet-hostdev-dup": 12, "fleet-shmem-shared": 2, "fleet-vsock-cid-dup": 1, "fleet-cpu-pin-overlap": 1,
		"fleet-mac-dup": 2, "fleet-port-dup": 9, "fleet-socket-dup": 7, "fleet-hwid-dup": 2, "fleet-password-reuse": 1, "fleet-secret-reuse": 1, "fleet-mcs-dup": 1,
	}
	for _, r := range All() {
		if got[r.ID] != want[r.ID] {
			t.Errorf("%s: %d findings, want %d", r.ID, got[r.ID], want[r.ID])
		}
	}
}

// TestManyOthers: a finding about many guests stays short.
func TestManyOthers(t *testing.T) {
	var host []guest
	for i := range 12 {
		host = append(host, guest{name: fmt.Sprint("vm", i), devices: "<disk type='file'><source file='/d'/></disk>"})
	}
	got := findings(t, host...)
	if len(got) != len(host) || !strings.HasSuffix(got[0], "vm1 (1.xml:4:27), vm10 (10.xml:4:27), vm11 (11.xml:4:27) and 8 other guests") {
		t.Errorf("%d findings: %s", len(got), got[0])
	}
}

// TestUnknownHosts: rules about the guests of one host must not report documents that may be of
// several hosts. They are not evaluated, and only if it matters.
func TestUnknownHosts(t *testing.T) {
	const dac = "<seclabel type='none'/><seclabel type='static' model='dac'><label>vm:vm</label></seclabel>"
	const pin = "<cputune><vcpupin vcpu='0' cpuset='4'/></cputune><features><kvm><hint-dedicated state='on'/></kvm></features>"
	const gpu = "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='6' slot='0' function='0'/></source></hostdev>"
	const usb = "<hostdev mode='subsystem' type='usb'><source><address bus='1' device='4'/></source></hostdev>"
	type on struct {
		guest
		source, connection string
	}
	for _, c := range []struct {
		name   string
		rule   string
		guests []on
		want   string // of each guest: finding, unknown or nothing
	}{
		{"a directory", "fleet-tenant-boundary-mix", []on{{guest{name: "a"}, "a.xml", ""}, {guest{name: "b"}, "b.xml", ""}, {guest{name: "lab", kind: "qemu"}, "lab.xml", ""}}, "- - unknown"},
		{"nothing to compare", "fleet-tenant-boundary-mix", []on{{guest{name: "a"}, "a.xml", ""}, {guest{name: "b"}, "b.xml", ""}}, "- -"},
		{"libvirt's directory", "fleet-tenant-boundary-mix", []on{{guest{name: "a"}, "/etc/libvirt/qemu/a.xml", ""}, {guest{name: "b"}, "/etc/libvirt/qemu/b.xml", ""}, {guest{name: "lab", kind: "qemu"}, "/run/libvirt/qemu/lab.xml", ""}}, "- - finding"},
		{"one connection", "fleet-tenant-boundary-mix", []on{{guest{name: "a"}, "a", "qemu:///system"}, {guest{name: "b"}, "b", "qemu:///system"}, {guest{name: "lab", kind: "qemu"}, "lab", "qemu:///system"}}, "- - finding"},
		{"two connections", "fleet-tenant-boundary-mix", []on{{guest{name: "a"}, "a", "qemu+ssh://a/system"}, {guest{name: "b"}, "b", "qemu+ssh://a/system"}, {guest{name: "lab", kind: "qemu"}, "lab", "qemu+ssh://b/system"}}, "- - -"},
		{"PCI", "fleet-pci-dup", []on{{guest{name: "a", devices: gpu}, "a.xml", ""}, {guest{name: "b", devices: gpu}, "b.xml", ""}}, "unknown unknown"},
		{"PCI of a host", "fleet-pci-dup", []on{{guest{name: "a", devices: gpu}, "a", "qemu:///system"}, {guest{name: "b", devices: gpu}, "b", "qemu:///system"}}, "finding finding"},
		{"PCI of two hosts", "fleet-pci-dup", []on{{guest{name: "a", devices: gpu}, "a", "qemu:///system"}, {guest{name: "b", devices: gpu}, "b", "qemu+ssh://b/system"}}, "- -"},
		{"USB", "fleet-hostdev-dup", []on{{guest{name: "a", devices: usb}, "a.xml", ""}, {guest{name: "b", devices: usb}, "b.xml", ""}}, "unknown unknown"},
		{"USB of two hosts", "fleet-hostdev-dup", []on{{guest{name: "a", devices: usb}, "a", "qemu:///system"}, {guest{name: "b", devices: usb}, "b", "qemu+ssh://b/system"}}, "- -"},
		{"one slot", "fleet-pci-same-slot", []on{{guest{name: "a", devices: gpu}, "a.xml", ""}, {guest{name: "b", devices: strings.Replace(gpu, "'0'/>", "'1'/>", 1)}, "b.xml", ""}}, "unknown unknown"},
		{"users", "fleet-dac-same-user", []on{{guest{name: "a", rest: dac}, "a.xml", ""}, {guest{name: "b", rest: dac}, "b.xml", ""}}, "unknown unknown"},
		{"users of a host", "fleet-dac-same-user", []on{{guest{name: "a", rest: dac}, "a", "qemu:///system"}, {guest{name: "b", rest: dac}, "b", "qemu:///system"}}, "finding finding"},
		{"users of two hosts", "fleet-dac-same-user", []on{{guest{name: "a", rest: dac}, "a", "qemu:///system"}, {guest{name: "b", rest: dac}, "b", "qemu+ssh://b/system"}}, "- -"},
		{"CPUs", "fleet-cpu-pin-overlap", []on{{guest{name: "a", rest: pin}, "a.xml", ""}, {guest{name: "b", rest: pin}, "b.xml", ""}}, "unknown unknown"},
		{"CPUs of a host", "fleet-cpu-pin-overlap", []on{{guest{name: "a", rest: pin}, "/etc/libvirt/qemu/a.xml", ""}, {guest{name: "b", rest: pin}, "/etc/libvirt/qemu/b.xml", ""}}, "finding finding"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rule := All()[slices.IndexFunc(All(), func(r *audit.Rule) bool { return r.ID == c.rule })]
			var loaded []*audit.Domain
			for _, g := range c.guests {
				d, err := domxml.Load(g.source, []byte(g.document()))
				if err != nil {
					t.Fatal(err)
				}
				d.Origin.Host = g.connection
				loaded = append(loaded, d)
			}
			var got []string
			for _, res := range together(t, &audit.Settings{Rules: []*audit.Rule{rule}}, loaded...) {
				switch {
				case len(res.Findings) > 0:
					got = append(got, "finding")
				case len(res.Unevaluated) > 0 && res.Unevaluated[0].Missing == audit.NeedOneHost:
					got = append(got, "unknown")
				default:
					got = append(got, "-")
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s, want %s", s, c.want)
			}
		})
	}
}
