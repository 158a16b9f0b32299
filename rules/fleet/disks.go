package fleet

import (
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

const (
	sVirt         = "https://libvirt.org/drvqemu.html#selinux-svirt-confinement"
	libvirtLocks  = "https://libvirt.org/kbase/locking.html"
	secureUse     = "https://libvirt.org/kbase/secureusage.html"
	backingChains = "https://libvirt.org/kbase/backing_chains.html"
)

// Kinds of resources in the index, about images.
const (
	imageWritten = "image-written" // detail: "shareable" or nothing
	imageRead    = "image-read"
	imageBacking = "image-backing"
	guestState   = "state"
	loaderWrite  = "loader-written"
	loaderRead   = "loader-read"
)

func indexDisks(p *audit.Pass) {
	resources(writtenImages).index(p, imageWritten)
	resources(readImages).index(p, imageRead)
	resources(backingImages).index(p, imageBacking)
	resources(stateFiles).index(p, guestState)
	resources(writableLoader).index(p, loaderWrite)
	resources(readOnlyLoader).index(p, loaderRead)
}

func writtenImages(p *audit.Pass, yield func(resource)) { images(p, true, yield) }

func readImages(p *audit.Pass, yield func(resource)) { images(p, false, yield) }

// images walks the images that a domain opens as disks: those that it writes, or those that it only
// reads. A transient disk is only read: the guest's writes go to an overlay, for every form of
// <transient/>, shared or not. libvirt treats CD-ROMs as read-only, but not floppy disks. NVMe
// controllers are host devices.
func images(p *audit.Pass, written bool, yield func(resource)) {
	same := meansTheSame(p)
	one := func(s *libvirtxml.DomainDiskSource, at audit.Path, writes, shareable bool) {
		key, attribute, what, never := imageKey(s)
		if (writes && !never) != written || !same(key) {
			return
		}
		t := resource{key: key, at: at.Attr(attribute), what: what}
		if shareable {
			t.detail = "shareable"
		}
		yield(t)
	}
	for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
		if d.Source == nil {
			continue // an empty drive
		}
		writes := d.ReadOnly == nil && d.Transient == nil && d.Device != "cdrom"
		one(d.Source, at.Elem("source"), writes, d.Shareable != nil)
		if d.Source.DataStore != nil {
			one(d.Source.DataStore.Source, at.Elem("source/dataStore/source"), writes, d.Shareable != nil)
		}
	}
	for at, f := range audit.Each("devices/filesystem", p.Devices.Filesystems) {
		if f.Source == nil {
			continue
		}
		s := &libvirtxml.DomainDiskSource{}
		switch {
		case f.Source.File != nil:
			s.File = &libvirtxml.DomainDiskSourceFile{File: f.Source.File.File}
		case f.Source.Block != nil:
			s.Block = &libvirtxml.DomainDiskSourceBlock{Dev: f.Source.Block.Dev}
		case f.Source.Volume != nil:
			s.Volume = &libvirtxml.DomainDiskSourceVolume{Pool: f.Source.Volume.Pool, Volume: f.Source.Volume.Volume}
		}
		one(s, at.Elem("source"), f.ReadOnly == nil, false)
	}
	for at, h := range audit.Each("devices/hostdev", p.Devices.Hostdevs) {
		if h.SubsysSCSI == nil || h.SubsysSCSI.Source == nil || h.SubsysSCSI.Source.ISCSI == nil {
			continue
		}
		i := h.SubsysSCSI.Source.ISCSI
		s := &libvirtxml.DomainDiskSource{Network: &libvirtxml.DomainDiskSourceNetwork{Protocol: "iscsi", Name: i.Name, Hosts: i.Host}}
		one(s, at.Elem("source"), h.SubsysSCSI.ReadOnly == nil, h.SubsysSCSI.Shareable != nil)
	}
}

// backingImages walks the backing files of the disks that the document names.
func backingImages(p *audit.Pass, yield func(resource)) {
	same := meansTheSame(p)
	for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
		for b := d.BackingStore; b != nil; b = b.BackingStore {
			at = at.Elem("backingStore")
			if key, attribute, what, _ := imageKey(b.Source); same(key) {
				yield(resource{key: key, at: at.Elem("source").Attr(attribute), what: what})
			}
		}
	}
}

// stateFiles walks the files in which a guest stores its state, other than disks.
func stateFiles(p *audit.Pass, yield func(resource)) {
	if inContainer(p) {
		return
	}
	if nv := p.OS.NVRam; nv != nil {
		if key, attribute, what, _ := imageKey(nv.Source); key != "" {
			yield(resource{key, audit.At("os/nvram/source").Attr(attribute), "NVRAM", "NVRAM " + what})
		} else if key := hostPath(nv.NVRam); key != "" && nv.Source == nil {
			yield(resource{key, audit.At("os/nvram"), "NVRAM", "NVRAM " + strings.TrimSpace(nv.NVRam)})
		}
	}
	if v := p.OS.VarStore; v != nil {
		yield(resource{hostPath(v.Path), audit.At("os/varstore@path"), "UEFI variable store", "UEFI variable store " + v.Path})
	}
	for at, t := range audit.Each("devices/tpm", p.Devices.TPMs) {
		if t.Backend == nil {
			continue
		}
		source, name := at.Elem("backend/source").Attr("path"), ""
		switch e, x := t.Backend.Emulator, t.Backend.External; {
		case e != nil && e.Source != nil && e.Source.File != nil:
			name = e.Source.File.Path
		case e != nil && e.Source != nil && e.Source.Dir != nil:
			name = e.Source.Dir.Path
		case x != nil && x.Source != nil && x.Source.UNIX != nil:
			name = x.Source.UNIX.Path
		}
		yield(resource{hostPath(name), source, "TPM state", "TPM state " + name})
	}
	if s := p.Devices.PStore; s != nil {
		yield(resource{hostPath(s.Path), audit.At("devices/pstore/path"), "crash store", "crash store " + strings.TrimSpace(s.Path)})
	}
}

func writableLoader(p *audit.Pass, yield func(resource)) { loaders(p, true, yield) }

func readOnlyLoader(p *audit.Pass, yield func(resource)) { loaders(p, false, yield) }

// loaders walks the firmware image. Only flash is writable, and without the attribute libvirt
// treats the images that it knows, which packages install below /usr, as read-only.
func loaders(p *audit.Pass, written bool, yield func(resource)) {
	l := p.OS.Loader
	if l == nil || inContainer(p) {
		return
	}
	name := hostPath(l.Path)
	writes := l.Type == "pflash" && (l.Readonly == "no" || l.Readonly == "" && !strings.HasPrefix(name, "/usr/"))
	if writes == written {
		yield(resource{name, audit.At("os/loader"), "", name})
	}
}

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
file systems, they are not reported.`,
		Fix: `Create an image for each guest, with a common read-only base if space is limited:
qemu-img create -f qcow2 -b base.qcow2 -F qcow2 second.qcow2
For a cluster file system, set <shareable/> in the <disk> of every guest.`,
		Refs: []string{sVirt, libvirtLocks, "https://wiki.openstack.org/wiki/OSSN/OSSN-0094"},
		Check: func(p *audit.Pass) {
			resources(writtenImages).distinct(p, func(t resource) {
				running := false
				found := collectGuests(p.Others(imageWritten, t.key), func(u audit.Use) bool {
					if t.detail == "shareable" && u.Detail == "shareable" {
						return false
					}
					running = running || u.Live == p.Live()
					return true
				})
				severity := audit.High
				if running {
					severity = audit.Critical
				}
				if found.count > 0 {
					p.ReportAs(severity, t.at, "disk %s is also writable by %s", redacted(t.what), found)
				}
			})
		},
	},
	{
		ID:       "fleet-disk-rw-ro",
		Title:    "A guest can write the disk that another one reads",
		Severity: audit.High,
		Requires: audit.NeedDomains,
		Profiles: every,
		Doc: `The guest that writes decides what the other one reads: a crafted file system for its
kernel to mount, or changes to data that it has cached. libvirt also sets a new security label on
the file each time one of them starts, so that the first guest may lose access. CD-ROM images and
transient disks are only read. Images that all guests only read are not reported, nor is a disk that
both guests mark <shareable/>.`,
		Fix:  `Give the reader a copy or a snapshot, or set <readonly/> in both guests.`,
		Refs: []string{sVirt, secureUse},
		Check: func(p *audit.Pass) {
			clash := func(mine resource, other audit.Use) bool { return mine.detail == "" || other.Detail == "" }
			resources(writtenImages).report(p, imageRead, "writes", "disk %s is writable by this guest and read by %s", clash)
			resources(readImages).report(p, imageWritten, "reads", "disk %s is read by this guest and writable by %s", clash)
		},
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
			resources(writtenImages).report(p, imageBacking, "writes", "disk %s is writable by this guest and is a backing file of %s", nil)
			resources(backingImages).report(p, imageWritten, "backing", "backing file %s is writable by %s", nil)
		},
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
			resources(stateFiles).report(p, guestState, "", "%s is used by %s too", nil)
		},
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
			resources(writableLoader).report(p, loaderWrite, "writes-both", "firmware %s is writable by this guest, and by %s too", nil)
			resources(writableLoader).report(p, loaderRead, "writes-booted", "firmware %s is writable by this guest, and booted by %s", nil)
			resources(readOnlyLoader).report(p, loaderWrite, "boots", "firmware %s is writable by %s", nil)
		},
	},
}
