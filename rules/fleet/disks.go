package fleet

import (
	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

const (
	sVirt         = "https://libvirt.org/drvqemu.html#selinux-svirt-confinement"
	libvirtLocks  = "https://libvirt.org/kbase/locking.html"
	secureUse     = "https://libvirt.org/kbase/secureusage.html"
	backingChains = "https://libvirt.org/kbase/backing_chains.html"
)

var acrossDisks = []*audit.Rule{
	{
		ID:       "fleet-disk-rw-shared",
		Title:    "Two guests can write the same disk",
		Severity: audit.Critical,
		Requires: audit.NeedDomains,
		Profiles: every,
		Doc: `Anyone who controls one of these guests can change the disk of the other, including
its system, and if both run, the file system becomes inconsistent. sVirt labels the image for the
guest that started last; only a lock manager or QEMU's own image lock prevents the second guest from
starting. If exactly one of the documents is of a running guest, the other may be a stand-by that
never runs at the same time, and the finding is high. If both disks are <shareable/>, as for cluster
file systems, they are not reported. The file counts wherever a guest writes it: as a disk, as
memory, as the output of a serial port, by an argument of QEMU. It is medium if both guests only
write output to it, such as the log of a console: each can forge lines of the other.`,
		Fix: `Create an image for each guest, with a common read-only base if space is limited:
$ qemu-img create -f qcow2 -b base.qcow2 -F qcow2 second.qcow2
For a cluster file system, set <shareable/> in the <disk> of every guest.`,
		Refs: []string{sVirt, libvirtLocks, "https://wiki.openstack.org/wiki/OSSN/OSSN-0094"},
		Check: func(p *audit.Pass) {
			resources(writtenFiles).distinct(p, func(t resource) {
				worst := audit.Info
				found := collectGuests(p.Others(fileWritten, t.key), func(u audit.Use) bool {
					if bothWrite(t.detail, u.Detail) != writableDisk {
						return false
					}
					worst = max(worst, sharedSeverity(t.detail, u.Detail, u.Live == p.Live()))
					return true
				})
				if found.count > 0 {
					p.ReportAs(worst, t.at, "%s is also writable by %s", t, found)
				}
			})
		},
		NoFix: "Decide which guest keeps the image, and give the other an image of its own; only " +
			"for a cluster file system mark the disk of every guest as shareable",
	},
	{
		ID:       "fleet-disk-rw-ro",
		Title:    "A guest can write the disk that another one reads",
		Severity: audit.High,
		Requires: audit.NeedDomains,
		Profiles: every,
		Doc: `The guest that writes decides what the other one reads: a crafted file system for its
kernel to mount, or changes to data that it has cached. libvirt also sets a new security label on
the file each time one of them starts, so that the first guest may lose access. The same holds for
a kernel or another file that a guest is started with. CD-ROM images and transient disks are only
read. Images that all guests only read are not reported, nor is a disk that
both guests mark <shareable/>.`,
		Fix:  `Give the reader a copy or a snapshot, or set <readonly/> in both guests.`,
		Refs: []string{sVirt, secureUse},
		Check: func(p *audit.Pass) {
			resources(writtenFiles).reportFiles(p, fileRead, readDisk, oneReads, "writes", "%s is writable by this guest and read by %s")
			resources(readFiles).sorted(func(sort string) bool { return sort != backingFile && sort != firmware }).
				reportFiles(p, fileWritten, readDisk, reads, "reads", "%s is read by this guest and writable by %s")
		},
		NoFix: "Decide which guest keeps the file, and give the other one a copy or a snapshot; " +
			"this document does not show whether its writer needs to write",
	},
	{
		ID:       "fleet-backing-writable",
		Title:    "A guest can write the backing file of another guest's disk",
		Severity: audit.Critical,
		Requires: audit.NeedDomains,
		Profiles: every,
		Doc: `An overlay contains only differences: a guest that writes the backing file changes the
data of every guest with an overlay on it, and usually corrupts them all. Guests can safely share a
base image as a backing file if no guest has it as a disk, including the template from which it was
created. During a block commit libvirt writes to a backing file on purpose.`,
		Fix:  `Delete the <disk> with the base image, or set <readonly/> in it.`,
		Refs: []string{backingChains, secureUse},
		Check: func(p *audit.Pass) {
			resources(writtenFiles).reportFiles(p, fileRead, writableBacking, oneReads, "writes", "%s is writable by this guest and is a backing file of %s")
			resources(readFiles).sorted(is(backingFile)).reportFiles(p, fileWritten, writableBacking, reads, "backing", "%s is writable by %s")
		},
		Fixes: protectBacking,
		NoFix: "Decide which guests keep the backing file: delete it from the guest that writes " +
			"it, or rebase the overlays to a copy",
	},
	{
		ID:       "fleet-state-dup",
		Title:    "Two guests keep NVRAM or TPM state in the same file",
		Severity: audit.High,
		Requires: audit.NeedDomains,
		Profiles: every,
		Doc: `Boot entries, Secure Boot keys and the keys in the TPM belong to one guest: with a
common file one guest can enrol keys, change what the other boots, and use keys that were sealed for
it. Clones that were copied by hand often have this. The read-only template of an NVRAM file can be
the same for all guests.`,
		Fix: `Delete the path, so that libvirt derives one from the guest's name or UUID, or set a separate file for each guest:
<nvram>/var/lib/libvirt/qemu/nvram/second_VARS.fd</nvram>`,
		Refs: []string{refs.DomainBoot, "https://libvirt.org/formatdomain.html#tpm-device"},
		Check: func(p *audit.Pass) {
			resources(writtenFiles).sorted(isState).reportFiles(p, fileWritten, commonState, bothWrite, "", "%s is used by %s too")
		},
		NoFix: "Decide which guest the state belongs to, and give the other a file of its own; " +
			"it starts with empty variables or an empty TPM then",
	},
	{
		ID:       "fleet-loader-writable-shared",
		Title:    "A guest can write the firmware image that another one boots",
		Severity: audit.Critical,
		Requires: audit.NeedDomains,
		Profiles: every,
		Doc: `A guest can rewrite firmware in flash that is not read-only, and this file is another
guest's firmware as well: code that one guest writes runs in the other before its system. The code
part of UEFI (OVMF_CODE.fd) is intended to be read-only and shared; what a guest writes belongs in
its <nvram>.`,
		Fix: `Use <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>, with an <nvram> for the variables,
or let libvirt choose: <os firmware='efi'>`,
		Refs: []string{refs.DomainBoot},
		Check: func(p *audit.Pass) {
			resources(writtenFiles).reportFiles(p, fileWritten, writableFirmware, bothWrite, "writes-both", "%s is writable by this guest, and by %s too")
			resources(writtenFiles).reportFiles(p, fileRead, writableFirmware, oneReads, "writes-booted", "%s is writable by this guest, and booted by %s")
			resources(readFiles).sorted(is(firmware)).reportFiles(p, fileWritten, writableFirmware, reads, "boots", "%s is writable by %s")
		},
		Fixes: protectFirmware,
		NoFix: "Decide which guest may change the firmware, and give every other one a copy, or " +
			"firmware that is read-only",
	},
}

// sharedSeverity returns the severity if two guests write the same file. together means that they
// may run at the same time, as far as the documents show. What is only written, such as the log of
// a console, contains nothing that a guest depends on.
func sharedSeverity(mine, other string, together bool) audit.Severity {
	switch {
	case mine == outputFile && other == outputFile:
		return audit.Medium
	case together:
		return audit.Critical
	}
	return audit.High
}
