package house

import (
	"cmp"
	"slices"
)

// Package is one package of the module without its tests.
type Package struct {
	Name  string // the directory inside the module, with slashes; "." is the module's root
	Files []string
	Lines int
	// Uses counts references: the file that refers, the file that declares, the name.
	Uses map[string]map[string]map[string]int
}

// Edge is a file's references to what another file of its package declares.
type Edge struct {
	From, To string
	Names    map[string]int
	Count    int // the sum of Names
}

func (p *Package) use(from, to, name string) {
	if from == to {
		return
	}
	if p.Uses[from] == nil {
		p.Uses[from] = map[string]map[string]int{}
	}
	if p.Uses[from][to] == nil {
		p.Uses[from][to] = map[string]int{}
	}
	p.Uses[from][to][name]++
}

// Knot returns the largest set of files that all reach each other, sorted by name, without the
// files in without. It is empty if no two files reach each other.
func (p *Package) Knot(without ...string) []string {
	search := tarjan{uses: p.Uses, without: without, index: map[string]int{}, low: map[string]int{}, open: map[string]bool{}}
	for _, file := range p.Files {
		if search.index[file] == 0 && !slices.Contains(without, file) {
			search.visit(file)
		}
	}
	slices.Sort(search.largest)
	return search.largest
}

// Edges returns the references among the files, fewest first: the ones that are cheapest to remove.
func (p *Package) Edges(files []string) []Edge {
	var edges []Edge
	for _, from := range files {
		for _, to := range files {
			edge := Edge{From: from, To: to, Names: p.Uses[from][to]}
			for _, n := range edge.Names {
				edge.Count += n
			}
			if edge.Count > 0 {
				edges = append(edges, edge)
			}
		}
	}
	slices.SortFunc(edges, func(a, b Edge) int {
		return cmp.Or(a.Count-b.Count, cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return edges
}

// tarjan is Tarjan's search for strongly connected components that keeps the largest one.
type tarjan struct {
	uses       map[string]map[string]map[string]int
	without    []string
	index, low map[string]int // from 1 on, in the order of visits
	open       map[string]bool
	stack      []string
	largest    []string
}

func (t *tarjan) visit(file string) {
	t.index[file] = len(t.index) + 1
	t.low[file] = t.index[file]
	t.stack = append(t.stack, file)
	t.open[file] = true
	for next := range t.uses[file] {
		switch {
		case slices.Contains(t.without, next):
		case t.index[next] == 0:
			t.visit(next)
			t.low[file] = min(t.low[file], t.low[next])
		case t.open[next]:
			t.low[file] = min(t.low[file], t.index[next])
		}
	}
	if t.low[file] != t.index[file] {
		return
	}
	start := slices.Index(t.stack, file)
	component := slices.Clone(t.stack[start:])
	t.stack = t.stack[:start]
	for _, member := range component {
		t.open[member] = false
	}
	if len(component) > 1 && len(component) > len(t.largest) {
		t.largest = component
	}
}
