package rules

import (
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

// hostProtection is about how the host protects itself from QEMU.
var hostProtection = []*audit.Rule{
	{
		ID:       "passthrough-relaxed-acs",
		Title:    "Host assigns PCI devices that are not isolated from others",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.MultiTenant},
		Requires: audit.NeedQEMUConf,
		Doc: `PCI devices below a switch without access control (ACS) can send to each other
directly, without the IOMMU: a guest with one of them can read and write the memory of the others,
which may belong to the host. libvirt refuses such devices unless relaxed_acs_check is set. It is
harmless if everything below the switch belongs to this guest.`,
		Fix:     `Set relaxed_acs_check = 0` + setInConf,
		Refs:    []string{qemuConf, "https://www.qubes-os.org/doc/device-handling-security/"},
		Applies: hasPCI,
		Check: func(p *audit.Pass) {
			if relaxed := p.Conf().Bool("relaxed_acs_check"); relaxed.Value {
				for at := range pciDevices(p) {
					p.Reportf(at, "libvirt does not check that this PCI device is isolated from others (%s)", relaxed.Where())
				}
			}
		},
		NoFix: "Change /etc/libvirt/qemu.conf, after checking that the guest's devices then still " +
			"start: the setting is for all guests",
	},
	{
		ID:       "confinement-no-mac-host",
		Title:    "Neither SELinux nor AppArmor confines QEMU on this host",
		Severity: audit.High,
		Profiles: allProfiles,
		Requires: audit.NeedMAC,
		Doc: `Without mandatory access control a QEMU process that its guest has taken over has all
permissions of its user, and all guests of a host have the same user: it can access their disks and
memory. The rule reports hosts that have neither, libvirt without a security driver (security_driver
= "none"), guests that qemu.conf leaves unconfined unless they request a label
(security_default_confined = 0), and SELinux in permissive mode. confinement-seclabel-none reports
guests that disable it themselves. It is harmless in a container that confines QEMU as a whole, as
in KubeVirt.`,
		Fix:     `Enable SELinux or AppArmor on the host, and set security_driver = "selinux" or "apparmor", and security_require_confined = 1,` + setInConf,
		Refs:    []string{qemuConf, drvSELinux, drvAppArmor},
		Applies: usesQEMUDriver,
		Check: func(p *audit.Pass) {
			if !usesQEMUDriver(p) || disablesConfinement(p) {
				return
			}
			driver, confined := p.Conf().List("security_driver"), p.Conf().Bool("security_default_confined")
			switch model, known := p.Host.MAC(); {
			case known && model == "none" && slices.Contains(driver.Value, "none"):
				p.Key("none").Reportf(audit.Path{}, "neither SELinux nor AppArmor confines this guest (%s)", driver.Where())
			case known && model == "none":
				p.Key("none").Reportf(audit.Path{}, "neither SELinux nor AppArmor confines this guest: libvirt on this host uses neither")
			case !confined.Value && !requestsLabel(p):
				p.Key("on-request").Reportf(audit.Path{}, "guests are not confined unless they request it (%s)", confined.Where())
			case p.Host.Permissive():
				p.Key("permissive").Reportf(audit.Path{}, "SELinux on this host is permissive: it labels this guest but does not confine it")
			case !known:
				p.Unknown(audit.NeedMAC)
			}
		},
		Fixes: requestLabel,
		NoFix: "Enable SELinux or AppArmor on the host, or in /etc/libvirt/qemu.conf: the " +
			"document cannot",
	},
	{
		ID:       "confinement-sandbox-off-host",
		Title:    "Host disables a protection against QEMU for all guests",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Hardened, audit.MultiTenant},
		Requires: audit.NeedQEMUConf,
		Doc: `libvirt runs QEMU with a filter for system calls, a private /dev and a list of devices
that it may open, so that a QEMU process that its guest has taken over has little to attack.
qemu.conf can disable each of them, or add devices with the host's memory and disks to the list.
Core dumps with the guest's memory are medium: they store its secrets on the host's disk. It is
harmless in a container that has these protections itself, as in KubeVirt.`,
		Fix:     `Delete the setting, since libvirt's defaults are secure,` + setInConf,
		Refs:    []string{qemuConf, drvCgroups},
		Applies: usesQEMUDriver,
		Check: func(p *audit.Pass) {
			if usesQEMUDriver(p) {
				reportSandbox(p)
			}
		},
		Fixes: func(_ *audit.Pass, f *audit.Finding) []audit.Fix {
			if f.Key != "core-dump" {
				return nil
			}
			return onlySafe("Omit the guest's memory from core dumps of its QEMU",
				edit.Set(audit.At("memory@dumpCore"), "off"))
		},
		NoFix: "Change /etc/libvirt/qemu.conf: the setting is for all guests, and no document can " +
			"change it",
	},
	{
		ID:       "secret-xml-file-perms",
		Title:    "Other users can read a file that contains a secret",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Hardened, audit.MultiTenant, audit.Confidential},
		Doc: `A password in the definition of a guest is only as secret as the file. libvirt stores
its own files with mode 0600, for root, but copies, exports and files in a repository have the mode
that the umask sets. If only the file's group can read it, the finding is medium. Files without a
secret, and documents that are not read from a file, are not reported.`,
		Fix:  `Run chmod 0600 FILE, and change the secret if others could have read it`,
		Refs: []string{accessRules, "https://security.libvirt.org/2014/0007.html"},
		Check: func(p *audit.Pass) {
			mode, ok := p.FileMode()
			if !ok || mode&0o044 == 0 || !slices.ContainsFunc(secrets, p.Fires) {
				return
			}
			if mode&0o004 != 0 {
				p.Key("everyone").Reportf(audit.Path{}, "this file contains a secret, and every user of the host can read it (mode %s)", mode)
			} else {
				p.Key("group").ReportAs(audit.Medium, audit.Path{}, "this file contains a secret, and its group can read it (mode %s)", mode)
			}
		},
		NoFix: "Change the mode of the file on the host, and the secret if others could have read " +
			"it",
	},
}

// pciDevices walks the host's PCI devices that are assigned to the guest.
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

// disablesConfinement reports whether the document itself disables SELinux and AppArmor for the
// guest. Model 'none' does not: each security driver of the host still generates a label.
func disablesConfinement(p *audit.Pass) bool {
	for i := range p.SecLabel {
		if l := &p.SecLabel[i]; l.Type == "none" && l.Model != "dac" && l.Model != "none" {
			return true
		}
	}
	return false
}

// requestsLabel reports whether the document requests a label of SELinux or AppArmor.
func requestsLabel(p *audit.Pass) bool {
	for i := range p.SecLabel {
		if l := &p.SecLabel[i]; l.Model != "dac" && l.Model != "none" && (l.Type == "dynamic" || l.Type == "static") {
			return true
		}
	}
	return false
}

// reportSandbox reports the protections that qemu.conf disables.
func reportSandbox(p *audit.Pass) {
	conf := p.Conf()
	if s := conf.Int("seccomp_sandbox"); s.Value == 0 {
		p.Key("seccomp").Reportf(audit.Path{}, "QEMU may make any system call: the filter is off (%s)", s.Where())
	}
	// The document precedes qemu.conf (source: libvirt, qemuAppendDomainMemoryMachineParams).
	core, dump := conf.MaxCore(), conf.Bool("dump_guest_core")
	if dump.Value && core.Value != 0 && (p.Memory == nil || p.Memory.DumpCore != "off") {
		p.Key("core-dump").ReportAs(audit.Medium, audit.Path{}, "when QEMU crashes, the guest's memory is written to the host's disk (%s)", dump.Where())
	}
	if p.Host.InSession() {
		return // an unprivileged daemon cannot use the protections that follow
	}
	if s := conf.List("namespaces"); !slices.Contains(s.Value, "mount") {
		p.Key("mount-namespace").Reportf(audit.Path{}, "QEMU sees all devices of the host: it has no private mount namespace (%s)", s.Where())
	}
	if s := conf.List("cgroup_controllers"); !slices.Contains(s.Value, "devices") {
		p.Key("device-list").Reportf(audit.Path{}, "the devices that QEMU may open are not limited: control group 'devices' is not used (%s)", s.Where())
	}
	acl := conf.List("cgroup_device_acl")
	for _, device := range acl.Value {
		if controlsHost(device) {
			p.Key("device", device).Reportf(audit.Path{}, "QEMU may open '%s' of the host (%s)", device, acl.Where())
		}
	}
}

// controlsHost reports whether a device exposes the host's memory, disks or log. Names may be
// patterns.
func controlsHost(device string) bool {
	name, ok := strings.CutPrefix(path.Clean(device), "/dev/")
	if !ok {
		return false
	}
	directory, _, below := strings.Cut(name, "/")
	switch directory {
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
