package rules

import (
	"path"
	"slices"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/hostpath"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

// hostFacts are rules about the host's configuration. They are skipped in a run without a host.
var hostFacts = slices.Concat(hostMachine, hostProtection)

const (
	drvCgroups  = "https://libvirt.org/drvqemu.html#cgroups-device-acls"
	diskLocking = "https://libvirt.org/kbase/locking.html"
	setInConf   = " in /etc/libvirt/qemu.conf, and restart the daemon and the affected guests"
)

// hostMachine is about the host's hardware, files and network, as far as guests use them.
var hostMachine = []*audit.Rule{
	{
		ID:       "boundary-arch-host-mismatch",
		Title:    "Host cannot run KVM guests of the guest's architecture",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Requires: audit.NeedCapabilities,
		Doc: `Such a guest does not start on this host, and the usual workaround is type 'qemu',
which is outside QEMU's security boundary. Run the guest on a host of its architecture. An x86_64
host also runs i686 guests, an aarch64 host may run armv7l guests, and ppc64 and ppc64le run each
other. It is harmless if the document is for another host than the one that was audited.`,
		Fix:     `Run the guest on a host of its architecture. Do not change it to type='qemu'.`,
		Refs:    []string{refs.QEMUSecurity, refs.DomainOverview},
		Applies: usesQEMUDriver,
		Check: func(p *audit.Pass) {
			arch := p.Target.Arch
			if arch == "" || p.Type != "kvm" || !usesQEMU(p) {
				return
			}
			switch runs, known := p.Host.Runs(arch, p.Type); {
			case known && !runs:
				p.Reportf(audit.At("os/type@arch"), "this host (%s) has no KVM for '%s' guests", p.HostArch, arch)
			case !known && p.HostArch != "" && !kvmRuns(p.HostArch, arch):
				p.Reportf(audit.At("os/type@arch"), "a host of architecture '%s' has no KVM for '%s' guests", p.HostArch, arch)
			}
		},
		NoFix: "Choose a host of the guest's architecture: emulation on this one would put the " +
			"guest outside QEMU's security boundary",
	},
	{
		ID:       "endpoint-migration-plaintext-host",
		Title:    "Host allows migration in plaintext over any network",
		Severity: audit.Medium,
		Profiles: []audit.Profile{audit.MultiTenant, audit.Confidential},
		Requires: audit.NeedQEMUConf,
		Doc: `A migration sends all of the guest's memory over the network, including keys and
passwords, and the receiving side trusts what it gets. TLS is used only if the migration requests it
or qemu.conf requires it, and the receiving side listens on every address unless qemu.conf names
one. It is harmless if migration has a separate network that nothing else can reach; name its
address in qemu.conf to show that.`,
		Fix:     `Set migrate_tls_force = 1, with certificates in /etc/pki/qemu, and migration_address = "ADDRESS"` + setInConf,
		Refs:    []string{qemuConf, secureUsage, qemuTLS, "https://wiki.openstack.org/wiki/OSSN/OSSN-0007"},
		Applies: usesQEMUDriver,
		Check: func(p *audit.Pass) {
			force, address := p.Conf().Bool("migrate_tls_force"), p.Conf().String("migration_address")
			if !usesQEMUDriver(p) || p.Host.InSession() || force.Value {
				return
			}
			switch strings.Trim(address.Value, "[]") {
			case "", "0.0.0.0", "::":
				p.Reportf(audit.Path{}, "migration may use plaintext: TLS is not required (%s), and every address accepts it (%s)",
					force.Where(), address.Where())
			}
		},
		NoFix: "Change /etc/libvirt/qemu.conf: no document of a guest decides how the host " +
			"migrates",
	},
	{
		ID:       "storage-disk-file-owner",
		Title:    "All users of the host can access a disk image",
		Severity: audit.Low,
		Profiles: []audit.Profile{audit.MultiTenant},
		Requires: audit.NeedHostFiles,
		Doc: `A disk image contains everything that the guest stores, including passwords and keys,
and any local user or compromised service can read an image that is open to all. An image that all
users can write is high: they can change what the guest runs. libvirt sets the owner when the guest
starts, but not the mode. Images in a directory that other users cannot enter are not reported, nor
are images that the guest only reads.`,
		Fix:  `Run chmod 0600 IMAGE, and chmod 0711 for its directory`,
		Refs: []string{drvUsers, "https://nvd.nist.gov/vuln/detail/CVE-2025-13193"},
		Applies: func(p *audit.Pass) bool {
			return slices.ContainsFunc(p.Devices.Disks, func(d libvirtxml.DomainDisk) bool {
				return d.Source != nil && d.Source.File != nil && !guestReadsOnly(&d)
			})
		},
		Check: func(p *audit.Pass) {
			for at, s := range diskFiles(p) {
				if !s.writable || s.File == nil || s.File.File == "" {
					continue
				}
				name := hostpath.Opened(s.File.File)
				file, ok := p.Host.File(name)
				if !ok || !reachableByAll(p, path.Dir(name)) {
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
		NoFix: "Change the mode of the file on the host: the document does not state it",
	},
	{
		ID:       "network-mgmt-bridge",
		Title:    "Guest is on the bridge that the host's management uses",
		Severity: audit.Medium,
		Profiles: []audit.Profile{audit.MultiTenant},
		Requires: audit.NeedHostNetwork,
		Doc: `On the same bridge the guest is the host's neighbour on Ethernet: it receives
broadcasts, can claim the address of the gateway or the host by ARP, and can reach SSH, libvirt,
migration and storage without a router or firewall. The rule checks the bridge of the host's default
route. It is harmless on a single host with one owner.`,
		Fix:  `Use a bridge, or a VLAN, without an address of the host: <source bridge='br-guests'/>.`,
		Refs: []string{"https://csrc.nist.gov/pubs/sp/800/125/a/r1/final", "https://libvirt.org/formatdomain.html#bridge-to-lan"},
		Applies: func(p *audit.Pass) bool {
			return slices.ContainsFunc(p.Devices.Interfaces, func(i libvirtxml.DomainInterface) bool { return i.Source != nil && i.Source.Bridge != nil })
		},
		Check: func(p *audit.Pass) {
			for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
				if s := i.Source; s != nil && s.Bridge != nil && p.Host.Manages(s.Bridge.Bridge) {
					p.Reportf(at.Elem("source").Attr("bridge"), "the host's default route uses bridge '%s' too", s.Bridge.Bridge)
				}
			}
		},
		NoFix: "Choose a bridge on which the host has no address, and move the guest there: which " +
			"networks the guest needs the document does not show",
	},
	{
		ID:       "resource-no-lock-manager",
		Title:    "No lock manager protects a shared disk",
		Severity: audit.Info,
		Profiles: []audit.Profile{audit.MultiTenant},
		Requires: audit.NeedQEMUConf,
		Doc: `If several hosts can access the storage, the same guest can be started on two of them,
and two writers destroy a file system. A lock manager, virtlockd or sanlock, refuses the second
start. Clusters with their own management, such as oVirt or Nova, prevent it elsewhere and do not
require a lock manager. Disks on the host's own file system are not reported.`,
		Fix:  `Set lock_manager = "lockd"` + setInConf,
		Refs: []string{diskLocking, qemuConf},
		Applies: func(p *audit.Pass) bool {
			return usesQEMUDriver(p) && slices.ContainsFunc(p.Devices.Disks, func(d libvirtxml.DomainDisk) bool {
				return !guestReadsOnly(&d) && (d.Shareable != nil || d.Source != nil && d.Source.Network != nil)
			})
		},
		Check: func(p *audit.Pass) {
			manager := p.Conf().String("lock_manager")
			if !usesQEMUDriver(p) || manager.Value != "" {
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
		NoFix: "Set a lock manager in /etc/libvirt/qemu.conf on every host of the storage: no " +
			"document of a guest decides it",
	},
}

// reachableByAll reports whether all users of the host can enter a directory. Directories whose
// mode is not known count as open.
func reachableByAll(p *audit.Pass, directory string) bool {
	for ; directory != "/"; directory = path.Dir(directory) {
		if f, ok := p.Host.File(directory); ok && f.Mode&0o001 == 0 {
			return false
		}
	}
	return true
}
