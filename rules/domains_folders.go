package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// Kinds of things in the index, about folders.
const (
	folderKind = "folder" // detail: readOnly or nothing
	hostAsset  = "asset"  // detail: what it is
)

const readOnly = "read-only"

func indexFolders(p *audit.Pass) {
	things(folders).index(p, folderKind)
	things(assets).index(p, hostAsset)
}

// folders walks the host's folders that a guest sees.
func folders(p *audit.Pass, yield func(thing)) {
	if boxed(p) {
		return
	}
	one := func(name string, at audit.Path, readable bool) {
		t := thing{key: hostPath(name), at: at.Elem("source").Attr("dir"), what: name}
		if readable {
			t.detail = readOnly
		}
		if strings.HasPrefix(t.key, "/") {
			yield(t)
		}
	}
	for at, f := range audit.Each("devices/filesystem", p.Devices.Filesystems) {
		switch s := f.Source; {
		case s == nil:
		case s.Mount != nil:
			one(s.Mount.Dir, at, f.ReadOnly != nil)
		case s.Bind != nil:
			one(s.Bind.Dir, at, f.ReadOnly != nil)
		}
	}
	for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
		if d.Source != nil && d.Source.Dir != nil {
			one(d.Source.Dir.Dir, at, true) // as a FAT disk, which QEMU's driver for libvirt only reads
		}
	}
}

// What an asset is, besides the words of stateFiles.
const (
	assetDisk    = "disk"
	assetMedium  = "read-only disk"
	assetProgram = "program"
	assetBoot    = "boot file"
	assetSocket  = "socket"
)

// assets walks the files of the host on which a guest depends, the most valuable first.
func assets(p *audit.Pass, yield func(thing)) {
	if boxed(p) {
		return
	}
	one := func(t thing, what string) {
		if strings.HasPrefix(t.key, "/") {
			t.detail = what
			yield(t)
		}
	}
	writtenImages(p, func(t thing) { one(t, assetDisk) })
	backingImages(p, func(t thing) { one(t, assetDisk) })
	stateFiles(p, func(t thing) { one(t, t.detail) })
	writableLoader(p, func(t thing) { one(t, assetBoot) })
	readOnlyLoader(p, func(t thing) { one(t, assetBoot) })
	for _, f := range []struct{ name, at string }{
		{p.OS.Kernel, "os/kernel"}, {p.OS.Initrd, "os/initrd"}, {p.OS.DTB, "os/dtb"}, {p.OS.Shim, "os/shim"},
	} {
		one(thing{key: hostPath(f.name), at: audit.At(f.at)}, assetBoot)
	}
	one(thing{key: hostPath(p.Devices.Emulator), at: audit.At("devices/emulator")}, assetProgram)
	boundSockets(p, func(t thing) { one(t, assetSocket) })
	readImages(p, func(t thing) { one(t, assetMedium) })
}

// exposed returns how bad it is that a guest sees a file of another one: whether it can be written,
// or only read, counts, and whether there is anything to read.
func exposed(detail, asset string) (audit.Severity, bool) {
	switch {
	case detail != readOnly && asset == assetMedium:
		return audit.High, true
	case detail != readOnly:
		return audit.Critical, true
	case asset == assetMedium, asset == assetProgram, asset == assetBoot, asset == assetSocket:
		return 0, false // a connection to a socket cannot be made through a shared folder
	}
	return audit.High, true
}

// ancestors returns the folders above a file, and the file itself, from the inside out. The name is clean. One
// that is longer than any that Linux opens (PATH_MAX) has none.
func ancestors(name string) []string {
	out := []string{name}
	for len(name) < 4096 && name != "/" && name != "." {
		slash := strings.LastIndexByte(name, '/')
		switch {
		case slash > 0:
			name = name[:slash]
		case slash == 0:
			name = "/"
		default:
			name = "."
		}
		out = append(out, name)
	}
	return out
}

var acrossFolders = []*audit.Rule{
	{
		ID:       "fleet-share-contains-host-asset",
		Title:    "A folder shared with one guest holds the disk or firmware of another",
		Severity: audit.Critical,
		Needs:    audit.NeedDomains,
		Profiles: every,
		Doc: `The guest that has the folder needs no bug to reach the other one: it opens the disk image, the NVRAM
or the TPM state as a file, reads every secret and plants what it likes. It is high where the folder is read-only,
so that the files can be copied but not changed, and where the file is only read by its guest, such as a CD-ROM
image. Names are compared without following links, so a folder that leads elsewhere is not seen.`,
		Fix:  `Share a folder that holds nothing else: <source dir='/srv/share/web'/>; keep images out of shared folders.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#filesystems", "https://libvirt.org/kbase/virtiofs.html"},
		Check: func(p *audit.Pass) {
			things(folders).distinct(p, func(t thing) {
				worst, of := audit.Info, ""
				found := gather(p.OthersUnder(hostAsset, t.key), func(u audit.Use) bool {
					s, ok := exposed(t.detail, u.Detail)
					if ok && s > worst {
						worst, of = s, u.Detail
					}
					return ok
				})
				if found.count > 0 {
					p.Key("holds").ReportAs(worst, t.at, "folder %s is shared with this guest and holds files (%s) of %s", showable(t.what), of, found)
				}
			})
			var done once // one finding for each folder
			things(assets).distinct(p, func(t thing) {
				for _, dir := range ancestors(t.key) {
					if done.has(dir) {
						continue
					}
					worst := audit.Info
					found := gather(p.Others(folderKind, dir), func(u audit.Use) bool {
						s, ok := exposed(u.Detail, t.detail)
						worst = max(worst, s)
						return ok
					})
					if found.count > 0 {
						done.add(dir)
						p.Key("lies-in", showable(dir)).ReportAs(worst, t.at, "%s %s lies in %s, a folder that is shared with %s", t.detail, showable(t.key), showable(dir), found)
					}
				}
			})
		},
	},
	{
		ID:       "fleet-fs-overlap",
		Title:    "The same folder is shared with two guests, and one can write to it",
		Severity: audit.Medium,
		Needs:    audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `What one guest puts there the other one finds: programs, configuration, and links that lead out of
where the reader expects to be. Folders that lie within one another count as well. It is what one wants where two
guests of one owner exchange files; waive it there. Folders that all guests only read are not reported.`,
		Fix:  `A folder for each guest, or <readonly/> in the <filesystem> of all of them.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#filesystems"},
		Check: func(p *audit.Pass) {
			things(folders).distinct(p, func(t thing) {
				written := func(u audit.Use) bool { return t.detail != readOnly || u.Detail != readOnly }
				found := gather(func(yield func(audit.Use) bool) {
					for u := range p.OthersUnder(folderKind, t.key) {
						if !yield(u) {
							return
						}
					}
					for _, dir := range ancestors(t.key)[1:] {
						for u := range p.Others(folderKind, dir) {
							if !yield(u) {
								return
							}
						}
					}
				}, written)
				if found.count > 0 {
					p.Reportf(t.at, "folder %s, or a folder within or around it, is shared with %s too", showable(t.what), found)
				}
			})
		},
	},
}
