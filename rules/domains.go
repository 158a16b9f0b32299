package rules

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// domains compares the guests of a run with each other. What a rule asks for with Pass.Others, an
// indexer has noted with Pass.Use: both walk the domain by the same function, so that they cannot
// differ in what they take for the same thing. Files are compared by name alone, as none is opened.
var domains = slices.Concat(
	acrossDisks,
	acrossFolders,
	acrossDevices,
	acrossMemory,
	acrossSelf,
	acrossNetwork,
	acrossHost,
)

// indexers note, for the rules across guests, what one domain uses.
var indexers = []audit.Indexer{
	indexDisks,
	indexFolders,
	indexDevices,
	indexMemory,
	indexSelf,
	indexNetwork,
	indexHost,
}

// thing is something of the host's, or of the world's, that a domain names.
type thing struct {
	key    string // in normal form: equal for two guests that mean the same
	at     audit.Path
	detail string // what else matters for the comparison
	what   string // words for it, for messages
}

// things walks what a domain names.
type things func(p *audit.Pass, yield func(thing))

// index notes them all.
func (walk things) index(p *audit.Pass, kind string) {
	walk(p, func(t thing) { p.Use(kind, t.key, t.at, t.detail) })
}

// distinct walks what a domain names, each with the same detail once: what other guests have to do with it
// depends on nothing else, and a document can name one thing any number of times.
func (walk things) distinct(p *audit.Pass, yield func(thing)) {
	var seen once
	walk(p, func(t thing) {
		if seen.add(t.key + "\x00" + t.detail) {
			yield(t)
		}
	})
}

// once is a set of texts. Few are compared one by one.
type once struct {
	few  []string
	many map[string]bool
}

func (o *once) has(text string) bool {
	if o.many != nil {
		return o.many[text]
	}
	return slices.Contains(o.few, text)
}

// add reports whether the text is new.
func (o *once) add(text string) bool {
	if o.has(text) {
		return false
	}
	if o.many == nil && len(o.few) < 16 {
		o.few = append(o.few, text)
		return true
	}
	if o.many == nil {
		o.many = map[string]bool{}
		for _, t := range o.few {
			o.many[t] = true
		}
	}
	o.many[text] = true
	return true
}

// report reports each that another guest uses too, under a key; the message is format, with the thing and the
// others put in. Which uses count, clash decides; nil stands for all.
func (walk things) report(p *audit.Pass, kind, key, format string, clash func(mine thing, other audit.Use) bool) {
	walk.clashes(p, kind, clash, func(t thing, others fmt.Stringer) { p.Key(key).Reportf(t.at, format, showable(t.what), others) })
}

// reportOnHost is report for things that each host has of its own. See onHost.
func (walk things) reportOnHost(p *audit.Pass, kind, format string, clash func(mine thing, other audit.Use) bool) {
	walk.onHost().clashes(p, kind, clash, func(t thing, others fmt.Stringer) {
		if _, known := p.OnHost(); !known {
			p.Unknown(audit.NeedOneHost)
			return
		}
		p.Reportf(t.at, format, showable(t.what), others)
	})
}

// onHost walks the same things with the host in the key: the PCI device 0000:06:00.0 of one host is not that
// of another.
func (walk things) onHost() things {
	return func(p *audit.Pass, yield func(thing)) {
		host, _ := p.OnHost()
		walk(p, func(t thing) {
			t.key = sideOn(t.key, host)
			yield(t)
		})
	}
}

// clashes calls do for what other guests use too, once for a thing that a guest names twice.
func (walk things) clashes(p *audit.Pass, kind string, clash func(mine thing, other audit.Use) bool, do func(t thing, others fmt.Stringer)) {
	var done once
	walk.distinct(p, func(t thing) {
		if done.has(t.key) {
			return
		}
		found := gather(p.Others(kind, t.key), func(u audit.Use) bool { return clash == nil || clash(t, u) })
		if found.count > 0 {
			done.add(t.key)
			do(t, found)
		}
	})
}

// secretMarks begin a secret in the name of an image on a server.
var secretMarks = []string{"://", "passw", "pass=", "pwd=", "key=", "token=", "secret=", "sig=", "signature=", "credential"}

// showable returns the words for a thing, but for those that seem to hold a secret: URLs may, and
// options in the name of an image.
func showable(what string) string {
	low := strings.ToLower(what)
	user, _, at := strings.Cut(low, "@")
	if at && strings.ContainsAny(user, ":%") || slices.ContainsFunc(secretMarks, func(m string) bool { return strings.Contains(low, m) }) {
		return "(name not shown)"
	}
	return what
}

// company are the other guests that a finding is about.
type company struct {
	named []audit.Use // the first few, one place each
	count int
}

// Others in one finding: those that are named, and where counting them ends.
const (
	maxNamed   = 3
	maxCounted = 100
)

// gather collects the other guests whose use is a wanted one.
func gather(others iter.Seq[audit.Use], wanted func(audit.Use) bool) company {
	var c company
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
func (c company) String() string {
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

// boxed reports whether the guest's QEMU runs in a container of its own, as each of KubeVirt's does:
// the files, sockets, ports and bridges that it names are the container's, and alike in all of them.
func boxed(p *audit.Pass) bool {
	return p.Metadata != nil && strings.Contains(p.Metadata.XML, "http://kubevirt.io")
}

// meansTheSame returns a function that reports whether the name of an image means the same for other guests. The
// metadata are searched once: a guest can have any number of images, and metadata of any length.
func meansTheSame(p *audit.Pass) func(key string) bool {
	boxed := boxed(p)
	return func(key string) bool { return key != "" && (!boxed || !strings.HasPrefix(key, "/")) }
}

// boxes are folders that exist in such containers only.
var boxes = []string{"/run/kubevirt", "/run/libvirt/kubevirt", "/run/libvirt/cloud-init-dir/"}

// hostPath brings the name of a file into one form, without a look at the file system; it is "" for
// a file that is not the host's.
func hostPath(name string) string {
	name = openedPath(strings.TrimSpace(name))
	if slices.ContainsFunc(boxes, func(box string) bool { return strings.HasPrefix(name, box) }) {
		return ""
	}
	return name
}

// devicePath is hostPath for what may be a block device: a logical volume has two names.
func devicePath(name string) string {
	name = hostPath(name)
	rest, ok := strings.CutPrefix(name, "/dev/")
	group, volume, two := strings.Cut(rest, "/")
	if !ok || !two || strings.Contains(volume, "/") || slices.Contains(deviceFolders, group) {
		return name
	}
	double := func(s string) string { return strings.ReplaceAll(s, "-", "--") }
	return "/dev/mapper/" + double(group) + "-" + double(volume)
}

// deviceFolders are the folders of /dev that are no volume group.
var deviceFolders = strings.Fields(`block bsg bus char cpu dri fd hugepages input mapper md mqueue net pts shm snd usb vfio`)
