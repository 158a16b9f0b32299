package rules

import (
	"fmt"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// Kinds of things in the index, about what separates the guests of a host.
const (
	categoryKind = "categories" // detail: fixed or nothing
	hostUser     = "user"       // detail: bare, bareFixed or nothing
	boundarySet  = "boundary"   // keys: inside, outside
)

const (
	fixed     = "static"
	bare      = "no-mac" // the document shows that neither SELinux nor AppArmor holds the guest
	bareFixed = "no-mac static"
	inside    = "inside"
	outside   = "outside"
)

func indexHost(p *audit.Pass) {
	things(categorySets).index(p, categoryKind)
	things(hostUsers).index(p, hostUser)
	if key, at := side(p); key != "" {
		p.Use(boundarySet, key, at, "")
		if host, known := p.OnHost(); known {
			p.Use(boundarySet, sideOn(key, host), at, "")
		}
	}
}

// categorySets walks the SELinux label's set of categories, by which sVirt tells guests apart. The
// type in front is the same for all. Of a range the high end counts.
func categorySets(p *audit.Pass, yield func(thing)) {
	for at, s := range audit.Each("seclabel", p.SecLabel) {
		label := strings.TrimSpace(s.Label)
		t := thing{at: at.Elem("label")}
		switch {
		case s.Model != "selinux" || label == "":
			continue
		case s.Type == "static":
			t.detail = fixed
		case s.Type == "none" || !p.Live():
			continue // libvirt does not read a label that it makes itself
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
				t.key = list // names, which the host translates
			}
		}
		yield(t)
	}
}

// evidence says what the labels tell about mandatory access control: there is some, there is none,
// or neither. A stored document usually holds no labels: libvirt makes them when the guest starts. A
// running guest has one of each driver in force.
func evidence(p *audit.Pass) (some, none bool) {
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

// hostUsers walks the user that QEMU runs as, where the document names it.
func hostUsers(p *audit.Pass, yield func(thing)) {
	_, none := evidence(p)
	for at, s := range audit.Each("seclabel", p.SecLabel) {
		user, _, ok := ownership(s.Label)
		if !ok || !ownerInForce(p, s) {
			continue
		}
		host, _ := p.OnHost() // each host has users of its own
		t := thing{key: user.key() + " on " + host, at: at.Elem("label"), what: user.key()}
		if none {
			t.detail = bare
			if s.Type == "static" {
				t.detail = bareFixed
			}
		}
		yield(t)
	}
}

// sideOn is the key of a side of the boundary among the guests of one host.
func sideOn(side, host string) string { return side + " on " + host }

// side returns on which side of QEMU's boundary the guest is, where that is known. A guest outside
// that SELinux or AppArmor holds is on none.
func side(p *audit.Pass) (key string, at audit.Path) {
	switch string(p.Boundary.Word) {
	case "inside":
		return inside, audit.At("@type")
	case "outside":
		switch some, _ := evidence(p); {
		case some:
			return "", audit.Path{}
		case because(p, "machine-not-listed", "default-machine"):
			_, at := p.MachineType()
			return outside, at
		case because(p, "arch-not-listed"):
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
		Needs:    audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `sVirt keeps guests apart by the categories in their labels and by nothing else: with the same ones,
whoever breaks out of one guest's QEMU may open the disks of the other and reach into its process. Labels that
libvirt makes are unique on the host. Guests that share a label by intent, such as the nodes of one cluster, are
one guest to SELinux: waive the rule if that is what you want.`,
		Fix: `<seclabel type='dynamic' model='selinux' relabel='yes'/>, or no <seclabel> at all, which means the same.
$ virt-xml DOMAIN --edit --seclabel type=dynamic`,
		Refs: []string{sVirt, "https://nvd.nist.gov/vuln/detail/CVE-2021-3631"},
		Check: func(p *audit.Pass) {
			// Two labels of running guests that libvirt made differ, or the documents are of two hosts.
			things(categorySets).report(p, categoryKind, "", "the %s is that of %s too", func(mine thing, other audit.Use) bool {
				return mine.detail == fixed || other.Detail == fixed
			})
		},
	},
	{
		ID:       "fleet-dac-same-user",
		Title:    "Guests without mandatory access control run as the same user",
		Severity: audit.Low,
		Needs:    audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.MultiTenant},
		Doc: `Where neither SELinux nor AppArmor holds the guests, the user is all that separates them: a QEMU that
has been taken over reads the memory and the disks of every other one of its user. By libvirt's default all guests
have one user, which is fine on a host with sVirt; it is reported only where the documents show that there is
none, because the label is switched off or a running guest has no such label. It is medium where the user was set
by hand. Documents that are not known to be of one host are not compared.`,
		Fix: `SELinux or AppArmor on the host, and no <seclabel type='none'>; or a user for each guest:
<seclabel type='static' model='dac' relabel='yes'><label>vm-web:vm-web</label></seclabel>`,
		Refs: []string{"https://libvirt.org/drvqemu.html#posix-users-groups"},
		Check: func(p *audit.Pass) {
			things(hostUsers).distinct(p, func(t thing) {
				if t.detail == "" {
					return
				}
				found := gather(p.Others(hostUser, t.key), func(u audit.Use) bool { return u.Detail != "" })
				severity := audit.Low
				if t.detail == bareFixed {
					severity = audit.Medium
				}
				if _, known := p.OnHost(); found.count > 0 && !known {
					p.Unknown(audit.NeedOneHost)
				} else if found.count > 0 {
					p.ReportAs(severity, t.at, "user %s, without SELinux or AppArmor, is that of %s too", t.what, found)
				}
			})
		},
	},
	{
		ID:       "fleet-tenant-boundary-mix",
		Title:    "Guests inside and outside of QEMU's security boundary share a host",
		Severity: audit.High,
		Needs:    audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.MultiTenant},
		Doc: `A guest that is outside has ways out that nobody will call a security bug, and next to it are guests
that count on the boundary. To keep the report short it names the side with fewer guests: the one test guest in
emulation, or the few proper guests on a host of test guests. Where the document shows an SELinux or AppArmor
label on the guest outside, that stands between them, and nothing is reported for it. Documents that are not known to be
of one host, such as those in a directory of a checkout, are not compared unless --one-host says so.`,
		Fix:  `Run guests that need emulation, or an unlisted machine, on a host of their own; or move them to KVM.`,
		Refs: []string{qemuSecurity, "https://csrc.nist.gov/pubs/sp/800/125/a/r1/final"},
		Check: func(p *audit.Pass) {
			mine, at := side(p)
			theirs, key, format := outside, "inside", "this guest is inside of QEMU's security boundary and shares the host with guests outside: %s"
			if mine == outside {
				theirs, key, format = inside, "outside", "this guest is outside of QEMU's security boundary and shares the host with guests inside: %s"
			}
			if mine == "" {
				return
			}
			within := mine == inside
			host, known := p.OnHost()
			if known {
				mine, theirs = sideOn(mine, host), sideOn(theirs, host)
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
			if found := gather(p.Others(boundarySet, theirs), anyUse); found.count > 0 {
				p.Key(key).Reportf(at, format, found)
			}
		},
	},
}
