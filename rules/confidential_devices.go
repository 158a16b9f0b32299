package rules

import (
	"iter"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// confidentialDevices is about the ways into a confidential guest that its devices offer the host.
var confidentialDevices = []*audit.Rule{
	{
		ID:       "confidential-host-channels",
		Title:    "Host has a channel into the confidential guest",
		Severity: audit.Medium,
		Profiles: whenConfidential,
		Doc: `The QEMU guest agent runs commands and reads and writes files for whoever holds the other end of its
channel, which is the very host that the guest is to be protected from: no encryption has to be broken. Shared
folders and shared memory are the host's to read and to change. The SPICE agent handles clipboard and files and is
low; a console, where the host can read along and try to log in, is only told. A guest whose agent is not installed
is not in danger.`,
		Fix: `Delete the channel, folder or shared memory; manage the guest over the network, with the guest's own keys
$ virt-xml DOMAIN --remove-device --channel all`,
		Refs:  []string{qemuGuestAgent, hostAsAttacker},
		Check: hostChannels,
	},
	{
		ID:       "confidential-graphics-console",
		Title:    "Emulated display in a confidential guest",
		Severity: audit.Low,
		Profiles: whenConfidential,
		Doc: `What the guest shows on an emulated display lies in memory that it shares with the host, which can take
pictures of it and press keys. Fine while a system is being installed; afterwards a remote desktop inside the guest
shows the host encrypted packets only.`,
		Fix:  `Delete <graphics>, and put in <video><model type='none'/></video>`,
		Refs: []string{hostAsAttacker, "https://libvirt.org/formatdomain.html#video-devices"},
		Check: func(p *audit.Pass) {
			if p.LaunchSecurity == nil {
				return
			}
			for at := range audit.Each("devices/graphics", p.Devices.Graphics) {
				p.Reportf(at, "the host sees the guest's screen, and can press its keys")
			}
			if len(p.Devices.Graphics) > 0 {
				return // the display's other half
			}
			for at, video := range audit.Each("devices/video", p.Devices.Videos) {
				if video.Model.Type != "none" {
					p.Reportf(at, "the host sees what the guest shows on its video device")
				}
			}
		},
	},
	{
		ID:       "confidential-passthrough",
		Title:    "Host device in the hands of a confidential guest",
		Severity: audit.Medium,
		Profiles: whenConfidential,
		Doc: `The guest cannot tell what it was given: a device that the host has prepared, or that is none. The device
reaches only memory that the guest shares, so all that it handles is open to it and to the host, and its driver was
hardly written with a hostile device in mind. It is harmless where the data is encrypted before it goes there, and
where the device itself is attested, as some GPUs are. Crypto adapters under IBM Secure Execution are not reported:
the guest binds those to itself.`,
		Fix: `Delete the <hostdev>, or encrypt in the guest what goes through the device
$ virt-xml DOMAIN --remove-device --hostdev all`,
		Refs: []string{hostAsAttacker, "https://www.ibm.com/docs/en/linuxonibm/lxse/lxse_t_acc_chz.html"},
		Check: func(p *audit.Pass) {
			if p.LaunchSecurity == nil {
				return
			}
			for at, dev := range audit.Each("devices/hostdev", p.Devices.Hostdevs) {
				if mdev := dev.SubsysMDev; isS390(p) && mdev != nil && mdev.Model == "vfio-ap" {
					continue
				}
				p.Reportf(at, "the guest cannot verify this device of the host, and shares all that passes through it")
			}
			for at, iface := range audit.Each("devices/interface", p.Devices.Interfaces) {
				if iface.Source != nil && iface.Source.Hostdev != nil {
					p.Reportf(at, "the guest cannot verify this network card of the host, and shares all that passes through it")
				}
			}
		},
	},
	{
		ID:       "confidential-host-vtpm",
		Title:    "Confidential guest with a TPM that the host controls",
		Severity: audit.Low,
		Profiles: whenConfidential,
		Doc: `An emulated TPM is a process of the host, with its keys and registers in the host's files; a TPM of the
host's is no better. What the guest measures into it proves nothing, and keys that it seals there are the host's to
take. It is harmless where the guest has a TPM for form's sake, as Windows wants, and keeps disk keys elsewhere.`,
		Fix: `Have the disk's key released after attestation instead of sealed in a TPM, or use a TPM that runs inside the
confidential guest (an SVSM), and delete this one
$ virt-xml DOMAIN --remove-device --tpm all`,
		Refs: []string{hostAsAttacker, "https://libvirt.org/formatdomain.html#tpm-device"},
		Check: func(p *audit.Pass) {
			if p.LaunchSecurity == nil {
				return
			}
			for at := range audit.Each("devices/tpm", p.Devices.TPMs) {
				p.Reportf(at.Elem("backend").Attr("type"), "the host controls this TPM: its keys and measurements prove nothing to anybody")
			}
		},
	},
}

func hostChannels(p *audit.Pass) {
	if p.LaunchSecurity == nil {
		return
	}
	for at, channel := range audit.Each("devices/channel", p.Devices.Channels) {
		name := ""
		if t := channel.Target; t != nil && t.VirtIO != nil {
			name = t.VirtIO.Name
		}
		source := channel.Source
		switch {
		case strings.HasPrefix(name, "org.qemu.guest_agent."):
			p.Reportf(at.Elem("target").Attr("name"), "the guest agent obeys the host: it runs commands and hands out files")
		case strings.HasPrefix(name, "com.redhat.spice."), source != nil && (source.SpiceVMC != nil || source.QEMUVDAgent != nil):
			p.ReportAs(audit.Low, at, "the desktop agent lets the host at the guest's clipboard and files")
		}
	}
	for at := range audit.Each("devices/filesystem", p.Devices.Filesystems) {
		p.Reportf(at, "the host reads and changes this folder at will")
	}
	for at := range audit.Each("devices/shmem", p.Devices.Shmems) {
		p.Reportf(at, "the host reads and changes this shared memory at will")
	}
	// libvirt writes the first serial port as a console too, so one finding speaks for all.
	switch {
	case len(p.Devices.Consoles) > 0:
		p.ReportAs(audit.Info, audit.At("devices/console"), "the host can read along on the guest's console and try to log in")
	case len(p.Devices.Serials) > 0:
		p.ReportAs(audit.Info, audit.At("devices/serial"), "the host can read along on the guest's serial port and try to log in")
	}
}

// virtioDrivers walks the places where a virtio device may have its <driver>.
func virtioDrivers(p *audit.Pass) iter.Seq[audit.Path] {
	kinds := []struct {
		tag string
		n   int
	}{
		{"disk", len(p.Devices.Disks)},
		{"controller", len(p.Devices.Controllers)},
		{"filesystem", len(p.Devices.Filesystems)},
		{"interface", len(p.Devices.Interfaces)},
		{"input", len(p.Devices.Inputs)},
		{"video", len(p.Devices.Videos)},
		{"rng", len(p.Devices.RNGs)},
		{"vsock", 1},
		{"memballoon", 1},
	}
	return func(yield func(audit.Path) bool) {
		for _, k := range kinds {
			for at := range audit.Each("devices/"+k.tag, make([]struct{}, k.n)) {
				if !yield(at.Elem("driver")) {
					return
				}
			}
		}
	}
}
