package fleet

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/reach"
	"github.com/virt-audit/virt-audit/audit/textset"
)

// sharedDirectory is the kind of shared directories in the index; detail: readOnly or nothing.
const sharedDirectory = "directory"

const readOnly = "read-only"

func indexDirectories(p *audit.Pass) {
	resources(sharedDirectories).index(p, sharedDirectory)
}

// sharedDirectories walks the host's directories that a guest has access to: also as a FAT disk,
// and by the servers of QEMU.
func sharedDirectories(p *audit.Pass, yield func(resource)) {
	boxed := container{pass: p}
	for r := range reached(p) {
		if r.Role != reach.Share || r.Kind != reach.Directory {
			continue
		}
		if boxed.holds() {
			return
		}
		t := resource{key: r.Name, at: reported(r), what: strings.TrimSpace(r.Written)}
		if r.Access&reach.Write == 0 {
			t.detail = readOnly
		}
		if strings.HasPrefix(t.key, "/") && !inContainerOnly(t.key) {
			yield(t)
		}
	}
}

// Assets that differ from the sort of the file.
const (
	assetMedium = "read-only disk"
	assetSocket = "socket"
)

// asset returns what a file is to a guest that depends on it, or "" if no guest does. Loaders count
// as boot files.
func asset(kind, sort string) string {
	switch {
	case kind == boundSocket:
		return assetSocket
	case kind == fileRead && isDisk(sort):
		return assetMedium
	case isDisk(sort), sort == backingFile:
		return disk
	case sort == firmware:
		return bootFile
	case sort == otherFile:
		return ""
	}
	return strings.TrimPrefix(sort, defaultState)
}

// assets returns the files of the host on which a guest depends, with the asset as detail. A finding
// is about the first of those in a directory, and changes with it: the order stays.
func assets(p *audit.Pass) []resource {
	var all [assetRanks][]resource
	for _, from := range []struct {
		kind string
		walk resources
	}{{fileWritten, writtenFiles}, {fileRead, readFiles}, {boundSocket, boundSockets}} {
		from.walk.distinct(p, func(t resource) {
			at := assetRank(from.kind, t)
			if t.detail = asset(from.kind, t.detail); t.detail != "" && strings.HasPrefix(t.key, "/") {
				all[at] = append(all[at], t)
			}
		})
	}
	return slices.Concat(all[:]...)
}

// assetRanks is the number of ranks of assets. The last is of what libvirt chooses, what only the
// command line names, and everything that is rarely the only asset in a directory.
const assetRanks = 8

func assetRank(kind string, t resource) int {
	switch {
	case kind == boundSocket:
		return 5
	case t.from.Implied, strings.HasPrefix(t.from.ID, "qemu-"):
	case kind == fileRead && isDisk(t.detail):
		return 6
	case isDisk(t.detail), t.detail == backingFile:
		return 0
	case isState(t.detail):
		return 1
	case t.detail == firmware:
		return 2
	case slices.Contains([]string{"boot-kernel", "boot-initrd", "boot-dtb", "boot-shim"}, t.from.ID):
		return 3
	case t.from.ID == "emulator":
		return 4
	}
	return assetRanks - 1
}

// secret reports whether it is enough to read an asset. A socket in a shared directory cannot be
// connected to.
func secret(asset string) bool {
	switch asset {
	case assetMedium, program, bootFile, assetSocket, outputFile:
		return false
	}
	return true
}

// exposureSeverity returns the severity if a guest has access to a file of another one. It depends
// on whether the file is writable or only readable, and on whether it contains anything worth
// reading.
func exposureSeverity(detail, asset string) (audit.Severity, bool) {
	switch {
	case asset == "", detail == readOnly && !secret(asset):
		return 0, false
	case detail == readOnly:
		return audit.High, true
	case asset == outputFile:
		return audit.Medium, true
	case asset == assetMedium:
		return audit.High, true
	}
	return audit.Critical, true
}

// assetsUnder walks the assets of other guests that are in a directory.
func assetsUnder(p *audit.Pass, dir string, yield func(u audit.Use, asset string) bool) {
	for _, kind := range []string{fileWritten, fileRead, boundSocket} {
		for u := range p.OthersUnder(kind, dir) {
			if !yield(u, asset(kind, u.Detail)) {
				return
			}
		}
	}
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
the other guest only reads the file, such as a CD-ROM image; medium for the log of a console. The rule compares names without
following links, so it does not detect a link to another directory.`,
		Fix:  `Share a directory that contains nothing else: <source dir='/srv/share/web'/>. Do not store images in shared directories.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#filesystems", "https://libvirt.org/kbase/virtiofs.html"},
		Check: func(p *audit.Pass) {
			resources(sharedDirectories).distinct(p, func(t resource) {
				worst, of := audit.Info, ""
				found := collectGuests(func(yield func(audit.Use) bool) {
					assetsUnder(p, t.key, func(u audit.Use, asset string) bool {
						s, ok := exposureSeverity(t.detail, asset)
						if ok && s > worst {
							worst, of = s, asset
						}
						return !ok || yield(u)
					})
				}, anyUse)
				if found.count > 0 {
					p.Key("holds").ReportAs(worst, t.at, "directory %s is shared with this guest and contains files (%s) of %s", t, of, found)
				}
			})
			// What exposes one asset in a directory exposes all of its kind: the first is enough.
			var done, forSecrets, forOthers textset.Set
			for _, t := range assets(p) {
				asked := &forOthers
				if secret(t.detail) {
					asked = &forSecrets
				}
				for _, dir := range ancestors(t.key) {
					if done.Has(dir) || !asked.Add(dir) {
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
			}
		},
		NoFix: "Decide whether to share another directory or to move the files of the other " +
			"guest out of it; either requires moving files on the host",
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
					p.Reportf(t.at, "directory %s, or one inside or around it, is shared with %s too", t, found)
				}
			})
		},
		NoFix: "Decide which guests have to write, and share a separate directory with each of " +
			"them; the files must be copied on the host",
	},
}
