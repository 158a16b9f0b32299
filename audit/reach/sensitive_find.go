package reach

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/hostpath"
)

// find returns the place of a path. A directory is in the place that it names, and else as bad as the
// worst place inside it.
func (t *placeTable) find(r Resource, d *domxml.Domain) candidate {
	s := search{domain: d}
	s.match(t.root, r.Name[1:], candidate{})
	if volume, ok := hostpath.VolumeDirectory(r.Name); ok {
		v := search{domain: d}
		if v.match(t.root, volume[1:], candidate{}); v.best.place != nil && v.best.words > len("dev") {
			s.best = v.best
		}
	}
	if n := t.literal(r.Name); r.Kind == Directory && n != nil && n.here == nil && n.below == nil {
		if inside := n.worst(r.Access, s.best.place); inside != s.best.place {
			return candidate{place: inside}
		}
	}
	return s.best
}

// literal returns the node of a path that the table spells out, or nil.
func (t *placeTable) literal(name string) *placeNode {
	n := t.root
	for step := range strings.SplitSeq(name[1:], "/") {
		if n = n.words[step]; n == nil {
			return nil
		}
	}
	return n
}

// worst returns the worst place below a node, or the given one if none is worse.
func (n *placeNode) worst(a Access, than *Place) *Place {
	take := func(p *Place) {
		if p != nil && (than == nil || slices.Index(severityWords, p.Severity(a)) > slices.Index(severityWords, than.Severity(a))) {
			than = p
		}
	}
	for _, next := range n.children() {
		take(next.here)
		take(next.below)
		than = next.worst(a, than)
	}
	return than
}

// children returns the nodes below a node, in an order that does not change.
func (n *placeNode) children() []*placeNode {
	var out []*placeNode
	for _, step := range slices.Sorted(maps.Keys(n.words)) {
		out = append(out, n.words[step])
	}
	for i := range n.globs {
		out = append(out, n.globs[i].node)
	}
	return out
}

// candidate is a place that fits, with how closely.
type candidate struct {
	place *Place
	depth int  // components of the pattern
	exact bool // no component is left
	words int  // bytes of the pattern outside wildcards
	guest string
	own   bool
}

func (c candidate) closer(than candidate) bool {
	switch {
	case than.place == nil || c.depth != than.depth:
		return than.place == nil || c.depth > than.depth
	case c.exact != than.exact:
		return c.exact
	}
	return c.words > than.words
}

type search struct {
	domain *domxml.Domain
	best   candidate
}

// match goes down the table with what is left of a path. The patterns bound the work, not the path.
func (s *search) match(n *placeNode, rest string, c candidate) {
	if n.below != nil {
		s.take(c, n.below, false)
	}
	if rest == "" {
		if n.here != nil {
			s.take(c, n.here, true)
		}
		return
	}
	step, rest, _ := strings.Cut(rest, "/")
	c.depth++
	if next := n.words[step]; next != nil {
		c := c
		c.words += len(step)
		s.match(next, rest, c)
	}
	for i := range n.globs {
		g := &n.globs[i]
		if !matches(g.pattern, step) {
			continue
		}
		c := c
		c.words += len(g.pattern) - 1
		if g.owner != "" {
			before, after, _ := strings.Cut(g.pattern, "*")
			c.guest = step[len(before):max(len(before), len(step)-len(after))]
			c.own = s.isOwn(g.owner, c.guest)
		}
		s.match(g.node, rest, c)
	}
}

func (s *search) take(c candidate, p *Place, exact bool) {
	c.place, c.exact = p, exact
	if c.closer(s.best) {
		s.best = c
	}
}

// shortName is how many bytes of a guest's name libvirt takes into the names of directories
// (virDomainDefGetShortName).
const shortName = 20

// isOwn reports whether what stands for a guest in a path is the current guest.
func (s *search) isOwn(owner, text string) bool {
	if s.domain == nil {
		return false
	}
	switch name := s.domain.Name; owner {
	case "name":
		return text == name
	case "uuid":
		return s.domain.UUID != "" && strings.HasPrefix(text, s.domain.UUID)
	case "short":
		number, rest, ok := strings.Cut(text, "-")
		if ok && strings.Trim(number, "0123456789") == "" && (rest == name || len(rest) >= shortName && strings.HasPrefix(name, rest)) {
			return true
		}
		return text == name
	}
	return false
}

// endpoint returns what is known of an address or port.
func (t *placeTable) endpoint(e *Endpoint) (Place, bool) {
	if p, ok := t.hosts[e.Host.String()]; ok {
		return p, true
	}
	port, err := strconv.Atoi(e.Port)
	if err != nil || e.Transport != TCP {
		return Place{}, false
	}
	for _, r := range t.ports {
		if r.from <= port && port <= r.to {
			return r.place, true
		}
	}
	return Place{}, false
}
