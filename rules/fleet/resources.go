package fleet

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/textset"
)

// resource is a resource that a domain names: a file, device, address or other name that guests may
// share.
type resource struct {
	key    string // in normal form: equal for two guests that mean the same
	at     audit.Path
	detail string          // what else matters for the comparison
	what   string          // its description for messages
	from   *audit.Resource // of the inventory: then String describes it
}

// resources walks the resources of one kind that a domain names.
type resources func(p *audit.Pass, yield func(resource))

// sorted walks those whose detail, the sort of a file, is one of those that a rule is about.
func (walk resources) sorted(about func(sort string) bool) resources {
	return func(p *audit.Pass, yield func(resource)) {
		walk(p, func(t resource) {
			if about(t.detail) {
				yield(t)
			}
		})
	}
}

func is(sort string) func(string) bool { return func(s string) bool { return s == sort } }

// index records all of them.
func (walk resources) index(p *audit.Pass, kind string) {
	walk(p, func(t resource) { p.Use(kind, t.key, t.at, t.detail) })
}

// distinct walks the resources, each key and detail once: whether other guests use the resource
// depends on nothing else, and a document can name one resource any number of times.
func (walk resources) distinct(p *audit.Pass, yield func(resource)) {
	var seen textset.Set
	walk(p, func(t resource) {
		if seen.Add(t.key + "\x00" + t.detail) {
			yield(t)
		}
	})
}

// report reports each resource that another guest uses too, under a key. The arguments of format
// are the resource and the other guests. clash decides which uses count; nil means all.
func (walk resources) report(p *audit.Pass, kind, key, format string, clash func(mine resource, other audit.Use) bool) {
	walk.clashes(p, kind, clash, func(t resource, others fmt.Stringer) { p.Key(key).Reportf(t.at, format, t, others) })
}

// reportOnHost is report for resources that exist once on each host. See onHost.
func (walk resources) reportOnHost(p *audit.Pass, kind, format string, clash func(mine resource, other audit.Use) bool) {
	walk.onHost().clashes(p, kind, clash, func(t resource, others fmt.Stringer) {
		if _, known := p.OnHost(); !known {
			p.Unknown(audit.NeedOneHost)
			return
		}
		p.Reportf(t.at, format, t, others)
	})
}

// onHost walks the same resources with the host in the key: the PCI device 0000:06:00.0 of one host
// is not that of another.
func (walk resources) onHost() resources {
	return func(p *audit.Pass, yield func(resource)) {
		host, _ := p.OnHost()
		walk(p, func(t resource) {
			t.key = keyOnHost(t.key, host)
			yield(t)
		})
	}
}

// clashes calls do for each resource that other guests use too, once even if a guest names it
// twice.
func (walk resources) clashes(p *audit.Pass, kind string, clash func(mine resource, other audit.Use) bool, do func(t resource, others fmt.Stringer)) {
	var done textset.Set
	walk.distinct(p, func(t resource) {
		if done.Has(t.key) {
			return
		}
		found := collectGuests(p.Others(kind, t.key), func(u audit.Use) bool { return clash == nil || clash(t, u) })
		if found.count > 0 {
			done.Add(t.key)
			do(t, found)
		}
	})
}

// otherGuests are the other guests that a finding is about.
type otherGuests struct {
	named []audit.Use // the first few, one place each
	count int
}

// Limits on the other guests in one finding: how many are named, and how many are counted.
const (
	maxNamed   = 3
	maxCounted = 100
)

// collectGuests collects the other guests with a use for which a filter returns true.
func collectGuests(others iter.Seq[audit.Use], wanted func(audit.Use) bool) otherGuests {
	var c otherGuests
	var seen map[int]bool
	for u := range others {
		if !wanted(u) || seen[u.Guest] {
			continue
		}
		if seen == nil {
			seen = map[int]bool{}
		}
		seen[u.Guest] = true
		if c.count++; c.count <= maxNamed {
			c.named = append(c.named, u)
		} else if c.count > maxCounted {
			break
		}
	}
	return c
}

func anyUse(audit.Use) bool { return true }

// String names the guests and their places: "a (a.xml:1:2), b (b.xml:1:2) and 5 more guests".
func (c otherGuests) String() string {
	var b strings.Builder
	for i, u := range c.named {
		if i > 0 && i == c.count-1 {
			b.WriteString(" and ")
		} else if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(u.Place())
	}
	switch rest := c.count - len(c.named); {
	case c.count > maxCounted:
		fmt.Fprintf(&b, " and more than %d others", maxCounted-len(c.named))
	case rest == 1:
		b.WriteString(" and 1 other guest")
	case rest > 1:
		fmt.Fprintf(&b, " and %d other guests", rest)
	}
	return b.String()
}

// inContainer is Contained, for the walks over a domain.
func inContainer(p *audit.Pass) bool { return p.Contained() }

// container is inContainer, searched for at most once: a guest can name any number of files, and
// have metadata of any length.
type container struct {
	pass         *audit.Pass
	known, boxed bool
}

func (c *container) holds() bool {
	if !c.known {
		c.known, c.boxed = true, inContainer(c.pass)
	}
	return c.boxed
}

// containerDirectories are directories that exist only in such containers.
var containerDirectories = []string{"/run/kubevirt", "/run/libvirt/kubevirt", "/run/libvirt/cloud-init-dir/"}

// inContainerOnly reports whether a path is in one of these directories: it is not on the host.
func inContainerOnly(name string) bool {
	return strings.HasPrefix(name, "/run/") &&
		slices.ContainsFunc(containerDirectories, func(box string) bool { return strings.HasPrefix(name, box) })
}
