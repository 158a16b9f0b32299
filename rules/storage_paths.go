package rules

import (
	"iter"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
)

var diskPaths = []*audit.Rule{
	{
		ID:       "storage-sensitive-path",
		Title:    "Guest has access to a file that contains the host's secrets or controls the host",
		Severity: audit.Critical,
		Profiles: allProfiles,
		Doc: `The guest can write a file, wherever the document names it: as a disk, a log, the
firmware's variables, memory, or in an argument of the command line. libvirt changes the owner and
label of most of these files so that the guest can use them, and the guest then controls
configuration, keys or executables of the host. How serious it is depends on the place and on
whether the guest can write there: a list of places decides. A name without a leading / is relative
to the root directory, which is the working directory of libvirtd and QEMU. Images, kernels and
firmware in their usual places, and the guest's own state, are not reported. Directories that are
shared, sockets, and devices of the host have their own rules.`,
		Fix:   `Copy the files that the guest requires to /var/lib/libvirt/images, and use the copies.`,
		Refs:  []string{"https://libvirt.org/drvqemu.html#posix-users-groups", "https://libvirt.org/drvqemu.html#selinux-svirt-confinement"},
		Check: reportSensitivePaths,
		Fixes: hideSensitive,
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
		Fix:  `Delete the <seclabel>: libvirt then labels the file for this guest alone.`,
		Refs: []string{formatDisks, "https://libvirt.org/drvqemu.html#selinux-svirt-confinement"},
		// oVirt sets model='dac' on each disk: that does not weaken the separation of guests.
		Check: func(p *audit.Pass) {
			if p.VerdictIs("not-qemu") || hasFixedLabel(p) {
				return
			}
			for l := range sharedLabels(p) {
				if l.Relabel == "no" {
					p.ReportAs(l.severity, l.at.Attr("relabel"), "libvirt does not label the file for this guest: its label must allow every guest")
				} else {
					p.ReportAs(l.severity, l.at.Elem("label"), "label '%s' has no categories: every guest of the host can use the file", l.Label)
				}
			}
		},
		Fixes: deleteFileLabel,
	},
}

// sharedLabel is the SELinux label of a file that the guest can write, with which other guests can use
// the file too.
type sharedLabel struct {
	*libvirtxml.DomainDeviceSecLabel
	at       audit.Path
	severity audit.Severity
}

// sharedLabels walks the labels of disks and of files that are ports. They are right for a guest with a
// label of its own, see hasFixedLabel.
func sharedLabels(p *audit.Pass) iter.Seq[sharedLabel] {
	return func(yield func(sharedLabel) bool) {
		judge := func(severity audit.Severity, at audit.Path, labels []libvirtxml.DomainDeviceSecLabel) bool {
			for at, l := range audit.EachIn(at, "seclabel", labels) {
				shared := l.Relabel == "no" || l.Label != "" && !hasCategories(l.Label)
				if (l.Model == "" || l.Model == "selinux") && shared && !yield(sharedLabel{l, at, severity}) {
					return false
				}
			}
			return true
		}
		for at, s := range diskFiles(p) {
			if s.writable && !judge(audit.High, at, labelsOfSource(s.DomainDiskSource)) {
				return
			}
		}
		for at, c := range characterDevices(p) {
			if _, labels := c.file(); len(labels) > 0 && !judge(audit.Medium, at.Elem("source"), labels) {
				return
			}
		}
	}
}

func labelsOfSource(s *libvirtxml.DomainDiskSource) []libvirtxml.DomainDeviceSecLabel {
	switch {
	case s.File != nil:
		return s.File.SecLabel
	case s.Block != nil:
		return s.Block.SecLabel
	case s.Volume != nil:
		return s.Volume.SecLabel
	}
	return nil
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
