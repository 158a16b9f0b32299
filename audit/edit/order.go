package edit

import (
	"math"
	"strings"
)

// orders lists the children of elements in the order in which libvirt writes them (source:
// virDomainDefFormatInternalSetRootName and the functions that it calls, in src/conf/domain_conf.c,
// cpu_conf.c and src/qemu/qemu_domain.c of libvirt 11.3). hwuuid, iommufd, varstore and
// virtualization are newer; their place is the one in libvirtxml 1.12008.
//
// Parents are identified by their last step alone, which suffices for where an element is added.
var orders = parseOrders(`
domain: name uuid hwuuid genid title description metadata maxMemory memory currentMemory blkiotune memtune memoryBacking vcpu vcpus iothreads iothreadids defaultiothread throttlegroups cputune numatune iommufd resource sysinfo bootloader bootloader_args os idmap features cpu clock on_poweroff on_reboot on_crash on_lockfailure pm perf devices seclabel keywrap launchSecurity qemu:commandline qemu:capabilities qemu:override qemu:deprecation
blkiotune: weight device
memtune: hard_limit soft_limit min_guarantee swap_hard_limit
memoryBacking: hugepages nosharepages locked source access allocation discard
cputune: shares period quota global_period global_quota emulator_period emulator_quota iothread_period iothread_quota vcpupin emulatorpin iothreadpin vcpusched emulatorsched iothreadsched cachetune memorytune
numatune: memory memnode
os: type firmware init initarg initenv initdir inituser initgroup loader nvram varstore kernel initrd cmdline shim dtb root acpi boot bootmenu bios smbios
features: acpi apic pae hap viridian privnet hyperv kvm pvspinlock capabilities pmu vmport gic smm ioapic hpt vmcoreinfo htm nested-hv msrs ccf-assist xen cfpc sbbc ibs tcg async-teardown ras ps2 aia virtualization
hyperv: relaxed vapic spinlocks vpindex runtime synic stimer reset vendor_id frequencies reenlightenment tlbflush ipi evmcs avic emsr_bitmap xmm_input
kvm: hidden hint-dedicated poll-control pv-ipi dirty-ring
cpu: arch model vendor microcode signature counter topology cache maxphysaddr feature numa
pm: suspend-to-mem suspend-to-disk
devices: emulator disk controller lease filesystem interface smartcard serial parallel console channel input tpm graphics sound audio video hostdev redirdev redirfilter hub watchdog memballoon rng nvram panic shmem memory crypto iommu vsock pstore
disk: driver auth source backingStore backenddomain geometry blockio mirror target iotune throttlefilters readonly shareable transient serial wwn vendor product encryption boot alias rom acpi address
source: local block char interface ip route vendor product adapter host address snapshot config initiator ssl cookies readahead timeout knownHosts identity reconnect slices seclabel auth encryption reservations dataStore
backingStore: format source backingStore
driver: metadata_cache iothreads host guest
controller: model target driver boot alias master rom acpi address pcihole64
filesystem: driver binary idmap source target readonly boot alias rom acpi address space_hard_limit space_soft_limit
binary: cache sandbox lock thread_pool openfiles
interface: mac source vlan virtualport bandwidth port ip route portForward script downscript backenddomain target guest model driver backend filterref tune teaming link mtu coalesce boot alias rom acpi address
smartcard: certificate database source protocol alias address
serial: source protocol log target alias acpi address
parallel: source protocol log target alias acpi address
console: source protocol log target alias acpi address
channel: source protocol log target alias acpi address
input: driver source alias acpi address
tpm: backend alias acpi address
backend: device encryption active_pcr_banks source profile protocol
graphics: listen channel image jpeg zlib playback streaming mouse clipboard filetransfer gl audio
sound: codec audio alias acpi address driver
video: driver model alias acpi address
model: acceleration resolution
hostdev: driver source teaming readonly shareable boot alias rom acpi address
redirdev: source protocol log boot alias address
watchdog: alias acpi address
memballoon: stats alias acpi address driver
rng: rate backend driver alias acpi address
shmem: model size server msi alias acpi address
memory: uuid source target alias address
target: size node label readonly address block requested current
crypto: backend driver alias acpi address
iommu: driver alias acpi address
vsock: cid alias acpi address driver
pstore: path size alias acpi address
seclabel: label imagelabel baselabel
launchSecurity: cbitpos reducedPhysBits policy dhCert session guestVisibleWorkarounds idBlock idAuth hostData
qemu:commandline: qemu:arg qemu:env
qemu:capabilities: qemu:add qemu:del
`)

func parseOrders(text string) map[string]map[string]int {
	out := map[string]map[string]int{}
	for line := range strings.Lines(strings.TrimSpace(text)) {
		parent, names, _ := strings.Cut(line, ": ")
		out[parent] = map[string]int{}
		for i, name := range strings.Fields(names) {
			out[parent][name] = i
		}
	}
	return out
}

// unknown is the rank of elements that are not in the table: they are last.
const unknown = math.MaxInt

// rank returns the position of an element among its siblings in what libvirt writes.
func rank(parent, name string) int {
	if n, ok := orders[parent][name]; ok {
		return n
	}
	return unknown
}
