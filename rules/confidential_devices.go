package rules

import (
	"iter"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// confidentialDevices is about devices through which the host can attack a confidential guest.
var confidentialDevices = []*audit.Rule{
	{
		ID:       "confidential-host-channels",
		Title:    "Host has a channel into the confidential guest",
		Severity: audit.Medium,
		Profiles: confidentialProfiles,
		Doc: `The QEMU guest agent runs commands and reads and writes files for the other end of its
channel, which is the host that the guest must be protected from: the host need not break any
encryption. The host can also read and change shared directories and shared memory. The SPICE agent
handles clipboard and files and is low. A console, which the host can read and where it can try to
log in, is info. A channel is harmless if no agent is installed in the guest.`,
		Fix:   `Delete the channel, directory or shared memory, and manage the guest over the network with the guest's own keys`,
		Refs:  []string{qemuGuestAgent, hostAsAttacker},
		Check: reportHostChannels,
		Fixes: fixHostChannel,
		NoFix: "Decide whether the console is needed; the guest should ask for no password there, and log nothing secret",
	},
	{
		ID:       "confidential-graphics-console",
		Title:    "Emulated display in a confidential guest",
		Severity: audit.Low,
		Profiles: confidentialProfiles,
		Doc: `The image of an emulated display is in memory that the guest shares with the host, so
the host can take screenshots and press keys. That is acceptable while the system is installed.
Afterwards use a remote desktop inside the guest: the host then sees only encrypted packets.`,
		Fix:  `Delete <graphics>, and set <video><model type='none'/></video>`,
		Refs: []string{hostAsAttacker, "https://libvirt.org/formatdomain.html#video-devices"},
		Check: func(p *audit.Pass) {
			if p.LaunchSecurity == nil {
				return
			}
			for at := range audit.Each("devices/graphics", p.Devices.Graphics) {
				p.Reportf(at, "the host sees the guest's screen, and can press its keys")
			}
			if len(p.Devices.Graphics) > 0 {
				return // the display is already reported
			}
			for at, video := range audit.Each("devices/video", p.Devices.Videos) {
				if video.Model.Type != "none" {
					p.Reportf(at, "the host sees what the guest shows on its video device")
				}
			}
		},
		Fixes: fixConfidentialDisplay,
		NoFix: "Decide whether the display must stay, such as for the screen of a GPU of the host, or delete it with all others",
	},
	{
		ID:       "confidential-passthrough",
		Title:    "Host device is assigned to a confidential guest",
		Severity: audit.Medium,
		Profiles: confidentialProfiles,
		Doc: `The guest cannot verify the device: the host may have modified it, or may emulate it.
The device can access only memory that the guest shares, so all of its data is visible to the device
and to the host, and its driver is probably not written for a hostile device. It is harmless if the
guest encrypts the data first, and if the device itself is attested, as some GPUs are. Crypto
adapters under IBM Secure Execution are not reported: the guest binds them to itself.`,
		Fix:  `Delete the <hostdev>, or encrypt the data that passes through the device in the guest`,
		Refs: []string{hostAsAttacker, "https://www.ibm.com/docs/en/linuxonibm/lxse/lxse_t_acc_chz.html"},
		Check: func(p *audit.Pass) {
			if p.LaunchSecurity == nil {
				return
			}
			for at, dev := range audit.Each("devices/hostdev", p.Devices.Hostdevs) {
				if mdev := dev.SubsysMDev; isS390(p) && mdev != nil && mdev.Model == "vfio-ap" {
					continue
				}
				p.Reportf(at, "the guest cannot verify this host device, and the host can read its data")
			}
			for at, iface := range audit.Each("devices/interface", p.Devices.Interfaces) {
				if iface.Source != nil && iface.Source.Hostdev != nil {
					p.Reportf(at, "the guest cannot verify this host network card, and the host can read its data")
				}
			}
		},
		Fixes: fixConfidentialPassthrough,
	},
	{
		ID:       "confidential-host-vtpm",
		Title:    "Confidential guest with a TPM that the host controls",
		Severity: audit.Low,
		Profiles: confidentialProfiles,
		Doc: `An emulated TPM is a process of the host, with its keys and registers in files of the
host. The host also controls its own TPM. What the guest measures into either proves nothing, and
the host can read the keys that the guest seals there. It is harmless if the guest has a TPM only
because its system requires one, as Windows does, and keeps disk keys elsewhere.`,
		Fix: `Release the disk key after attestation instead of sealing it in a TPM, or use a TPM that runs inside the
confidential guest (an SVSM), and delete this one`,
		Refs: []string{hostAsAttacker, "https://libvirt.org/formatdomain.html#tpm-device"},
		Check: func(p *audit.Pass) {
			if p.LaunchSecurity == nil {
				return
			}
			for at := range audit.Each("devices/tpm", p.Devices.TPMs) {
				p.Reportf(at.Elem("backend").Attr("type"), "the host controls this TPM: its keys and measurements prove nothing")
			}
		},
		Fixes: fixHostTPM,
	},
}

func reportHostChannels(p *audit.Pass) {
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
			p.Reportf(at.Elem("target").Attr("name"), "the guest agent runs commands and reads and writes files for the host")
		case strings.HasPrefix(name, "com.redhat.spice."), source != nil && (source.SpiceVMC != nil || source.QEMUVDAgent != nil):
			p.ReportAs(audit.Low, at, "the desktop agent gives the host access to the guest's clipboard and files")
		}
	}
	for at := range audit.Each("devices/filesystem", p.Devices.Filesystems) {
		p.Reportf(at, "the host can read and change this directory")
	}
	for at := range audit.Each("devices/shmem", p.Devices.Shmems) {
		p.Reportf(at, "the host can read and change this shared memory")
	}
	// libvirt writes the first serial port as a console too, so there is one finding for all of
	// them.
	switch {
	case len(p.Devices.Consoles) > 0:
		p.ReportAs(audit.Info, audit.At("devices/console"), "the host can read the guest's console and try to log in")
	case len(p.Devices.Serials) > 0:
		p.ReportAs(audit.Info, audit.At("devices/serial"), "the host can read the guest's serial port and try to log in")
	}
}

// virtioDrivers walks the paths where a virtio device may have its <driver>.
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
