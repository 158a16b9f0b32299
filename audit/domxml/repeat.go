package domxml

import (
	"encoding/xml"

	"github.com/virt-audit/virt-audit/audit/textset"
)

// How libvirt treats an element that occurs twice under one parent depends on which of its
// functions reads it. Each of the tables below was measured: every element of some 2,500 documents
// was duplicated with different content, and given to "virsh define" of libvirt 9. Of an element in
// none of the tables libvirt reads the first; that is so for three out of four.
//
// Parents are identified by their last step alone. That suffices: there is no name that is a list
// under one parent and single under another of the same name.

// listElements lists the elements that libvirt reads as a list (also: oneOrMore and zeroOrMore in
// its schema, and the slices of libvirtxml, which know newer releases).
var listElements = parseTable(`
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
numa: cell
cell: cache
distances: sibling
nodenames: nodename
objects: secret
interconnects: bandwidth latency
cputune: cachetune energytune iothreadpin iothreadsched memorytune vcpupin vcpusched
cachetune: cache monitor
energytune: monitor
memorytune: monitor node
devices: audio channel console controller crypto disk filesystem graphics hostdev hub input interface iommu lease memory panic parallel redirdev rng serial shmem smartcard sound tpm video watchdog
channel: source
console: source
serial: source
parallel: source
backend: source
iothreads: iothread
iothread: queue
latency-histogram: bin
statistics: latency-histogram statistic
source: host seclabel ip route
slices: slice
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
keywrap: cipher
numatune: memnode
os: boot initarg initenv
acpi: table
firmware: feature
perf: event
sysinfo: baseBoard entry memory memory_device processor
bios: entry
system: entry
baseBoard: entry
chassis: entry
memory: entry
memory_device: entry
processor: entry
oemStrings: entry
throttlegroups: throttlegroup
vcpus: vcpu
idmap: uid gid
`)

// mergedContainers lists the containers whose content libvirt collects from all of their
// occurrences, because it looks for the children and not for the container (XPath ./devices/disk).
// Lists are joined. Of a child that counts once, the first in the document counts, in whichever
// container it is.
var mergedContainers = parseTable(`
domain: blkiotune clock cputune devices features idmap iothreadids keywrap memoryBacking memtune os perf pm vcpus qemu:commandline qemu:capabilities qemu:override xen:commandline bhyve:commandline
os: acpi firmware
qemu:device: qemu:frontend
`)

// refusedRepeats lists the elements for which libvirt does not read the first occurrence: the last
// counts, or each attribute is read from the first element that has it, or the document is refused.
// The reader refuses such a document too: no tool writes one, and readers are bound to disagree.
var refusedRepeats = parseTable(`
domain: genid numatune resource
features: apic capabilities ccf-assist cfpc gic hap hpt htm hyperv ibs ioapic kvm msrs nested-hv pmu pvspinlock sbbc smm vmcoreinfo vmport xen
capabilities: mac_admin mac_override mknod sys_module
hyperv: avic evmcs frequencies ipi reenlightenment relaxed reset runtime spinlocks stimer synic tlbflush vapic vendor_id vpindex
stimer: direct
kvm: dirty-ring hidden hint-dedicated poll-control pv-ipi
xen: passthrough
address: zpci
bandwidth: inbound outbound
cpu: cache
cputune: emulatorpin emulatorsched
devices: memballoon nvram redirfilter vsock
channel: log protocol
serial: log protocol
console: log protocol
parallel: log protocol
controller: model target
redirdev: source
smartcard: source
rng: backend rate
tpm: backend
backend: active_pcr_banks device encryption
binary: thread_pool
filesystem: binary driver
coalesce: rx
rx: frames
disk: iotune
driver: metadata_cache
format: metadata_cache
backingStore: format
initiator: iqn
interface: downscript guest link model mtu script teaming tune
memoryBacking: access allocation hugepages source
os: smbios
source: config initiator readahead slices snapshot timeout
target: label model
video: model
`)

// secondCPU handles a <cpu> after the first. libvirt reads only the first, but looks for
// "./cpu/numa[1]" in all of them (virDomainDefParseXML, virDomainNumaDefParseXML; libvirt 9.0 and
// 12.8).
func (r *reader) secondCPU(t xml.Name, start, end int) xml.Token {
	f := &r.stack[len(r.stack)-1]
	f.laterCPU = true
	f.node = r.child(r.stack[len(r.stack)-2].node, "cpu", 1)
	f.shared = r.childNames(f.node)
	f.joined = true
	r.merge(f.node, start, end)
	r.recordDropped(t, Repeated, start, end)
	r.lastElem = start
	return xml.StartElement{Name: f.out}
}

// ignoredInLaterCPU reports whether libvirt ignores an element because it is inside a later <cpu>.
func (r *reader) ignoredInLaterCPU(parent *frame, name string, start int) (bool, error) {
	if !parent.laterCPU {
		return false, nil
	}
	if name == "numa" && parent.shared.Has("numa") {
		return false, r.refuse(start, "two <cpu> with <numa> in both: delete one <cpu> (libvirt reads the first <cpu>, and the cells of both)")
	}
	return name != "numa", nil
}

// repeatedElement handles an element that its parent already has. joined means that it continues
// the first one; otherwise it is ignored. It returns an error if libvirt does neither.
func (r *reader) repeatedElement(parent *frame, name string, attrs []xml.Attr, start int) (joined bool, err error) {
	under := r.nodes[parent.node].name
	first := r.child(parent.node, name, 1)
	switch {
	case refusedRepeats[under][name], name == "alias":
		return false, r.refuse(start, "a second <%s> (libvirt mixes the two, takes the last or refuses them, depending on the version)", name)
	case mergedContainers[under][name]:
		joined = true
	case !parent.joined:
		return false, nil
	}
	// In a repeated container, and in the elements inside it, libvirt reads each attribute from the
	// first element that has it: an attribute that only the second has is not ignored.
	for _, a := range attrs {
		if _, ok := r.attribute(first, a.Name.Local); !ok {
			return false, r.refuse(start, "a second <%s> with the attribute %s, which the first does not have (libvirt mixes the two)", name, a.Name.Local)
		}
	}
	return joined, nil
}

// repeats reports whether libvirt reads all elements of that name under the parent as a list.
func repeats(parent, name string) bool { return listElements[parent][name] }

// merge records the start tag of an element that libvirt reads as part of an earlier one.
func (r *reader) merge(at int32, start, tagEnd int) {
	if r.merged == nil {
		r.merged = map[int32]lastPart{}
	}
	r.merged[at] = lastPart{int32(start), int32(tagEnd)}
}

// childNames returns the names of the children of a container that continues an earlier one. It
// caches them for further containers.
func (r *reader) childNames(at int32) *textset.Set {
	if s := r.joined[at]; s != nil {
		return s
	}
	s := &textset.Set{}
	for i := r.nodes[at].first; i != 0; i = r.nodes[i].next {
		s.Add(r.nodes[i].name)
	}
	if r.joined == nil {
		r.joined = map[int32]*textset.Set{}
	}
	r.joined[at] = s
	return s
}
