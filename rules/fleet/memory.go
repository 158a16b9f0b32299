package fleet

import (
	"strconv"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/reach"
)

// Kinds of resources in the index, about memory and CPUs.
const (
	vsockAddress = "vsock"
	hostCPU      = "cpu"
	dedicatedCPU = "dedicated cpu"
)

func indexMemory(p *audit.Pass) {
	resources(vsockAddresses).index(p, vsockAddress)
	if pins, owned, at := pinned(p); pins != nil {
		for i := range maxNumber {
			if !pins.has(i) {
				continue
			}
			number := cpuOn(p, i)
			p.Use(hostCPU, number, at, "")
			if owned {
				p.Use(dedicatedCPU, number, at, "")
			}
		}
	}
}

// cpuOn returns the key of a CPU of the host that the guest is on.
func cpuOn(p *audit.Pass, number int) string {
	host, _ := p.OnHost()
	return strconv.Itoa(number) + " of " + host
}

// vsockAddresses walks the addresses that the document sets.
func vsockAddresses(p *audit.Pass, yield func(resource)) {
	for r := range reached(p) {
		if r.Endpoint == nil || r.Endpoint.Transport != reach.VSOCK || r.ID != "vsock" && r.ID != "qemu-device-guest-cid" {
			continue
		}
		if auto, _ := p.Attr(r.At.Attr("auto")); r.ID == "vsock" && auto == "yes" {
			continue
		}
		if n, err := strconv.ParseUint(r.Written, 0, 32); err == nil {
			yield(resource{key: strconv.FormatUint(n, 10), at: r.At, what: r.Written})
		}
	}
}

// pinned returns the host's CPUs to which the guest is pinned, or nil for a guest that is not
// pinned, and whether they are dedicated to the guest.
func pinned(p *audit.Pass) (set *numberSet, owned bool, at audit.Path) {
	at = audit.At("cputune")
	switch t := p.CPUTune; {
	case t != nil && len(t.VCPUPin) > 0:
		set = &numberSet{}
		for _, v := range t.VCPUPin {
			set.add(v.CPUSet, "-")
		}
		for _, s := range t.VCPUSched {
			locked := p.MemoryBacking != nil && p.MemoryBacking.MemoryLocked != nil
			owned = owned || locked && (s.Scheduler == "fifo" || s.Scheduler == "rr")
		}
	case p.VCPU != nil && p.VCPU.CPUSet != "":
		at = audit.At("vcpu@cpuset")
		set = &numberSet{}
		set.add(p.VCPU.CPUSet, "-")
	}
	if k := p.Features.KVM; k != nil && k.HintDedicated != nil && k.HintDedicated.State == "on" {
		owned = true
	}
	return set, owned, at
}

var acrossMemory = []*audit.Rule{
	{
		ID:       "fleet-shmem-shared",
		Title:    "Two guests have the same shared memory",
		Severity: audit.High,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `The memory is a channel between the guests that no firewall or label on the host
controls, and one guest can attack any software of the other that reads it. It is harmless for
guests of one owner that are designed to communicate through ivshmem. NVDIMM files that all guests
map privately or read-only are not reported.`,
		Fix:  `Delete the <shmem>, or set a unique name: <shmem name='web-and-host'>`,
		Refs: []string{"https://libvirt.org/formatdomain.html#shared-memory-device", "https://www.qemu.org/docs/master/system/devices/ivshmem.html"},
		Check: func(p *audit.Pass) {
			shared := func(walk resources, kinds ...string) {
				walk.sorted(is(memoryFile)).distinct(p, func(t resource) {
					found := collectGuests(func(yield func(audit.Use) bool) {
						for _, kind := range kinds {
							for u := range p.Others(kind, t.key) {
								if u.Detail == memoryFile && !yield(u) {
									return
								}
							}
						}
					}, anyUse)
					if found.count > 0 {
						p.Reportf(t.at, "%s is mapped by %s too", t, found)
					}
				})
			}
			shared(writtenFiles, fileWritten, fileRead)
			shared(readFiles, fileWritten)
		},
		NoFix: "Decide whether the guests are meant to communicate; if not, delete the memory " +
			"from one of them, or rename it there",
	},
	{
		ID:       "fleet-vsock-cid-dup",
		Title:    "Two guests have the same vsock address",
		Severity: audit.Low,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened},
		Doc: `A service of the host that connects to a guest by its vsock address reaches the guest
that started first, and the second one does not start. With auto='yes' libvirt allocates a free
address at each start.`,
		Fix:  `Use <vsock model='virtio'><cid auto='yes'/></vsock>`,
		Refs: []string{"https://libvirt.org/formatdomain.html#vsock"},
		Check: func(p *audit.Pass) {
			resources(vsockAddresses).report(p, vsockAddress, "", "vsock address %s is also used by %s", nil)
		},
		Fixes: allocateCID,
		NoFix: "Choose another address in one of the guests, and change it in the clients",
	},
	{
		ID:       "fleet-cpu-pin-overlap",
		Title:    "CPUs that are dedicated to a guest are used by another one",
		Severity: audit.Info,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.MultiTenant},
		Doc: `A guest loses its timing, and shares caches, if another guest is pinned to CPUs that
the KVM hint, or real-time scheduling with locked memory, dedicates to the first one. Guests that
are pinned to CPUs without dedicating them can share, and guests that are not pinned are not
checked. Documents that are not known to be of one host are not compared.`,
		Fix:  `Use disjoint sets of CPUs: <vcpupin vcpu='0' cpuset='4'/> in one guest, other numbers in the other.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#cpu-tuning", "https://pve.proxmox.com/pve-docs/chapter-qm.html"},
		Check: func(p *audit.Pass) {
			pins, owned, at := pinned(p)
			if pins == nil {
				return
			}
			kind := dedicatedCPU
			if owned {
				kind = hostCPU
			}
			first, looked := -1, 0
			found := collectGuests(func(yield func(audit.Use) bool) {
				for i := range maxNumber {
					if !pins.has(i) {
						continue
					}
					for u := range p.Others(kind, cpuOn(p, i)) {
						if first < 0 {
							first = i
						}
						// Many guests can share all CPUs: the count need not be exact then.
						if looked++; looked > 4*maxCounted || !yield(u) {
							return
						}
					}
				}
			}, anyUse)
			if _, known := p.OnHost(); found.count > 0 && !known {
				p.Unknown(audit.NeedOneHost)
			} else if found.count > 0 {
				p.Reportf(at, "CPU %d of the host, which is dedicated to one guest, is also used by %s", first, found)
			}
		},
		NoFix: "Decide which CPUs of the host each guest gets; a plan for all guests of the host " +
			"is required",
	},
}
