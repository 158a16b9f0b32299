package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/hostpath"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

var firmware = []*audit.Rule{
	{
		ID:       "firmware-loader-writable",
		Title:    "Guest can rewrite its firmware",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `Firmware code that the guest can change permanently runs before the operating system
and survives a new installation. If the image belongs to a package of the host, the change affects
every guest that boots from it. If the document does not set readonly, libvirt sets 'yes' for
firmware that it knows. For another path QEMU opens the image for writing, which is medium. A
guest's own image with code and variables in one file is medium too: the format requires it, but the
code is still writable.`,
		Fix: `Use <loader readonly='yes' type='pflash'>...</loader>, with <nvram> for the variables, or let libvirt choose both by
<os firmware='efi'>.`,
		Refs: []string{refs.DomainBoot, "https://libvirt.org/kbase/secureboot.html"},
		Check: func(p *audit.Pass) {
			if p.VerdictIs("not-qemu") {
				return
			}
			if l := p.OS.Loader; l != nil && l.Type == "pflash" && l.Stateless != "yes" && strings.TrimSpace(l.Path) != "" {
				file := strings.TrimSpace(l.Path)
				switch {
				case l.Readonly == "no" && p.OS.NVRam == nil && !packagedFirmware(file):
					p.Key("one-file").ReportAs(audit.Medium, audit.At("os/loader@readonly"), "firmware and variables are one writable file, '%s'", file)
				case l.Readonly == "no":
					p.Key("writable").Reportf(audit.At("os/loader@readonly"), "the guest can rewrite its firmware, '%s'", file)
				case l.Readonly == "" && (!packagedFirmware(file) || hostpath.Opened(file) != file): // libvirt compares names
					p.Key("unstated").ReportAs(audit.Medium, audit.At("os/loader"), "readonly is not set: unless libvirt knows '%s', the guest can rewrite it", file)
				}
			}
			// The first flash chip contains the code, the second one the variables.
			for _, o := range passedOptions(p, "drive", "pflash") {
				iface, _ := o.Get("if")
				if o.Name == "drive" && iface != "pflash" {
					continue
				}
				if unit, ok := o.Get("unit"); ok && unit != "0" {
					continue
				}
				if !switchedOn(o, "readonly") && !switchedOn(o, "read-only") {
					p.Reportf(o.At, "-%s makes the first flash chip, which contains the firmware, writable by the guest", o.Name)
				}
				return
			}
		},
		Fixes: protectFlash,
		NoFix: "Copy the variables of the guest to a file of their own, name it in <nvram>, and " +
			"use firmware without variables: only the image shows whether it contains them",
	},
	{
		ID:       "firmware-bootloader",
		Title:    "Boot loader on the host reads the guest's disk",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `pygrub and similar executables run on the host, by default as root, and parse file
systems and menus that the guest has written. A crafted disk can attack the host at the next boot,
as with CVE-2023-34325. For a paravirtualized Xen guest without kernel and boot loader libvirt uses
pygrub by default. For bhyve the loader is the usual method, and the finding is medium. It is
harmless if only the host's administrator writes to the disk.`,
		Fix: `Boot inside the guest: use <type>hvm</type>, or <kernel> with a pvgrub image.`,
		Refs: []string{
			"https://libvirt.org/formatdomain.html#host-bootloader", "https://xenbits.xen.org/xsa/advisory-443.html",
			"https://nvd.nist.gov/vuln/detail/CVE-2023-34325",
		},
		// libvirt's QEMU driver refuses the element ("bootloader is not supported by QEMU"), and
		// its Xen driver reads it for guests that are not fully virtualized.
		Check: func(p *audit.Pass) {
			program := strings.TrimSpace(p.Bootloader)
			switch at := audit.At("bootloader"); {
			case p.Type == "bhyve" && program != "":
				p.ReportAs(audit.Medium, at, "'%s' reads the guest's disk on the host", program)
			case p.Type != "xen" || p.Target.OS == "hvm":
			case program != "":
				p.Reportf(at, "'%s' reads the guest's disk on the host", program)
			case (p.Target.OS == "linux" || p.Target.OS == "xen") && strings.TrimSpace(p.OS.Kernel) == "":
				p.Reportf(audit.At("os"), "no kernel and no boot loader: by libvirt's default pygrub reads the guest's disk on the host")
			}
		},
		NoFix: "Choose firmware or a pvgrub image with which the guest boots itself, and install " +
			"its boot loader in the guest first",
	},
}

// packagedFirmware reports whether an image is in a directory where distributions install the
// firmware that libvirt knows.
func packagedFirmware(file string) bool {
	return insideAny(hostpath.Opened(file), "/usr", "/run/libvirt/nix-ovmf", "/run/current-system", "/nix/store", "/opt/homebrew")
}
