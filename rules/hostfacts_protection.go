package rules

import (
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// hostProtection is about what the host puts between QEMU and itself.
var hostProtection = []*audit.Rule{
	{
		ID:       "passthrough-relaxed-acs",
		Title:    "Host device assigned although it is not isolated from its neighbours",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.MultiTenant},
		Needs:    audit.NeedQEMUConf,
		Doc: `PCI devices below a switch without access control (ACS) can send to each other directly, past the IOMMU: a
guest that has one reads and writes the memory of its neighbours, which may be the host's. libvirt refuses such
devices, unless relaxed_acs_check is set. It is harmless where everything below the switch belongs to this guest.`,
		Fix:      `relaxed_acs_check = 0` + setInConf,
		Refs:     []string{qemuConf, "https://www.qubes-os.org/doc/device-handling-security/"},
		Concerns: hasPCI,
		Check: func(p *audit.Pass) {
			if relaxed := p.Conf().Bool("relaxed_acs_check"); relaxed.Value {
				for at := range pciDevices(p) {
					p.Reportf(at, "libvirt does not check that this PCI device is isolated from others (%s)", relaxed.Where())
				}
			}
		},
	},
	{
		ID:       "confinement-no-mac-host",
		Title:    "Neither SELinux nor AppArmor confines QEMU on this host",
		Severity: audit.High,
		Profiles: every,
		Needs:    audit.NeedMAC,
		Doc: `Without mandatory access control a QEMU that its guest has taken over may do whatever its user may, and
all guests of a host have the same user: their disks and their memory are open to it. Reported are hosts that have
neither, libvirt without its driver (security_driver = "none"), guests that qemu.conf leaves unconfined unless they
ask (security_default_confined = 0), and SELinux that logs and refuses nothing. Guests that switch it off
themselves are another rule's. In a container that confines QEMU as a whole, as KubeVirt has, it is harmless.`,
		Fix:      `SELinux or AppArmor for the host; security_driver = "selinux" or "apparmor", and security_require_confined = 1` + setInConf,
		Refs:     []string{qemuConf, drvSELinux, drvAppArmor},
		Concerns: byQEMUDriver,
		Check: func(p *audit.Pass) {
			if !byQEMUDriver(p) || switchedOff(p) {
				return
			}
			driver, confined := p.Conf().List("security_driver"), p.Conf().Bool("security_default_confined")
			switch model, known := p.Host.MAC(); {
			case known && model == "none" && slices.Contains(driver.Value, "none"):
				p.Key("none").Reportf(audit.Path{}, "neither SELinux nor AppArmor confines this guest (%s)", driver.Where())
			case known && model == "none":
				p.Key("none").Reportf(audit.Path{}, "neither SELinux nor AppArmor confines this guest: libvirt on this host has none of them in force")
			case !confined.Value && !labelled(p):
				p.Key("on-request").Reportf(audit.Path{}, "guests that do not ask for confinement get none (%s)", confined.Where())
			case p.Host.Permissive():
				p.Key("permissive").Reportf(audit.Path{}, "SELinux on this host is permissive: it labels this guest, and refuses it nothing")
			case !known:
				p.Unknown(audit.NeedMAC)
			}
		},
	},
	{
		ID:       "confinement-sandbox-off-host",
		Title:    "Protection of the host from QEMU is switched off for all guests",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Hardened, audit.MultiTenant},
		Needs:    audit.NeedQEMUConf,
		Doc: `libvirt runs QEMU with a filter of system calls, a /dev of its own and a list of devices that it may open,
so that a QEMU that was taken over finds little to attack. qemu.conf can switch each off, or open the list to
devices that are the host's memory and disks. Core dumps with the guest's memory are medium: they leave its secrets
on the host's disk. In a container that has these protections itself, as KubeVirt has, it is harmless.`,
		Fix:      `Delete the setting, for libvirt's defaults are on,` + setInConf,
		Refs:     []string{qemuConf, drvCgroups},
		Concerns: byQEMUDriver,
		Check: func(p *audit.Pass) {
			if byQEMUDriver(p) {
				sandbox(p)
			}
		},
	},
	{
		ID:       "secret-xml-file-perms",
		Title:    "File with a secret in it is readable by other users",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Hardened, audit.MultiTenant, audit.Confidential},
		Doc: `A password in the definition of a guest is as secret as the file: libvirt keeps its own at mode 0600, for
root, but copies, exports and files in a repository have what the umask gave. Where only the file's group may read
it is medium. Nothing is reported for files without a secret in them, nor for documents that came from no file.`,
		Fix:  `chmod 0600 FILE, and a new secret if others could have read the old one`,
		Refs: []string{accessRules, "https://security.libvirt.org/2014/0007.html"},
		Check: func(p *audit.Pass) {
			mode, ok := p.FileMode()
			if !ok || mode&0o044 == 0 || !slices.ContainsFunc(secrets, p.Fires) {
				return
			}
			if mode&0o004 != 0 {
				p.Key("everyone").Reportf(audit.Path{}, "this file holds a secret, and every user of the host can read it (mode %s)", mode)
			} else {
				p.Key("group").ReportAs(audit.Medium, audit.Path{}, "this file holds a secret, and its group can read it (mode %s)", mode)
			}
		},
	},
}

// pciDevices walks the PCI devices of the host that the guest is given.
func pciDevices(p *audit.Pass) iter.Seq[audit.Path] {
	return func(yield func(audit.Path) bool) {
		for at, h := range audit.Each("devices/hostdev", p.Devices.Hostdevs) {
			if h.SubsysPCI != nil && !yield(at) {
				return
			}
		}
		for at, i := range audit.Each("devices/interface", p.Devices.Interfaces) {
			if i.Source != nil && i.Source.Hostdev != nil && i.Source.Hostdev.PCI != nil && !yield(at) {
				return
			}
		}
		for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
			if d.Source != nil && d.Source.NVME != nil && !yield(at) {
				return
			}
		}
	}
}

func hasPCI(p *audit.Pass) bool {
	for range pciDevices(p) {
		return true
	}
	return false
}

// switchedOff reports whether the document itself takes the guest out of SELinux and AppArmor. Model
// 'none' does not: each driver of the host still makes a label of its own.
func switchedOff(p *audit.Pass) bool {
	for i := range p.SecLabel {
		if l := &p.SecLabel[i]; l.Type == "none" && l.Model != "dac" && l.Model != "none" {
			return true
		}
	}
	return false
}

// labelled reports whether the document asks for a label of SELinux or AppArmor.
func labelled(p *audit.Pass) bool {
	for i := range p.SecLabel {
		if l := &p.SecLabel[i]; l.Model != "dac" && l.Model != "none" && (l.Type == "dynamic" || l.Type == "static") {
			return true
		}
	}
	return false
}

// sandbox reports what qemu.conf switches off.
func sandbox(p *audit.Pass) {
	conf := p.Conf()
	if s := conf.Int("seccomp_sandbox"); s.Value == 0 {
		p.Key("seccomp").Reportf(audit.Path{}, "QEMU may make any system call: its filter is off (%s)", s.Where())
	}
	if core, dump := conf.MaxCore(), conf.Bool("dump_guest_core"); dump.Value && core.Value != 0 {
		p.Key("core-dump").ReportAs(audit.Medium, audit.Path{}, "when QEMU crashes, the guest's memory is written to the host's disk (%s)", dump.Where())
	}
	if p.Host.InSession() {
		return // an unprivileged daemon can have no more
	}
	if s := conf.List("namespaces"); !slices.Contains(s.Value, "mount") {
		p.Key("mount-namespace").Reportf(audit.Path{}, "QEMU sees all devices of the host: it has no mount namespace of its own (%s)", s.Where())
	}
	if s := conf.List("cgroup_controllers"); !slices.Contains(s.Value, "devices") {
		p.Key("device-list").Reportf(audit.Path{}, "no list says which devices QEMU may open: control group 'devices' is not used (%s)", s.Where())
	}
	acl := conf.List("cgroup_device_acl")
	for _, device := range acl.Value {
		if controlsHost(device) {
			p.Key("device", device).Reportf(audit.Path{}, "QEMU may open '%s' of the host (%s)", device, acl.Where())
		}
	}
}

// controlsHost reports whether a device gives the host's memory, its disks or its log away. Names may
// be patterns.
func controlsHost(device string) bool {
	name, ok := strings.CutPrefix(path.Clean(device), "/dev/")
	if !ok {
		return false
	}
	folder, _, below := strings.Cut(name, "/")
	switch folder {
	case "mem", "kmem", "port", "kmsg", "nvram":
		return true
	case "mapper", "disk", "cpu":
		return below
	}
	for _, prefix := range []string{"nvme", "dm-", "md", "mmcblk", "loop", "sg"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" && strings.ContainsAny(rest[:1], "0123456789*?[") {
			return true
		}
	}
	for _, prefix := range []string{"xvd", "sd", "hd", "vd"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" && len(strings.TrimRight(rest, "0123456789*?")) <= 2 {
			return true
		}
	}
	return false
}
