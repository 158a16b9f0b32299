package rules

import (
	"path"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/reach"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

// confinementExecutables are about the executables that run for a guest.
var confinementExecutables = []*audit.Rule{
	{
		ID:       "confinement-emulator-custom",
		Title:    "Hypervisor executable is not in a system directory",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `libvirt runs the executable that <emulator> names, and one that no package manager
installed gets no security updates, does not match the host's SELinux or AppArmor rules, and can be
replaced by anyone who can write there. It is critical in home and temporary directories, where
ordinary users can write, and medium below /usr/local and /opt, or if it is a shell script that
wraps the actual executable. A site that builds QEMU itself, and rebuilds it for each security fix,
can waive the rule.`,
		Fix:  `Delete the element: libvirt then uses the executable that its package specifies.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#devices", drvAppArmor},
		Check: func(p *audit.Pass) {
			for _, r := range p.Reach() {
				if r.ID != "emulator" || p.AllowsEmulator(r.Written) {
					continue
				}
				if severity, what := executablePlace(r.Written); what != "" {
					p.ReportAs(severity, r.At, "executable '%s' %s", r.Written, what)
				}
			}
		},
		Fixes: deleteEmulator,
		NoFix: noEmulatorFix,
	},
	{
		ID:       "confinement-helper-custom",
		Title:    "Program that helps the guest's hypervisor is not in a system directory",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `libvirt starts helpers such as virtiofsd as root, before any confinement by the guest's
label: anyone who can replace the file controls the host at the next start of the guest. The
severities are those of a custom <emulator>: critical in home and temporary directories, high
elsewhere, and medium below /usr/local and /opt. Plug-ins, helpers and commands that the command
line makes QEMU run are reported too: a plug-in runs in QEMU itself; other programs run as QEMU's
user, if libvirt's sandbox allows it.`,
		Fix:  `Delete the path: libvirt then uses the executable that its package specifies, as <binary/> without a path for virtiofsd.`,
		Refs: []string{virtiofs, "https://libvirt.org/formatdomain.html#filesystems", refs.QEMUPassthrough},
		Check: func(p *audit.Pass) {
			for _, r := range p.Reach() {
				if r.Kind != reach.Executable || r.Implied || !helps(r.ID) || p.AllowsPath(r.Name) {
					continue
				}
				severity, what := executablePlace(r.Name)
				switch {
				case r.ID == "qemu-plugin-file":
					p.Key("plugin").ReportAs(max(severity, audit.High), r.At, "-plugin loads '%s' into QEMU", r.Name)
				case r.ID == "qemu-netdev-guestfwd":
					p.Key("command").ReportAs(audit.High, r.At, "QEMU runs '%s' on the host for connections that the guest opens", r.Name)
				case what == "":
				case r.Opener.Root():
					p.ReportAs(severity, r.At, "'%s', which libvirt runs as root, %s", r.Name, what)
				default:
					p.ReportAs(severity, r.At, "'%s', which QEMU runs, %s", r.Name, what)
				}
			}
		},
		Fixes: fixHelper,
		NoFix: "Install the executable from a package of the host, and name that one",
	},
}

// helps reports whether a row of the inventory is about a helper. Others are the hypervisor itself,
// the first process of a container, scripts of interfaces (network-script), boot loaders
// (firmware-bootloader) and libraries that environment variables name (confinement-qemu-env).
func helps(id string) bool {
	switch id {
	case "emulator", "boot-init", "boot-bootloader", "if-script", "if-downscript", "qemu-netdev-script":
		return false
	}
	return !strings.HasPrefix(id, "qemu-env-")
}

// executablePlace returns how serious it is that an executable is where it is, and why; "" if
// packages of the system install executables there, or if it is a name that libvirt searches for in
// the system's directories.
func executablePlace(file string) (severity audit.Severity, what string) {
	if !strings.Contains(file, "/") {
		return 0, ""
	}
	switch clean := path.Clean(file); {
	case insideAny(clean, "/home", "/root", "/tmp", "/var/tmp", "/dev/shm", "/run/user", "/Users"):
		return audit.Critical, "is in a directory where ordinary users or any process can write"
	case insideAny(clean, "/opt/homebrew", "/opt/local"): // package managers of macOS
		return 0, ""
	case insideAny(clean, "/usr/local", "/opt"):
		return audit.Medium, "does not belong to a package of the system"
	case !insideAny(clean, systemDirectories...):
		return audit.High, "is not in a system directory"
	case strings.HasSuffix(clean, ".sh"):
		return audit.Medium, "is a shell script, not the executable itself"
	}
	return 0, ""
}

// systemDirectories are where packages install executables, including those of Nix, Guix, Snap and
// Flatpak.
var systemDirectories = strings.Fields(`/usr/bin /usr/sbin /usr/lib /usr/lib64 /usr/libexec /usr/lib32 /bin /sbin /lib
	/lib64 /nix/store /run/current-system /run/libvirt/nix-emulators /gnu/store /usr/pkg /snap /app`)
