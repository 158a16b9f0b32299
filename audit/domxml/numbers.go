package domxml

import (
	"encoding/xml"
	"strconv"
	"strings"
)

// anyBase lists, by parent and element, the attributes that libvirt parses as C does: 0x10 is
// hexadecimal, and 010 is octal. The decoder accepts only decimal numbers. (Measured by passing
// every number of some 2,500 documents to "virsh define" in these forms. The decoder itself handles
// the addresses of PCI and others that are always hexadecimal.)
var anyBase = parseTable(`
controller/target: index chassisNr chassis busNr
interface/source: portid connectionid
interface/driver: queues
source/address: bus device target unit
memballoon/stats: period
shmem/msi: vectors
virtualport/parameters: managerid typeid typeidversion
kvm/dirty-ring: size
hyperv/spinlocks: retries
iothread/poll: max grow shrink
iothreads/iothread: id
iothread/queue: id
cpu/topology: clusters
cpu/maxphysaddr: limit
idmap/uid: start target count
idmap/gid: start target count
binary/openfiles: max
tpm/backend: debug
disk/source: index
disk/backingStore: index
backingStore/backingStore: index
mirror/source: index
`)

// decimal rewrites the values of those attributes in decimal for the decoder.
func decimal(parent, name string, attrs []xml.Attr) []xml.Attr {
	for i, a := range attrs {
		v := a.Value
		if len(v) < 2 || v[0] != '0' || !anyBase[parent+"/"+name][a.Name.Local] {
			continue
		}
		if name == "address" && !hasAttr(attrs, "device") && !hasAttr(attrs, "target") {
			continue // a PCI address
		}
		if strings.ContainsAny(v, "bBoO_") && !strings.HasPrefix(strings.ToLower(v), "0x") {
			continue // forms that Go accepts and C does not
		}
		if n, err := strconv.ParseInt(v, 0, 64); err == nil {
			attrs[i].Value = strconv.FormatInt(n, 10)
		}
	}
	return attrs
}

func hasAttr(attrs []xml.Attr, name string) bool {
	for _, a := range attrs {
		if a.Name.Local == name {
			return true
		}
	}
	return false
}

// value returns the value of an attribute, or "" if it is absent.
func value(attrs []xml.Attr, name string) string {
	for _, a := range attrs {
		if a.Name == (xml.Name{Local: name}) {
			return a.Value
		}
	}
	return ""
}
