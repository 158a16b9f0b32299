package fleet

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/textset"
)

// Kinds of resources in the index, about shared directories.
const (
	sharedDirectory = "directory" // detail: readOnly or nothing
	hostAsset       = "asset"     // detail: what it is
)

const readOnly = "read-only"

func indexDirectories(p *audit.Pass) {
	resources(sharedDirectories).index(p, sharedDirectory)
	resources(assets).index(p, hostAsset)
}

// sharedDirectories walks the host's directories that a guest has access to.
func sharedDirectories(p *audit.Pass, yield func(resource)) {
	if inContainer(p) {
		return
	}
	one := func(name string, at audit.Path, readable bool) {
		t := resource{key: hostPath(name), at: at.Elem("source").Attr("dir"), what: name}
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
			one(d.Source.Dir.Dir, at, true) // as a FAT disk, which libvirt's QEMU driver makes read-only
		}
	}
}

// Kinds of assets, in addition to those of stateFiles.
const (
	assetDisk    = "disk"
	assetMedium  = "read-only disk"
	assetProgram = "program"
	assetBoot    = "boot file"
	assetSocket  = "socket"
)

// assets walks the files of the host on which a guest depends, in descending order of severity.
func assets(p *audit.Pass, yield func(resource)) {
	if inContainer(p) {
		return
	}
	one := func(t resource, what string) {
		if strings.HasPrefix(t.key, "/") {
			t.detail = what
			yield(t)
		}
	}
	writtenImages(p, func(t resource) { one(t, assetDisk) })
	backingImages(p, func(t resource) { one(t, assetDisk) })
	stateFiles(p, func(t resource) { one(t, t.detail) })
	writableLoader(p, func(t resource) { one(t, assetBoot) })
	readOnlyLoader(p, func(t resource) { one(t, assetBoot) })
	for _, f := range []struct{ name, at string }{
		{p.OS.Kernel, "os/kernel"}, {p.OS.Initrd, "os/initrd"}, {p.OS.DTB, "os/dtb"}, {p.OS.Shim, "os/shim"},
	} {
		one(resource{key: hostPath(f.name), at: audit.At(f.at)}, assetBoot)
	}
	one(resource{key: hostPath(p.Devices.Emulator), at: audit.At("devices/emulator")}, assetProgram)
	boundSockets(p, func(t resource) { one(t, assetSocket) })
	readImages(p, func(t resource) { one(t, assetMedium) })
}

// exposureSeverity returns the severity if a guest has access to a file of another one. It depends
// on whether the file is writable or only readable, and on whether it contains anything worth
// reading.
func exposureSeverity(detail, asset string) (audit.Severity, bool) {
	switch {
	case detail != readOnly && asset == assetMedium:
		return audit.High, true
	case detail != readOnly:
		return audit.Critical, true
	case asset == assetMedium, asset == assetProgram, asset == assetBoot, asset == assetSocket:
		return 0, false // a socket in a shared directory cannot be connected to
	}
	return audit.High, true
}

// ancestors returns the file itself and its parent directories, innermost first. The name is clean.
// A name that is too long for Linux to open (PATH_MAX) has no parents.
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

var acrossDirectories = []*audit.Rule{
	{
		ID:       "fleet-share-contains-host-asset",
		Title:    "A directory shared with one guest contains the disk or firmware of another",
		Severity: audit.Critical,
		Requires: audit.NeedDomains,
		Profiles: every,
		Doc: `The guest with the shared directory can attack the other one without any bug: it opens
the disk image, the NVRAM or the TPM state as a file, reads every secret and writes arbitrary data.
It is high if the directory is read-only, so that the files can be copied but not changed, and if
the other guest only reads the file, such as a CD-ROM image. The rule compares names without
following links, so it does not detect a link to another directory.`,
		Fix:  `Share a directory that contains nothing else: <source dir='/srv/share/web'/>. Do not store images in shared directories.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#filesystems", "https://libvirt.org/kbase/virtiofs.html"},
		Check: func(p *audit.Pass) {
			resources(sharedDirectories).distinct(p, func(t resource) {
				worst, of := audit.Info, ""
				found := collectGuests(p.OthersUnder(hostAsset, t.key), func(u audit.Use) bool {
					s, ok := exposureSeverity(t.detail, u.Detail)
					if ok && s > worst {
						worst, of = s, u.Detail
					}
					return ok
				})
				if found.count > 0 {
					p.Key("holds").ReportAs(worst, t.at, "directory %s is shared with this guest and contains files (%s) of %s", redacted(t.what), of, found)
				}
			})
			var done textset.Set // one finding for each directory
			resources(assets).distinct(p, func(t resource) {
				for _, dir := range ancestors(t.key) {
					if done.Has(dir) {
						continue
					}
					worst := audit.Info
					found := collectGuests(p.Others(sharedDirectory, dir), func(u audit.Use) bool {
						s, ok := exposureSeverity(u.Detail, t.detail)
						worst = max(worst, s)
						return ok
					})
					if found.count > 0 {
						done.Add(dir)
						p.Key("lies-in", redacted(dir)).ReportAs(worst, t.at, "%s %s is in directory %s, which is shared with %s", t.detail, redacted(t.key), redacted(dir), found)
					}
				}
			})
		},
	},
	{
		ID:       "fleet-fs-overlap",
		Title:    "Two guests share a directory that one of them can write",
		Severity: audit.Medium,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `One guest can attack the other by what it writes there: executables, configuration,
and links to other directories. Directories inside one another count as well. If two guests of one
owner exchange files on purpose, waive the rule. Directories that all guests only read are not
reported.`,
		Fix:  `Share a separate directory with each guest, or set <readonly/> in the <filesystem> of all of them.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#filesystems"},
		Check: func(p *audit.Pass) {
			resources(sharedDirectories).distinct(p, func(t resource) {
				written := func(u audit.Use) bool { return t.detail != readOnly || u.Detail != readOnly }
				found := collectGuests(func(yield func(audit.Use) bool) {
					for u := range p.OthersUnder(sharedDirectory, t.key) {
						if !yield(u) {
							return
						}
					}
					for _, dir := range ancestors(t.key)[1:] {
						for u := range p.Others(sharedDirectory, dir) {
							if !yield(u) {
								return
							}
						}
					}
				}, written)
				if found.count > 0 {
					p.Reportf(t.at, "directory %s, or one inside or around it, is shared with %s too", redacted(t.what), found)
				}
			})
		},
	},
}
