package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

var firmware = []*audit.Rule{
	{
		ID:       "firmware-loader-writable",
		Title:    "Guest can rewrite its firmware",
		Severity: audit.High,
		Profiles: every,
		Doc: `Code that runs before the operating system, and that the guest can change for good, survives a new
installation; where the image is the one that the host's packages bring, the change reaches every guest that boots
from it. Where readonly is not stated, libvirt fills in 'yes' for firmware that it knows; for another path QEMU
opens the image for writing, which is medium here. So is an image of the guest's own that holds code and variables
in one file: it is made that way, but the code is writable all the same.`,
		Fix: `<loader readonly='yes' type='pflash'>...</loader>, with <nvram> for the variables; or let libvirt choose both:
$ virt-xml DOMAIN --edit --boot loader.readonly=yes`,
		Refs: []string{domainBoot, "https://libvirt.org/kbase/secureboot.html"},
		Check: func(p *audit.Pass) {
			if because(p, "not-qemu") {
				return
			}
			if l := p.OS.Loader; l != nil && l.Type == "pflash" && l.Stateless != "yes" && strings.TrimSpace(l.Path) != "" {
				file := strings.TrimSpace(l.Path)
				switch {
				case l.Readonly == "no" && p.OS.NVRam == nil && !packagedFirmware(file):
					p.Key("one-file").ReportAs(audit.Medium, audit.At("os/loader@readonly"), "firmware and variables are one writable file, '%s'", file)
				case l.Readonly == "no":
					p.Key("writable").Reportf(audit.At("os/loader@readonly"), "the guest can rewrite its firmware, '%s'", file)
				case l.Readonly == "" && (!packagedFirmware(file) || openedPath(file) != file): // libvirt compares names
					p.Key("unstated").ReportAs(audit.Medium, audit.At("os/loader"), "readonly is not stated: unless libvirt knows '%s', the guest can rewrite it", file)
				}
			}
			// The first flash chip holds the code, the second one the variables.
			for _, o := range passedOptions(p, "drive", "pflash") {
				iface, _ := o.Get("if")
				if o.Name == "drive" && iface != "pflash" {
					continue
				}
				if unit, ok := o.Get("unit"); ok && unit != "0" {
					continue
				}
				if !switchedOn(o, "readonly") && !switchedOn(o, "read-only") {
					p.Reportf(o.At, "-%s gives the guest its first flash chip for writing, where the firmware is", o.Name)
				}
				return
			}
		},
	},
	{
		ID:       "firmware-bootloader",
		Title:    "Program on the host reads the guest's disk to boot it",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `pygrub and its like run in the host, by default as root, and take apart file systems and menus that
the guest has written: a crafted disk attacks the host at the next boot, as it could by the flaws of
CVE-2023-34325. A Xen guest of the paravirtualized kind without kernel and boot loader gets pygrub from libvirt
unasked. For bhyve the loader is the ordinary way and medium. It is harmless where the host's administrator alone
writes to the disk.`,
		Fix: `Let the guest boot itself: <type>hvm</type>, or <kernel> with a pvgrub image.`,
		Refs: []string{
			"https://libvirt.org/formatdomain.html#host-bootloader", "https://xenbits.xen.org/xsa/advisory-443.html",
			"https://nvd.nist.gov/vuln/detail/CVE-2023-34325",
		},
		// QEMU's driver refuses the element ("bootloader is not supported by QEMU"), and Xen's reads it
		// for guests that are not fully virtualized.
		Check: func(p *audit.Pass) {
			program := strings.TrimSpace(p.Bootloader)
			switch at := audit.At("bootloader"); {
			case p.Type == "bhyve" && program != "":
				p.ReportAs(audit.Medium, at, "'%s' reads the guest's disk on the host", program)
			case p.Type != "xen" || p.Target.OS == "hvm":
			case program != "":
				p.Reportf(at, "'%s' reads the guest's disk on the host", program)
			case (p.Target.OS == "linux" || p.Target.OS == "xen") && strings.TrimSpace(p.OS.Kernel) == "":
				p.Reportf(audit.At("os"), "neither kernel nor boot loader is stated: by libvirt's default pygrub reads the guest's disk on the host")
			}
		},
	},
}

// packagedFirmware reports whether an image is where distributions put the ones that libvirt knows.
func packagedFirmware(file string) bool {
	file = openedPath(file)
	for _, folder := range []string{"/usr", "/run/libvirt/nix-ovmf", "/run/current-system", "/nix/store", "/opt/homebrew"} {
		if under(file, folder) {
			return true
		}
	}
	return false
}
