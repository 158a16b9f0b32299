package hostile

import (
	"fmt"
	"strconv"
	"strings"
)

// Shapes returns all shapes.
func Shapes() []Shape {
	var out []Shape
	for _, list := range [][]Shape{names, places, lists, arguments, texts, across} {
		out = append(out, list...)
	}
	return out
}

// names repeat elements and attributes that libvirt does not know, and named objects.
var names = []Shape{
	one("unknown attributes", 1000, func(n int) string { return "<cpu" + each(n, " a%d='x'") + "/>" }),
	one("unknown secret attributes", 1000, func(n int) string { return "<cpu" + each(n, " password%d='x'") + "/>" }),
	one("unknown elements", 1000, func(n int) string { return each(n, "<unknown%d/>\n") }),
	one("unknown elements at one place", 1000, func(n int) string { return each(n, "<u/>") }),
	one("misspelt attributes", 500, func(n int) string { return devices(each(n, "<disk typ='file' devise='disk'/>\n")) }),
	one("nested unknown elements", 4000, func(n int) string { return chains(n, "u") }),
	one("attributes of repeated containers", 2000, func(n int) string {
		return "<devices" + each(n, " a%d=''") + "></devices>" + each(n, "<devices a%d=''></devices>")
	}),
	one("repeated elements", 1000, func(n int) string { return each(n, "<memory>%d</memory>\n") }),
	one("repeated secrets", 1000, func(n int) string { return devices(each(n, "<emulator passwd='%d'>/b</emulator>\n")) }),
	one("foreign elements", 1000, func(n int) string { return each(n, "<f:type xmlns:f='urn:f' a='%d'/>\n") }),
	one("namespaces", 1000, func(n int) string {
		return "<metadata><m" + each(n, " xmlns:p%d='urn:%d'") + ">" + each(n, "<p%d:x/>") + "</m></metadata>"
	}),
	one("namespaces declared again", 4000, func(n int) string {
		return "<metadata><m xmlns:p='urn:p'>" + each(n, "<p:x xmlns:p='urn:%d'/>") + "</m></metadata>"
	}),
	{"a long name", 4000, func(n int) map[string]string {
		return map[string]string{"guest.xml": domain(strings.Repeat("n", 32*n), devices(each(n/20, "<disk/>")))}
	}},
	{"a long name of a neighbour", 800, func(n int) map[string]string {
		out := map[string]string{"a.xml": domain(strings.Repeat("n", 64*n), devices("<interface type='user'><mac address='52:54:00:00:00:01'/></interface>"))}
		for i := range n / 8 {
			out[fmt.Sprintf("guest%05d.xml", i)] = domain(strconv.Itoa(i), devices("<interface type='user'><mac address='52:54:00:00:00:01'/></interface>"))
		}
		return out
	}},
	one("a long name of a device", 2000, func(n int) string {
		return devices("<disk type='network'><target dev='" + strings.Repeat("d", 32*n) + "'/><source protocol='https' name='x'>" +
			"<cookies>" + each(n/2, "<cookie name='c%d'>x</cookie>") + "</cookies></source></disk>")
	}),
	one("metadata", 4000, func(n int) string { return "<metadata>" + each(n, "<m%d:x xmlns:m%d='urn:%d'/>") + "</metadata>" }),
	one("attributes of repeated metadata", 4000, func(n int) string { return each(n, "<metadata f:x%d=''/>") }),
	one("waivers", 1000, func(n int) string {
		return waivers(each(n, "<va:waive rule='storage-format-probing' device='vd%d'>ok</va:waive>\n")) +
			devices(each(n, "<disk type='file'><source file='/d%d'/><target dev='vd%d'/></disk>\n"))
	}),
	one("waivers of no rule", 300, func(n int) string { return waivers(each(n, "<va:waive rule='storage-%d'>ok</va:waive>\n")) }),
	one("malformed waivers", 1000, func(n int) string { return waivers(each(n, "<va:wave rule='storage-%d'>ok</va:wave>\n")) }),
}

// places have many findings at one place, or places far from the beginning of their line.
var places = []Shape{
	one("secrets in a kernel's command line", 1000, func(n int) string {
		return "<os><cmdline>" + strings.Repeat("password=b ", n) + "</cmdline></os>"
	}),
	one("secrets far from the beginning of a line", 2000, func(n int) string {
		return "<title>" + strings.Repeat("é", 8*n) + "</title><os><cmdline>" + strings.Repeat("password=b ", n/4) + "</cmdline></os>"
	}),
	one("findings on a single line", 1000, func(n int) string {
		return devices(each(n, "<disk type='file'><driver name='qemu'/><source file='/etc/%d'/></disk>"))
	}),
	one("findings in one device", 1000, func(n int) string {
		return devices("<disk type='network'><source protocol='rbd' name='a'>" + each(n, "<host name='u:p@h%d'/>") + "</source></disk>")
	}),
	one("findings after a long attribute", 2000, func(n int) string {
		return devices("<disk type='network'><source x='" + strings.Repeat("y", 32*n) + "' protocol='rbd' name='a'>" +
			each(n/4, "<host name='u:p@h%d'/>") + "</source></disk>")
	}),
	one("attributes of a device with findings", 500, func(n int) string {
		return devices("<disk type='network'><source" + each(n, " x%d='y'") + " protocol='rbd' name='a'>" +
			each(n, "<host name='u:p@h%d'/>") + "</source></disk>")
	}),
	one("credentials", 1000, func(n int) string {
		return "<sysinfo type='smbios'><oemStrings>" + each(n, "<entry>io.systemd.credential:password%d=x</entry>") + "</oemStrings></sysinfo>"
	}),
}

// lists repeat elements of which libvirt reads any number.
var lists = []Shape{
	one("disks", 500, func(n int) string {
		return devices(each(n, "<disk type='file' device='disk'><source file='/etc/d%d'/><target dev='vd%d' bus='ide'/></disk>\n"))
	}),
	one("interfaces", 500, func(n int) string {
		return devices(each(n, "<interface type='network'><mac address='52:54:00:00:%x'/><source network='n%d'/><model type='rtl8139'/></interface>\n"))
	}),
	one("host devices", 500, func(n int) string {
		return devices(each(n, "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='2' function='%d'/></source></hostdev>\n"))
	}),
	one("character devices", 300, func(n int) string {
		return devices(each(n, "<serial type='tcp'><source mode='bind' host='0.0.0.0' service='%d'/></serial>\n<channel type='unix'><target type='virtio' name='c%d'/></channel>\n"))
	}),
	one("displays", 300, func(n int) string {
		return devices(each(n, "<graphics type='vnc' port='%d' listen='0.0.0.0'/>\n<graphics type='spice' port='%d' passwd='x' listen='0.0.0.0'><channel name='main' mode='insecure'/></graphics>\n"))
	}),
	one("directories", 500, func(n int) string {
		return devices(each(n, "<filesystem type='mount'><source dir='/etc/%d'/><target dir='t%d'/></filesystem>\n"))
	}),
	one("addresses", 1000, func(n int) string {
		return devices(each(n, "<controller type='pci' index='%d' model='pcie-root-port'><address type='pci' domain='0' bus='0' slot='%d' function='0'/></controller>\n"))
	}),
	one("labels", 1000, func(n int) string {
		return each(n, "<seclabel type='static' model='dac'><label>+0:+%d</label></seclabel>\n")
	}),
	one("labels of a disk", 1000, func(n int) string {
		return devices("<disk type='file'><source file='/x'>" + each(n, "<seclabel model='m%d' relabel='no'/>") + "</source></disk>")
	}),
	one("backing files", 2000, func(n int) string {
		chain := ""
		for range 100 {
			chain = "<backingStore type='file'><source file='/b'/>" + chain + "</backingStore>"
		}
		return devices(each(n/100, "<disk type='file'><source file='/x%d'/>"+chain+"</disk>\n"))
	}),
	one("NUMA cells", 1000, func(n int) string {
		return "<cpu><numa>" + each(n, "<cell id='%d' cpus='%d' memory='1'/>\n") + "</numa></cpu>"
	}),
	one("CPU features", 1000, func(n int) string {
		return "<cpu mode='custom'><model>qemu64</model>" + each(n, "<feature policy='disable' name='ssbd'/>") + "</cpu>"
	}),
	one("pinned CPUs", 1000, func(n int) string { return "<cputune>" + each(n, "<vcpupin vcpu='%d' cpuset='%d'/>\n") + "</cputune>" }),
	one("overrides", 1000, func(n int) string {
		return "<qemu:override>" + each(n, "<qemu:device alias='d%d'><qemu:frontend><qemu:property name='p%d' type='string' value='x'/></qemu:frontend></qemu:device>\n") + "</qemu:override>"
	}),
	one("properties of one override", 1000, func(n int) string {
		return "<qemu:override><qemu:device alias='d'><qemu:frontend>" + each(n, "<qemu:property name='p%d' type='string' value='x'/>\n") + "</qemu:frontend></qemu:device></qemu:override>"
	}),
	one("mapped users", 1000, func(n int) string { return "<idmap>" + each(n, "<uid start='0' target='0' count='%d'/>") + "</idmap>" }),
	{"disks of a snapshot", 1000, func(n int) map[string]string {
		disks := each(n, "<disk name='vd%d' snapshot='external'><source file='/s%d'/></disk>\n")
		return map[string]string{"snapshot.xml": "<domainsnapshot><name>s</name><disks>" + disks + "</disks>\n" +
			domain("a", devices(each(n, "<disk type='file'><source file='/d%d'/><target dev='vd%d'/></disk>\n"))) + "</domainsnapshot>"}
	}},
}

// arguments repeat what is passed to QEMU.
var arguments = []Shape{
	one("monitors and character devices", 500, func(n int) string {
		return command(each(n, "<qemu:arg value='-chardev'/><qemu:arg value='socket,id=c%d,path=/x'/><qemu:arg value='-mon'/><qemu:arg value='chardev=c%d'/>\n"))
	}),
	one("listeners and monitors", 500, func(n int) string {
		return command(each(n, "<qemu:arg value='-chardev'/><qemu:arg value='socket,id=c%d,host=,port=1,server=on'/><qemu:arg value='-mon'/><qemu:arg value='chardev=d%d'/>\n"))
	}),
	one("options", 1000, func(n int) string { return command(each(n, "<qemu:arg value='-o%d'/>\n")) }),
	one("devices passed to QEMU", 500, func(n int) string {
		return command(each(n, "<qemu:arg value='-device'/><qemu:arg value='vfio-pci,host=01:00.%d'/>\n"))
	}),
	one("an argument of many parts", 2000, func(n int) string {
		return command("<qemu:arg value='-device'/><qemu:arg value='nvme" + each(n, ",key%d=%d") + "'/>\n")
	}),
	one("an argument in JSON", 2000, func(n int) string {
		return command("<qemu:arg value='-device'/><qemu:arg value='{\"driver\":\"nvme\"" + each(n, ",\"key%d\":%d") + "}'/>\n")
	}),
	one("an argument in nested JSON", 2000, func(n int) string {
		return command("<qemu:arg value='-blockdev'/><qemu:arg value='" + strings.Repeat("{\"a\":", n) + "1" + strings.Repeat("}", n) + "'/>\n")
	}),
	one("secrets passed to a kernel", 1000, func(n int) string {
		return command("<qemu:arg value='-append'/><qemu:arg value='" + strings.Repeat("password=b ", n) + "'/>\n")
	}),
	one("variables", 1000, func(n int) string { return command(each(n, "<qemu:env name='LD_%d' value='/x'/>\n")) }),
}

// texts have long texts.
var texts = []Shape{
	one("a long text", 40000, func(n int) string {
		return "<description>" + strings.Repeat("text & ", 0) + strings.Repeat("text ", n) + "</description>"
	}),
	one("character references", 20000, func(n int) string { return "<title>" + strings.Repeat("&#65;", n) + "</title>" }),
	one("text in pieces", 4000, func(n int) string { return "<title>" + strings.Repeat("a<!---->", n) + "</title>" }),
	one("comments", 10000, func(n int) string { return strings.Repeat("<!-- < -->\n", n) }),
	one("a deep path", 1000, func(n int) string {
		return devices("<disk type='file'><source file='" + strings.Repeat("/a", n) + "'/></disk><filesystem type='mount'><source dir='" + strings.Repeat("/a", n) + "'/><target dir='t'/></filesystem>")
	}),
	one("a path of many parents", 4000, func(n int) string {
		return devices("<disk type='file'><source file='" + strings.Repeat("/a/..", n) + "'/></disk>")
	}),
	one("ampersands in character data", 8000, func(n int) string { return "<u><![CDATA[;" + strings.Repeat("&", n) + "]]></u>" }),
	one("disks beside long metadata", 4000, func(n int) string {
		return "<metadata><m:x xmlns:m='urn:m'>" + strings.Repeat("text ", 8*n) + "</m:x></metadata>" +
			devices(each(n, "<disk type='file'><source file='/d'/></disk>"))
	}),
	one("a long list of CPUs", 4000, func(n int) string { return "<vcpu cpuset='" + each(n, "%d,") + "1'>1</vcpu>" }),
	one("elements that hold secrets", 2000, func(n int) string { return each(n, "<metadata%d><passwd>x</passwd></metadata%d>\n") }),
	one("nested elements that hold secrets", 4000, func(n int) string { return chains(n, "passwd") }),
}

// across have several guests.
var across = []Shape{
	many("guests that share everything", 600, func(i int) string {
		return domain(strconv.Itoa(i), "<vcpu cpuset='1-9'>1</vcpu>"+devices("<disk type='file'><source file='/d'/></disk>"+
			"<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/></interface>"+
			"<filesystem type='mount'><source dir='/srv'/><target dir='t'/></filesystem>"))
	}),
	many("guests that share what they read", 600, func(i int) string {
		return domain(strconv.Itoa(i), devices("<disk type='file' device='cdrom'><source file='/srv/d.iso'/></disk>"+
			"<filesystem type='mount'><source dir='/srv'/><target dir='t'/><readonly/></filesystem>"))
	}),
	many("documents of one guest", 400, func(int) string {
		return domain("a", devices("<disk type='file'><source file='/d'/></disk><interface type='user'><mac address='52:54:00:00:00:01'/></interface>"))
	}),
	{"two guests that name one thing", 500, func(n int) map[string]string {
		disks := devices(each(n, "<disk type='file' device='cdrom'><source file='/d'/><readonly/></disk><disk type='file'><source file='/s'/><shareable/></disk>\n"))
		return map[string]string{"a.xml": domain("a", disks), "b.xml": domain("b", disks)}
	}},
	{"two guests that name many things", 300, func(n int) map[string]string {
		disks := devices(each(n, "<disk type='file'><source file='/x/d%d'/></disk><filesystem type='mount'><source dir='/x'/><target dir='t%d'/></filesystem>"+
			"<interface type='bridge'><mac address='52:54:00:00:00:%x'/><source bridge='br%d'/></interface>\n"))
		return map[string]string{"a.xml": domain("a", disks), "b.xml": domain("b", disks)}
	}},
}
