package rules

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/identity"
	"github.com/virt-audit/virt-audit/audit/reach"
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
What an argument opens on the host is judged by the rules for files, directories, sockets, devices
and executables, as if an element named it. This rule lists the arguments: info if they only set a
name or logging, or repeat the accelerator or the machine type, low if their meaning is known, and
medium if one has an unknown meaning, so that no rule judges it, or creates a file: QEMU replaces
the content of an existing one.`,
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
					severity = audit.Low
				}
				if o.Name == "" {
					note("a disk image") // not the argument itself, which may contain anything
				} else {
					note("-" + optionWithoutValue(o.Name))
				}
			}
			if p.Type != "xen" && p.QEMUCommandline != nil {
				for _, e := range p.QEMUCommandline.Envs {
					severity = audit.Low
					note("$" + e.Name)
				}
			}
			if unknown := reportPassedResources(p); unknown {
				severity = audit.Medium
			}
			if len(names) > 0 {
				p.ReportAs(severity, at, "passed directly to QEMU: %s", joinNames(names))
			}
		},
		Fixes: fixPassed,
		NoFix: noArgumentFix,
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
only if QEMU already runs as root. <qemu:del capability='seccomp-sandbox'/> is different and high:
libvirt then starts QEMU without -sandbox.`,
		Fix:  removePassthrough,
		Refs: []string{"https://gitlab.com/libvirt/libvirt/-/blob/master/src/qemu/qemu.conf.in", refs.QEMUPassthrough, "https://www.qemu.org/docs/master/system/invocation.html"},
		Check: func(p *audit.Pass) {
			if !usesQEMU(p) {
				return
			}
			for _, r := range p.Reach() {
				if r.ID == "qemu-capability" && r.Name == "capability del seccomp-sandbox" {
					p.Key("capability").ReportAs(audit.High, r.At, "libvirt starts QEMU without its sandbox: the document declares that QEMU has none")
				}
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
		Fixes: fixSandbox,
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
			loads := map[string]bool{}
			for _, r := range p.Reach() {
				if r.Kind == reach.Executable && strings.HasPrefix(r.ID, "qemu-env-") {
					loads[r.At.Attr("name").String()] = true
				}
			}
			for at, e := range audit.Each("qemu:commandline/qemu:env", p.QEMUCommandline.Envs) {
				switch at := at.Attr("name"); {
				case strings.HasPrefix(e.Name, "LD_") || slices.Contains(loadingVariables, e.Name) || loads[at.String()]:
					p.Reportf(at, "%s decides which code QEMU loads", e.Name)
				case strings.HasPrefix(e.Name, "G_") || strings.HasPrefix(e.Name, "MALLOC_") || e.Name == "GLIBC_TUNABLES" || e.Name == "PATH" || e.Name == "TMPDIR":
					p.ReportAs(audit.Medium, at, "%s changes how QEMU finds files or allocates memory", e.Name)
				}
			}
		},
		Fixes: deleteVariable,
	},
}

// reportPassedResources reports arguments that create files, and those whose meaning is not known.
// It returns whether there is one of the latter.
func reportPassedResources(p *audit.Pass) (unknown bool) {
	for _, r := range p.Reach() {
		switch {
		case r.Kind == reach.Unknown:
			unknown = true
			p.Key("unknown", r.Name).Reportf(r.At, "the meaning of %s is not known: what it opens on the host is not evaluated", r.Name)
		case r.Kind == reach.File && r.Access&reach.Create != 0 && isPassed(&r) && !p.AllowsPath(r.Name):
			if place, word, _ := reach.Sensitive(r, p.Domain); word == "" && !slices.Contains(logPlaces, place.Name) {
				p.Key("creates", r.Name).Reportf(r.At, "QEMU creates %s, or overwrites it if it exists", reachedName(r))
			}
		}
	}
	return unknown
}

// logPlaces are where QEMU may create files: no disk is there.
var logPlaces = []string{"lv-log", "dev-kvm", "dev-hp", "kubevirt"}

// harmlessOptions set the name of the process or what it logs.
var harmlessOptions = []string{"name", "msg", "d", "D", "dfilter", "trace"}

// loadingVariables name files or directories from which QEMU, or one of its libraries, loads code.
// All variables of the dynamic linker begin with LD_.
var loadingVariables = strings.Fields(`GCONV_PATH PYTHONPATH QEMU_MODULE_DIR GIO_EXTRA_MODULES GIO_MODULE_DIR
	GTK_MODULES GTK_PATH GTK_EXE_PREFIX GDK_PIXBUF_MODULE_FILE LIBGL_DRIVERS_PATH GBM_BACKENDS_PATH
	__EGL_VENDOR_LIBRARY_FILENAMES __EGL_VENDOR_LIBRARY_DIRS VK_ICD_FILENAMES VK_DRIVER_FILES VK_LAYER_PATH
	SASL_PATH OPENSSL_CONF OPENSSL_ENGINES OPENSSL_MODULES ALSA_CONFIG_PATH ALSA_PLUGIN_DIR SPA_PLUGIN_DIR
	PIPEWIRE_MODULE_DIR DYLD_INSERT_LIBRARIES DYLD_LIBRARY_PATH`)

// optionWithoutValue returns the name of an option without a value that, against QEMU's syntax, is
// in the same argument: the value may be a secret.
func optionWithoutValue(word string) string {
	if i := strings.IndexAny(word, " =,:"); i >= 0 {
		return word[:i]
	}
	return word
}

// joinNames joins names for a message, and shortens a long list.
func joinNames(names []string) string {
	if len(names) > 8 {
		return strings.Join(names[:8], ", ") + " and others"
	}
	return strings.Join(names, ", ")
}
