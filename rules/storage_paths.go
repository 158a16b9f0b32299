package rules

import (
	"iter"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/hostpath"
)

var diskPaths = []*audit.Rule{
	{
		ID:       "storage-sensitive-path",
		Title:    "Guest has access to a file that contains the host's secrets or controls the host",
		Severity: audit.Critical,
		Profiles: allProfiles,
		Doc: `The guest can write the file of a disk, a serial port, a log or the firmware's
variables, and libvirt changes the file's owner and label to allow it: the guest then controls
configuration, keys and kernel interfaces of the host. A file that the guest only reads, such as a
CD-ROM, a backing file or a kernel to boot, is high. A name without a leading / is relative to the
root directory, which is the working directory of libvirtd and QEMU. Kernels below /boot, ACPI
tables of the host and the firmware's variables in libvirt's own directory are harmless and not
reported.`,
		Fix:  `Copy the files that the guest requires to /var/lib/libvirt/images, and use the copies.`,
		Refs: []string{"https://libvirt.org/drvqemu.html#posix-users-groups", "https://libvirt.org/drvqemu.html#selinux-svirt-confinement"},
		// Not checked are root's home directory, except for its hidden directories, since many test
		// hosts store images there, and option ROMs, which QEMU only reads and which libvirt's
		// manual itself puts below /etc.
		Check: reportSensitivePaths,
	},
	{
		ID:       "storage-seclabel-override",
		Title:    "SELinux label of a disk allows access by other guests",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `libvirt labels each disk with the categories of its guest, so that other guests cannot
open it. With relabel='no', or a static label without categories, the file has a label that every
confined guest of the host can use. Character devices are medium. It is harmless if the guest also
has a matching static label, if the guest only reads the file, and on file systems without labels,
where it is the documented setting. Labels of users (DAC) and AppArmor are not checked: by default
all guests run as the same user, and AppArmor does not read these elements.`,
		Fix: `Delete the <seclabel>. For the disk vda:
$ virt-xml DOMAIN --edit target.dev=vda --disk "xpath0.delete=./source/seclabel"`,
		Refs: []string{formatDisks, "https://libvirt.org/drvqemu.html#selinux-svirt-confinement"},
		// oVirt sets model='dac' on each disk: that does not weaken the separation of guests.
		Check: func(p *audit.Pass) {
			if p.VerdictIs("not-qemu") || hasFixedLabel(p) {
				return
			}
			judge := func(severity audit.Severity, at audit.Path, labels []libvirtxml.DomainDeviceSecLabel) {
				for at, l := range audit.EachIn(at, "seclabel", labels) {
					switch {
					case l.Model != "" && l.Model != "selinux":
					case l.Relabel == "no":
						p.ReportAs(severity, at.Attr("relabel"), "libvirt does not label the file for this guest: its label must allow every guest")
					case l.Label != "" && !hasCategories(l.Label):
						p.ReportAs(severity, at.Elem("label"), "label '%s' has no categories: every guest of the host can use the file", l.Label)
					}
				}
			}
			for at, s := range diskFiles(p) {
				if s.writable && s.File != nil {
					judge(audit.High, at, s.File.SecLabel)
				} else if s.writable && s.Block != nil {
					judge(audit.High, at, s.Block.SecLabel)
				} else if s.writable && s.Volume != nil {
					judge(audit.High, at, s.Volume.SecLabel)
				}
			}
			for at, c := range characterDevices(p) {
				if _, labels := c.file(); len(labels) > 0 {
					judge(audit.Medium, at.Elem("source"), labels)
				}
			}
		},
	},
}

// hasFixedLabel reports whether the guest has a static SELinux label, so that an administrator sets
// matching labels of files, or no label, which confinement-seclabel-none reports.
func hasFixedLabel(p *audit.Pass) bool {
	for _, l := range p.SecLabel {
		if (l.Model == "selinux" || l.Model == "") && (l.Type == "static" || l.Type == "none") {
			return true
		}
	}
	return false
}

// hasCategories reports whether an SELinux label ends with categories, which separate guests.
func hasCategories(label string) bool {
	parts := strings.SplitN(label, ":", 5)
	return len(parts) == 5 && strings.Contains(parts[4], "c")
}

// diskFile is one source of a disk, and whether the guest can write it.
type diskFile struct {
	*libvirtxml.DomainDiskSource
	writable bool
}

// diskFiles walks the sources of all disks: each disk's own, its backing files, and its mirror.
// libvirt reads the mirror only in the document of a running guest.
func diskFiles(p *audit.Pass) iter.Seq2[audit.Path, diskFile] {
	return func(yield func(audit.Path, diskFile) bool) {
		for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
			if d.Source != nil && !yield(at.Elem("source"), diskFile{d.Source, !guestReadsOnly(d)}) {
				return
			}
			if p.Live() && d.Mirror != nil && d.Mirror.Source != nil && !yield(at.Elem("mirror/source"), diskFile{d.Mirror.Source, true}) {
				return
			}
			for b := d.BackingStore; b != nil; b = b.BackingStore {
				at = at.Elem("backingStore")
				if b.Source != nil && !yield(at.Elem("source"), diskFile{b.Source, false}) {
					return
				}
			}
		}
	}
}

func guestReadsOnly(d *libvirtxml.DomainDisk) bool { return d.ReadOnly != nil || d.Device == "cdrom" }

// targetName returns the name of a disk for messages.
func targetName(d *libvirtxml.DomainDisk) string {
	if d.Target == nil || d.Target.Dev == "" {
		return "?"
	}
	return d.Target.Dev
}

// characterDevice is the backend of a port of the guest.
type characterDevice struct {
	source *libvirtxml.DomainChardevSource
	log    *libvirtxml.DomainChardevLog
}

// file returns the file or device that the guest writes to, with its labels. QEMU creates a pty and
// the listening end of a socket, so they are not among them.
func (c characterDevice) file() (string, []libvirtxml.DomainDeviceSecLabel) {
	switch s := c.source; {
	case s == nil:
	case s.File != nil:
		return s.File.Path, s.File.SecLabel
	case s.Dev != nil:
		return s.Dev.Path, s.Dev.SecLabel
	case s.Pipe != nil:
		return s.Pipe.Path, s.Pipe.SecLabel
	case s.UNIX != nil && s.UNIX.Mode != "bind":
		return s.UNIX.Path, s.UNIX.SecLabel
	}
	return "", nil
}

func characterDevices(p *audit.Pass) iter.Seq2[audit.Path, characterDevice] {
	return func(yield func(audit.Path, characterDevice) bool) {
		for at, d := range audit.Each("devices/serial", p.Devices.Serials) {
			if !yield(at, characterDevice{d.Source, d.Log}) {
				return
			}
		}
		for at, d := range audit.Each("devices/parallel", p.Devices.Parallels) {
			if !yield(at, characterDevice{d.Source, d.Log}) {
				return
			}
		}
		for at, d := range audit.Each("devices/console", p.Devices.Consoles) {
			// libvirt writes the first serial port as a console too.
			if d == &p.Devices.Consoles[0] && len(p.Devices.Serials) > 0 && (d.Target == nil || d.Target.Type == "" || d.Target.Type == "serial") {
				continue
			}
			if !yield(at, characterDevice{d.Source, d.Log}) {
				return
			}
		}
		for at, d := range audit.Each("devices/channel", p.Devices.Channels) {
			if !yield(at, characterDevice{d.Source, d.Log}) {
				return
			}
		}
		for at, d := range audit.Each("devices/redirdev", p.Devices.RedirDevs) {
			if !yield(at, characterDevice{d.Source, nil}) {
				return
			}
		}
	}
}

// sensitiveTrees are files and directories of the host that guests must not access.
var sensitiveTrees = strings.Fields(`/etc /proc /sys /boot /dev/mem /dev/kmem /dev/port /dev/kvm /run/libvirt/qemu /run/docker.sock
	/run/containerd /var/lib/libvirt/qemu/save /var/lib/libvirt/qemu/snapshot /var/lib/libvirt/qemu/checkpoint /var/lib/libvirt/qemu/dump
	/var/lib/libvirt/qemu/nvram /var/lib/libvirt/qemu/ram /var/lib/libvirt/dnsmasq /var/lib/libvirt/secrets /var/lib/kubelet`)

// sensitiveTree returns the directory of the host that makes a file sensitive, or "".
func sensitiveTree(file string) string {
	if file = hostpath.Opened(file); file == "" {
		return ""
	}
	for _, tree := range sensitiveTrees {
		if hostpath.Below(file, tree) {
			return tree
		}
	}
	if name, ok := strings.CutPrefix(file, "/run/libvirt/"); ok && !strings.Contains(name, "/") {
		return "/run/libvirt" // libvirt's own sockets; management software stores images in subdirectories
	}
	if strings.HasPrefix(file, "/root/.") {
		return "/root/."
	}
	for _, keys := range []string{"/.ssh", "/.gnupg"} {
		if i := strings.Index(file, keys); i >= 0 && hostpath.Below(file, file[:i]+keys) {
			return file[:i] + keys
		}
	}
	return ""
}

// nvramDirectory is where libvirt stores the variables of firmware.
const nvramDirectory = "/var/lib/libvirt/qemu/nvram"

func reportSensitivePaths(p *audit.Pass) {
	judge := func(writable bool, at audit.Path, file string, allowed ...string) {
		tree := sensitiveTree(file)
		if tree == "" || allowsPath(p, file) {
			return
		}
		for _, directory := range allowed {
			if hostpath.Below(hostpath.Opened(file), directory) {
				return
			}
		}
		if writable {
			p.Key("write").Reportf(at, "the guest can write %s: %s belongs to the host", namedPath(file), tree)
		} else {
			p.Key("read").ReportAs(audit.High, at, "the guest can read %s: %s belongs to the host", namedPath(file), tree)
		}
	}
	for at, s := range diskFiles(p) {
		switch {
		case s.File != nil:
			judge(s.writable, at.Attr("file"), s.File.File)
		case s.Block != nil:
			judge(s.writable, at.Attr("dev"), s.Block.Dev)
		case s.Dir != nil:
			judge(s.writable, at.Attr("dir"), s.Dir.Dir)
		}
	}
	for at, c := range characterDevices(p) {
		if file, _ := c.file(); file != "" {
			judge(true, at.Elem("source").Attr("path"), file)
		}
		if c.log != nil {
			judge(true, at.Elem("log").Attr("file"), c.log.File)
		}
	}
	if n := p.OS.NVRam; n != nil {
		judge(true, audit.At("os/nvram"), strings.TrimSpace(n.NVRam), nvramDirectory)
		if n.Source != nil && n.Source.File != nil {
			judge(true, audit.At("os/nvram/source@file"), n.Source.File.File, nvramDirectory)
		}
	}
	if v := p.OS.VarStore; v != nil {
		judge(true, audit.At("os/varstore@path"), v.Path)
	}
	if l := p.OS.Loader; l != nil {
		judge(l.Type == "pflash" && l.Readonly == "no", audit.At("os/loader"), strings.TrimSpace(l.Path), nvramDirectory)
	}
	judge(false, audit.At("os/kernel"), p.OS.Kernel, "/boot")
	judge(false, audit.At("os/initrd"), p.OS.Initrd, "/boot")
	judge(false, audit.At("os/dtb"), p.OS.DTB, "/boot")
	if p.OS.ACPI != nil {
		for at, t := range audit.Each("os/acpi/table", p.OS.ACPI.Tables) {
			judge(false, at, strings.TrimSpace(t.Path), "/sys/firmware/acpi/tables")
		}
	}
}
