package differential

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// mutation is one kind of change. Exactly one of the two functions is set: tree changes the tree
// and reports whether the document had a place for it; bytes changes the text of the document.
type mutation struct {
	name  string
	tree  func(*mutator) bool
	bytes func(m *mutator, text string) string
}

// mutations are all kinds, in the order of the report.
var mutations = slices.Concat(byteMutations, namespaceMutations, blankMutations, treeMutations,
	valueMutations, deviceMutations, commandMutations)

// mutator is the state that a mutation uses.
type mutator struct {
	*rand.Rand
	doc   *node
	donor *node // the document of another seed, to take elements from
}

// mutant is a changed document.
type mutant struct {
	number int      // of the run
	seed   *seed    // what it was made from
	kinds  []string // the mutations, in the order in which they were applied
	text   string
}

// generator makes the documents of a run. Each depends only on the seed of the run and its own
// number.
type generator struct {
	seed      uint64
	seeds     []*seed
	mutations []mutation
}

// tries is the number of mutations that are tried until one finds a place.
const tries = 50

func (g *generator) document(number int) mutant {
	r := rand.New(rand.NewPCG(g.seed, uint64(number)))
	s := g.seeds[r.IntN(len(g.seeds))]
	doc, ok := parse(s.text)
	donor, _ := parse(g.seeds[r.IntN(len(g.seeds))].text)
	if !ok || donor == nil {
		panic("a seed cannot be parsed: " + s.name) // loadSeeds has parsed it
	}
	m := &mutator{Rand: r, doc: doc, donor: donor}
	out := mutant{number: number, seed: s}
	var last []mutation
	for count := 1 + m.oneOf(0, 0, 0, 0, 0, 0, 1, 1, 2); count > 0; count-- {
		for range tries {
			k := g.mutations[r.IntN(len(g.mutations))]
			if k.bytes != nil {
				last = append(last, k)
			} else if !k.tree(m) {
				continue
			}
			out.kinds = append(out.kinds, k.name)
			break
		}
	}
	out.text = doc.String()
	for _, k := range last {
		out.text = k.bytes(m, out.text)
	}
	return out
}

// oneOf returns one of the numbers.
func (m *mutator) oneOf(list ...int) int { return list[m.IntN(len(list))] }

// pick returns one of the strings.
func (m *mutator) pick(list ...string) string { return list[m.IntN(len(list))] }

// word returns one of the words of a text.
func (m *mutator) word(list string) string { return m.pick(strings.Fields(list)...) }

// maybe returns true with a probability in percent.
func (m *mutator) maybe(percent int) bool { return m.IntN(100) < percent }

// weighty are the elements that decide a verdict or that most rules check. Every second mutation
// changes one of them.
var weighty = words(`domain os type loader nvram emulator seclabel label baselabel imagelabel qemu:commandline
	qemu:arg qemu:env qemu:override qemu:property qemu:frontend qemu:capabilities source driver graphics listen
	channel backend model interface hostdev disk tpm launchSecurity filesystem memory vcpu cpu features devices
	serial console parallel shmem rng video memballoon target protocol policy smm acpi table sysinfo entry auth`)

func words(text string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(text) {
		set[w] = true
	}
	return set
}

// elem picks an element for which suits returns true, or nil if there is none. suits may be nil.
func (m *mutator) elem(suits func(*node) bool) *node {
	var some, heavy []*node
	for _, e := range m.doc.elements() {
		if suits != nil && !suits(e) {
			continue
		}
		if e.within("metadata") && !m.maybe(10) {
			continue
		}
		some = append(some, e)
		if weighty[e.name] {
			heavy = append(heavy, e)
		}
	}
	switch {
	case len(heavy) > 0 && m.maybe(50):
		return heavy[m.IntN(len(heavy))]
	case len(some) > 0:
		return some[m.IntN(len(some))]
	}
	return nil
}

// inner picks an element below the root.
func (m *mutator) inner() *node { return m.elem(below) }

func below(e *node) bool { return e.parent != nil && e.parent.name != "" }

// named picks an element with one of the names.
func (m *mutator) named(names string) *node {
	set := words(names)
	return m.elem(func(e *node) bool { return set[e.name] })
}

// textual picks an element whose content is text.
func (m *mutator) textual() *node {
	return m.elem(func(e *node) bool { return e.text() != "" })
}

// attribute picks an attribute, and its element.
func (m *mutator) attribute(suits func(*node, *attr) bool) (*node, *attr) {
	has := func(e *node, a *attr) bool {
		return a.raw == "" && !strings.HasPrefix(a.name, "xmlns") && (suits == nil || suits(e, a))
	}
	e := m.elem(func(e *node) bool {
		return slices.ContainsFunc(e.attrs, func(a attr) bool { return has(e, &a) })
	})
	if e == nil {
		return nil, nil
	}
	var list []*attr
	for i := range e.attrs {
		if has(e, &e.attrs[i]) {
			list = append(list, &e.attrs[i])
		}
	}
	return e, list[m.IntN(len(list))]
}

// fragment parses elements of a text in this package.
func fragment(text string) []*node {
	doc, ok := parse(text)
	if !ok {
		panic("a fragment cannot be parsed: " + text)
	}
	kids := doc.kids
	for _, k := range kids {
		k.parent = nil
	}
	return kids
}

// on makes a mutation of the tree from a function over an element that pick chooses.
func on(pick func(*mutator) *node, f func(*mutator, *node)) func(*mutator) bool {
	return func(m *mutator) bool {
		e := pick(m)
		if e == nil {
			return false
		}
		f(m, e)
		return true
	}
}

// onAttr is on for an attribute.
func onAttr(suits func(*node, *attr) bool, f func(*mutator, *node, *attr)) func(*mutator) bool {
	return func(m *mutator) bool {
		e, a := m.attribute(suits)
		if e == nil {
			return false
		}
		f(m, e, a)
		return true
	}
}

// onValue is on for the value of an attribute or an element's text. f returns the new value,
// escaped as in documents.
func onValue(suits func(string) bool, f func(*mutator, string) string) func(*mutator) bool {
	ok := func(v string) bool { return suits == nil || suits(v) }
	return func(m *mutator) bool {
		e, a := m.attribute(func(_ *node, a *attr) bool { return ok(a.value) })
		t := m.elem(func(e *node) bool { return e.text() != "" && ok(e.text()) })
		switch {
		case t != nil && (e == nil || m.maybe(40)):
			t.setText(f(m, t.text()))
		case e != nil:
			a.value = f(m, a.value)
		default:
			return false
		}
		return true
	}
}
