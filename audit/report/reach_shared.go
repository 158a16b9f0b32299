package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/virt-audit/virt-audit/audit/inventory"
	"github.com/virt-audit/virt-audit/audit/reach"
)

// useHeadings are the headings of what guests share, by use.
var useHeadings = map[inventory.Use]string{
	inventory.WrittenBySeveral: "Writable by several guests",
	inventory.WrittenByOne:     "Writable by one guest, and used by others",
	inventory.Listened:         "A guest listens there",
	inventory.Connected:        "Several guests connect",
	inventory.ReadByAll:        "Only read or executed",
}

// maxSharedNames is the number of guests that the list for people names for one access to a thing.
const maxSharedNames = 12

// Share prints what several guests touch, the worst first.
func (t *reachText) Share(list []*inventory.Shared, omitted int) error {
	t.things, t.omitted = len(list), omitted
	host := ""
	for _, s := range list {
		t.hosts = t.hosts || host != "" && s.Host != "" && s.Host != host
		host = cmp.Or(s.Host, host)
	}
	for i, s := range list {
		var b strings.Builder
		if i == 0 || list[i-1].Use != s.Use {
			if i > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(t.style.bold(useHeadings[s.Use]) + "\n")
		}
		t.begun = true
		t.shared(&b, s)
		if err := writeLines(t.w, b.String()); err != nil {
			return err
		}
	}
	t.begun = t.begun || omitted > 0
	return nil
}

func (t *reachText) shared(b *strings.Builder, s *inventory.Shared) {
	tail := "  " + s.Kind.String()
	if t.hosts {
		tail += " on " + printable(cmp.Or(s.Host, "any host"))
	}
	name := printable(s.Name)
	if t.opt.Terminal && t.opt.Width > 0 {
		name = elided(name, max(2*leastName, t.opt.Width-2-uniseg.StringWidth(tail)))
	}
	fmt.Fprintf(b, "\n  %s%s\n", name, t.style.dim(tail))
	t.sensitive(b, s.Severity, reachReason(s.Reason, s.Owner), "    ")
	for _, group := range byAccess(s) {
		label := group.how + ":"
		lines := []string{label + " " + group.list()}
		if t.opt.Width > 0 {
			lines = wrap(lines[0], t.opt.Width-6)
		}
		for i, line := range lines {
			if i > 0 {
				line = "  " + line
			}
			fmt.Fprintf(b, "    %s\n", line)
		}
		t.relabel = t.relabel || group.relabel
	}
}

// accessGroup is the guests that use a thing in one way.
type accessGroup struct {
	how     string
	rank    int
	relabel bool
	names   []string
}

// list returns the names, without those above the maximum.
func (g *accessGroup) list() string {
	if more := len(g.names) - maxSharedNames; more > 1 {
		return strings.Join(g.names[:maxSharedNames], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(g.names, ", ")
}

// byAccess returns the guests by what they do, those that write first. Two documents of a guest are
// named once.
func byAccess(s *inventory.Shared) []*accessGroup {
	var groups []*accessGroup
	named := map[[2]string]bool{}
	for _, u := range s.Guests {
		how := accessWords(s.Kind, u.Access, u.Relabel)
		if u.Inside != "" {
			how += " inside it"
		}
		i := slices.IndexFunc(groups, func(g *accessGroup) bool { return g.how == how })
		if i < 0 {
			i = len(groups)
			groups = append(groups, &accessGroup{how: how, rank: accessRank(u.Access), relabel: u.Relabel})
		}
		name := u.Name
		if name == "" {
			name = u.Source
		}
		if key := [2]string{how, name + "\x00" + u.UUID}; !named[key] {
			named[key] = true
			groups[i].names = append(groups[i].names, printable(name))
		}
	}
	slices.SortStableFunc(groups, func(a, b *accessGroup) int { return b.rank - a.rank })
	return groups
}

func accessRank(a reach.Access) int {
	switch {
	case inventory.Writes(a):
		return 3
	case a&reach.Listen != 0:
		return 2
	case a&reach.Connect != 0:
		return 1
	}
	return 0
}

func (t *reachText) sharedSummary() string {
	verb := "are"
	if t.things == 1 {
		verb = "is"
	}
	text := fmt.Sprintf("%s %s touched by several guests", plural(t.things, "thing"), verb)
	if t.omitted > 0 {
		text += fmt.Sprintf("; %d of the system omitted, see --all", t.omitted)
	}
	return text
}
