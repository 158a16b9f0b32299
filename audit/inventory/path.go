package inventory

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/hostpath"
	"github.com/virt-audit/virt-audit/audit/reach"
)

// Paths are paths of a host that a user asks about, in normal form.
type Paths []string

// NewPaths brings paths into the normal form of the names in documents. A relative one begins in
// directory, which is absolute.
func NewPaths(directory string, names []string) Paths {
	var out Paths
	for _, name := range names {
		if !strings.HasPrefix(name, "/") {
			name = directory + "/" + name
		}
		out = append(out, hostpath.Opened(name))
	}
	return out
}

// Match reports whether an entry is one of the paths, or below it, or above it: what contains the
// path is a directory on the host, and the guest has all of it.
func (p Paths) Match(e *Entry) bool {
	if e.path == "" {
		return false
	}
	volume, _ := hostpath.VolumeDirectory(e.path)
	return slices.ContainsFunc(p, func(asked string) bool {
		return volume != "" && hostpath.Below(volume, asked) || hostpath.Below(e.path, asked) || hostpath.Below(e.key, asked) ||
			e.key == hostpath.LogicalVolume(asked) || hostpath.Below(asked, e.path)
	})
}

// Select removes the entries that do not match. Without paths it keeps all.
func (p Paths) Select(g *Guest) {
	if len(p) > 0 {
		g.Entries = slices.DeleteFunc(g.Entries, func(e Entry) bool { return !p.Match(&e) })
	}
}

// Hidden counts the guests that may touch a path without a name for it in their document.
type Hidden struct {
	Volumes     int // that use a volume of a storage pool, whose path libvirt alone knows
	Arguments   int // that have arguments of QEMU whose meaning is not known
	Descriptors int // that get a file from the process that starts them
}

// Add counts a guest that nothing was removed from.
func (h *Hidden) Add(g *Guest) {
	var volume, argument, descriptor bool
	for i := range g.Entries {
		switch e := &g.Entries[i]; e.Kind {
		case reach.Volume, reach.Pool:
			volume = true
		case reach.Unknown:
			argument = true
		case reach.Descriptor:
			descriptor = true
		default:
		}
	}
	for _, c := range []struct {
		is    bool
		count *int
	}{{volume, &h.Volumes}, {argument, &h.Arguments}, {descriptor, &h.Descriptors}} {
		if c.is {
			*c.count++
		}
	}
}
