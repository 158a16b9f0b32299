package edit

import (
	"cmp"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// siblings are the children of an element that remain, as far as they decide where a new one is
// added.
type siblings struct {
	first, last domxml.Element
	ranks       []int                  // of those whose rank is known, sorted
	byRank      map[int]domxml.Element // the last of each rank
	any         bool
}

func (r *renderer) siblings(parent domxml.Element) siblings {
	s := siblings{byRank: map[int]domxml.Element{}}
	for e := range parent.All() {
		if r.removed[e] {
			continue
		}
		if !s.any {
			s.first, s.any = e, true
		}
		s.last = e
		if n := rank(parent.Name, e.Name); n != unknown {
			if _, ok := s.byRank[n]; !ok {
				s.ranks = append(s.ranks, n)
			}
			s.byRank[n] = e
		}
	}
	slices.Sort(s.ranks)
	return s
}

// before returns the sibling after which libvirt writes an element of a rank. ok is false if it is
// the first.
func (s *siblings) before(n int) (e domxml.Element, ok bool) {
	if n == unknown {
		return s.last, s.any
	}
	i, found := slices.BinarySearch(s.ranks, n)
	if found {
		i++
	}
	if i == 0 {
		return domxml.Element{}, false
	}
	return s.byRank[s.ranks[i-1]], true
}

// sortChildren sorts new elements as libvirt writes them. Those of one name keep their order.
func sortChildren(parent string, list []*element) {
	slices.SortStableFunc(list, func(a, b *element) int {
		return cmp.Compare(rank(parent, a.name), rank(parent, b.name))
	})
}

// insertBelow writes the new elements below an element that exists.
func (r *renderer) insertBelow(parent domxml.Element) {
	list := r.below[parent]
	for _, e := range list {
		e.adopt(parent)
	}
	sortChildren(parent.Name, list)
	sib := r.siblings(parent)
	if !sib.any {
		r.insert(r.only(parent), list)
		return
	}
	for len(list) > 0 {
		after, ok := sib.before(rank(parent.Name, list[0].name))
		n := 1
		for n < len(list) {
			if next, more := sib.before(rank(parent.Name, list[n].name)); next != after || more != ok {
				break
			}
			n++
		}
		if ok {
			r.insert(r.after(after), list[:n])
		} else {
			r.insertBefore(sib.first, list[:n])
		}
		list = list[n:]
	}
}

// after returns the place after an element, and after comments on its line.
func (r *renderer) after(e domxml.Element) domxml.Gap {
	g := domxml.Gap{Line: r.line(e)}
	end := r.d.EndOfLine(e.Whole().End)
	for g.Line == "" && (r.src[end-1] == ' ' || r.src[end-1] == '\t') {
		end--
	}
	g.Start, g.End = end, end
	return g
}

// line returns what begins the line of an element, or "" if it does not begin its line.
func (r *renderer) line(e domxml.Element) string {
	if indent, ok := r.d.Indent(e.Tag().Start); ok {
		return r.layout.Newline + indent
	}
	return ""
}

// only returns the place for new elements in a parent in which no other remains.
func (r *renderer) only(parent domxml.Element) domxml.Gap {
	for e := range parent.All() {
		at := r.removal(e).Start
		return domxml.Gap{Span: domxml.Span{Start: at, End: at}, Line: r.line(e)}
	}
	return parent.LastIn(r.layout)
}

func (r *renderer) insert(g domxml.Gap, list []*element) {
	var b strings.Builder
	b.WriteString(g.Open)
	for _, e := range list {
		b.WriteString(g.Line)
		e.write(&b, g.Line, r.style)
	}
	b.WriteString(g.Close)
	r.change(g.Start, g.End, b.String(), list...)
}

// insertBefore writes new elements before an element that remains: not after the start tag of the
// parent, which may be followed by comments about it.
func (r *renderer) insertBefore(first domxml.Element, list []*element) {
	line := r.line(first)
	var b strings.Builder
	for _, e := range list {
		e.write(&b, line, r.style)
		b.WriteString(line)
	}
	at := first.Tag().Start
	r.change(at, at, b.String(), list...)
}
