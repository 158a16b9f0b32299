package domxml

import "encoding/xml"

// textElements lists, by parent, the elements that libvirt reads as text. libvirt uses XPath's
// string() or xmlNodeGetContent, which include the text of child elements, so that
// <emulator>/bin/a<x>b</x> is /bin/ab to libvirt and /bin/a to others. A child element in one of
// them is therefore refused. (Source: the users of the two functions in src/conf of libvirt 9.0;
// where the schema of libvirt 12.8 allows text.)
var textElements = parseTable(`
domain: name uuid hwuuid genid title description memory currentMemory maxMemory vcpu iothreads bootloader bootloader_args on_poweroff on_reboot on_crash on_lockfailure
os: type loader nvram kernel initrd cmdline dtb init initarg initenv initdir inituser initgroup root shim
acpi: table
devices: emulator
seclabel: label baselabel imagelabel
cpu: arch model vendor
cputune: shares period quota global_period global_quota emulator_period emulator_quota iothread_period iothread_quota
blkiotune: weight
device: path weight read_bytes_sec read_iops_sec write_bytes_sec write_iops_sec
memtune: hard_limit soft_limit swap_hard_limit min_guarantee
resource: partition
sysinfo: entry
bios: entry
system: entry
baseBoard: entry
chassis: entry
processor: entry
memory_device: entry
memory: entry uuid
oemStrings: entry
launchSecurity: policy dhCert session cbitpos reducedPhysBits handle guestVisibleWorkarounds idBlock idAuth hostData mrConfigId mrOwner mrOwnerConfig
cookies: cookie
disk: serial wwn vendor product
iotune: group_name total_bytes_sec read_bytes_sec write_bytes_sec total_iops_sec read_iops_sec write_iops_sec total_bytes_sec_max read_bytes_sec_max write_bytes_sec_max total_iops_sec_max read_iops_sec_max write_iops_sec_max size_iops_sec total_bytes_sec_max_length read_bytes_sec_max_length write_bytes_sec_max_length total_iops_sec_max_length read_iops_sec_max_length write_iops_sec_max_length
throttlegroup: group_name total_bytes_sec read_bytes_sec write_bytes_sec total_iops_sec read_iops_sec write_iops_sec total_bytes_sec_max read_bytes_sec_max write_bytes_sec_max total_iops_sec_max read_iops_sec_max write_iops_sec_max size_iops_sec total_bytes_sec_max_length read_bytes_sec_max_length write_bytes_sec_max_length total_iops_sec_max_length read_iops_sec_max_length write_iops_sec_max_length
metadata_cache: max_size
controller: pcihole64 serial
filesystem: space_hard_limit space_soft_limit
lease: lockspace key
source: block char interface path pagesize nodemask alignsize
target: size node block requested current
label: size
smartcard: certificate database
rng: backend
shmem: size
pstore: path size
tune: sndbuf
hpt: maxpagesize
smm: tseg
tcg: tb-cache
`)

// isTextElement reports whether libvirt reads the text of an element.
func isTextElement(parent, name string, attrs []xml.Attr) bool {
	if !textElements[parent][name] {
		return false
	}
	switch name {
	case "nvram": // virDomainLoaderDefParseXMLNvram: with a type, libvirt reads the <source>
		return !hasAttr(attrs, "type")
	case "backend": // virDomainRNGDefParseXML: other models have a <source>, or nothing
		return value(attrs, "model") == "random"
	}
	return true
}

// matchedByLocalName lists the parents whose children libvirt distinguishes only by local name, in
// any namespace (it walks over the nodes there and does not use XPath; measured with libvirt 9). An
// element in a foreign namespace is refused below them, because libvirt does not ignore it.
var matchedByLocalName = set("features", "hyperv", "kvm", "xen", "capabilities", "stimer", "address", "bandwidth",
	"virtualport", "active_pcr_banks", "filterref", "origstates")
