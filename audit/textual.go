package audit

// textual lists, by parent, the elements that libvirt reads as text with XPath's string(): the text of
// elements inside them counts too, so that <emulator>/bin/a<x>b</x></emulator> is /bin/ab to libvirt
// and /bin/a to others. A child in one of them is refused.
var textual = table(`
domain: name uuid hwuuid genid title description memory currentMemory maxMemory vcpu iothreads bootloader bootloader_args on_poweroff on_reboot on_crash
os: type loader kernel initrd cmdline dtb init initarg initenv initdir inituser initgroup root shim
devices: emulator
seclabel: label baselabel imagelabel
cpu: vendor
launchSecurity: policy dhCert session cbitpos reducedPhysBits guestVisibleWorkarounds idBlock idAuth hostData mrConfigId mrOwner mrOwnerConfig
resource: partition
memtune: hard_limit soft_limit swap_hard_limit min_guarantee
cookies: cookie
`)

// pierced lists the parents whose children libvirt tells apart by their local name alone, whatever
// their namespace (it walks over the nodes there and asks no XPath; measured with libvirt 9).
// An element in a foreign namespace is refused below them, since it cannot be called ignored.
var pierced = set("features", "hyperv", "kvm", "xen", "capabilities", "stimer", "address", "bandwidth",
	"virtualport", "active_pcr_banks", "filterref", "origstates")

// mixes refuses an element that stands where text is read.
func (r *reader) mixes(parent *frame, name string, start int) error {
	n := &r.nodes[parent.node]
	if parent.text || parent.node != 0 && textual[r.nodes[n.parent].name][n.name] {
		return r.refuse(start, "<%s> stands inside the text of <%s> (libvirt reads its text as part of it)", name, n.name)
	}
	return nil
}
