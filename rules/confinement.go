package rules

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
	"github.com/virt-audit/virt-audit/audit/identity"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

const (
	drvSELinux  = "https://libvirt.org/drvqemu.html#selinux-svirt-confinement"
	drvAppArmor = "https://libvirt.org/drvqemu.html#apparmor-svirt-confinement"
	drvUsers    = "https://libvirt.org/drvqemu.html#posix-users-groups"
	drvPassed   = "https://libvirt.org/drvqemu.html#pass-through-of-arbitrary-qemu-commands"
	domainLabel = "https://libvirt.org/formatdomain.html#security-label"
)

// confinementLabels are about <seclabel>. A document without the element is not reported: libvirt
// confines guests by default if the host has SELinux or AppArmor.
var confinementLabels = []*audit.Rule{
	{
		ID:       "confinement-seclabel-none",
		Title:    "SELinux or AppArmor confinement is disabled for this guest",
		Severity: audit.Critical,
		Profiles: allProfiles,
		Doc: `SELinux or AppArmor prevents a QEMU process that its guest has taken over from opening
the disks of other guests, and <seclabel type='none'> disables it for this guest. libvirt refuses to
start the guest if qemu.conf sets security_require_confined=1. Model 'none' is different and low: no
driver has that name, so the host's drivers still confine the guest; libvirt stores it on a host
that has no driver. Model 'dac' is about the user that QEMU runs as; other rules check it.`,
		Fix:  `Delete the element: libvirt then generates a label for each guest.`,
		Refs: []string{drvSELinux, drvAppArmor, domainLabel, refs.QEMUPassthrough},
		Check: func(p *audit.Pass) {
			for at, l := range audit.Each("seclabel", p.SecLabel) {
				switch {
				case l.Model == "none" && p.Has(at.Attr("type")) && l.Type != "none":
					p.ReportAs(audit.Low, at.Attr("model"), "model 'none' is read as type 'none', but the host's security drivers still confine the guest")
				case l.Model == "none":
					p.ReportAs(audit.Low, at.Attr("model"), "model 'none' does not disable the host's security drivers; libvirt writes it on hosts without any")
				case l.Type != "none" || l.Model == "dac":
				case l.Model == "":
					p.Reportf(at.Attr("type"), "type 'none' disables SELinux or AppArmor confinement for the guest")
				default:
					p.Reportf(at.Attr("type"), "type 'none' disables the confinement by %s for the guest", l.Model)
				}
			}
		},
		Fixes: confine,
		NoFix: "Set security_default_confined = 1 in /etc/libvirt/qemu.conf, and delete the " +
			"element: the document does not show whether the host has SELinux or AppArmor",
	},
	{
		ID:       "confinement-dac-root",
		Title:    "QEMU runs as root",
		Severity: audit.Critical,
		Profiles: allProfiles,
		Doc: `A guest that takes over its QEMU is then root on the host, with all capabilities since
libvirt 6.0: file permissions, namespaces and most of the sandbox no longer restrict it. libvirt
sets no taint flag for a root label in the document. User 0 is recognized in every notation. -1 is
reported too, since QEMU then runs as libvirtd's user, and so is group 0 alone. In a running guest's
document the label is the effective one, and may come from qemu.conf. Guests without a label run as
the user that qemu.conf names, which is not root by the default of most distributions. If that file,
or the host's capabilities, are known and name root, each such guest is reported.`,
		Fix:  `Delete the <seclabel model='dac'>, and delete user = "root" and group = "root" from /etc/libvirt/qemu.conf.`,
		Refs: []string{drvUsers, "https://gitlab.com/libvirt/libvirt/-/blob/master/src/qemu/qemu.conf.in", refs.QEMUPassthrough},
		Check: func(p *audit.Pass) {
			if !usesQEMU(p) {
				return
			}
			stated := false
			for at, l := range audit.Each("seclabel", p.SecLabel) {
				if !identity.DecidesOwner(l, p.Live()) {
					continue
				}
				stated = true
				reportRootLabel(p, at.Elem("label"), l.Label)
			}
			if stated {
				return
			}
			user, where := p.HostUser()
			group := p.Conf().String("group")
			switch {
			case identity.IsRoot(user):
				p.Key("user").Reportf(audit.Path{}, "QEMU runs as root: the host sets this user for its guests (%s)", where)
			case group.Set && identity.IsRoot(group.Value) && !p.Host.InSession():
				p.Key("group").Reportf(audit.Path{}, "QEMU runs in root's group: the host sets this group for its guests (%s)", group.Where())
			}
		},
		Fixes: runAsUser,
		NoFix: "Set the user and group for guests in /etc/libvirt/qemu.conf: that file makes QEMU " +
			"run as root, and not the document",
	},
	{
		ID:       "confinement-selinux-broad-label",
		Title:    "Static SELinux label does not confine the guest or separate it from others",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `The type of an SELinux label confines a guest, and its categories separate it from
other guests; a label that was written by hand can fail in both. A type that is not made for guests
gives QEMU the permissions of that type, which are all permissions for types such as unconfined_t
(critical). With fewer than two categories, or a range of them, guests can open each other's files.
For dynamic labels libvirt sets two random categories itself, and the type too unless <baselabel>
names another.`,
		Fix:  `Use <seclabel type='dynamic' model='selinux'/>, or a label such as system_u:system_r:svirt_t:s0:c107,c434.`,
		Refs: []string{drvSELinux, domainLabel, "https://nvd.nist.gov/vuln/detail/CVE-2021-3631"},
		Check: func(p *audit.Pass) {
			reportBaseLabels(p)
			for at, l := range audit.Each("seclabel", p.SecLabel) {
				if l.Model != "selinux" || l.Type != "static" {
					continue
				}
				at = at.Elem("label")
				fields := strings.SplitN(l.Label, ":", 4)
				if len(fields) < 3 {
					p.Key("context").Reportf(at, "label '%s' is not an SELinux context of user, role and type", l.Label)
					continue
				}
				switch domain := fields[2]; {
				case slices.Contains(unconfinedTypes, domain):
					p.Key("type").ReportAs(audit.Critical, at, "type '%s' does not confine QEMU at all", domain)
				case !guestType(domain):
					p.Key("type").Reportf(at, "type '%s' is not made for guests", domain)
				}
				level := ""
				if len(fields) == 4 {
					level = fields[3]
				}
				switch n := categories(level); {
				case n < 2:
					p.Key("level").Reportf(at, "level '%s' has fewer than two categories: it does not separate guests from each other", level)
				case n > 2:
					p.Key("level").Reportf(at, "level '%s' has %d categories: it covers every guest that has two of them", level, n)
				}
			}
		},
		Fixes: func(p *audit.Pass, f *audit.Finding) []audit.Fix {
			if f.Key == "base" {
				return onlySafe("Delete the base label, so that libvirt uses the type for guests",
					edit.Remove(f.Path.Attr("")))
			}
			return onlySafe("Let libvirt generate a label for the guest",
				replaceLabel(p, f.Path)...)
		},
	},
	{
		ID:       "confinement-apparmor-unconfined",
		Title:    "Static AppArmor profile is not the one for this guest",
		Severity: audit.High,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `libvirt writes an AppArmor profile for each guest, named after its UUID, that allows
only the files of this guest; a static label replaces it. 'unconfined' allows everything, and
another guest's profile allows the disks of that guest. A site-specific profile may be sound, but
all guests that name it share it, and it is not updated when the guest's devices change: that is
medium.`,
		Fix:  `Use <seclabel type='dynamic' model='apparmor'/>, or delete the element.`,
		Refs: []string{drvAppArmor, domainLabel},
		Check: func(p *audit.Pass) {
			for at, l := range audit.Each("seclabel", p.SecLabel) {
				if l.Model != "apparmor" || l.Type != "static" {
					continue
				}
				at = at.Elem("label")
				id, own := strings.CutPrefix(l.Label, "libvirt-")
				switch {
				case own && p.UUID != "" && plainUUID(id) == plainUUID(p.UUID):
				case own && len(plainUUID(id)) == 32:
					p.Reportf(at, "profile '%s' belongs to another guest", l.Label)
				case l.Label == "unconfined" || strings.HasPrefix(l.Label, "unconfined "):
					p.Reportf(at, "profile 'unconfined' allows QEMU everything")
				default:
					p.ReportAs(audit.Medium, at, "profile '%s' is not the one that libvirt writes for this guest", l.Label)
				}
			}
		},
		Fixes: func(p *audit.Pass, f *audit.Finding) []audit.Fix {
			edits := replaceLabel(p, f.Path)
			if f.Severity < audit.High {
				return onlyUnsafe("Let libvirt write a profile for the guest; what only the "+
					"site-specific profile allows is then refused", edits...)
			}
			return unlabelled(p, onlySafe("Let libvirt write a profile for the guest", edits...))
		},
	},
}

// reportRootLabel reports a DAC label by which QEMU runs as root, or in root's group.
func reportRootLabel(p *audit.Pass, at audit.Path, label string) {
	user, group, ok := identity.ParseOwner(label)
	switch {
	case !ok: // the guest does not start
	case user.Root() && user.Number == identity.Unchanged:
		p.Reportf(at, "label '%s' makes QEMU run as root: the number means 'do not change', and libvirtd is root", label)
	case user.Root():
		p.Reportf(at, "label '%s' makes QEMU run as root", label)
	case group.Root():
		p.Reportf(at, "label '%s' makes QEMU run in root's group", label)
	}
}

// reportBaseLabels reports the type in the <baselabel> of a dynamic SELinux label: libvirt replaces
// its categories alone. The attribute model can be missing, and is then that of the host's first
// driver.
func reportBaseLabels(p *audit.Pass) {
	for _, l := range identity.Labels(p.Domain) {
		if l.Use != identity.Base || !l.Active() || l.Model != "selinux" && l.Model != "" {
			continue
		}
		context, ok := identity.ParseContext(l.Value)
		switch {
		case !ok: // a profile of AppArmor
		case slices.Contains(unconfinedTypes, context.Type):
			p.Key("base").ReportAs(audit.Critical, l.At, "base label of type '%s' does not confine QEMU at all", context.Type)
		case !guestType(context.Type):
			p.Key("base").Reportf(l.At, "base label of type '%s' is not made for guests", context.Type)
		}
	}
}

// unconfinedTypes are SELinux types that do not restrict a process beyond the permissions of its
// user, or that belong to the daemons that start guests.
var unconfinedTypes = []string{
	"unconfined_t", "unconfined_service_t", "initrc_t", "init_t", "kernel_t", "virtd_t", "virtqemud_t", "virtd_lxc_t", "spc_t", "sysadm_t",
}

// guestType reports whether an SELinux type is made for guests: libvirt's own policy names them
// svirt..._t, as do sites that extend it. Containers have their own types.
func guestType(name string) bool {
	switch name {
	case "svirt_image_t", "svirt_home_t", "svirt_tmp_t":
		return false // types of files
	case "container_t", "container_kvm_t", "container_init_t", "container_logreader_t":
		return true
	}
	return strings.HasPrefix(name, "svirt_") && strings.HasSuffix(name, "_t")
}

// categories returns how many categories an SELinux level has: two in "s0:c1,c2". For a range of
// levels it counts those of the higher one: 1024 in "s0-s0:c0.c1023".
func categories(level string) int {
	if _, high, ok := strings.Cut(level, "-"); ok {
		level = high
	}
	_, list, _ := strings.Cut(level, ":")
	n, first := 0, ""
	for part := range strings.SplitSeq(list, ",") {
		from, to, span := strings.Cut(strings.TrimSpace(part), ".")
		switch {
		case from == "" || from == first:
		case span:
			n += max(1, category(to)-category(from)+1)
		default:
			n++
		}
		if first == "" {
			first = from
		}
	}
	return n
}

func category(name string) int {
	n := 0
	for _, c := range strings.TrimPrefix(name, "c") {
		if c < '0' || c > '9' || n > 4096 {
			return n
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func plainUUID(id string) string { return strings.ToLower(strings.ReplaceAll(id, "-", "")) }
