package rules

import (
	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

// emulateTPM returns the fixes of a guest with the host's TPM. The proxy of pSeries works only with
// the host's chip, and is an additional device there.
func emulateTPM(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if _, passed := p.OptionAt(f.Path); passed {
		return onlyUnsafe(losesAdded, deleteArgument(p, f.Path)...)
	}
	at, ok := f.Path.Device()
	if !ok {
		return nil
	}
	remove := audit.UnsafeFix("Delete the TPM; the guest loses the keys that it sealed",
		edit.Remove(at))
	if model, _ := p.Attr(at.Attr("model")); model == "spapr-tpm-proxy" {
		return []audit.Fix{remove}
	}
	return []audit.Fix{audit.UnsafeFix("Use an emulated TPM 2.0, which requires swtpm; the guest "+
		"loses the keys that it sealed with the host's TPM",
		edit.Replace(at.Elem("backend"), "<backend type='emulator' version='2.0'/>")), remove}
}

// filterWrites returns the fix of a PCI device whose configuration space Xen does not filter.
func filterWrites(p *audit.Pass, f *audit.Finding) []audit.Fix {
	const text = "Filter writes to the configuration space; some devices do not work then"
	o, passed := p.OptionAt(f.Path)
	switch {
	case !passed:
		return onlyUnsafe(text, edit.Remove(f.Path))
	case !isRewritable(o):
		return onlyUnsafe(losesAdded, deleteArgument(p, f.Path)...)
	}
	return onlyUnsafe(text, dropParts(p, f.Path, func(key, value string) bool {
		return key == "permissive" || key == "" && value == "permissive"
	})...)
}

// unassign returns the fixes of a device of the host that is assigned to a guest. A
// person must decide about disks and networks, and what an info is about is usually intended.
func unassign(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if f.Severity == audit.Info {
		return nil
	}
	if _, passed := p.OptionAt(f.Path); passed {
		return onlyUnsafe(losesAdded, deleteArgument(p, f.Path)...)
	}
	at, _ := f.Path.Device()
	switch kind := f.Path.DeviceKind(); {
	case kind == "hostdev" || kind == "smartcard" || kind == "input":
		return onlyUnsafe("Delete the device; the guest loses it", edit.Remove(at))
	case kind == "disk" && f.Path.Attribute() == "device":
		// libvirt refuses these settings for other devices than lun.
		edits := append([]edit.Edit{edit.Set(f.Path, "disk")},
			dropped(p, at.Attr("rawio"), at.Attr("sgio"), at.Elem("source/reservations"))...)
		return onlyUnsafe("Use device 'disk'; the guest gets an emulated disk with another "+
			"identity, and no SCSI commands of its own", edits...)
	}
	return nil
}

// takeFromContainer returns the fix of a device of the host that is assigned to a container. A
// container without a network card of its own has the network of the host, unless it has <privnet>.
func takeFromContainer(p *audit.Pass, f *audit.Finding) []audit.Fix {
	device, _ := f.Path.Device()
	edits := []edit.Edit{edit.Remove(device)}
	isCard := f.Path.String() == device.Elem("source/interface").String()
	if private := audit.At("features/privnet"); isCard && len(p.Devices.Interfaces) == 0 &&
		!p.Has(private) {
		edits = append(edits, edit.Insert(audit.At("features"), "<privnet/>"))
		return onlyUnsafe("Delete the device, and keep the container apart from the network of the "+
			"host; it has no network then", edits...)
	}
	return onlyUnsafe("Delete the device; the container loses it", edits...)
}
