package fleet

import (
	"fmt"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/identity"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

// Kinds of resources in the index, about what separates the guests of a host.
const (
	categoryKind = "categories" // detail: fixed or nothing
	hostUser     = "user"       // detail: bare, bareFixed or nothing
	boundarySet  = "boundary"   // keys: inside, outside
)

const (
	staticLabel      = "static"
	unconfined       = "no-mac" // the document shows that neither SELinux nor AppArmor confines the guest
	unconfinedStatic = "no-mac static"
	inside           = "inside"
	outside          = "outside"
)

func indexHost(p *audit.Pass) {
	resources(categorySets).index(p, categoryKind)
	resources(hostUsers).index(p, hostUser)
	if key, at := boundarySide(p); key != "" {
		p.Use(boundarySet, key, at, "")
		if host, known := p.OnHost(); known {
			p.Use(boundarySet, keyOnHost(key, host), at, "")
		}
	}
}

// categorySets walks the set of categories in the SELinux label, by which sVirt separates guests.
// The type is the same for all of them. Of a range of levels the higher one counts.
func categorySets(p *audit.Pass, yield func(resource)) {
	for at, s := range audit.Each("seclabel", p.SecLabel) {
		label := strings.TrimSpace(s.Label)
		t := resource{at: at.Elem("label")}
		switch {
		case s.Model != "selinux" || label == "":
			continue
		case s.Type == "static":
			t.detail = staticLabel
		case s.Type == "none" || !p.Live():
			continue // libvirt does not read a label that it generates
		}
		level := label
		for range 3 { // user:role:type:level
			_, level, _ = strings.Cut(level, ":")
		}
		if i := strings.LastIndex(level, "-"); i >= 0 {
			level = level[i+1:]
		}
		_, list, _ := strings.Cut(level, ":")
		if list == "" {
			t.key, t.what = "none", "label without categories"
		} else {
			var set numberSet
			set.add(strings.ReplaceAll(list, "c", ""), ".")
			t.key, t.what = fmt.Sprintf("%x", set), "set of categories "+list
			if set == (numberSet{}) {
				t.key = list // names of categories, which the host translates
			}
		}
		yield(t)
	}
}

// confinementEvidence reports whether the labels show that mandatory access control confines the
// guest, or that none does; both are false if they show neither. A stored document usually has no
// labels: libvirt generates them when the guest starts. A running guest has one label of each
// active driver.
func confinementEvidence(p *audit.Pass) (some, none bool) {
	owner := false
	for i := range p.SecLabel {
		s := &p.SecLabel[i]
		switch mac := s.Model == "selinux" || s.Model == "apparmor"; {
		case s.Model == "none", s.Type == "none" && (mac || s.Model == ""):
			none = true
		case mac && s.Type != "none":
			some = true
		case s.Model == "dac":
			owner = true
		}
	}
	return some, !some && (none || owner && p.Live())
}

// hostUsers walks the user that QEMU runs as, if the document names it.
func hostUsers(p *audit.Pass, yield func(resource)) {
	_, none := confinementEvidence(p)
	for at, s := range audit.Each("seclabel", p.SecLabel) {
		user, _, ok := identity.ParseOwner(s.Label)
		if !ok || !identity.DecidesOwner(s, p.Live()) {
			continue
		}
		host, _ := p.OnHost() // a user exists separately on each host
		t := resource{key: user.Key() + " on " + host, at: at.Elem("label"), what: user.Key()}
		if none {
			t.detail = unconfined
			if s.Type == "static" {
				t.detail = unconfinedStatic
			}
		}
		yield(t)
	}
}

// keyOnHost returns the key of a side of the boundary for the guests of one host.
func keyOnHost(side, host string) string { return side + " on " + host }

// boundarySide returns on which side of QEMU's boundary the guest is, or "" if that is
// undetermined. It is also "" for a guest outside the boundary that SELinux or AppArmor confines.
func boundarySide(p *audit.Pass) (key string, at audit.Path) {
	switch string(p.Boundary.Verdict) {
	case "inside":
		return inside, audit.At("@type")
	case "outside":
		switch some, _ := confinementEvidence(p); {
		case some:
			return "", audit.Path{}
		case p.VerdictIs("machine-not-listed", "default-machine"):
			_, at := p.MachineType()
			return outside, at
		case p.VerdictIs("arch-not-listed"):
			return outside, audit.At("os/type@arch")
		}
		return outside, audit.At("@type")
	}
	return "", audit.Path{}
}

var acrossHost = []*audit.Rule{
	{
		ID:       "fleet-mcs-dup",
		Title:    "Two guests have the same SELinux categories",
		Severity: audit.Critical,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `sVirt separates guests only by the categories in their labels: with the same
categories, a guest that takes over its QEMU can open the disks of the other guest and access its
process. Labels that libvirt generates are unique on the host. Guests that share a label on purpose,
such as the nodes of one cluster, are one guest to SELinux: waive the rule for them.`,
		Fix:  `Use <seclabel type='dynamic' model='selinux' relabel='yes'/>, or delete <seclabel>, which has the same effect.`,
		Refs: []string{sVirt, "https://nvd.nist.gov/vuln/detail/CVE-2021-3631"},
		Check: func(p *audit.Pass) {
			// Labels that libvirt generated for running guests differ, unless the guests are on two
			// hosts.
			resources(categorySets).report(p, categoryKind, "", "the %s is the same as in %s", func(mine resource, other audit.Use) bool {
				return mine.detail == staticLabel || other.Detail == staticLabel
			})
		},
		Fixes: generateLabel,
		NoFix: "Decide which guest keeps the label; the labels of the files of the other change " +
			"with its label",
	},
	{
		ID:       "fleet-dac-same-user",
		Title:    "Guests without mandatory access control run as the same user",
		Severity: audit.Low,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.MultiTenant},
		Doc: `If neither SELinux nor AppArmor confines the guests, only the user separates them: a
QEMU process that its guest has taken over can read the memory and the disks of every other guest
with the same user. By libvirt's default all guests have one user, which is safe on a host with
sVirt. The rule reports guests only if the documents show that they are not confined, because the
label is disabled or a running guest has no such label. It is medium if the user is set in the
document. Documents that are not known to be of one host are not compared.`,
		Fix: `Enable SELinux or AppArmor on the host and delete <seclabel type='none'>, or set a separate user for each guest:
<seclabel type='static' model='dac' relabel='yes'><label>vm-web:vm-web</label></seclabel>`,
		Refs: []string{"https://libvirt.org/drvqemu.html#posix-users-groups"},
		Check: func(p *audit.Pass) {
			resources(hostUsers).distinct(p, func(t resource) {
				if t.detail == "" {
					return
				}
				found := collectGuests(p.Others(hostUser, t.key), func(u audit.Use) bool { return u.Detail != "" })
				severity := audit.Low
				if t.detail == unconfinedStatic {
					severity = audit.Medium
				}
				if _, known := p.OnHost(); found.count > 0 && !known {
					p.Unknown(audit.NeedOneHost)
				} else if found.count > 0 {
					p.ReportAs(severity, t.at, "without SELinux or AppArmor this guest runs as user %s, the same as %s", t.what, found)
				}
			})
		},
		NoFix: "Enable SELinux or AppArmor on the host, or create a user for each guest who may " +
			"open its files",
	},
	{
		ID:       "fleet-tenant-boundary-mix",
		Title:    "Guests inside and outside QEMU's security boundary share a host",
		Severity: audit.High,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.MultiTenant},
		Doc: `QEMU does not treat an escape from a guest outside the boundary as a security bug, and
other guests on the same host rely on the boundary. To keep the report short, the rule reports the
side with fewer guests: one test guest in emulation, or a few production guests on a host of test
guests. If the document shows an SELinux or AppArmor label on the guest outside, that label confines
it, and the guest is not reported. Documents that are not known to be of one host, such as those in
a directory of a checkout, are not compared without --one-host.`,
		Fix:  `Run guests that require emulation, or an unlisted machine type, on a separate host, or change them to KVM.`,
		Refs: []string{refs.QEMUSecurity, "https://csrc.nist.gov/pubs/sp/800/125/a/r1/final"},
		Check: func(p *audit.Pass) {
			mine, at := boundarySide(p)
			theirs, key, format := outside, "inside", "this guest is inside QEMU's security boundary and shares the host with guests outside: %s"
			if mine == outside {
				theirs, key, format = inside, "outside", "this guest is outside QEMU's security boundary and shares the host with guests inside: %s"
			}
			if mine == "" {
				return
			}
			within := mine == inside
			host, known := p.OnHost()
			if known {
				mine, theirs = keyOnHost(mine, host), keyOnHost(theirs, host)
			}
			others := p.Guests(boundarySet, theirs)
			if others == 0 {
				return
			}
			if alike := p.Guests(boundarySet, mine); alike > others || alike == others && within {
				return
			}
			if !known {
				p.Unknown(audit.NeedOneHost)
				return
			}
			if found := collectGuests(p.Others(boundarySet, theirs), anyUse); found.count > 0 {
				p.Key(key).Reportf(at, format, found)
			}
		},
		NoFix: "Decide which guests move to another host; the rules about the verdict state how " +
			"a guest gets inside the boundary",
	},
}
