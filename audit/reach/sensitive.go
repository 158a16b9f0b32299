package reach

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

//go:embed sensitive.txt
var sensitiveText string

// Place is a row of the table of sensitive places.
type Place struct {
	Name    string // of the group: "cron"
	Reason  string // what the place is, as the end of a sentence
	Pattern string
	Guest   string // the other guest that the place belongs to, as its name, "1-name" or UUID; "" for the host's own

	severities [4]string // for read, write, connect, execute
}

// Severity returns how bad an access to the place is: the worst of its parts, "" if none is bad.
func (p Place) Severity(a Access) string {
	worst := 0
	for i, bits := range []Access{Read, Write | Create | Listen | Whole, Connect, Execute} {
		word := p.severities[i]
		if word == "-" && i == 2 {
			word = p.severities[1] // a socket in a place that was thought of for its files
		}
		if a&bits != 0 {
			worst = max(worst, slices.Index(severityWords, word))
		}
	}
	return severityWords[worst]
}

var severityWords = []string{"", "low", "medium", "high", "critical"}

// Sensitive returns the place that a resource is in, and how bad it is that the guest reaches it
// that way: "low" to "critical", or "". Of several places that it could be the longest pattern
// counts. What belongs to the guest itself is not bad. It is not ok for anything but a path or an
// address, and for other places.
func Sensitive(r Resource, d *domxml.Domain) (place Place, severity string, ok bool) {
	t := sensitive()
	switch {
	case r.Endpoint != nil:
		place, ok = t.endpoint(r.Endpoint)
	case strings.HasPrefix(r.Name, "/") && (r.Kind.OnDisk() || r.Kind == Descriptor):
		best := t.find(r, d)
		if best.place == nil {
			return Place{}, "", false
		}
		place, ok = *best.place, true
		place.Guest = best.guest
		if best.own {
			return place, "", true
		}
	case r.Kind == Socket && strings.HasPrefix(r.Name, "@"):
		place, ok = t.abstract, true
	}
	return place, place.Severity(r.Access), ok
}

// placeTable is the table, by the components of patterns.
type placeTable struct {
	root     *placeNode
	abstract Place
	hosts    map[string]Place
	ports    []portRange
}

type portRange struct {
	from, to int
	place    Place
}

type placeNode struct {
	words map[string]*placeNode
	globs []glob
	here  *Place // the pattern ends here
	below *Place // it ends in /** here
}

type glob struct {
	pattern string
	owner   string // "{name}", "{short}" or "{uuid}" in it, or ""
	node    *placeNode
}

var sensitive = sync.OnceValue(func() *placeTable { return parsePlaces(sensitiveText) })

func parsePlaces(text string) *placeTable {
	t := &placeTable{root: &placeNode{}, hosts: map[string]Place{}}
	var group Place
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || line[0] == '#':
		case line[0] != ' ':
			group.Name, group.Reason, _ = strings.Cut(strings.TrimSpace(line), " ")
		default:
			for _, word := range fields[:4] {
				if word != "-" && word != "none" && !slices.Contains(severityWords, word) {
					panic("reach: no severity " + word)
				}
			}
			copy(group.severities[:], fields[:4])
			for _, pattern := range fields[4:] {
				group.Pattern = pattern
				t.add(group)
			}
		}
	}
	return t
}

func (t *placeTable) add(p Place) {
	if rest, ok := strings.CutPrefix(p.Pattern, "net:"); ok {
		t.addAddress(p, rest)
		return
	}
	if strings.HasPrefix(p.Pattern, "@") {
		t.abstract = p
		return
	}
	rest, below := strings.CutSuffix(p.Pattern, "/**")
	n := t.root
	for step := range strings.SplitSeq(strings.Trim(rest, "/"), "/") {
		if step != "" {
			n = n.step(step)
		}
	}
	if below {
		n.below = &p
	} else {
		n.here = &p
	}
}

func (t *placeTable) addAddress(p Place, address string) {
	ports, ok := strings.CutPrefix(address, "*:")
	if !ok {
		t.hosts[ParseHost(address).String()] = p
		return
	}
	first, last, ok := strings.Cut(ports, "-")
	if !ok {
		last = first
	}
	from, err := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	if err != nil || err2 != nil {
		panic("reach: no port " + ports)
	}
	t.ports = append(t.ports, portRange{from, to, p})
}

func (n *placeNode) step(step string) *placeNode {
	if !strings.ContainsAny(step, "*{") {
		if n.words == nil {
			n.words = map[string]*placeNode{}
		}
		if n.words[step] == nil {
			n.words[step] = &placeNode{}
		}
		return n.words[step]
	}
	g := glob{pattern: step}
	if before, rest, ok := strings.Cut(step, "{"); ok {
		owner, after, _ := strings.Cut(rest, "}")
		g.pattern, g.owner = before+"*"+after, owner
	}
	for i := range n.globs {
		if n.globs[i].pattern == g.pattern && n.globs[i].owner == g.owner {
			return n.globs[i].node
		}
	}
	g.node = &placeNode{}
	n.globs = append(n.globs, g)
	return g.node
}
