package fleet

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

// What two guests have in common can often be changed in either, and a document does not show in
// which. A fix is offered only where it is right in both of them.

// protectBacking returns the fix of a disk that is the backing file of another guest. The drives of
// IDE and SATA cannot be read-only (virDomainDiskDefPostParse, qemuValidateDomainDeviceDefDisk).
func protectBacking(p *audit.Pass, f *audit.Finding) []audit.Fix {
	disk, _ := f.Path.Device()
	if f.Key != "writes" || f.Path.DeviceKind() != "disk" || p.Has(disk.Elem("shareable")) {
		return nil
	}
	switch bus, _ := p.Attr(disk.Elem("target").Attr("bus")); bus {
	case "virtio", "scsi", "usb":
		return []audit.Fix{audit.UnsafeFix("Make the disk read-only; the guest can no longer write "+
			"to it, and does not start from it if its system must write",
			edit.Insert(disk, "<readonly/>"))}
	}
	return nil
}

// protectFirmware returns the fix of firmware that the guest can write, if it has another file for
// its variables.
func protectFirmware(p *audit.Pass, f *audit.Finding) []audit.Fix {
	loader, own := audit.At("os/loader"), p.Has(audit.At("os/nvram"))
	if f.Path.Attr("").String() != loader.String() || !strings.HasPrefix(f.Key, "writes") || !own {
		return nil
	}
	return []audit.Fix{audit.UnsafeFix("Make the firmware read-only; the guest keeps its variables "+
		"in <nvram>, and loses those in the firmware's file",
		edit.Set(loader.Attr("readonly"), "yes"))}
}

// allocateCID returns the fix of a vsock address.
func allocateCID(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if cid := f.Path.Attr(""); strings.HasSuffix(cid.String(), "/cid") && p.Has(cid) {
		return []audit.Fix{audit.UnsafeFix("Let libvirt allocate a free address at each start; "+
			"programs that use the number must ask libvirt for it",
			edit.Replace(cid, "<cid auto='yes'/>"))}
	}
	return nil
}

// allocatePort returns the fix of the port of a display. With autoport libvirt ignores the numbers,
// except that of the WebSocket.
func allocatePort(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if f.Path.DeviceKind() != "graphics" {
		return nil
	}
	const text = "Let libvirt allocate the port at each start; clients must ask libvirt for it"
	if f.Path.Attribute() == "websocket" {
		return []audit.Fix{audit.SafeFix(text, edit.Set(f.Path, "-1"))}
	}
	at, _ := f.Path.Device()
	edits := []edit.Edit{edit.Set(at.Attr("autoport"), "yes")}
	for _, name := range []string{"port", "tlsPort"} {
		if p.Has(at.Attr(name)) {
			edits = append(edits, edit.Set(at.Attr(name), "-1"))
		}
	}
	return []audit.Fix{audit.SafeFix(text, edits...)}
}

// generateSocket returns the fix of the socket of a channel, for which libvirt generates a path
// that is unique if it names none (qemuDomainPrepareChannel).
func generateSocket(p *audit.Pass, f *audit.Finding) []audit.Fix {
	channel, _ := f.Path.Device()
	target, _ := p.Attr(channel.Elem("target").Attr("type"))
	kind, _ := p.Attr(channel.Attr("type"))
	if f.Path.DeviceKind() != "channel" || target != "virtio" || kind != "unix" {
		return nil
	}
	return []audit.Fix{audit.SafeFix("Delete the path, so that libvirt generates one; programs that "+
		"connect must use that path", edit.Remove(channel.Elem("source")))}
}

// generateLabel returns the fix of a static label, unless files of the guest have labels of their
// own, which only the static label makes right, or libvirt does not label them.
func generateLabel(p *audit.Pass, f *audit.Finding) []audit.Fix {
	e, missing := p.Find(f.Path.Attr(""))
	label, ok := e.Parent()
	if !ok || len(missing) > 0 {
		return nil
	}
	kind, _ := label.Attr("type")
	relabel, _ := label.Attr("relabel")
	for other := range p.Elements() {
		if other.Name == "seclabel" && other.Depth > 1 {
			return nil
		}
	}
	if kind != "static" || relabel == "no" {
		return nil
	}
	return []audit.Fix{audit.SafeFix("Let libvirt generate a label that no other guest has, and "+
		"label the guest's files", edit.Replace(label.Path(),
		"<seclabel type='dynamic' model='selinux' relabel='yes'/>"))}
}
