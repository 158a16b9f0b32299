package rules

import (
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
)

const (
	sVirt         = "https://libvirt.org/drvqemu.html#selinux-svirt-confinement"
	libvirtLocks  = "https://libvirt.org/kbase/locking.html"
	secureUse     = "https://libvirt.org/kbase/secureusage.html"
	backingChains = "https://libvirt.org/kbase/backing_chains.html"
)

// Kinds of things in the index, about images.
const (
	imageWritten = "image-written" // detail: "shareable" or nothing
	imageRead    = "image-read"
	imageBacking = "image-backing"
	guestState   = "state"
	loaderWrite  = "loader-written"
	loaderRead   = "loader-read"
)

func indexDisks(p *audit.Pass) {
	things(writtenImages).index(p, imageWritten)
	things(readImages).index(p, imageRead)
	things(backingImages).index(p, imageBacking)
	things(stateFiles).index(p, guestState)
	things(writableLoader).index(p, loaderWrite)
	things(readOnlyLoader).index(p, loaderRead)
}

func writtenImages(p *audit.Pass, yield func(thing)) { images(p, true, yield) }

func readImages(p *audit.Pass, yield func(thing)) { images(p, false, yield) }

// images walks what a domain opens as a disk, and writes or only reads. A transient disk is read:
// what the guest writes goes to an overlay, for every way of <transient/> and not only where it is
// shared. CD-ROMs are read-only to libvirt, floppy disks are not. NVMe controllers are host devices.
func images(p *audit.Pass, written bool, yield func(thing)) {
	same := meansTheSame(p)
	one := func(s *libvirtxml.DomainDiskSource, at audit.Path, writes, shareable bool) {
		key, attribute, what, never := imageKey(s)
		if (writes && !never) != written || !same(key) {
			return
		}
		t := thing{key: key, at: at.Attr(attribute), what: what}
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

// backingImages walks the files below the disks' overlays, where the document names them.
func backingImages(p *audit.Pass, yield func(thing)) {
	same := meansTheSame(p)
	for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
		for b := d.BackingStore; b != nil; b = b.BackingStore {
			at = at.Elem("backingStore")
			if key, attribute, what, _ := imageKey(b.Source); same(key) {
				yield(thing{key: key, at: at.Elem("source").Attr(attribute), what: what})
			}
		}
	}
}

// stateFiles walks what a guest keeps between its runs, besides disks.
func stateFiles(p *audit.Pass, yield func(thing)) {
	if boxed(p) {
		return
	}
	if nv := p.OS.NVRam; nv != nil {
		if key, attribute, what, _ := imageKey(nv.Source); key != "" {
			yield(thing{key, audit.At("os/nvram/source").Attr(attribute), "NVRAM", "NVRAM " + what})
		} else if key := hostPath(nv.NVRam); key != "" && nv.Source == nil {
			yield(thing{key, audit.At("os/nvram"), "NVRAM", "NVRAM " + strings.TrimSpace(nv.NVRam)})
		}
	}
	if v := p.OS.VarStore; v != nil {
		yield(thing{hostPath(v.Path), audit.At("os/varstore@path"), "UEFI variable store", "UEFI variable store " + v.Path})
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
		yield(thing{hostPath(name), source, "TPM state", "TPM state " + name})
	}
	if s := p.Devices.PStore; s != nil {
		yield(thing{hostPath(s.Path), audit.At("devices/pstore/path"), "crash store", "crash store " + strings.TrimSpace(s.Path)})
	}
}

func writableLoader(p *audit.Pass, yield func(thing)) { loaders(p, true, yield) }

func readOnlyLoader(p *audit.Pass, yield func(thing)) { loaders(p, false, yield) }

// loaders walks the firmware image. Only flash can be written at all, and without an attribute
// libvirt takes the images that it knows, which packages install below /usr, for read-only.
func loaders(p *audit.Pass, written bool, yield func(thing)) {
	l := p.OS.Loader
	if l == nil || boxed(p) {
		return
	}
	name := hostPath(l.Path)
	writes := l.Type == "pflash" && (l.Readonly == "no" || l.Readonly == "" && !strings.HasPrefix(name, "/usr/"))
	if writes == written {
		yield(thing{name, audit.At("os/loader"), "", name})
	}
}

var acrossDisks = []*audit.Rule{
	{
		ID:       "fleet-disk-rw-shared",
		Title:    "Two guests can write the same disk",
		Severity: audit.Critical,
		Needs:    audit.NeedDomains,
		Profiles: every,
		Doc: `Whoever controls one of these guests rewrites the disk of the other, system and all, and when both
run neither has a consistent file system left. sVirt gives an image to the guest that started last; only a lock
manager or QEMU's own image lock keeps the second from starting. Where exactly one of the documents is of a
running guest, the other may be a stand-by that never runs beside it, and the finding is high. Quiet where both
disks are <shareable/>: cluster file systems are made for that.`,
		Fix: `An image for each guest, on a common base that nobody writes where space is short:
qemu-img create -f qcow2 -b base.qcow2 -F qcow2 second.qcow2
If a cluster file system lives there, <shareable/> in the <disk> of every guest that has it.`,
		Refs: []string{sVirt, libvirtLocks, "https://wiki.openstack.org/wiki/OSSN/OSSN-0094"},
		Check: func(p *audit.Pass) {
			things(writtenImages).distinct(p, func(t thing) {
				running := false
				found := gather(p.Others(imageWritten, t.key), func(u audit.Use) bool {
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
					p.ReportAs(severity, t.at, "disk %s can be written by %s too", showable(t.what), found)
				}
			})
		},
	},
	{
		ID:       "fleet-disk-rw-ro",
		Title:    "A guest writes the disk that another one reads",
		Severity: audit.High,
		Needs:    audit.NeedDomains,
		Profiles: every,
		Doc: `The guest that writes chooses what the other one reads: a crafted file system for its kernel to
mount, or changes under data that it has cached. libvirt also gives the file a new security label each time one of
them starts, so that the first may lose access. CD-ROM images and transient disks count as read. Images that
nobody writes may be shared by any number of guests, and are not reported; nor is a disk that both sides mark
<shareable/>.`,
		Fix:  `A copy or a snapshot for the reader, or <readonly/> on both sides where nobody has to write.`,
		Refs: []string{sVirt, secureUse},
		Check: func(p *audit.Pass) {
			clash := func(mine thing, other audit.Use) bool { return mine.detail == "" || other.Detail == "" }
			things(writtenImages).report(p, imageRead, "writes", "disk %s is written here and read by %s", clash)
			things(readImages).report(p, imageWritten, "reads", "disk %s is read here and written by %s", clash)
		},
	},
	{
		ID:       "fleet-backing-writable",
		Title:    "A guest can write the image that lies under another guest's overlay",
		Severity: audit.Critical,
		Needs:    audit.NeedDomains,
		Profiles: every,
		Doc: `An overlay holds differences only: who writes the image below changes the data of every guest that
stands on it, unseen, and usually breaks them all. A golden image that guests share as a backing file is fine as
long as no guest has it as a disk of its own, not even the template from which it was made. While a block commit
runs, libvirt writes into a backing file by intent.`,
		Fix:  `<readonly/> in the <disk> that has the base image; better, no guest with the base as its disk at all.`,
		Refs: []string{backingChains, secureUse},
		Check: func(p *audit.Pass) {
			things(writtenImages).report(p, imageBacking, "writes", "disk %s is written here and is the backing file of %s", nil)
			things(backingImages).report(p, imageWritten, "backing", "backing file %s can be written by %s", nil)
		},
	},
	{
		ID:       "fleet-state-dup",
		Title:    "Two guests keep NVRAM or TPM state in the same file",
		Severity: audit.High,
		Needs:    audit.NeedDomains,
		Profiles: every,
		Doc: `Boot entries, Secure Boot keys and what the TPM guards are a guest's own: in a common file one guest
can enrol keys, change what the other boots, and use keys that were sealed for it. Clones copied by hand come out
like this. The read-only template from which an NVRAM file is made may of course be the same for all.`,
		Fix: `Delete the path, so that libvirt makes one from the guest's name or UUID, or give each guest a file of its own:
<nvram>/var/lib/libvirt/qemu/nvram/second_VARS.fd</nvram>`,
		Refs: []string{domainBoot, "https://libvirt.org/formatdomain.html#tpm-device"},
		Check: func(p *audit.Pass) {
			things(stateFiles).report(p, guestState, "", "%s is used by %s too", nil)
		},
	},
	{
		ID:       "fleet-loader-writable-shared",
		Title:    "A guest can write the firmware image that another one boots",
		Severity: audit.Critical,
		Needs:    audit.NeedDomains,
		Profiles: every,
		Doc: `Firmware in flash that is not read-only can be rewritten by the guest, and this file is another
guest's firmware as well: code put there runs in the neighbour before anything of its own. The code part of UEFI
(OVMF_CODE.fd) is meant to be read-only and shared; what a guest may write belongs into its <nvram>.`,
		Fix: `<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>, with an <nvram> for the variables,
or let libvirt choose: <os firmware='efi'>`,
		Refs: []string{domainBoot},
		Check: func(p *audit.Pass) {
			things(writableLoader).report(p, loaderWrite, "writes-both", "firmware %s can be written here, and by %s too", nil)
			things(writableLoader).report(p, loaderRead, "writes-booted", "firmware %s can be written here, and is booted by %s", nil)
			things(readOnlyLoader).report(p, loaderWrite, "boots", "firmware %s can be written by %s", nil)
		},
	},
}
