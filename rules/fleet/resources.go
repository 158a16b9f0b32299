package fleet

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/hostpath"
	"github.com/virt-audit/virt-audit/audit/textset"
)

// resource is a resource that a domain names: a file, device, address or other name that guests may
// share.
type resource struct {
	key    string // in normal form: equal for two guests that mean the same
	at     audit.Path
	detail string // what else matters for the comparison
	what   string // its description for messages
}

// resources walks the resources of one kind that a domain names.
type resources func(p *audit.Pass, yield func(resource))

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
	walk.clashes(p, kind, clash, func(t resource, others fmt.Stringer) { p.Key(key).Reportf(t.at, format, redacted(t.what), others) })
}

// reportOnHost is report for resources that exist once on each host. See onHost.
func (walk resources) reportOnHost(p *audit.Pass, kind, format string, clash func(mine resource, other audit.Use) bool) {
	walk.onHost().clashes(p, kind, clash, func(t resource, others fmt.Stringer) {
		if _, known := p.OnHost(); !known {
			p.Unknown(audit.NeedOneHost)
			return
		}
		p.Reportf(t.at, format, redacted(t.what), others)
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

// secretMarks precede a secret in the name of an image on a server.
var secretMarks = []string{"://", "passw", "pass=", "pwd=", "key=", "token=", "secret=", "sig=", "signature=", "credential"}

// redacted returns the description of a resource, unless it may contain a secret, as URLs and
// options in the name of an image can.
func redacted(what string) string {
	low := strings.ToLower(what)
	user, _, at := strings.Cut(low, "@")
	if at && strings.ContainsAny(user, ":%") || slices.ContainsFunc(secretMarks, func(m string) bool { return strings.Contains(low, m) }) {
		return "(name not shown)"
	}
	return what
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

// meansTheSame returns a function that reports whether the name of an image means the same for
// other guests. It searches the metadata once: a guest can have any number of images, and metadata
// of any length.
func meansTheSame(p *audit.Pass) func(key string) bool {
	boxed := inContainer(p)
	return func(key string) bool { return key != "" && (!boxed || !strings.HasPrefix(key, "/")) }
}

// containerDirectories are directories that exist only in such containers.
var containerDirectories = []string{"/run/kubevirt", "/run/libvirt/kubevirt", "/run/libvirt/cloud-init-dir/"}

// hostPath returns the normal form of a file's name, without access to the file system, or "" for a
// file that is not on the host.
func hostPath(name string) string {
	name = hostpath.Opened(strings.TrimSpace(name))
	if slices.ContainsFunc(containerDirectories, func(box string) bool { return strings.HasPrefix(name, box) }) {
		return ""
	}
	return name
}

// devicePath is hostPath for what may be a block device: a logical volume has two names.
func devicePath(name string) string { return hostpath.LogicalVolume(hostPath(name)) }
