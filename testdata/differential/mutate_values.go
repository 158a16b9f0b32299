package differential

import (
	"regexp"
	"strings"
)

// vocabulary are words that values are replaced by: domain types, modes, models, switches.
var vocabulary = strings.Fields(`kvm qemu hvf xen test lxc vmware hvm exe linux xenpvh x86_64 i686 aarch64 armv7l ppc64 ppc64le s390x riscv64 mips amd64
	pc q35 isapc none microvm pc-i440fx-7.2 pc-q35-7.2 pc-q35-7.2-foo virt xenfv pc-1.0 pseries network bridge user ethernet direct hostdev vhostuser vdpa
	udp server client mcast file block dir volume nvme vhostuser vhostvdpa rbd iscsi nbd gluster http https ftp sheepdog qcow2 raw luks vmdk
	virtio ide scsi sata usb fdc sd pcnet e1000 e1000e rtl8139 ne2k_pci virtio-transitional virtio-non-transitional lsilogic virtio-scsi
	qxl cirrus vga bochs ramfb virtio none gop vnc spice sdl egl-headless rdp dbus desktop 0.0.0.0 :: 127.0.0.1 address socket
	pty unix tcp dev pipe stdio null vc spicevmc spiceport nmdm qemu-vdagent raw telnet telnets tls connect bind
	yes no on off default custom host-model host-passthrough maximum exact minimum strict partial full allow forbid require disable optional force
	dac selinux apparmor static dynamic squash mapped passthrough immediate writeback writethrough unsafe directsync native threads io_uring
	secure insecure any mutual never isolated shared private memfd tpm-tis tpm-crb tpm-spapr emulator passthrough external
	builtin random egd i6300esb itco ib700 reset poweroff pause dump sev sev-snp tdx s390-pv efi bios pflash rom
	1 0 -1 2 64 5900 65536 4294967296 KiB GiB`)

// otherValue returns another plausible value.
func (m *mutator) otherValue(value string) string {
	switch {
	case strings.HasPrefix(value, "/") && m.maybe(60):
		return m.path(value)
	case value != "" && m.maybe(10):
		return strings.ToUpper(value)
	case m.maybe(5):
		return ""
	}
	return m.pick(vocabulary...)
}

// path returns another path, or another spelling of the same.
func (m *mutator) path(p string) string {
	switch m.IntN(10) {
	case 0:
		return strings.TrimLeft(p, "/")
	case 1:
		return "../.." + p
	case 2:
		return "." + p
	case 3:
		return "/" + p
	case 4:
		return p + "/"
	case 5:
		return "/var/lib/libvirt/images/../../../.." + p
	case 6:
		return strings.ReplaceAll(p, "/", "/./")
	case 7:
		return "/proc/self/root" + p
	}
	return m.pick("/etc/shadow", "etc/shadow", "../../etc/shadow", "/dev/sda", "dev/sda", ".", "..",
		"/", "", "/run/libvirt/libvirt-sock", "/var/run/docker.sock",
		"/proc/1/mem", "/dev/mem", "/etc/./shadow", "/etc//shadow", " /etc/shadow", "/etc/shadow ",
		"/home/user/.ssh/id_rsa", "~/x", "file:///etc/shadow", "/root/x.img",
		"/etc/cron.d/x", "/dev/../etc/shadow", "/tmp/x", "/var/lib/libvirt/images/x.qcow2")
}

var (
	number  = regexp.MustCompile(`^-?[0-9]+$`)
	boolean = regexp.MustCompile(`^(yes|no|on|off)$`)
	address = regexp.MustCompile(`^([0-9]+\.[0-9.]+|[0-9a-fA-F]*:[0-9a-fA-F:]*)$`)
)

// latin reports whether there is a letter that has a twin in another script.
func latin(v string) bool { return strings.ContainsAny(v, "aeok") }

func isPath(v string) bool { return strings.Contains(v, "/") && !strings.Contains(v, "<") }

var valueMutations = []mutation{
	{name: "value: number, another form", tree: onValue(number.MatchString, func(m *mutator, v string) string {
		return m.pick("+"+v, "0"+v, " "+v, v+" ", "0x"+v, "-"+v, v+".0", v+"e3", v+"x", "\t"+v,
			"00"+v, "+-"+v, "0X"+v, v+"_", "٣", "\n"+v)
	})},
	{name: "value: number, another one", tree: onValue(number.MatchString, func(m *mutator, _ string) string {
		return m.pick("0", "-0", "-1", "1", "+1", "2", "255", "256", "65535", "65536", "2147483648",
			"4294967295", "4294967296", "9223372036854775807", "18446744073709551615",
			"18446744073709551617",
			"-18446744073709551615", "99999999999999999999999", "")
	})},
	{name: "value: boolean, another form", tree: onValue(boolean.MatchString, func(m *mutator, v string) string {
		return m.pick(strings.ToUpper(v), v+" ", " "+v, "true", "false", "1", "0", "", "y",
			"enabled", "default")
	})},
	{name: "value: boolean, the other one", tree: onValue(boolean.MatchString, func(m *mutator, _ string) string {
		return m.word("yes no on off")
	})},
	{name: "value: case", tree: onValue(func(v string) bool { return strings.ToUpper(v) != v },
		func(m *mutator, v string) string {
			return m.pick(strings.ToUpper(v), strings.ToUpper(v[:1])+v[1:])
		})},
	{name: "value: empty", tree: onValue(nil, func(*mutator, string) string { return "" })},
	{name: "value: another word", tree: onValue(func(v string) bool { return !isPath(v) },
		(*mutator).otherValue)},
	{name: "value: of the same attribute elsewhere", tree: func(m *mutator) bool {
		e, a := m.attribute(nil)
		if e == nil {
			return false
		}
		for _, o := range m.donor.elements() {
			if o.name != e.name {
				continue
			}
			if b := o.attr(a.name); b != nil && b.value != a.value {
				a.value, a.quote = b.value, b.quote
				return true
			}
		}
		return false
	}},
	{name: "value: swapped", tree: func(m *mutator) bool {
		_, a := m.attribute(nil)
		_, b := m.attribute(nil)
		if a == nil || b == nil || a == b {
			return false
		}
		a.value, b.value, a.quote, b.quote = b.value, a.value, b.quote, a.quote
		return true
	}},
	{name: "value: separators", tree: onValue(nil, func(m *mutator, v string) string {
		return v + m.pick(",", ";", ":", ",x=y", " x", "\u0000", "/", ".", "#", "%00", "$", "`")
	})},
	{name: "value: letters that look alike", tree: onValue(latin, func(_ *mutator, v string) string {
		for _, pair := range [][2]string{{"a", "а"}, {"e", "е"}, {"o", "о"}, {"k", "k\u200b"}} {
			if strings.Contains(v, pair[0]) {
				return strings.Replace(v, pair[0], pair[1], 1)
			}
		}
		return v
	})},
	{name: "value: path", tree: onValue(isPath, (*mutator).path)},
	{name: "value: address", tree: onValue(address.MatchString, func(m *mutator, v string) string {
		return m.pick("0", "0.0.0.0", "::", "[::]", "::0", "0:0:0:0:0:0:0:0", "127.1", "127.0.0.1", "::1", "::ffff:0.0.0.0", "localhost", "*", "", " "+v, "00.0.0.0", "0x0.0.0.0", "2130706433", "fe80::1%eth0", "any")
	})},
	{name: "value: unit", tree: func(m *mutator) bool {
		e := m.named("memory currentMemory maxMemory hard_limit soft_limit size capacity")
		if e == nil {
			return false
		}
		e.set("unit", m.pick("KiB", "k", "K", "kib", "b", "bytes", "GiB", "TiB", "E", "KB", "kilobytes", "", "MiB ", "EiB"))
		return true
	}},
	{name: "value: type of the domain", tree: func(m *mutator) bool {
		m.doc.root().set("type", m.pick("kvm", "qemu", "KVM", " kvm", "kvm ", "hvf", "xen", "kqemu", "test", "lxc", "", "hyperv", "nvmm", "kvm&#0;", "qemu,kvm"))
		return true
	}},
	{name: "value: machine", tree: func(m *mutator) bool {
		os := m.doc.root().child("os")
		if os == nil || os.child("type") == nil {
			return false
		}
		os.child("type").set("machine", m.pick("pc", "q35", "isapc", "none", "microvm", "pc-q35-7.2", "pc-i440fx-5.2", "pc-i440fx-2.0", "", " q35", "Q35", "x-remote", "pc-q35-99.0", "pc-q35-7.2 ", "virt", "ubuntu"))
		return true
	}},
	{name: "value: architecture", tree: func(m *mutator) bool {
		os := m.doc.root().child("os")
		if os == nil || os.child("type") == nil {
			return false
		}
		os.child("type").set("arch", m.pick("x86_64", "i686", "amd64", "X86_64", "", " x86_64", "i386", "aarch64", "x86-64", "armv7l", "ppc64", "s390x", "riscv64", "loongarch64"))
		return true
	}},
	{name: "value: type of the OS", tree: func(m *mutator) bool {
		os := m.doc.root().child("os")
		if os == nil || os.child("type") == nil {
			return false
		}
		os.child("type").setText(m.pick("hvm", "HVM", " hvm", "hvm ", "linux", "xen", "exe", "xenpvh", "uml", "", "<!-- c --> hvm", "hvm<!-- c --> ", "&#104;vm", "<![CDATA[hvm]]>"))
		return true
	}},
}
