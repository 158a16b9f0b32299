package policy

import (
	_ "embed" // the editions are files
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Edition is the policy as it stood at one time, or as a site wants it. It does not change once made,
// and may be used by several goroutines.
type Edition struct {
	Name     string   // what users call it: "qemu-10.2"
	Title    string   // one line for people
	Source   string   // where the policy stands, mostly a URL
	Evidence []string // commits and messages that say how it came about

	families  map[string][]string // by target, in the order of the file
	undecided []string            // targets about which the policy says nothing yet
	scope     []Exclusion
}

// Exclusion is one kind of bug that the policy does not treat as a security bug though the guest is
// inside the boundary.
type Exclusion struct {
	ID   string // a word of letters, digits, '.', '_' and '-'
	Text string // a sentence for people
}

// Backends is the exclusion of processes that run devices of a guest beside QEMU, by vhost-user or
// vfio-user.
const Backends = "backends"

//go:embed qemu-11.1.yaml
var qemu111 string

//go:embed qemu-10.2.yaml
var qemu102 string

//go:embed qemu-rfc-2025-09.yaml
var qemuRFC string

// editions are the built-in ones, the default first. They are read when first asked for: most runs
// need one, and "--help" needs none.
var editions = []struct {
	name string
	load func() (*Edition, error)
}{
	{"qemu-11.1", builtin("qemu-11.1.yaml", &qemu111)},
	{"qemu-10.2", builtin("qemu-10.2.yaml", &qemu102)},
	{"qemu-rfc-2025-09", builtin("qemu-rfc-2025-09.yaml", &qemuRFC)},
}

func builtin(file string, data *string) func() (*Edition, error) {
	return sync.OnceValues(func() (*Edition, error) { return parse(file, []byte(*data), nil) })
}

// Default returns the edition to use where the user names none: that of QEMU 11.1.
func Default() *Edition {
	e, err := editions[0].load()
	if err != nil {
		panic(err) // a test reads every built-in edition
	}
	return e
}

// Names returns the names of the built-in editions, the default first.
func Names() []string {
	out := make([]string, len(editions))
	for i := range editions {
		out[i] = editions[i].name
	}
	return out
}

// Named returns a built-in edition. For an unknown name the error lists the known ones.
func Named(name string) (*Edition, error) {
	for _, e := range editions {
		if e.name == name {
			return e.load()
		}
	}
	return nil, fmt.Errorf("unknown policy %q: one of %s", name, strings.Join(Names(), ", "))
}

// Targets returns the targets that the edition lists machine families for, sorted.
func (e *Edition) Targets() []string { return slices.Sorted(maps.Keys(e.families)) }

// Families returns the machine families that the edition lists for one of QEMU's targets, in the
// order of its file; none for a target without an entry.
func (e *Edition) Families(target string) []string { return slices.Clone(e.families[target]) }

// Undecided returns the targets that the edition leaves open, in the order of its file.
func (e *Edition) Undecided() []string { return slices.Clone(e.undecided) }

// Scope returns what the edition leaves out for guests inside, in the order of its file.
func (e *Edition) Scope() []Exclusion { return slices.Clone(e.scope) }

// Excludes reports whether the edition's scope leaves something out.
func (e *Edition) Excludes(id string) bool {
	return slices.ContainsFunc(e.scope, func(x Exclusion) bool { return x.ID == id })
}

func (e *Edition) lists(target, family string) bool {
	return slices.Contains(e.families[target], family)
}
