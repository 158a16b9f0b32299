package inventory

import (
	"cmp"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/reach"
)

// Use is how guests use what they share, the worst last.
type Use uint8

// The uses.
const (
	ReadByAll    Use = iota // or executed
	Connected               // all connect to it
	Listened                // a guest listens there
	WrittenByOne            // and used by others
	WrittenBySeveral
)

var useWords = [...]string{"read", "connected", "listened", "written-by-one", "written-by-several"}

// String returns the word for the use in machine formats.
func (u Use) String() string { return useWords[u] }

// Shared is one thing that several guests touch.
type Shared struct {
	Kind                               reach.Kind // as the first guest names it
	Name                               string
	Host                               string // a name for the host that it is on; "" if that is not known, or is not one host
	Use                                Use
	Severity, Sensitive, Reason, Owner string // the worst
	Guests                             []GuestUse

	common    bool // for all of them, see commonByNature
	directory bool // a guest has it as a directory
}

// GuestUse is one document of a guest that touches a thing.
type GuestUse struct {
	*Member
	Access  reach.Access
	Opener  reach.Opener
	Relabel bool
	Place   Place  // the first
	Inside  string // what the guest touches inside a directory that others touch; "" for the thing itself
}

// Member is one document of a guest.
type Member struct {
	Source, Name, UUID string
	Origin             domxml.Origin
	key                [2]string // name and UUID of the guest
}

// Sharing collects what guests touch. It stores names and places and no document. The zero value
// is ready to use.
type Sharing struct {
	All bool // what guests have in common by nature counts too

	things   map[thing]*Shared
	uuids    map[string][]string // by name of a guest: its UUIDs
	unplaced int
	uses     int  // of all things
	cut      bool // a directory contains more than is listed
}

// thing identifies what is shared.
type thing struct{ host, key string }

// Add adds a guest. Snapshots and checkpoints describe the past and share nothing.
func (s *Sharing) Add(g *Guest) {
	if !g.Origin.Kind.Present() {
		return
	}
	if s.things == nil {
		s.things, s.uuids = map[thing]*Shared{}, map[string][]string{}
	}
	m := &Member{Source: g.Source, Name: g.Name, UUID: g.UUID, Origin: g.Origin}
	m.key = [2]string{g.Name, domxml.UUIDKey(g.UUID)}
	if m.key == [2]string{} {
		m.key[1] = g.Source
	}
	if !slices.Contains(s.uuids[m.Name], m.key[1]) {
		s.uuids[m.Name] = append(s.uuids[m.Name], m.key[1])
	}
	if g.Host == "" {
		s.unplaced++
	}
	for i := range g.Entries {
		s.entry(g, m, &g.Entries[i])
	}
}

func (s *Sharing) entry(g *Guest, m *Member, e *Entry) {
	if e.scope == nowhere {
		return
	}
	at := thing{g.Host, e.key}
	switch {
	case e.scope == everywhere:
		at.host = ""
	case g.Contained:
		return // the names are those of the container that QEMU runs in
	}
	t := s.things[at]
	if t == nil {
		t = &Shared{Kind: e.Kind, Name: e.Name, Host: at.host, common: true}
		s.things[at] = t
	}
	t.common = t.common && e.common
	t.directory = t.directory || e.Kind == reach.Directory
	if worse(e.Severity, t.Severity) {
		t.Severity, t.Sensitive, t.Reason, t.Owner = e.Severity, e.Sensitive, e.Reason, e.Owner
	}
	use := GuestUse{Member: m, Access: e.Access, Opener: e.Opener, Relabel: e.Relabel, Place: e.Places[0]}
	if n := len(t.Guests); n > 0 && t.Guests[n-1].Member == m { // a path that the document gives two kinds
		t.Guests[n-1].Access |= use.Access
		t.Guests[n-1].Opener |= use.Opener
		t.Guests[n-1].Relabel = t.Guests[n-1].Relabel || use.Relabel
		return
	}
	t.Guests = append(t.Guests, use)
	s.uses++
}

// severities are those of reach.Sensitive, the worst last.
var severities = []string{"", "low", "medium", "high", "critical"}

func worse(a, b string) bool { return slices.Index(severities, a) > slices.Index(severities, b) }

// List returns what at least two guests touch, the worst first, and how many things it omits because
// guests have them in common by nature. Nothing can be added afterwards.
//
// A guest that touches a directory touches what others touch inside it. They are listed with the
// directory, and not with what is inside as well, so that the list stays linear.
func (s *Sharing) List() (list []*Shared, omitted int) {
	s.nest()
	for _, t := range s.things {
		if !s.classify(t) {
			continue
		}
		if t.common && !s.All {
			omitted++
			continue
		}
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *Shared) int {
		return cmp.Or(
			cmp.Compare(b.Use, a.Use),
			cmp.Compare(slices.Index(severities, b.Severity), slices.Index(severities, a.Severity)),
			cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name), strings.Compare(a.Host, b.Host),
		)
	})
	return list, omitted
}

// Incomplete reports whether directories contain more of other guests than is listed: documents with
// directories inside directories would make the list grow with the square of their size.
func (s *Sharing) Incomplete() bool { return s.cut }

// Unplaced returns the number of documents whose host is not known.
func (s *Sharing) Unplaced() int { return s.unplaced }

// classify sets the use, and reports whether the guests are at least two.
func (s *Sharing) classify(t *Shared) bool {
	uses := map[[2]string]reach.Access{}
	for _, u := range t.Guests {
		uses[s.guest(u.Member)] |= u.Access
	}
	writers, listens, connects := 0, false, false
	for _, a := range uses {
		switch {
		case a&reach.Listen != 0: // it creates its socket
			listens = true
		case Writes(a):
			writers++
		case a&reach.Connect != 0:
			connects = true
		}
	}
	switch {
	case writers > 1:
		t.Use = WrittenBySeveral
	case writers == 1:
		t.Use = WrittenByOne
	case listens:
		t.Use = Listened
	case connects:
		t.Use = Connected
	}
	return len(uses) > 1
}

// guest returns what identifies a guest. libvirt generates the UUID of a document without one, so
// the name alone identifies such a guest.
func (s *Sharing) guest(m *Member) [2]string {
	if m.key[1] == "" {
		for _, uuid := range s.uuids[m.Name] {
			if uuid != "" {
				return [2]string{m.Name, uuid}
			}
		}
	}
	return m.key
}
