package differential

import (
	"slices"
	"strings"
)

// added adds one of the fragments to an element of the domain, and adds the element if there is
// none.
func added(parent string, fragments ...string) func(*mutator) bool {
	return func(m *mutator) bool {
		to := m.doc.root()
		if parent != "" && to.child(parent) == nil {
			to.add(&node{name: parent})
		}
		if parent != "" {
			to = to.child(parent)
		}
		to.insert(m.IntN(len(to.kids)+1), fragment(m.pick(fragments...))...)
		return true
	}
}

// without deletes attributes or children of one of the elements, for which libvirt has a default.
func without(elements, attrs, children string) func(*mutator) bool {
	drop, kids := words(attrs), words(children)
	return on(func(m *mutator) *node { return m.named(elements) }, func(m *mutator, e *node) {
		e.attrs = slices.DeleteFunc(e.attrs, func(a attr) bool {
			return drop[a.name] && m.maybe(70)
		})
		for _, k := range slices.Clone(e.kids) {
			if kids[k.name] && m.maybe(70) {
				k.remove()
			}
		}
	})
}

// dacLabels are forms of a user and a group.
var dacLabels = []string{
	"+0:+0", " +0:+0", "0:0", "+0", "0", "root:root", "root", "-0:-0", "++0:++0", "+ 0:+ 0",
	"+-0:+-0", "-1:-1", "+-1:+-1", "4294967295:4294967295", "+4294967295:+4294967295",
	"+64055:-1", "-1:+64055", "+64055:+0", "+0:+64055", "+64055:+64055", "libvirt-qemu:kvm",
	"0x0:0x0", "+4294967296:+4294967296", "+00:+00", "+0x:+0", ":+0", "+0:", "&#9;+0:+0", "\n+0:+0",
	"<!-- c -->+0:+0", " <!-- c -->+0:+0", "+0:+0<!-- c --> ", "+0:<![CDATA[+0]]>", "+0:+0 ",
	"-4294967296:-4294967296", "\u00a0+0:+0",
}

func seclabels() []string {
	list := []string{
		"<seclabel model='none'/>", "<seclabel type='none'/>",
		"<seclabel type='none' model='selinux'/>", "<seclabel type='none' model='dac'/>",
		"<seclabel type='none' model='apparmor'/>",
		"<seclabel type='dynamic' model='dac' relabel='no'/>",
		"<seclabel type='dynamic' model='selinux' relabel='no'/>", "<seclabel/>",
		"<seclabel type='dynamic'/>",
		"<seclabel type='dynamic' model='selinux'><baselabel>unconfined_u:unconfined_r:unconfined_t:s0</baselabel></seclabel>",
		"<seclabel type='static' model='selinux'><label>system_u:system_r:unconfined_t:s0</label></seclabel>",
		"<seclabel model='selinux'><label>system_u:system_r:svirt_t:s0</label></seclabel>",
		"<seclabel type='none' model=''/>", "<seclabel type='none' relabel='yes'/>",
		"<seclabel type='NONE'/>",
	}
	for _, l := range dacLabels {
		list = append(list,
			"<seclabel type='static' model='dac' relabel='yes'><label>"+l+"</label></seclabel>")
	}
	return list
}

var deviceMutations = []mutation{
	{name: "label: user and group", tree: on(func(m *mutator) *node { return m.named("label") },
		func(m *mutator, e *node) {
			doc, _ := parse("<label>" + m.pick(dacLabels...) + "</label>")
			e.kids = nil
			e.add(doc.root().kids...)
		})},
	{name: "label: in pieces", tree: func(m *mutator) bool {
		label := fragment("<seclabel type='static' model='dac'><label>+0:+0</label></seclabel>")[0]
		m.doc.root().add(label)
		at := 1 + m.IntN(4)
		pieces := []string{
			m.blank(), m.aside(), "+0:+0"[:at], m.blank(), m.aside(), "+0:+0"[at:],
			m.aside(), m.blank(),
		}
		label.kids[0].kids = nil
		for _, p := range pieces {
			if strings.ContainsAny(p, "+0") && !strings.Contains(p, "&") || m.maybe(40) {
				label.kids[0].add(&node{raw: p})
			}
		}
		return true
	}},
	{name: "label: seclabel added", tree: added("", seclabels()...)},
	{name: "label: of a source", tree: on(func(m *mutator) *node { return m.named("source") },
		func(m *mutator, e *node) {
			e.add(fragment(m.pick("<seclabel model='dac' relabel='no'/>",
				"<seclabel model='selinux' relabel='no'/>",
				"<seclabel model='dac'><label>+0:+0</label></seclabel>", "<seclabel relabel='no'/>",
				"<seclabel model='none'/>"))...)
		})},
	{
		name: "default: of a device",
		tree: without("disk interface tpm video controller graphics watchdog memballoon input sound rng hostdev filesystem serial console channel redirdev smartcard shmem",
			"type model mode device bus managed", "model target driver backend alias"),
	},
	{name: "default: of a target", tree: without("target", "bus type dev name", "model")},
	{name: "default: of the machine", tree: without("type", "machine arch", "")},
	{name: "default: of the CPU", tree: on(func(m *mutator) *node { return m.doc.root() },
		func(m *mutator, e *node) {
			if c := e.child("cpu"); c != nil && m.maybe(70) {
				c.remove()
			}
			e.add(fragment(m.pick("<cpu match='minimum'/>", "<cpu/>", "<cpu mode='custom'/>",
				"<cpu mode='host-passthrough' check='none'/>", "<cpu match='strict'/>",
				"<cpu><model>qemu64</model></cpu>",
				"<cpu match='exact'><model fallback='forbid'>Nehalem</model></cpu>",
				"<cpu mode='custom' match='exact'><model><x>qemu64</x></model></cpu>",
				"<cpu mode='maximum'/>",
				"<cpu mode='host-model'><feature policy='disable' name='spec-ctrl'/></cpu>",
				"<cpu><topology sockets='1' cores='2' threads='1'/></cpu>",
				"<cpu><numa><cell id='0' memory='1024' unit='MiB'/></numa></cpu>"))...)
		})},
	{name: "device: disk added", tree: added("devices",
		"<disk type='file'><source file='/etc/shadow'/><target dev='sdy'/></disk>",
		"<disk type='file'><source file='etc/shadow'/><target dev='vdy'/></disk>",
		"<disk type='block'><source dev='/dev/sda'/><target dev='vdy' bus='virtio'/></disk>",
		"<disk><source file='../../etc/shadow'/><target dev='hdd'/></disk>",
		"<disk type='file'><driver name='qemu' type='raw'/><source file='/x.img'/><target dev='vdy'/><shareable/></disk>",
		"<disk type='file' device='cdrom'><target dev='sdz'/></disk>",
		"<disk type='file' device='floppy'><target dev='fda'/></disk>",
		"<disk type='file'><source file='/x.img'/><target dev='vdy'/><mirror type='file' job='copy'><source file='/dev/mem'/></mirror></disk>",
		"<disk type='network'><source protocol='https' name='x'><host name='h' port='443'/><ssl verify='no'/><cookies><cookie name='a'>b</cookie></cookies></source><target dev='vdy'/></disk>",
		"<disk type='network'><source protocol='rbd' name='p/x'><host name='h'/><cookies><cookie name='a'>b</cookie></cookies></source><target dev='vdy'/></disk>",
		"<disk type='dir'><source dir='/etc'/><target dev='vdy'/></disk>",
		"<disk type='file'><driver type='qcow2'/><source file='/x.img'/><backingStore type='file'><format type='raw'/><source file='/etc/shadow'/><backingStore/></backingStore><target dev='vdy'/></disk>",
		"<disk type='file'><source file='/x.img' index='17.0'/><target dev='vdy'/><serial><x>S</x></serial></disk>",
		"<disk type='file' rawio='yes' device='lun'><source file='/x.img'/><target dev='sdx'/></disk>")},
	{name: "device: interface added", tree: added("devices",
		"<interface type='network'><source network='default'/></interface>",
		"<interface type='bridge'><source bridge='br0'/><model type='e1000'/></interface>",
		"<interface type='user'/>", "<interface/>",
		"<interface type='ethernet'><script path='/tmp/x'/></interface>",
		"<interface type='vhostuser'><source type='unix' path='/tmp/s' mode='server'/></interface>",
		"<interface type='direct'><source dev='eth0' mode='passthrough'/></interface>",
		"<interface type='udp'><source address='1.2.3.4' port='1'><local address='0.0.0.0' port='2'/></source></interface>",
		"<interface type='mcast'><source address='230.0.0.1' port='5'/></interface>",
		"<interface type='network'><source network='default'/><model type='rtl8139'/><filterref filter='x'/></interface>",
		"<interface type='bridge' trustGuestRxFilters='yes'><source bridge='br0'/><model type='virtio'/><port isolated='yes'/></interface>")},
	{name: "device: graphics added", tree: added("devices",
		"<graphics type='vnc' listen='0.0.0.0'/>",
		"<graphics type='vnc' port='5901' listen='::' passwd='x'/>",
		"<graphics type='vnc' passwdValidTo='2030-01-01T00:00:00'/>",
		"<graphics type='vnc' listen='0.0.0.0' passwdValidTo='2030-01-01T00:00:00'/>",
		"<graphics type='vnc' listen='0.0.0.0' passwd='' />",
		"<graphics type='vnc' socket='/tmp/vnc.sock'/>",
		"<graphics type='vnc'><listen type='address' address='0.0.0.0'/><listen type='address' address='127.0.0.1'/></graphics>",
		"<graphics type='vnc' listen='127.0.0.1'><listen type='address' address='0.0.0.0'/></graphics>",
		"<graphics type='vnc' autoport='maybe' listen='0.0.0.0' websocket='5700'/>",
		"<graphics type='vnc' port='-1' listen='0.0.0.0'/>",
		"<graphics type='vnc'><listen type='network' network='default'/></graphics>",
		"<graphics type='vnc'><listen type='none'/></graphics>",
		"<graphics type='sdl' display=':0' xauth='/root/.Xauthority'/>",
		"<graphics type='vnc' sharePolicy='ignore' powerControl='yes' listen='0.0.0.0'/>",
		"<graphics type='spice' autoport='yes' listen='0.0.0.0'/>",
		"<graphics type='spice' listen='0.0.0.0' passwdValidTo='2030-01-01T00:00:00' port='5930'/>",
		"<graphics type='egl-headless'/>")},
	{name: "device: SPICE channels", tree: on(func(m *mutator) *node {
		for _, e := range m.doc.elements() {
			if a := e.attr("type"); e.name == "graphics" && a != nil && a.value == "spice" {
				return e
			}
		}
		return nil
	}, func(m *mutator, e *node) {
		e.set("defaultMode", m.word("any secure insecure"))
		for range 1 + m.IntN(9) {
			e.add(&node{name: "channel", attrs: []attr{
				{
					name:  "name",
					value: m.word("main display inputs cursor playback record smartcard usbredir main display"),
				},
				{name: "mode", value: m.word("secure secure secure insecure any")},
			}})
		}
	})},
	{name: "device: character device added", tree: added("devices",
		"<serial type='tcp'><source mode='bind' host='0.0.0.0' service='4555'/><protocol type='telnet'/></serial>",
		"<serial type='tcp'><source mode='connect' host='h' service='4555'/></serial>",
		"<serial type='udp'><source mode='connect' host='h' service='1'/><source mode='bind' host='0.0.0.0' service='2'/></serial>",
		"<serial type='file'><source path='/etc/cron.d/x'/></serial>",
		"<console type='dev'><source path='/dev/tty1'/></console>",
		"<parallel type='unix'><source mode='bind' path='/tmp/p'/></parallel>",
		"<channel type='unix'><source mode='connect' path='/run/podman/podman.sock'/><target type='virtio' name='a'/></channel>",
		"<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>",
		"<serial type='file'><source path='../../etc/cron.d/x' append='on'/></serial>",
		"<console/>", "<serial type='stdio'/>",
		"<serial type='tcp'><source mode='bind' host='127.0.0.1' service='4555' tls='no'/></serial>",
		"<serial type='pipe'><source path='/tmp/pipe'/></serial>")},
	{name: "device: another added", tree: added("devices",
		"<tpm/>", "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>",
		"<tpm><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>",
		"<watchdog model='i6300esb' action='reset'/>",
		"<rng model='virtio'><backend model='random'><x>/dev/random</x></backend></rng>",
		"<rng model='virtio'><backend model='random'>/etc/shadow</backend></rng>",
		"<rng model='virtio'><backend model='random'/></rng>",
		"<shmem name='s'><model type='ivshmem-plain'/><size unit='M'><x>4</x></size></shmem>",
		"<shmem name='s'><model type='ivshmem-doorbell'/><server path='/tmp/s'/></shmem>",
		"<filesystem type='mount'><source dir='.'/><target dir='t'/></filesystem>",
		"<filesystem type='mount' accessmode='passthrough'><source dir='/'/><target dir='t'/></filesystem>",
		"<filesystem><source dir='etc'/><target dir='t'/><readonly/></filesystem>",
		"<hostdev mode='subsystem' type='usb' managed='yes'><source><vendor id='0x1'/><product id='0x2'/></source></hostdev>",
		"<hostdev type='pci'><source><address domain='0' bus='6' slot='2' function='0'/></source></hostdev>",
		"<hostdev mode='subsystem' type='scsi' sgio='unfiltered' rawio='yes'><source><adapter name='scsi_host0'/><address bus='0' target='0' unit='0'/></source></hostdev>",
		"<input type='evdev'><source dev='/dev/input/event0'/></input>", "<video/>",
		"<video><model type='cirrus'/></video>", "<sound model='es1370'/>",
		"<audio id='1' type='file' path='/etc/cron.d/x'/>", "<memballoon model='none'/>",
		"<controller type='scsi'/>", "<controller type='scsi' index='1' model='lsilogic'/>",
		"<controller type='usb'/>", "<controller type='usb' model='none'/>",
		"<iommu model='intel'/>", "<panic model='isa'/>",
		"<vsock model='virtio'><cid auto='yes'/></vsock>",
		"<redirdev bus='usb' type='tcp'><source mode='bind' host='0.0.0.0' service='4000'/></redirdev>",
		"<smartcard mode='host'/>",
		"<crypto model='virtio' type='qemu'><backend model='builtin' queues='1'/></crypto>",
		"<memory model='nvdimm' access='shared'><source><path>/etc/shadow</path></source><target><size unit='MiB'>128</size><node>0</node></target></memory>",
		"<emulator>/usr/bin/qemu-system-x86_64</emulator>",
		"<emulator>/usr/bin/../bin/qemu-system-x86_64</emulator>")},
	{name: "domain: another part added", tree: added("",
		"<vcpu>-1</vcpu>", "<vcpu placement='static'>2</vcpu>",
		"<memoryBacking><locked/></memoryBacking>",
		"<memoryBacking><access mode='shared'/></memoryBacking>",
		"<memoryBacking><nosharepages/><source type='memfd'/></memoryBacking>",
		"<cputune><emulatorpin cpuset='0'/></cputune>",
		"<blkiotune><device><path><x>/dev/sda</x></path><weight>200</weight></device></blkiotune>",
		"<sysinfo type='smbios'><bios><entry name='vendor'><x>V</x></entry></bios></sysinfo>",
		"<sysinfo type='fwcfg'><entry name='opt/x' file='/etc/shadow'/></sysinfo>",
		"<sysinfo type='fwcfg'><entry name='opt/x' file='etc/shadow'/></sysinfo>",
		"<on_crash>coredump-destroy</on_crash>", "<on_lockfailure>ignore</on_lockfailure>",
		"<launchSecurity type='sev'><cbitpos>47</cbitpos><reducedPhysBits>1</reducedPhysBits><policy>0x0003</policy></launchSecurity>",
		"<launchSecurity type='sev'><policy>1</policy></launchSecurity>",
		"<keywrap><cipher name='aes' state='off'/></keywrap>",
		"<genid/>", "<title>t</title>", "<description>d</description>",
		"<resource><partition>/machine</partition></resource>",
		"<perf><event name='cmt' enabled='yes'/></perf>",
		"<idmap><uid start='0' target='0' count='1'/></idmap>",
		"<bootloader>/usr/bin/pygrub</bootloader>",
		"<clock offset='utc'><timer name='hpet' present='yes'/></clock>",
		"<pm><suspend-to-mem enabled='yes'/></pm>", "<features><smm state='on'/><hap/></features>",
		"<features><acpi/><vmcoreinfo state='on'/></features>",
		"<os><type arch='x86_64' machine='isapc'>hvm</type></os>", "<os><loader>/x</loader></os>",
		"<cpu mode='host-passthrough'/>", "<memory unit='GiB'>2</memory>", "<name>second</name>",
		"<uuid>00000000-0000-0000-0000-000000000001</uuid>", "<devices/>", "<metadata/>")},
	{name: "domain: firmware", tree: added("os",
		"<nvram>/etc/shadow</nvram>", "<nvram><x>/etc/shadow</x></nvram>",
		"<nvram template='/etc/shadow'/>",
		"<nvram template='etc/shadow'>/var/lib/libvirt/qemu/nvram/x.fd</nvram>",
		"<loader>/usr/share/OVMF/OVMF_CODE.fd</loader>",
		"<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>",
		"<loader readonly='no' type='pflash' secure='yes'>/x.fd</loader>",
		"<loader type='rom'>/etc/shadow</loader>", "<kernel>/boot/vmlinuz</kernel>",
		"<kernel><x>/etc/shadow</x></kernel>",
		"<initrd>../../etc/shadow</initrd>", "<cmdline>console=ttyS0 password=x</cmdline>",
		"<dtb>/etc/shadow</dtb>", "<acpi><table type='slic'><x>/etc/shadow</x></table></acpi>",
		"<acpi><table type='slic'>/etc/shadow</table></acpi>", "<smbios mode='host'/>",
		"<bios useserial='yes'/>",
		"<firmware><feature enabled='no' name='secure-boot'/></firmware>", "<boot dev='network'/>",
		"<bootmenu enable='yes'/>", "<type machine='isapc'>hvm</type>")},
	{
		name: "graphics: passwdValidTo",
		tree: on(func(m *mutator) *node { return m.named("graphics") }, func(m *mutator, e *node) {
			e.set("passwdValidTo", m.pick("2030-01-01T00:00:00", "never", "", "1970-01-01T00:00:01",
				"2030-01-01"))
			if m.maybe(30) {
				e.set("passwd", m.pick("x", "", " "))
			}
			if m.maybe(30) {
				e.set("listen", "0.0.0.0")
			}
		}),
	},
	{
		name: "hostdev: forms",
		tree: on(func(m *mutator) *node { return m.named("hostdev source address driver") },
			func(m *mutator, e *node) {
				e.set(m.word("managed mode type startupPolicy writeFiltering name"),
					m.word("yes no subsystem capabilities pci usb scsi mdev vfio kvm mandatory"))
			}),
	},
}
