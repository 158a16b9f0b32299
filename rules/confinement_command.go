package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// confinementCommand are about what libvirt starts, and with which arguments.
var confinementCommand = []*audit.Rule{
	{
		ID:       "confinement-qemu-cmdline",
		Title:    "Arguments are passed to the hypervisor past libvirt",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `libvirt neither understands nor labels what <qemu:commandline> adds, so its access rules do not cover it,
tools that read the document do not see the devices it makes, and whoever may edit it decides what QEMU opens.
libvirt taints the guest as custom-argv and does not support it. It is the only way to some new features of QEMU;
arguments that merely name or log, or repeat accelerator and machine, and nothing else, are info.`,
		Fix:  withoutPassthrough,
		Refs: []string{drvPassed, "https://libvirt.org/acl.html", qemuPassthrough},
		Check: func(p *audit.Pass) {
			switch {
			case p.Type == "bhyve":
				// QEMU's options are not bhyve's: nothing is taken apart.
				if c := p.BHyveCommandline; c != nil && len(c.Args)+len(c.Envs) > 0 {
					p.Reportf(audit.At("bhyve:commandline"), "passed to bhyve past libvirt: %d arguments", len(c.Args)+len(c.Envs))
				}
				return
			case !byQEMU(p):
				return // other drivers do not read it
			}
			at := audit.At("qemu:commandline")
			if p.Type == "xen" {
				at = audit.At("xen:commandline")
			}
			severity := audit.Info
			var names []string
			var noted once
			note := func(name string) {
				if noted.add(name) {
					names = append(names, name)
				}
			}
			repeated := p.Command.Repeated()
			for _, o := range p.Command.Options {
				if !slices.Contains(harmlessOptions, o.Name) && !repeated[o.Path] {
					severity = audit.Medium
				}
				if o.Name == "" {
					note("a disk image") // not the word itself, which may hold anything
				} else {
					note("-" + bareOption(o.Name))
				}
			}
			if p.Type != "xen" && p.QEMUCommandline != nil {
				for _, e := range p.QEMUCommandline.Envs {
					severity = audit.Medium
					note("$" + e.Name)
				}
			}
			if len(names) > 0 {
				p.ReportAs(severity, at, "passed to QEMU past libvirt: %s", list(names))
			}
		},
	},
	{
		ID:       "confinement-cmdline-sandbox-off",
		Title:    "Command line asks QEMU to loosen its sandbox",
		Severity: audit.Low,
		Profiles: every,
		Doc: `The sandbox takes system calls away from a QEMU that its guest has taken over, and somebody wanted it gone.
It does not go: libvirt starts QEMU with a sandbox of its own, QEMU adds the filters of all -sandbox options up,
and the kernel lets none be removed. So the argument has no effect, but it tells that this guest was meant to do
what the sandbox forbids: look at what else it was given. Likewise a wish to become root is granted only to a
QEMU that is root already.`,
		Fix:  withoutPassthrough,
		Refs: []string{"https://gitlab.com/libvirt/libvirt/-/blob/master/src/qemu/qemu.conf.in", qemuPassthrough, "https://www.qemu.org/docs/master/system/invocation.html"},
		Check: func(p *audit.Pass) {
			if !byQEMU(p) {
				return
			}
			// The last option does not win, as one might think: QEMU 7.2 started with libvirt's -sandbox and a
			// second one that says off, or allow, has the first one's filter (seen in /proc/PID/status). So this
			// is no loss of protection, and low.
			for _, o := range p.Command.Options {
				switch o.Name {
				case "sandbox":
					if v := o.First("enable"); v == "off" || v == "no" || v == "false" {
						p.Key("off").Reportf(o.At, "-sandbox %s asks QEMU to run without its sandbox", v)
					}
					for _, key := range []string{"obsolete", "elevateprivileges", "spawn", "resourcecontrol"} {
						if v, _ := o.Get(key); v == "allow" {
							p.Key("allow", key).Reportf(o.At, "-sandbox asks for %s=allow", key)
						}
					}
				case "runas":
					if user, _, _ := strings.Cut(o.Value, ":"); rootUser(user) {
						p.Reportf(o.At, "-runas asks QEMU to run as root")
					}
				case "run-with":
					user, _ := o.Get("user")
					if user, _, _ = strings.Cut(user, ":"); rootUser(user) {
						p.Reportf(o.At, "-run-with asks QEMU to run as root")
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
		Doc: `Variables such as LD_PRELOAD put a file of somebody's choice into the QEMU process, before any of its own
code runs, and whoever owns that file owns the guest and what QEMU can reach. Nothing in the process list tells.
Variables that change where programs and temporary files are looked for, or how memory is handed out, are medium.
A host whose SELinux policy cleans the environment ignores some of them; audio and display variables are not
meant here.`,
		Fix:  withoutPassthrough,
		Refs: []string{drvPassed, "https://man7.org/linux/man-pages/man8/ld.so.8.html"},
		Check: func(p *audit.Pass) {
			if !byQEMU(p) || p.Type == "xen" || p.QEMUCommandline == nil {
				return
			}
			for at, e := range audit.Each("qemu:commandline/qemu:env", p.QEMUCommandline.Envs) {
				switch {
				case strings.HasPrefix(e.Name, "LD_") || slices.Contains(loadingVariables, e.Name):
					p.Reportf(at.Attr("name"), "%s decides which code QEMU loads", e.Name)
				case strings.HasPrefix(e.Name, "G_") || strings.HasPrefix(e.Name, "MALLOC_") || e.Name == "GLIBC_TUNABLES" || e.Name == "PATH" || e.Name == "TMPDIR":
					p.ReportAs(audit.Medium, at.Attr("name"), "%s changes how QEMU works underneath", e.Name)
				}
			}
		},
	},
	{
		ID:       "confinement-emulator-custom",
		Title:    "Hypervisor program from outside the system's directories",
		Severity: audit.High,
		Profiles: every,
		Doc: `The program named by <emulator> is what libvirt runs, and one that no package manager put there gets no
security fixes, is not what the host's SELinux or AppArmor rules expect, and belongs to whoever can write there.
It is critical in home and temporary directories, where ordinary users write, and medium below /usr/local and
/opt or for a shell script in front of the real program. Somebody who builds QEMU himself, and rebuilds it for
each fix, may waive the rule.`,
		Fix: `Delete the element: libvirt takes the program that its package knows
$ virt-xml DOMAIN --edit --xml xpath.delete=./devices/emulator`,
		Refs: []string{"https://libvirt.org/formatdomain.html#devices", drvAppArmor},
		Check: func(p *audit.Pass) {
			file := p.Devices.Emulator
			if !strings.Contains(file, "/") || p.AllowsEmulator(file) {
				return // none, or a name that libvirt looks for in the system's directories
			}
			at, clean := audit.At("devices/emulator"), path.Clean(file)
			switch {
			case within(clean, "/home", "/root", "/tmp", "/var/tmp", "/dev/shm", "/run/user", "/Users"):
				p.ReportAs(audit.Critical, at, "program '%s' is where ordinary users or any process can write", file)
			case within(clean, "/opt/homebrew", "/opt/local"): // package managers of macOS
			case within(clean, "/usr/local", "/opt"):
				p.ReportAs(audit.Medium, at, "program '%s' comes from no package of the system", file)
			case !within(clean, systemDirectories...):
				p.Reportf(at, "program '%s' is not in a directory of the system", file)
			case strings.HasSuffix(clean, ".sh"):
				p.ReportAs(audit.Medium, at, "program '%s' is a shell script in front of the real one", file)
			}
		},
	},
}

// harmlessOptions give a process a name or set what it writes to its log.
var harmlessOptions = []string{"name", "msg", "d", "D", "dfilter", "trace"}

// loadingVariables name files or directories from which QEMU, or a library of its, loads code. All
// variables of the dynamic linker begin with LD_.
var loadingVariables = strings.Fields(`GCONV_PATH PYTHONPATH QEMU_MODULE_DIR GIO_EXTRA_MODULES GIO_MODULE_DIR
	GTK_MODULES GTK_PATH GTK_EXE_PREFIX GDK_PIXBUF_MODULE_FILE LIBGL_DRIVERS_PATH GBM_BACKENDS_PATH
	__EGL_VENDOR_LIBRARY_FILENAMES __EGL_VENDOR_LIBRARY_DIRS VK_ICD_FILENAMES VK_DRIVER_FILES VK_LAYER_PATH
	SASL_PATH OPENSSL_CONF OPENSSL_ENGINES OPENSSL_MODULES ALSA_CONFIG_PATH ALSA_PLUGIN_DIR SPA_PLUGIN_DIR
	PIPEWIRE_MODULE_DIR DYLD_INSERT_LIBRARIES DYLD_LIBRARY_PATH`)

// systemDirectories are where packages put programs, those of Nix, Guix, Snap and Flatpak among them.
var systemDirectories = strings.Fields(`/usr/bin /usr/sbin /usr/lib /usr/lib64 /usr/libexec /usr/lib32 /bin /sbin /lib
	/lib64 /nix/store /run/current-system /run/libvirt/nix-emulators /gnu/store /usr/pkg /snap /app`)

// bareOption returns the name of an option whose argument stands, against QEMU's rules, in the same
// word: that may be a secret.
func bareOption(word string) string {
	if i := strings.IndexAny(word, " =,:"); i >= 0 {
		return word[:i]
	}
	return word
}

// within reports whether a cleaned path is one of the directories, or below.
func within(file string, directories ...string) bool {
	return slices.ContainsFunc(directories, func(d string) bool {
		rest, ok := strings.CutPrefix(file, d)
		return ok && (rest == "" || rest[0] == '/')
	})
}

// list joins names for a sentence, and leaves out the tail of a long list.
func list(names []string) string {
	if len(names) > 8 {
		return strings.Join(names[:8], ", ") + " and others"
	}
	return strings.Join(names, ", ")
}
