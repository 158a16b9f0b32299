package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

func fixHostChannel(_ *audit.Pass, f *audit.Finding) []audit.Fix {
	device, _ := f.Path.Device()
	switch f.Path.DeviceKind() {
	case "channel":
		return onlyUnsafe(
			"Delete the channel; the host can no longer use the agent, such as "+
				"to freeze file systems for snapshots or to share the clipboard", edit.Remove(device))
	case "filesystem":
		return onlyUnsafe(
			"Delete the directory, after the guest no longer mounts it", edit.Remove(device))
	case "shmem":
		return onlyUnsafe(
			"Delete the shared memory; what uses it in the guest fails", edit.Remove(device))
	}
	return nil
}

// mostDisplays bounds the displays and video cards of a guest: each finding about one deletes all.
const mostDisplays = 16

// fixConfidentialDisplay deletes all displays and what requires one: libvirt refuses a guest with a
// channel, a USB redirection or sound of SPICE and no SPICE display (virsh domxml-to-native,
// libvirt 9.0: "not supported without spice graphics").
func fixConfidentialDisplay(p *audit.Pass, _ *audit.Finding) []audit.Fix {
	if len(p.Devices.Graphics)+len(p.Devices.Videos) > mostDisplays {
		return nil
	}
	devices, _ := p.Find(audit.At("devices"))
	var edits []edit.Edit
	for kind := range strings.FieldsSeq(`graphics video channel serial parallel console redirdev smartcard
		audio hostdev`) {
		for e := range devices.Children(kind) {
			display, _ := e.Attr("display")
			value, _ := e.Attr("type")
			switch {
			case kind == "graphics", kind == "video", value == "spicevmc", value == "spiceport":
				edits = append(edits, edit.Remove(e.Path()))
			case kind == "audio" && value == "spice":
				edits = append(edits, edit.Set(e.Path().Attr("type"), "none"))
			case kind == "hostdev" && display == "on":
				return nil // the screen of a GPU of the host
			}
		}
	}
	return onlyUnsafe(
		"Delete the displays and video cards, after the guest has a remote "+
			"desktop or shell of its own", edits...)
}

func fixConfidentialPassthrough(_ *audit.Pass, f *audit.Finding) []audit.Fix {
	return []audit.Fix{
		audit.UnsafeFix(
			"Delete the device; the guest loses it, and what is connected to it", edit.Remove(f.Path)),
		audit.ManualFix(
			"Encrypt in the guest what passes through the device, or let the guest attest the device"),
	}
}

func fixHostTPM(_ *audit.Pass, f *audit.Finding) []audit.Fix {
	device, _ := f.Path.Device()
	return []audit.Fix{
		audit.ManualFix(
			"Release the disk key after attestation, or use a TPM inside the confidential guest (an SVSM)"),
		audit.UnsafeFix(
			"Delete the TPM; the guest loses the keys that are sealed in it", edit.Remove(device)),
	}
}
