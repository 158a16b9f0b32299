package differential

import (
	"fmt"
	"strings"
)

// arguments are the contents of <qemu:commandline>: each row is one or several arguments.
var arguments = []string{
	"-accel|kvm", "-accel|tcg", "--accel|tcg", "-accel=tcg", "--accel=tcg",
	"-accel|kvm,dirty-ring-size=4096", "-accel|tcg,thread=multi", "-accel|accel=tcg", "-accel| tcg",
	"-accel|nosuch", "-accel|tcg:kvm",
	"-accel|tcg|-accel|kvm", "-accel|{'accel':'tcg'}", "-accel|{\"accel\":\"tcg\"}", "-enable-kvm",
	"--enable-kvm", "-no-kvm", "-machine|accel=tcg", "-machine|accel=kvm", "-M|q35,accel=kvm:tcg",
	"-accel", "-machine",
	"-machine|isapc", "-M|isapc", "--machine|isapc", "-machine|type=isapc",
	"-machine|pc,type=isapc", "-machine|isapc,", "-machine=isapc", "-Misapc", "-M|isapc|-M|pc",
	"-M|pc", "-M|q35", "-machine|q35,hmat=on",
	"-machine|hmat=on", "-machine|vmport=off", "-M|none", "-M|microvm", "-machine|{'type':'isapc'}",
	"-machine|{\"type\":\"isapc\"}", "-machine|pc-q35-7.2", "-machine|virt",
	"-machine|usb=off,accel=tcg",
	"-readconfig|/etc/qemu.cfg", "--readconfig|x.cfg", "-set|device.x.y=z",
	"-set|machine.accel=tcg", "-cpu|486", "-cpu|host,-spec-ctrl", "-cpu|max", "-nodefaults",
	"-no-user-config", "-runas|root", "-run-with|user=root",
	"-sandbox|off", "-sandbox|on,spawn=allow", "-chroot|/", "-D|/etc/cron.d/x", "-daemonize",
	"-mem-path|/dev/shm", "-incoming|tcp:0:4444", "-incoming|exec:id",
	"-qmp|tcp:0.0.0.0:4444,server,nowait", "-monitor|stdio",
	"-monitor|unix:/tmp/m,server", "-mon|chardev=a,mode=control",
	"-chardev|socket,id=a,host=0.0.0.0,port=4,server=on", "-serial|tcp::4444,server",
	"-gdb|tcp::1234", "-s", "-S", "-vnc|:1", "-vnc|0.0.0.0:1,websocket=on",
	"-spice|port=5930,disable-ticketing=on", "-spice|port=5930,password=secret", "-display|gtk",
	"-net|nic", "-net|user,hostfwd=tcp::22-:22", "-netdev|user,id=n,smb=/",
	"-netdev|user,id=n,guestfwd=tcp:10.0.2.100:1-cmd:id",
	"-netdev|tap,id=n,script=/tmp/x", "-netdev|{'type':'user','id':'n'}",
	"-netdev|bridge,id=n,helper=/tmp/h", "-device|e1000", "-device|{'driver':'nvme','id':'a'}",
	"-device|{\"driver\":\"vfio-pci\",\"host\":\"0:1\"}",
	"-device|{'driver':'nv\\u006de'}", "-device|vfio-pci,host=01:00.0", "-device|virtio-net-pci",
	"-device|isa-debug-exit", "-object|rng-random,id=r,filename=/etc/shadow",
	"-object|memory-backend-file,id=m,mem-path=/etc/shadow,size=1M,share=on",
	"-object|{'qom-type':'input-linux','id':'i','evdev':'/dev/input/event0'}",
	"-object|secret,id=s,data=secret", "-object|secret,id=s,file=/etc/shadow",
	"-object|tls-creds-anon,id=t,endpoint=server", "-drive|file=/etc/shadow,format=raw",
	"-drive|file=../../etc/shadow",
	"-blockdev|{'driver':'file','filename':'/etc/shadow','node-name':'n'}",
	"-blockdev|driver=file,filename=/etc/shadow,node-name=n", "-hda|/etc/shadow", "-cdrom|/x.iso",
	"-fda|/x", "-kernel|/boot/vmlinuz",
	"-initrd|/etc/shadow", "-append|password=x", "-dtb|/etc/shadow", "-bios|/x", "-pflash|/x",
	"-fw_cfg|name=opt/x,file=/etc/shadow", "-fw_cfg|name=opt/x,string=secret",
	"-smbios|file=/etc/shadow", "-acpitable|file=/etc/shadow",
	"-virtfs|local,path=/,mount_tag=t,security_model=none",
	"-fsdev|local,id=f,path=/,security_model=passthrough", "-usbdevice|tablet", "-usb",
	"-soundhw|all", "-audiodev|none,id=a", "-plugin|/tmp/x.so", "-trace|file=/tmp/x",
	"-trace|enable=*",
	"-compat|deprecated-input=reject", "-msg|timestamp=on",
	"-global|driver=cfi.pflash01,property=secure,value=on",
	"-global|kvm-pit.lost_tick_policy=delay", "-overcommit|mem-lock=on", "-seed|1", "-L|/tmp",
	"-k|de", "-boot|d", "-name|x,debug-threads=on",
	"-smp|4", "-m|4G", "-uuid|x", "-no-reboot", "-icount|auto", "-snapshot", "-loadvm|x",
	"-pidfile|/etc/x", "-writeconfig|/tmp/x", "-option-rom|/etc/shadow", "-tb-size|1", "", "-",
	"--", "x", "-nosuch", "-h",
}

// passed writes arguments as a <qemu:commandline>.
func passed(args ...string) string {
	var b strings.Builder
	b.WriteString("<qemu:commandline>")
	for _, a := range args {
		fmt.Fprintf(&b, "<qemu:arg value='%s'/>", escape(a))
	}
	b.WriteString("</qemu:commandline>")
	return b.String()
}

func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", "'", "&apos;", "\"",
		"&quot;").Replace(text)
}

// bind declares the prefix qemu if the document does not.
func (m *mutator) bind() {
	if r := m.doc.root(); r.attr("xmlns:qemu") == nil {
		r.set("xmlns:qemu", qemuURI)
	}
}

// command returns a <qemu:commandline> of the document, and adds one if there is none.
func (m *mutator) command() *node {
	for _, e := range m.doc.elements() {
		if e.name == "qemu:commandline" && len(e.elements()) > 1 {
			return e
		}
	}
	m.bind()
	c := fragment(passed(append(m.args(), m.args()...)...))[0]
	m.doc.root().add(c)
	return c
}

// args returns one row of arguments.
func (m *mutator) args() []string { return strings.Split(m.pick(arguments...), "|") }

// qemuArgs are the <qemu:arg> of a command line.
func qemuArgs(c *node) []*node {
	var list []*node
	for _, k := range c.kids {
		if k.name == "qemu:arg" {
			list = append(list, k)
		}
	}
	return list
}

// onCommand makes a mutation of a command line and one of its arguments that has a value.
func onCommand(f func(m *mutator, c, arg *node, value *attr)) func(*mutator) bool {
	return func(m *mutator) bool {
		c := m.command()
		list := qemuArgs(c)
		if len(list) == 0 {
			return false
		}
		e := list[m.IntN(len(list))]
		a := e.attr("value")
		if a == nil {
			return false
		}
		f(m, c, e, a)
		return true
	}
}

var commandMutations = []mutation{
	{name: "command: arguments added", tree: func(m *mutator) bool {
		m.bind()
		m.doc.root().add(fragment(passed(m.args()...))...)
		return true
	}},
	{name: "command: arguments added twice", tree: func(m *mutator) bool {
		m.bind()
		m.doc.root().add(fragment(passed(append(m.args(), m.args()...)...))...)
		return true
	}},
	{name: "command: arguments added at the front", tree: func(m *mutator) bool {
		m.bind()
		m.doc.root().insert(0, fragment(passed(m.args()...))...)
		return true
	}},
	{name: "command: split between two elements", tree: onCommand(func(_ *mutator, c, arg *node, _ *attr) {
		at := arg.index() + 1
		other := &node{name: c.name}
		other.add(c.kids[at:]...)
		c.kids = c.kids[:at:at]
		c.after(other)
	})},
	{name: "command: two arguments as one", tree: onCommand(func(m *mutator, c, arg *node, a *attr) {
		list := qemuArgs(c)
		for i, e := range list[:len(list)-1] {
			if e == arg {
				if b := list[i+1].attr("value"); b != nil {
					a.value += m.pick("=", " ", "", ",", "&#32;") + b.value
					list[i+1].remove()
				}
				return
			}
		}
	})},
	{name: "command: one argument as two", tree: onCommand(func(m *mutator, _, arg *node, a *attr) {
		head, tail, ok := strings.Cut(a.value, m.pick("=", ",", "-"))
		if ok && !strings.Contains(head, "&") {
			other := arg.clone()
			other.set("value", tail)
			a.value = head
			arg.after(other)
		}
	})},
	{name: "command: order", tree: onCommand(func(m *mutator, c, arg *node, _ *attr) {
		arg.remove()
		c.insert(m.IntN(len(c.kids)+1), arg)
	})},
	{name: "command: argument twice", tree: onCommand(func(_ *mutator, _, arg *node, _ *attr) {
		arg.after(arg.clone())
	})},
	{name: "command: dashes", tree: onCommand(func(m *mutator, _, _ *node, a *attr) {
		a.value = m.pick("-", "--", "---", "", " -", "-&#32;", "—") + strings.TrimLeft(a.value, "-")
	})},
	{name: "command: case", tree: onCommand(func(_ *mutator, _, _ *node, a *attr) {
		if !strings.Contains(a.value, "&") {
			a.value = strings.ToUpper(a.value)
		}
	})},
	{name: "command: quotes of JSON", tree: onCommand(func(m *mutator, _, _ *node, a *attr) {
		switch m.IntN(3) {
		case 0:
			a.value = strings.ReplaceAll(a.value, "&quot;", "&apos;")
		case 1:
			a.value = strings.ReplaceAll(a.value, "&apos;", "&quot;")
		case 2:
			a.value = m.pick(" ", "\n", "&#9;") + a.value
		}
	})},
	{name: "command: option as JSON", tree: onCommand(func(m *mutator, _, _ *node, a *attr) {
		key, rest, _ := strings.Cut(a.value, ",")
		if strings.ContainsAny(a.value, "&{") {
			return
		}
		json := m.pick("{'driver':'%s'", "{\"qom-type\":\"%s\"", "{'type':'%s'", "{'driver':\"%s\"")
		json = fmt.Sprintf(json, key)
		if k, v, ok := strings.Cut(rest, "="); ok {
			json += fmt.Sprintf(",'%s':'%s'", k, v)
		}
		a.value = escape(json + "}")
	})},
	{name: "command: value in another place", tree: onCommand(func(m *mutator, _, arg *node, a *attr) {
		value := a.value
		switch m.IntN(3) {
		case 0:
			arg.attrs = nil
			arg.setText(value)
		case 1:
			arg.attrs = []attr{{name: m.word("VALUE val name qemu:value"), value: value}}
		case 2:
			arg.attrs = append(arg.attrs, attr{name: "name", value: value})
			arg.setText("-accel")
		}
	})},
	{name: "command: moved", tree: func(m *mutator) bool {
		c := m.command()
		to := m.named("devices os metadata features cpu qemu:commandline")
		if to == nil || to.within(c.name) {
			return false
		}
		c.remove()
		to.add(c)
		return true
	}},
	{name: "command: environment", tree: func(m *mutator) bool {
		c := m.command()
		c.insert(m.IntN(len(c.kids)+1),
			fragment(m.pick("<qemu:env name='LD_PRELOAD' value='/tmp/x.so'/>",
				"<qemu:env name='QEMU_MODULE_DIR' value='/tmp'/>",
				"<qemu:env name='GST_PLUGIN_PATH' value='/tmp'/>",
				"<qemu:env name='PASSWORD' value='x'/>", "<qemu:env name='A'/>",
				"<qemu:env value='x'/>", "<qemu:env name='1A' value='x'/>",
				"<qemu:env name='TMPDIR' value='../x'/>"))...)
		return true
	}},
	{name: "command: override", tree: func(m *mutator) bool {
		m.bind()
		m.doc.root().add(fragment(m.pick(
			"<qemu:override><qemu:device alias='video0'><qemu:frontend><qemu:property name='romfile' type='string' value='/etc/shadow'/></qemu:frontend></qemu:device></qemu:override>",
			"<qemu:override><qemu:device alias='x'><qemu:frontend><qemu:property name='x-vga' type='bool' value='true'/><qemu:property name='y' type='remove'/></qemu:frontend></qemu:device></qemu:override>",
			"<qemu:capabilities><qemu:del capability='seccomp-sandbox'/></qemu:capabilities>",
			"<qemu:capabilities><qemu:del capability='kvm'/></qemu:capabilities>",
			"<qemu:capabilities><qemu:add capability='vnc'/></qemu:capabilities>",
			"<qemu:deprecation behavior='crash'/>", "<qemu:deprecation behavior='omit'/>",
			"<qemu:capabilities><qemu:add capability='nosuch'/></qemu:capabilities>"))...)
		return true
	}},
}
