package policy

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Edition is the policy as it was published at one time, or a custom one. It does not change, and can be
// used by several goroutines.
type Edition struct {
	Name     string   // "qemu-10.2"
	Title    string   // one line for people
	Date     string   // the day on which it was published, as 2025-12-23; "" if a custom edition has none
	Source   string   // where the policy is published, usually a URL
	Evidence []string // commits and messages that document its origin

	families  map[string][]string // by target, in the order of the file
	undecided []string            // targets that the policy does not decide yet
	scope     []Exclusion
}

// Exclusion is one kind of bug that the policy does not treat as a security bug, even if the guest is
// inside the boundary.
type Exclusion struct {
	ID   string // a word of letters, digits, '.', '_' and '-'
	Text string // a sentence for people
}

// Backends is the exclusion of processes that run devices of a guest outside of QEMU, with vhost-user or
// vfio-user.
const Backends = "backends"

//go:embed qemu-*.yaml
var files embed.FS

// builtin is an edition that is part of the binary. It is parsed when it is first asked for: most runs
// need one, and "--help" needs none.
type builtin struct {
	name, date string
	load       func() (*Edition, error)
}

// editions are the built-in ones, the newest first.
var editions = sync.OnceValue(func() []builtin {
	out, err := list(files)
	if err != nil {
		panic(err) // a test reads every built-in edition
	}
	return out
})

// list returns the editions in a directory, the newest first. The name of an edition is that of its file,
// without the extension.
func list(dir fs.FS) ([]builtin, error) {
	names, err := fs.Glob(dir, "*.yaml")
	if err != nil {
		return nil, err
	}
	var out []builtin
	for _, file := range names {
		data, err := fs.ReadFile(dir, file)
		if err != nil {
			return nil, err
		}
		// The line is found without a parser, which takes longer than all else that "--help" does.
		_, date, ok := strings.Cut(string(data), "\ndate: ")
		if !ok || len(date) < len(time.DateOnly) {
			return nil, fmt.Errorf("%s: missing date", file)
		}
		out = append(out, builtin{strings.TrimSuffix(file, ".yaml"), date[:len(time.DateOnly)], sync.OnceValues(func() (*Edition, error) {
			return parse(file, data, nil)
		})})
	}
	slices.SortFunc(out, func(a, b builtin) int { return cmp.Or(cmp.Compare(b.date, a.date), cmp.Compare(b.name, a.name)) })
	return out, nil
}

// Default returns the edition to use if the user names none: the newest.
func Default() *Edition {
	e, err := editions()[0].load()
	if err != nil {
		panic(err) // a test reads every built-in edition
	}
	return e
}

// Names returns the names of the built-in editions, the default first.
func Names() []string {
	list := editions()
	out := make([]string, len(list))
	for i := range list {
		out[i] = list[i].name
	}
	return out
}

// Named returns a built-in edition. For an unknown name the error lists the known ones.
func Named(name string) (*Edition, error) {
	for _, e := range editions() {
		if e.name == name {
			return e.load()
		}
	}
	return nil, fmt.Errorf("unknown policy %q: one of %s", name, strings.Join(Names(), ", "))
}

// Targets returns the targets that have machine families in the edition, sorted.
func (e *Edition) Targets() []string { return slices.Sorted(maps.Keys(e.families)) }

// Families returns the machine families that the edition lists for one of QEMU's targets, in the
// order of its file; none for a target without an entry.
func (e *Edition) Families(target string) []string { return slices.Clone(e.families[target]) }

// Undecided returns the targets that the edition does not decide, in the order of its file.
func (e *Edition) Undecided() []string { return slices.Clone(e.undecided) }

// Scope returns what the edition excludes for guests inside, in the order of its file.
func (e *Edition) Scope() []Exclusion { return slices.Clone(e.scope) }

// Excludes reports whether the scope of the edition has an exclusion.
func (e *Edition) Excludes(id string) bool {
	return slices.ContainsFunc(e.scope, func(x Exclusion) bool { return x.ID == id })
}

func (e *Edition) lists(target, family string) bool {
	return slices.Contains(e.families[target], family)
}
