package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

// deleteFileLabel returns the fix of a file's label that lets other guests use the file. They lose
// it: for a disk that is shared on purpose that is a decision.
func deleteFileLabel(p *audit.Pass, f *audit.Finding) []audit.Fix {
	e, missing := p.Find(f.Path.Attr(""))
	if e.Name == "label" {
		e, _ = e.Parent()
	}
	device, ok := f.Path.Device()
	if len(missing) > 0 || !ok || e.Name != "seclabel" {
		return nil
	}
	remove := edit.Remove(e.Path())
	if p.Has(device.Elem("shareable")) {
		return onlyUnsafe("Delete the label; guests that share the disk need <shareable/> too",
			remove)
	}
	return onlyUnsafe("Delete the label, so that libvirt labels the file for this guest alone",
		remove)
}

// stateRaw returns the fix of a disk without a format: it states what libvirt uses.
func stateRaw(p *audit.Pass, f *audit.Finding) []audit.Fix {
	device, ok := f.Path.Device()
	if !ok {
		return nil
	}
	driver := device.Elem("driver")
	state := func(format string) []edit.Edit {
		edits := []edit.Edit{edit.Set(driver.Attr("type"), format)}
		if usesQEMUDriver(p) && !p.Has(driver.Attr("name")) {
			edits = append([]edit.Edit{edit.Set(driver.Attr("name"), "qemu")}, edits...)
		}
		return edits
	}
	fixes := onlySafe("State format 'raw', which libvirt uses now", state("raw")...)
	if file, _ := p.Attr(device.Elem("source").Attr("file")); strings.HasSuffix(file, ".qcow2") {
		fixes = append(fixes, audit.UnsafeFix("State format 'qcow2', if the image was created in "+
			"it and no guest has written to it as raw", state("qcow2")...))
	}
	return fixes
}

// stopSharing returns the fixes of a disk that several guests can write.
func stopSharing(p *audit.Pass, f *audit.Finding) []audit.Fix {
	fixes := onlyUnsafe("Delete <shareable/>; only one guest at a time can then use the disk",
		edit.Remove(f.Path))
	device, ok := f.Path.Device()
	// libvirt refuses <readonly/> for hard disks of IDE and SATA, see TestFixesOnLibvirt.
	if bus, _ := p.Attr(device.Elem("target").Attr("bus")); ok && (bus == "virtio" || bus == "scsi") {
		fixes = append(fixes, audit.UnsafeFix("Use <readonly/> instead; the guest can then only "+
			"read the disk",
			edit.Remove(f.Path), edit.Insert(device, "<readonly/>")))
	}
	return fixes
}

// hideSensitive returns the fixes of a file of the host that the guest reaches: which file it
// should have instead is a decision, except for random numbers.
func hideSensitive(p *audit.Pass, f *audit.Finding) []audit.Fix {
	const copies = "Name a file that only this guest uses, after copying to it what the guest " +
		"requires of this one"
	fixes := onlyManual(copies)
	device, _ := f.Path.Device()
	switch _, passed := p.OptionAt(f.Path); {
	case passed:
		fixes = append(fixes, audit.UnsafeFix(losesAdded, deleteArgument(p, f.Path)...))
	case f.Path.DeviceKind() == "rng" && f.Path.String() == device.Elem("backend").String():
		return onlySafe("Use /dev/urandom as the source of random numbers",
			edit.Set(device.Elem("backend"), "/dev/urandom"))
	case f.Path.DeviceKind() == "disk":
		fixes = append(fixes, audit.UnsafeFix("Delete the disk; the guest loses it",
			edit.Remove(device)))
	}
	return fixes
}

// protectFlash returns the fixes of firmware that the guest can rewrite. Without a file for the
// variables the image contains them too, or libvirt makes one from a template.
func protectFlash(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if o, passed := p.OptionAt(f.Path); passed {
		return protectPassedFlash(p, o)
	}
	protect := edit.Set(audit.At("os/loader@readonly"), "yes")
	switch {
	case f.Key == "one-file" || f.Key == "unstated" && p.OS.NVRam == nil:
		return nil
	case p.OS.NVRam == nil:
		return onlyUnsafe("Make the firmware read-only; libvirt gives the guest new, empty "+
			"variables in a file of their own", protect)
	}
	return onlySafe("Make the firmware read-only; its variables stay in their own file", protect)
}

// protectPassedFlash makes the first flash chip of the command line read-only. -pflash has no such
// setting.
func protectPassedFlash(p *audit.Pass, o audit.Option) []audit.Fix {
	const text = "Make the first flash chip read-only; firmware with its variables in the same " +
		"file can no longer store them"
	if o.Name == "pflash" {
		file := strings.ReplaceAll(o.Value, ",", ",,")
		return onlyUnsafe(text, edit.Set(o.Path, "-drive"), edit.Set(o.At,
			"if=pflash,format=raw,readonly=on,file="+file))
	}
	stated := false
	edits := changeParts(p, o.Path, func(key, value string) string {
		if key == "readonly" || key == "read-only" {
			stated, value = true, "on"
		}
		return writePart(key, value)
	})
	if !stated {
		edits = []edit.Edit{edit.Set(o.At, o.Value+",readonly=on")}
	}
	return onlyUnsafe(text, edits...)
}
