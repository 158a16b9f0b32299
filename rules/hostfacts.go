package rules

import (
	"path"
	"slices"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
)

// hostFacts are rules that ask what the host makes of a guest. They say nothing in a run that is
// about no host.
var hostFacts = slices.Concat(hostMachine, hostProtection)

const (
	drvCgroups  = "https://libvirt.org/drvqemu.html#cgroups-device-acls"
	diskLocking = "https://libvirt.org/kbase/locking.html"
	setInConf   = " in /etc/libvirt/qemu.conf; then restart the daemon, and the guests that it is about"
)

// hostMachine is about what the host is, and what it shares with its guests.
var hostMachine = []*audit.Rule{
	{
		ID:       "boundary-arch-host-mismatch",
		Title:    "KVM is asked for on an architecture that the host cannot accelerate",
		Severity: audit.Medium,
		Profiles: every,
		Needs:    audit.NeedCapabilities,
		Doc: `Such a guest does not start here, and the usual way to make it start is to change its type to 'qemu', which
takes it out of QEMU's security boundary. The guest belongs onto a host of its own kind. An x86_64 host also runs
i686 guests, an aarch64 host may run armv7l ones, and ppc64 and ppc64le run each other. Documents for another host
than the one that was given are the harmless case.`,
		Fix:      `Run the guest on a host of its architecture; type='qemu' is no substitute.`,
		Refs:     []string{qemuSecurity, domainOverview},
		Concerns: byQEMUDriver,
		Check: func(p *audit.Pass) {
			arch := p.Target.Arch
			if arch == "" || p.Type != "kvm" || !byQEMU(p) {
				return
			}
			switch runs, known := p.Host.Runs(arch, p.Type); {
			case known && !runs:
				p.Reportf(audit.At("os/type@arch"), "this host (%s) has no KVM for '%s' guests", p.HostArch, arch)
			case !known && !accelerates(p.HostArch, arch):
				p.Reportf(audit.At("os/type@arch"), "a host of architecture '%s' has no KVM for '%s' guests", p.HostArch, arch)
			}
		},
	},
	{
		ID:       "endpoint-migration-plaintext-host",
		Title:    "Host lets guests migrate in plaintext, over any network",
		Severity: audit.Medium,
		Profiles: []audit.Profile{audit.MultiTenant, audit.Confidential},
		Needs:    audit.NeedQEMUConf,
		Doc: `A migration sends all of the guest's memory, keys and passwords included, over the network, and takes
whatever arrives at the other end for it. TLS is used if whoever starts the migration asks for it, unless qemu.conf
demands it; and the receiving side listens on every address, unless qemu.conf names one. It is harmless where
migration has a network of its own that nothing else reaches, which naming its address documents.`,
		Fix:      `migrate_tls_force = 1, with certificates in /etc/pki/qemu, and migration_address = "ADDRESS"` + setInConf,
		Refs:     []string{qemuConf, secureUsage, qemuTLS, "https://wiki.openstack.org/wiki/OSSN/OSSN-0007"},
		Concerns: byQEMUDriver,
		Check: func(p *audit.Pass) {
			force, address := p.Conf().Bool("migrate_tls_force"), p.Conf().String("migration_address")
			if !byQEMUDriver(p) || p.Host.InSession() || force.Value {
				return
			}
			switch strings.Trim(address.Value, "[]") {
			case "", "0.0.0.0", "::":
				p.Reportf(audit.Path{}, "the guest may migrate in plaintext: TLS is not demanded (%s), and migrations come in on every address (%s)",
					force.Where(), address.Where())
			}
		},
	},
	{
		ID:       "storage-disk-file-owner",
		Title:    "Image of a disk is open to all users of the host",
		Severity: audit.Low,
		Profiles: []audit.Profile{audit.MultiTenant},
		Needs:    audit.NeedHostFiles,
		Doc: `An image holds everything that the guest has stored, passwords and keys included, and any local user or
any service that was broken into can read one that is open. One that all can write is high: they can change what
the guest runs. libvirt sets the owner when the guest starts, but not the mode. Images below a folder that others
may not enter are not reported, nor is what the guest only reads.`,
		Fix:  `chmod 0600 IMAGE, and 0711 for the folder that it is in`,
		Refs: []string{drvUsers, "https://nvd.nist.gov/vuln/detail/CVE-2025-13193"},
		Concerns: func(p *audit.Pass) bool {
			return slices.ContainsFunc(p.Devices.Disks, func(d libvirtxml.DomainDisk) bool {
				return d.Source != nil && d.Source.File != nil && !guestReadsOnly(&d)
			})
		},
		Check: func(p *audit.Pass) {
			for at, s := range diskFiles(p) {
				if !s.writable || s.File == nil || s.File.File == "" {
					continue
				}
				name := openedPath(s.File.File)
				file, ok := p.Host.File(name)
				if !ok || !enterable(p, path.Dir(name)) {
					continue
				}
				switch {
				case file.Mode&0o002 != 0:
					p.Key("write").ReportAs(audit.High, at.Attr("file"), "every user of the host can write the image '%s' (mode %s)", s.File.File, file.Mode)
				case file.Mode&0o004 != 0:
					p.Key("read").Reportf(at.Attr("file"), "every user of the host can read the image '%s' (mode %s)", s.File.File, file.Mode)
				}
			}
		},
	},
	{
		ID:       "network-mgmt-bridge",
		Title:    "Guest is on the bridge over which the host is managed",
		Severity: audit.Medium,
		Profiles: []audit.Profile{audit.MultiTenant},
		Needs:    audit.NeedHostNetwork,
		Doc: `On one bridge the guest is the host's neighbour on Ethernet: it sees broadcasts, can claim the gateway's or
the host's address by ARP, and reaches SSH, libvirt, migration and storage without a router in between. The bridge
meant is the one that the host's default route leads over. A single host of one owner is the harmless case.`,
		Fix: `A bridge, or a VLAN, without an address of the host: <source bridge='br-guests'/>
$ virt-xml DOMAIN --edit --network clearxml=yes,type=bridge,source=br-guests,model=virtio`,
		Refs: []string{"https://csrc.nist.gov/pubs/sp/800/125/a/r1/final", "https://libvirt.org/formatdomain.html#bridge-to-lan"},
		Concerns: func(p *audit.Pass) bool {
			return slices.ContainsFunc(p.Devices.Interfaces, func(i libvirtxml.DomainInterface) bool { return i.Source != nil && i.Source.Bridge != nil })
		},
		Check: func(p *audit.Pass) {
			for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
				if s := i.Source; s != nil && s.Bridge != nil && p.Host.Manages(s.Bridge.Bridge) {
					p.Reportf(at.Elem("source").Attr("bridge"), "the host's own default route leads over bridge '%s' too", s.Bridge.Bridge)
				}
			}
		},
	},
	{
		ID:       "resource-no-lock-manager",
		Title:    "Nothing keeps a shared disk from being used twice",
		Severity: audit.Info,
		Profiles: []audit.Profile{audit.MultiTenant},
		Needs:    audit.NeedQEMUConf,
		Doc: `On storage that several hosts reach, nothing but care keeps the same guest from being started on two of
them, and two writers destroy a file system. A lock manager, virtlockd or sanlock, refuses the second. Clusters
with a manager of their own, such as oVirt or Nova, keep count elsewhere and can do without. Disks on the host's
own file system are not reported.`,
		Fix:  `lock_manager = "lockd"` + setInConf,
		Refs: []string{diskLocking, qemuConf},
		Concerns: func(p *audit.Pass) bool {
			return byQEMUDriver(p) && slices.ContainsFunc(p.Devices.Disks, func(d libvirtxml.DomainDisk) bool {
				return !guestReadsOnly(&d) && (d.Shareable != nil || d.Source != nil && d.Source.Network != nil)
			})
		},
		Check: func(p *audit.Pass) {
			manager := p.Conf().String("lock_manager")
			if !byQEMUDriver(p) || manager.Value != "" {
				return
			}
			for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
				switch s := d.Source; {
				case s == nil || guestReadsOnly(d):
				case d.Shareable != nil:
					p.Reportf(at.Elem("shareable"), "disk '%s' is shared, and the host has no lock manager (%s)", targetName(d), manager.Where())
				case s.Network != nil:
					p.Reportf(at.Elem("source").Attr("protocol"), "disk '%s' is on the network, and the host has no lock manager (%s)", targetName(d), manager.Where())
				}
			}
		},
	},
}

// byQEMUDriver reports whether libvirt's QEMU driver runs the guest, with what qemu.conf says.
func byQEMUDriver(p *audit.Pass) bool { return byQEMU(p) && p.Type != "xen" }

// accelerates reports whether KVM of a host of one architecture runs guests of another.
func accelerates(host, guest string) bool {
	switch guest {
	case host:
		return true
	case "i686":
		return host == "x86_64"
	case "armv6l", "armv7l":
		return host == "aarch64" || host == "armv7l"
	case "ppc", "ppc64", "ppc64le":
		return strings.HasPrefix(host, "ppc64")
	}
	return false
}

// enterable reports whether all users of the host come as far as a folder. What is not known does not
// stand in their way.
func enterable(p *audit.Pass, folder string) bool {
	for ; folder != "/"; folder = path.Dir(folder) {
		if f, ok := p.Host.File(folder); ok && f.Mode&0o001 == 0 {
			return false
		}
	}
	return true
}
