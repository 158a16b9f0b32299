// Package inventory lists what guests touch of their hosts, for people: package reach without
// repetitions and secrets, sorted, with places and with what is sensitive. It answers which guests
// touch a path, and what several guests touch. It judges nothing.
package inventory

import (
	"cmp"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/reach"
)

// Guest is what one document of a guest touches. It shares no memory with the document.
type Guest struct {
	Source, Name, UUID string
	Origin             domxml.Origin
	Host               string // a name for the guest's host, "" if it is not known
	Contained          bool   // the names are those of a container that QEMU runs in
	Entries            []Entry
}

// Entry is one thing that a guest touches, wherever its document names it.
type Entry struct {
	Kind    reach.Kind
	Name    string // in normal form, without secrets
	Access  reach.Access
	Opener  reach.Opener
	Relabel bool // libvirt changes the owner
	Implied bool // the document names it nowhere
	Places  []Place

	Sensitive string // the kind of place that it is in: "cron"; "" if nothing is known of it
	Severity  string // of the access to that place, see reach.Sensitive; "" if it is not bad
	Reason    string // what the place is, as the end of a sentence
	Owner     string // the other guest that the place belongs to, or ""

	path   string // in normal form, "" for what has none
	key    string // see keyOf
	scope  scope
	common bool // guests have it in common by nature
}

// Place is a place in the document.
type Place struct {
	Path         string
	Line, Column int
}

// Of returns what a domain touches, by kind and name. host is a name for its host. The time is linear
// in the size of the document, but for the sorting.
func Of(d *domxml.Domain, host string) *Guest {
	g := &Guest{
		Source: d.Source, Name: strings.Clone(domxml.ShortName(d.Name)), UUID: strings.Clone(domxml.ShortName(d.UUID)),
		Origin: d.Origin, Host: host, Contained: d.Contained(),
	}
	g.Origin.Label = strings.Clone(domxml.ShortName(d.Origin.Label))
	merged := map[identity]int{}
	var first []reach.Resource // of each entry, with the access of all
	for _, r := range reach.Of(d) {
		pos := d.Pos(r.At)
		place := Place{Path: strings.Clone(r.At.String()), Line: pos.Line, Column: pos.Column}
		same := identity{r.Kind, r.Name}
		i, ok := merged[same]
		if !ok {
			i = len(first)
			merged[same] = i
			first = append(first, r)
			g.Entries = append(g.Entries, Entry{Kind: r.Kind, Name: shown(r), Implied: true})
		}
		e := &g.Entries[i]
		first[i].Access |= r.Access
		e.Opener |= r.Opener
		e.Relabel = e.Relabel || r.Relabel
		e.Implied = e.Implied && r.Implied
		if !slices.Contains(e.Places[max(0, len(e.Places)-few):], place) {
			e.Places = append(e.Places, place)
		}
	}
	for i := range g.Entries {
		g.Entries[i].complete(first[i], d)
	}
	slices.SortStableFunc(g.Entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
	})
	return g
}

// identity is what makes two resources of a document one entry.
type identity struct {
	kind reach.Kind
	name string
}

// few is how many places before are compared with a new one: one element often names a resource
// twice, and a document can name it any number of times.
const few = 4

// complete sets what depends on the whole access.
func (e *Entry) complete(r reach.Resource, d *domxml.Domain) {
	e.Access = r.Access
	place, severity, ok := reach.Sensitive(r, d)
	if ok {
		e.Sensitive, e.Severity, e.Reason = place.Name, severity, place.Reason
		e.Owner = strings.Clone(domxml.ShortName(place.Guest))
	}
	if severity == "" {
		e.Owner = ""
	}
	e.key, e.path = keyOf(r)
	e.scope, e.common = scopeOf(r), commonByNature(r, place, severity)
}

// Writes reports whether an access can change the content, or what a device does.
func Writes(a reach.Access) bool { return a&(reach.Write|reach.Create|reach.Whole) != 0 }
