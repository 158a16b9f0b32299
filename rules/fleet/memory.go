package fleet

import (
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// Kinds of resources in the index, about memory and CPUs.
const (
	sharedMemory = "memory" // detail: readOnly or nothing
	vsockAddress = "vsock"
	hostCPU      = "cpu"
	dedicatedCPU = "dedicated cpu"
)

func indexMemory(p *audit.Pass) {
	resources(memories).index(p, sharedMemory)
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

// memories walks memory that other guests can map. ivshmem has a name below /dev/shm, or a server.
func memories(p *audit.Pass, yield func(resource)) {
	for at, s := range audit.Each("devices/shmem", p.Devices.Shmems) {
		t := resource{key: "shmem " + s.Name, at: at.Attr("name"), what: "shared memory '" + s.Name + "'"}
		if s.Server != nil {
			name := s.Server.Path
			if name == "" {
				name = "/var/lib/libvirt/shmem-" + s.Name + "-sock"
			}
			t = resource{key: hostPath(name), at: at.Elem("server").Attr("path"), what: "shared memory of the server " + name}
		}
		yield(t)
	}
	for at, m := range audit.Each("devices/memory", p.Devices.Memorydevs) {
		if m.Source == nil || m.Source.Path == "" {
			continue
		}
		access := m.Access
		if access == "" && p.MemoryBacking != nil && p.MemoryBacking.MemoryAccess != nil {
			access = p.MemoryBacking.MemoryAccess.Mode
		}
		t := resource{key: hostPath(m.Source.Path), at: at.Elem("source/path"), what: "memory in " + strings.TrimSpace(m.Source.Path)}
		if m.Target != nil && m.Target.ReadOnly != nil || access != "shared" && m.Model != "virtio-pmem" {
			t.detail = readOnly // the guest's writes are private
		}
		yield(t)
	}
}

func vsockAddresses(p *audit.Pass, yield func(resource)) {
	v := p.Devices.VSock
	if v == nil || v.CID == nil || v.CID.Auto == "yes" || v.CID.Address == "" {
		return
	}
	n, err := strconv.ParseUint(v.CID.Address, 0, 32)
	if err != nil {
		return
	}
	yield(resource{key: strconv.FormatUint(n, 10), at: audit.At("devices/vsock/cid@address"), what: v.CID.Address})
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
			resources(memories).report(p, sharedMemory, "", "%s is mapped by %s too", func(mine resource, other audit.Use) bool {
				return mine.detail != readOnly || other.Detail != readOnly
			})
		},
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
		Fix: `Use <vsock model='virtio'><cid auto='yes'/></vsock>
$ virt-xml DOMAIN --edit --vsock cid.auto=yes`,
		Refs: []string{"https://libvirt.org/formatdomain.html#vsock"},
		Check: func(p *audit.Pass) {
			resources(vsockAddresses).report(p, vsockAddress, "", "vsock address %s is also used by %s", nil)
		},
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
	},
}
