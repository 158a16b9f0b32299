package audit

import "strings"

// mayRepeat lists, by parent, the elements that libvirt reads more than once under it. Every other
// element counts once: libvirt takes the first (XPath string(./x[1])), while a decoder that fills a
// struct keeps the last, or a mixture. Parents are named by their last step only, which suffices:
// no name is a list under one parent and single under another of the same name, but for <source>.
//
// Sources: libvirt's schema (oneOrMore and zeroOrMore), the slices of libvirtxml.
var mayRepeat = table(`
domain: seclabel sysinfo
blkiotune: device
qemu:capabilities: qemu:add qemu:del
qemu:commandline: qemu:arg qemu:env
xen:commandline: xen:arg xen:env
bhyve:commandline: bhyve:arg bhyve:env
qemu:override: qemu:device
qemu:frontend: qemu:property
clock: timer
cpu: feature
features: hyperv
numa: cell
distances: sibling
interconnects: bandwidth latency
cputune: cachetune iothreadpin iothreadsched memorytune vcpupin vcpusched
cachetune: cache monitor
memorytune: node monitor
devices: audio channel console controller crypto disk filesystem graphics hostdev hub input interface iommu lease memory panic parallel redirdev redirfilter rng serial shmem smartcard sound tpm video watchdog
channel: source
console: source
serial: source
parallel: source
redirdev: source
backend: source
iothreads: iothread
iothread: queue
source: host seclabel slice ip route cookie
cookies: cookie
encryption: secret
throttlefilters: throttlefilter
graphics: channel listen
hostdev: ip route
interface: ip route portForward
filterref: parameter
portForward: range
vlan: tag
redirfilter: usbdev
smartcard: certificate
sound: codec
iothreadids: iothread
hugepages: page
numatune: memnode
os: boot initarg initenv
acpi: table
firmware: feature
perf: event
sysinfo: baseBoard entry
bios: entry
system: entry
baseBoard: entry
chassis: entry
oemStrings: entry
throttlegroups: throttlegroup
vcpus: vcpu
idmap: uid gid
`)

// merged lists, by parent, the elements that libvirt reads as one however often they occur, since
// it looks for their children across all of them (XPath ./devices/disk).
var merged = table(`
domain: devices features qemu:commandline
`)

func table(text string) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for line := range strings.Lines(text) {
		if parent, names, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			out[parent] = set(strings.Fields(names)...)
		}
	}
	return out
}

func repeats(parent, name string) bool { return mayRepeat[parent][name] }

func merges(parent, name string) bool { return merged[parent][name] }
