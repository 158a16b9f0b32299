package rules

import (
	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
	"github.com/virt-audit/virt-audit/audit/identity"
	"github.com/virt-audit/virt-audit/audit/reach"
)

// useVirtiofs returns the fix of a directory that 9p shares. libvirt refuses virtiofs with settings
// of 9p, and without memory that its server can share (source: qemuValidateDomainDeviceDefFS and
// qemuValidateDomainDefVhostUserRequireSharedMemory).
func useVirtiofs(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if _, passed := p.OptionAt(f.Path); passed {
		return onlyUnsafe("Delete the argument, and the device that refers to it; the guest loses "+
			"the directory", deleteArgument(p, f.Path)...)
	}
	// With mapped 9p, owners that the guest sets stay in attributes; virtiofsd runs as root and sets
	// them on the host. libvirt before 11.0 has no read-only virtiofs.
	mode, _ := p.Attr(f.Path.Attr("accessmode"))
	if mode == "mapped" || mode == "squash" || p.Has(f.Path.Elem("readonly")) {
		return onlyManual("Use virtiofs with an <idmap>, so that the guest's root is not root on the host, after " +
			"moving what depends on the mapped owners; <readonly/> requires libvirt 11.0")
	}
	at, driver, memory := f.Path, f.Path.Elem("driver"), audit.At("memoryBacking")
	edits := []edit.Edit{
		edit.Set(driver.Attr("type"), "virtiofs"),
		edit.Set(at.Attr("accessmode"), "passthrough"),
	}
	edits = append(edits, dropped(p, driver.Attr("wrpolicy"), driver.Attr("format"),
		at.Attr("model"), at.Attr("multidevs"), at.Attr("fmode"), at.Attr("dmode"))...)
	edits = append(edits, edit.Set(memory.Elem("access").Attr("mode"), "shared"))
	if p.CPU != nil && p.CPU.Numa != nil {
		for at, cell := range audit.Each("cpu/numa/cell", p.CPU.Numa.Cell) {
			if cell.MemAccess == "private" {
				edits = append(edits, edit.Set(at.Attr("memAccess"), "shared"))
			}
		}
	}
	kind, _ := p.Attr(memory.Elem("source").Attr("type"))
	if kind != "file" && kind != "memfd" && !p.Has(memory.Elem("hugepages")) {
		edits = append(edits, edit.Set(memory.Elem("source").Attr("type"), "memfd"))
	}
	return onlyUnsafe("Use virtiofs with shared memory; the guest must mount the directory as type virtiofs",
		edits...)
}

// mapOwners returns the fixes of a directory in which the guest sets owners and modes as root.
func mapOwners(p *audit.Pass, f *audit.Finding) []audit.Fix {
	fixes := onlyUnsafe("Use accessmode 'mapped'; the guest sees owners and "+
		"modes that it set before as those of QEMU's user",
		edit.Set(f.Path, "mapped"))
	for at, l := range audit.Each("seclabel", p.SecLabel) {
		if l.Type == "static" && identity.DecidesOwner(l, p.Live()) {
			return append(fixes, audit.UnsafeFix("Delete the label that makes QEMU run as root; "+
				"the user that qemu.conf sets needs access to the directory and to the disks",
				edit.Remove(at)))
		}
	}
	return fixes
}

// hideDirectory returns the fixes of a directory of the host that the guest reaches.
func hideDirectory(p *audit.Pass, f *audit.Finding) []audit.Fix {
	fixes := onlyManual("Choose a directory that only this guest uses, and share that one")
	device, _ := f.Path.Device()
	switch _, passed := p.OptionAt(f.Path); {
	case passed:
		return append(fixes, audit.UnsafeFix("Delete the argument, and those that refer to it; "+
			"the guest loses the directory", deleteArgument(p, f.Path)...))
	case f.Path.DeviceKind() != "filesystem" || p.Type == "lxc":
		return fixes // a container without a root directory has the host's
	}
	kind, _ := p.Attr(device.Elem("driver").Attr("type"))
	if f.Key == "write" && kind != "virtiofs" && harmlessToRead(p, f.Path) { // libvirt before 11.0 refuses it
		fixes = append(fixes, audit.UnsafeFix("Add <readonly/>; the guest can then only read the directory",
			edit.Insert(device, "<readonly/>")))
	}
	return append(fixes, audit.UnsafeFix("Delete the <filesystem>; the guest loses the directory",
		edit.Remove(device)))
}

// harmlessToRead reports whether the directory at a path is in no sensitive place if the guest only
// reads it.
func harmlessToRead(p *audit.Pass, at audit.Path) bool {
	for _, r := range p.Reach() {
		if r.At == at && sharesDirectory(r) {
			r.Access = r.Access&^(reach.Write|reach.Create) | reach.Read
			_, word, _ := reach.Sensitive(r, p.Domain)
			return word == ""
		}
	}
	return false
}
