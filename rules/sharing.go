package rules

import (
	"slices"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
)

const (
	domainFolders = "https://libvirt.org/formatdomain.html#filesystems"
	virtiofs      = "https://libvirt.org/kbase/virtiofs.html"
)

var sharing = []*audit.Rule{
	{
		ID:       "sharing-9p",
		Title:    "Folder of the host shared by 9p, from inside QEMU",
		Severity: audit.Medium,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `The 9p server is part of QEMU and resolves paths that the guest chooses; again and again guests got
out of the shared folder, in 2026 as far as running code on the host. A folder that the guest may write in
accessmode 'passthrough', libvirt's default, is high: owners and modes of files are then the guest's choice as far
as QEMU's user may set them. virtiofs serves folders from a process of its own with a sandbox of its own. A guest
that is trusted as much as its host, such as a developer's, is the case to waive.`,
		Fix: `<driver type='virtiofs'/>, accessmode 'passthrough', and memory that its server can share:
$ virt-xml DOMAIN --edit --memorybacking source.type=memfd,access.mode=shared
$ virt-xml DOMAIN --edit all --filesystem driver.type=virtiofs,accessmode=passthrough`,
		Refs: []string{
			domainFolders, virtiofs, "https://gitlab.com/qemu-project/qemu/-/work_items/4491",
			"https://nvd.nist.gov/vuln/detail/CVE-2026-93834", "https://nvd.nist.gov/vuln/detail/CVE-2023-2861",
		},
		Check: func(p *audit.Pass) {
			for at, fs := range foldersBy9p(p) {
				switch {
				case fs.ReadOnly == nil && passesOwners(fs):
					p.Key("writable-passthrough").ReportAs(audit.High, at, "folder '%s' is served by 9p, writable and in accessmode 'passthrough'", sharedFolder(fs))
				default:
					p.Key("served").Reportf(at, "folder '%s' is served by 9p, by code inside QEMU", sharedFolder(fs))
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
				p.ReportAs(severity, o.At, "-%s shares a folder of the host by 9p, by code inside QEMU", o.Name)
			}
		},
	},
	{
		ID:       "sharing-9p-passthrough-root",
		Title:    "Guest writes a shared folder with the rights of the host's root",
		Severity: audit.Critical,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `In accessmode 'passthrough' 9p creates files as the guest asks. When QEMU runs as root nothing stands
in its way: the guest's root makes setuid programs and device nodes that any user of the host can use, and the host
is taken without a bug. Where the domain does not say as whom QEMU runs, qemu.conf does. Folders that the guest
only reads are left to the other rules.`,
		Fix: `accessmode='mapped', and better a QEMU that is not root: no <seclabel model='dac'> that says so
$ virt-xml DOMAIN --edit all --filesystem accessmode=mapped`,
		Refs: []string{domainFolders, "https://libvirt.org/drvqemu.html#posix-users-groups"},
		// The default user is chosen when libvirt is built (root upstream, another in distributions), so
		// there is no default to judge by.
		Check: func(p *audit.Pass) {
			for at, fs := range foldersBy9p(p) {
				if fs.ReadOnly != nil || !passesOwners(fs) {
					continue
				}
				switch root, known, where := emulatorRoot(p); {
				case !known:
					p.Unknown(audit.NeedQEMUConf)
				case root:
					p.Reportf(at.Attr("accessmode"), "QEMU runs as root here%s, so in '%s' the guest can make setuid programs and devices", where, sharedFolder(fs))
				}
			}
		},
	},
	{
		ID:       "sharing-fs-dangerous-path",
		Title:    "Shared folder holds the host's system or other guests' files",
		Severity: audit.Critical,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `A guest that can write such a folder changes what the host runs, or the disks of its neighbours, and
needs no bug for it. With <readonly/> it is high: secrets can still be read, and read-only 9p has been bypassed. A
container's root file system is as dangerous when it is taken from the host's own root. Programs and libraries,
such as /usr, are harmless when read-only. A folder made for one guest is what one wants.`,
		Fix:  `A folder of the guest's own: <source dir='/srv/share/GUEST'/>, with <readonly/> where reading is enough.`,
		Refs: []string{domainFolders, virtiofs, "https://wiki.openstack.org/wiki/OSSN/OSSN-0001"},
		Check: func(p *audit.Pass) {
			for at, fs := range audit.Each("devices/filesystem", p.Devices.Filesystems) {
				folder := sharedFolder(fs)
				if folder == "" {
					continue
				}
				holds := dangerousFolder(folder, fs.ReadOnly != nil)
				switch {
				case holds == "" || allowsPath(p, folder):
				case fs.ReadOnly != nil:
					p.Key("read").ReportAs(audit.High, at.Elem("source").Attr("dir"), "the guest can read %s of the host in %s", holds, namedPath(folder))
				default:
					p.Key("write").Reportf(at.Elem("source").Attr("dir"), "the guest can write %s of the host in %s", holds, namedPath(folder))
				}
			}
			for _, o := range passedOptions(p, "virtfs", "fsdev") {
				folder, _ := o.Get("path")
				if readonly := switchedOn(o, "readonly"); folder != "" && !allowsPath(p, folder) {
					if holds := dangerousFolder(folder, readonly); holds != "" && readonly {
						p.Key("read").ReportAs(audit.High, o.At, "-%s lets the guest read %s of the host", o.Name, holds)
					} else if holds != "" {
						p.Key("write").Reportf(o.At, "-%s lets the guest write %s of the host", o.Name, holds)
					}
				}
			}
		},
	},
	{
		ID:       "sharing-shmem",
		Title:    "Memory shared with other guests",
		Severity: audit.Medium,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `Whatever knows the name of the region, guest or process of the host, reads and changes it under the
guest's hands; nothing checks who they are. With a server (ivshmem-doorbell) it is high: peers also interrupt each
other, and all trust the server for their memory. The plain 'ivshmem' model, the default, is gone since QEMU 4.0. A
desktop whose screen is passed to a program on the same host (Looking Glass) is the usual harmless case.`,
		Fix: `Delete the <shmem> device; a network between the guests can be filtered.
$ virt-xml DOMAIN --remove-device --shmem all`,
		Refs: []string{"https://libvirt.org/formatdomain.html#shared-memory-device", "https://www.qemu.org/docs/master/system/devices/ivshmem.html"},
		Check: func(p *audit.Pass) {
			if because(p, "not-qemu") {
				return
			}
			for at, s := range audit.Each("devices/shmem", p.Devices.Shmems) {
				if s.Server != nil || s.Model != nil && s.Model.Type == "ivshmem-doorbell" {
					p.Key("server").ReportAs(audit.High, at, "memory region '%s' is shared through a server, with interrupts between the peers", s.Name)
				} else {
					p.Key("named").Reportf(at, "memory region '%s' is shared with whoever knows its name", s.Name)
				}
			}
		},
	},
}

// foldersBy9p walks the folders that QEMU itself serves. QEMU knows no other type than mount; the
// driver is path where none is named.
func foldersBy9p(p *audit.Pass) func(func(audit.Path, *libvirtxml.DomainFilesystem) bool) {
	return func(yield func(audit.Path, *libvirtxml.DomainFilesystem) bool) {
		if because(p, "not-qemu") {
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

func sharedFolder(fs *libvirtxml.DomainFilesystem) string {
	switch s := fs.Source; {
	case s == nil:
	case s.Mount != nil:
		return s.Mount.Dir
	case s.Bind != nil:
		return s.Bind.Dir
	}
	return ""
}

// emulatorRoot reports whether QEMU runs as root, and where that is from if not from the document. It
// is not known where the document does not say and qemu.conf is not at hand.
func emulatorRoot(p *audit.Pass) (root, known bool, where string) {
	for i := range p.SecLabel {
		if l := &p.SecLabel[i]; ownerInForce(p, l) {
			user, _, ok := ownership(l.Label)
			return ok && user.root(), true, ""
		}
	}
	user, where := p.HostUser()
	if where != "" {
		where = " (" + where + ")"
	}
	return rootUser(user), user != "", where
}

// programFolders hold nothing that a user of the host may not read.
var programFolders = strings.Fields("/usr /lib /lib32 /lib64 /libx32 /bin /sbin /opt")

// systemFolders must not be shared, nor anything that they are in.
var systemFolders = append(strings.Fields(`/etc /root /home /boot /var /var/lib /run /dev /proc /sys /var/lib/libvirt /var/lib/libvirt/images
	/var/lib/docker /var/lib/containers /var/lib/containerd /var/lib/kubelet`), programFolders...)

// systemTrees must not be shared, nor anything in them.
var systemTrees = strings.Fields(`/proc /sys /boot /run/libvirt /etc/libvirt /etc/ssh /etc/systemd /etc/pam.d /etc/sudoers.d /etc/cron.d
	/etc/ssl/private /var/lib/libvirt/qemu /var/lib/libvirt/secrets /var/lib/libvirt/swtpm /var/spool/cron`)

// dangerousFolder returns what a shared folder holds that no guest should have, or "".
func dangerousFolder(folder string, readonly bool) string {
	folder = openedPath(folder)
	switch {
	case folder == "/":
		return "everything"
	case readonly && slices.Contains(programFolders, folder):
		return ""
	case slices.Contains(systemFolders, folder):
		return folder
	}
	for _, tree := range systemTrees {
		if under(folder, tree) || under(tree, folder) {
			return tree
		}
	}
	if strings.HasSuffix(folder, "/.ssh") {
		return folder
	}
	return ""
}
