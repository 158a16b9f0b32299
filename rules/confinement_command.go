package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/identity"
	"github.com/virt-audit/virt-audit/audit/textset"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

// confinementCommand are about the executable that libvirt starts, and its arguments and
// environment.
var confinementCommand = []*audit.Rule{
	{
		ID:       "confinement-qemu-cmdline",
		Title:    "Document passes arguments directly to the hypervisor",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `libvirt neither interprets nor labels what <qemu:commandline> adds, so its access
rules do not cover the arguments, and anyone who may edit the document decides what QEMU opens.
Tools that read the document do not see the devices that the arguments create. libvirt taints the
guest as custom-argv and does not support it. For some new features of QEMU there is no other way.
If all arguments only set a name or logging, or repeat the accelerator or the machine type, the
finding is info.`,
		Fix:  removePassthrough,
		Refs: []string{drvPassed, "https://libvirt.org/acl.html", refs.QEMUPassthrough},
		Check: func(p *audit.Pass) {
			switch {
			case p.Type == "bhyve":
				// bhyve's options differ from QEMU's, so they are not parsed.
				if c := p.BHyveCommandline; c != nil && len(c.Args)+len(c.Envs) > 0 {
					p.Reportf(audit.At("bhyve:commandline"), "%d arguments are passed directly to bhyve", len(c.Args)+len(c.Envs))
				}
				return
			case !usesQEMU(p):
				return // other drivers do not read the element
			}
			at := audit.At("qemu:commandline")
			if p.Type == "xen" {
				at = audit.At("xen:commandline")
			}
			severity := audit.Info
			var names []string
			var noted textset.Set
			note := func(name string) {
				if noted.Add(name) {
					names = append(names, name)
				}
			}
			repeated := p.Command.Repeated()
			for _, o := range p.Command.Options {
				if !slices.Contains(harmlessOptions, o.Name) && !repeated[o.Path] {
					severity = audit.Medium
				}
				if o.Name == "" {
					note("a disk image") // not the argument itself, which may contain anything
				} else {
					note("-" + optionWithoutValue(o.Name))
				}
			}
			if p.Type != "xen" && p.QEMUCommandline != nil {
				for _, e := range p.QEMUCommandline.Envs {
					severity = audit.Medium
					note("$" + e.Name)
				}
			}
			if len(names) > 0 {
				p.ReportAs(severity, at, "passed directly to QEMU: %s", joinNames(names))
			}
		},
	},
	{
		ID:       "confinement-cmdline-sandbox-off",
		Title:    "Command line requests a weaker QEMU sandbox",
		Severity: audit.Low,
		Profiles: allProfiles,
		Doc: `The sandbox restricts the system calls of a QEMU process that its guest has taken
over, and this argument requests to disable or weaken it. The argument has no effect: libvirt starts
QEMU with its own sandbox, QEMU combines the filters of all -sandbox options, and the kernel does
not allow a filter to be removed. It does show that the guest was intended to do what the sandbox
forbids, so review its other arguments and devices. Likewise a request to run as root takes effect
only if QEMU already runs as root.`,
		Fix:  removePassthrough,
		Refs: []string{"https://gitlab.com/libvirt/libvirt/-/blob/master/src/qemu/qemu.conf.in", refs.QEMUPassthrough, "https://www.qemu.org/docs/master/system/invocation.html"},
		Check: func(p *audit.Pass) {
			if !usesQEMU(p) {
				return
			}
			// The last option does not override the first: QEMU 7.2, started with libvirt's
			// -sandbox and a second one with off or allow, has the filter of the first (seen in
			// /proc/PID/status). No protection is lost, so the finding is low.
			for _, o := range p.Command.Options {
				switch o.Name {
				case "sandbox":
					if v := o.First("enable"); v == "off" || v == "no" || v == "false" {
						p.Key("off").Reportf(o.At, "-sandbox %s requests QEMU without its sandbox", v)
					}
					for _, key := range []string{"obsolete", "elevateprivileges", "spawn", "resourcecontrol"} {
						if v, _ := o.Get(key); v == "allow" {
							p.Key("allow", key).Reportf(o.At, "-sandbox requests %s=allow", key)
						}
					}
				case "runas":
					if user, _, _ := strings.Cut(o.Value, ":"); identity.IsRoot(user) {
						p.Reportf(o.At, "-runas requests QEMU to run as root")
					}
				case "run-with":
					user, _ := o.Get("user")
					if user, _, _ = strings.Cut(user, ":"); identity.IsRoot(user) {
						p.Reportf(o.At, "-run-with requests QEMU to run as root")
					}
				}
			}
		},
	},
	{
		ID:       "confinement-qemu-env",
		Title:    "Environment variable makes QEMU load other code",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `Variables such as LD_PRELOAD load an arbitrary file into the QEMU process before any
of its own code runs. Anyone who controls that file controls the guest and everything that QEMU can
access. The list of processes does not show it. Variables that change the search path of
executables, the directory of temporary files, or the allocation of memory are medium. A host whose
SELinux policy cleans the environment ignores some of the variables. Variables for audio and display
are not reported.`,
		Fix:  removePassthrough,
		Refs: []string{drvPassed, "https://man7.org/linux/man-pages/man8/ld.so.8.html"},
		Check: func(p *audit.Pass) {
			if !usesQEMU(p) || p.Type == "xen" || p.QEMUCommandline == nil {
				return
			}
			for at, e := range audit.Each("qemu:commandline/qemu:env", p.QEMUCommandline.Envs) {
				switch {
				case strings.HasPrefix(e.Name, "LD_") || slices.Contains(loadingVariables, e.Name):
					p.Reportf(at.Attr("name"), "%s decides which code QEMU loads", e.Name)
				case strings.HasPrefix(e.Name, "G_") || strings.HasPrefix(e.Name, "MALLOC_") || e.Name == "GLIBC_TUNABLES" || e.Name == "PATH" || e.Name == "TMPDIR":
					p.ReportAs(audit.Medium, at.Attr("name"), "%s changes how QEMU finds files or allocates memory", e.Name)
				}
			}
		},
	},
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
		Fix: `Delete the element: libvirt then uses the executable that its package specifies
$ virt-xml DOMAIN --edit --xml xpath.delete=./devices/emulator`,
		Refs: []string{"https://libvirt.org/formatdomain.html#devices", drvAppArmor},
		Check: func(p *audit.Pass) {
			file := p.Devices.Emulator
			if !strings.Contains(file, "/") || p.AllowsEmulator(file) {
				return // none, or a name that libvirt searches for in the system directories
			}
			at, clean := audit.At("devices/emulator"), path.Clean(file)
			switch {
			case insideAny(clean, "/home", "/root", "/tmp", "/var/tmp", "/dev/shm", "/run/user", "/Users"):
				p.ReportAs(audit.Critical, at, "executable '%s' is in a directory where ordinary users or any process can write", file)
			case insideAny(clean, "/opt/homebrew", "/opt/local"): // package managers of macOS
			case insideAny(clean, "/usr/local", "/opt"):
				p.ReportAs(audit.Medium, at, "executable '%s' does not belong to a package of the system", file)
			case !insideAny(clean, systemDirectories...):
				p.Reportf(at, "executable '%s' is not in a system directory", file)
			case strings.HasSuffix(clean, ".sh"):
				p.ReportAs(audit.Medium, at, "executable '%s' is a shell script, not the hypervisor itself", file)
			}
		},
	},
}

// harmlessOptions set the name of the process or what it logs.
var harmlessOptions = []string{"name", "msg", "d", "D", "dfilter", "trace"}

// loadingVariables name files or directories from which QEMU, or one of its libraries, loads code.
// All variables of the dynamic linker begin with LD_.
var loadingVariables = strings.Fields(`GCONV_PATH PYTHONPATH QEMU_MODULE_DIR GIO_EXTRA_MODULES GIO_MODULE_DIR
	GTK_MODULES GTK_PATH GTK_EXE_PREFIX GDK_PIXBUF_MODULE_FILE LIBGL_DRIVERS_PATH GBM_BACKENDS_PATH
	__EGL_VENDOR_LIBRARY_FILENAMES __EGL_VENDOR_LIBRARY_DIRS VK_ICD_FILENAMES VK_DRIVER_FILES VK_LAYER_PATH
	SASL_PATH OPENSSL_CONF OPENSSL_ENGINES OPENSSL_MODULES ALSA_CONFIG_PATH ALSA_PLUGIN_DIR SPA_PLUGIN_DIR
	PIPEWIRE_MODULE_DIR DYLD_INSERT_LIBRARIES DYLD_LIBRARY_PATH`)

// systemDirectories are where packages install executables, including those of Nix, Guix, Snap and
// Flatpak.
var systemDirectories = strings.Fields(`/usr/bin /usr/sbin /usr/lib /usr/lib64 /usr/libexec /usr/lib32 /bin /sbin /lib
	/lib64 /nix/store /run/current-system /run/libvirt/nix-emulators /gnu/store /usr/pkg /snap /app`)

// optionWithoutValue returns the name of an option without a value that, against QEMU's syntax, is
// in the same argument: the value may be a secret.
func optionWithoutValue(word string) string {
	if i := strings.IndexAny(word, " =,:"); i >= 0 {
		return word[:i]
	}
	return word
}

// insideAny reports whether a cleaned path is one of the directories, or below.
func insideAny(file string, directories ...string) bool {
	return slices.ContainsFunc(directories, func(d string) bool {
		rest, ok := strings.CutPrefix(file, d)
		return ok && (rest == "" || rest[0] == '/')
	})
}

// joinNames joins names for a message, and shortens a long list.
func joinNames(names []string) string {
	if len(names) > 8 {
		return strings.Join(names[:8], ", ") + " and others"
	}
	return strings.Join(names, ", ")
}
