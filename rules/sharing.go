package rules

import (
	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/identity"
)

const (
	domainFolders = "https://libvirt.org/formatdomain.html#filesystems"
	virtiofs      = "https://libvirt.org/kbase/virtiofs.html"
)

var sharing = []*audit.Rule{
	{
		ID:       "sharing-9p",
		Title:    "Host directory is shared by 9p, a server inside QEMU",
		Severity: audit.Medium,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `The 9p server is part of QEMU and resolves paths that the guest chooses; guests have
repeatedly escaped from the shared directory, in 2026 with code execution on the host. A directory
that the guest can write with accessmode 'passthrough', libvirt's default, is high: the guest then
sets owners and modes of files, within the permissions of QEMU's user. virtiofs shares directories
from a separate process with a sandbox. Waive the rule for a guest that is as trusted as its host,
such as a developer's.`,
		Fix: `Use <driver type='virtiofs'/>, accessmode='passthrough', and memory that its server can share:
<memoryBacking>
  <source type='memfd'/>
  <access mode='shared'/>
</memoryBacking>`,
		Refs: []string{
			domainFolders, virtiofs, "https://gitlab.com/qemu-project/qemu/-/work_items/4491",
			"https://nvd.nist.gov/vuln/detail/CVE-2026-93834", "https://nvd.nist.gov/vuln/detail/CVE-2023-2861",
		},
		Check: func(p *audit.Pass) {
			for at, fs := range directoriesBy9p(p) {
				switch {
				case fs.ReadOnly == nil && passesOwners(fs):
					p.Key("writable-passthrough").ReportAs(audit.High, at, "directory '%s' is shared by 9p, writable and with accessmode 'passthrough'", sharedDirectory(fs))
				default:
					p.Key("served").Reportf(at, "directory '%s' is shared by 9p, a server inside QEMU", sharedDirectory(fs))
				}
			}
			for _, o := range passedOptions(p, "virtfs", "fsdev") {
				if driver := o.First("fsdriver"); driver != "local" && driver != "proxy" {
					continue
				}
				severity := audit.Medium
				if model, _ := o.Get("security_model"); !switchedOn(o, "readonly") && (model == "passthrough" || model == "none") {
					severity = audit.High
				}
				p.ReportAs(severity, o.At, "-%s shares a directory of the host by 9p, a server inside QEMU", o.Name)
			}
		},
		Fixes: useVirtiofs,
	},
	{
		ID:       "sharing-9p-passthrough-root",
		Title:    "Guest can write a shared directory as root of the host",
		Severity: audit.Critical,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `With accessmode 'passthrough' 9p creates files with the owner and mode that the guest
requests, and nothing restricts it if QEMU runs as root. The guest's root user can create setuid
executables and device nodes that any user of the host can use, and so control the host without any
bug. If the domain does not set QEMU's user, qemu.conf does. The other rules check directories that
the guest only reads.`,
		Fix:  `Set accessmode='mapped', and delete the <seclabel model='dac'> that makes QEMU run as root.`,
		Refs: []string{domainFolders, "https://libvirt.org/drvqemu.html#posix-users-groups"},
		// libvirt's build sets the default user (root upstream, another user in distributions), so
		// the rule cannot assume a default.
		Check: func(p *audit.Pass) {
			for at, fs := range directoriesBy9p(p) {
				if fs.ReadOnly != nil || !passesOwners(fs) {
					continue
				}
				switch root, known, where := emulatorRoot(p); {
				case !known:
					p.Unknown(audit.NeedQEMUConf)
				case root:
					p.Reportf(at.Attr("accessmode"), "QEMU runs as root%s, so the guest can create setuid executables and devices in '%s'", where, sharedDirectory(fs))
				}
			}
		},
		Fixes: mapOwners,
	},
	{
		ID:       "sharing-fs-dangerous-path",
		Title:    "Shared directory contains the host's system or other guests' files",
		Severity: audit.Critical,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `A guest that can write such a directory can change what the host runs, or the disks of
other guests, without any bug. With <readonly/> it can still read secrets, and read-only 9p has been
bypassed. A list of places decides how serious each is. A directory that contains such a place is as
dangerous as the place. A container whose root file system is the host's root directory is just as
dangerous. Executables and libraries, as in /usr, are harmless if read-only. A separate directory
for each guest is not reported. Directories on the command line count too: those that 9p, MTP, SMB
and TFTP serve.`,
		Fix:   `Share a directory that only this guest uses: <source dir='/srv/share/GUEST'/>, with <readonly/> if reading is enough.`,
		Refs:  []string{domainFolders, virtiofs, "https://wiki.openstack.org/wiki/OSSN/OSSN-0001"},
		Check: reportSharedDirectories,
		Fixes: hideDirectory,
	},
	{
		ID:       "sharing-shmem",
		Title:    "Guest shares memory with other guests",
		Severity: audit.Medium,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `Every guest or process of the host that knows the name of the region can read and
change it, without authentication. With a server (ivshmem-doorbell) it is high: peers also interrupt
each other, and all of them trust the server for their memory. The plain 'ivshmem' model, the
default, was removed in QEMU 4.0. The finding is info for a desktop that passes its screen to an
application on the same host: the only shared memory is Looking Glass', 'looking-glass' without a
server. boundary-cmdline-device reports shared memory of the command line.`,
		Fix:   `Delete the <shmem> device, and connect the guests by a network, which can be filtered.`,
		Refs:  []string{"https://libvirt.org/formatdomain.html#shared-memory-device", "https://www.qemu.org/docs/master/system/devices/ivshmem.html", lookingGlassDocs},
		Check: reportSharedMemory,
		Fixes: func(_ *audit.Pass, f *audit.Finding) []audit.Fix {
			if f.Key == "looking-glass" {
				return nil
			}
			return []audit.Fix{deleteShmem(f.Path)}
		},
		NoFix: "Decide whether an application of the host shows the guest's screen, and delete the " +
			"device otherwise",
	},
}

// directoriesBy9p walks the directories that QEMU itself shares. QEMU supports only type mount, and
// the default driver is path.
func directoriesBy9p(p *audit.Pass) func(func(audit.Path, *libvirtxml.DomainFilesystem) bool) {
	return func(yield func(audit.Path, *libvirtxml.DomainFilesystem) bool) {
		if p.VerdictIs("not-qemu") {
			return
		}
		for at, fs := range audit.Each("devices/filesystem", p.Devices.Filesystems) {
			if fs.Source == nil || fs.Source.Mount == nil || fs.Driver != nil && fs.Driver.Type != "" && fs.Driver.Type != "path" && fs.Driver.Type != "handle" {
				continue
			}
			if !yield(at, fs) {
				return
			}
		}
	}
}

func passesOwners(fs *libvirtxml.DomainFilesystem) bool {
	return fs.AccessMode == "" || fs.AccessMode == "passthrough"
}

func sharedDirectory(fs *libvirtxml.DomainFilesystem) string {
	switch s := fs.Source; {
	case s == nil:
	case s.Mount != nil:
		return s.Mount.Dir
	case s.Bind != nil:
		return s.Bind.Dir
	}
	return ""
}

// emulatorRoot reports whether QEMU runs as root, and which setting decides if not the document. It
// is not known if the document does not set the user and qemu.conf is not available.
func emulatorRoot(p *audit.Pass) (root, known bool, where string) {
	for i := range p.SecLabel {
		if l := &p.SecLabel[i]; identity.DecidesOwner(l, p.Live()) {
			user, _, ok := identity.ParseOwner(l.Label)
			return ok && user.Root(), true, ""
		}
	}
	user, where := p.HostUser()
	if where != "" {
		where = " (" + where + ")"
	}
	return identity.IsRoot(user), user != "", where
}
