package house

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// maximum is the largest knot that a package may have.
const maximum = 7

// exceptions are the packages that are still above the maximum, and how large their knot may be. A
// change that makes a knot smaller lowers the number, and deletes the row once the maximum holds.
var exceptions = map[string]int{}

// registries are files that list the rules, formats or commands of their package. Such a file
// refers to all others, so it is not counted as part of a knot.
var registries = map[string][]string{
	"audit/report": {"report.go"}, // the table of formats
	"rules":        {"rules.go"},  // the table of topics
	"rules/fleet":  {"fleet.go"},  // the same, across guests
}

var verbose = flag.String("package", "", "print what holds the knot of this package together")

// TestKnots requires that no package has a larger knot than is permitted.
func TestKnots(t *testing.T) {
	packages, err := Load("../..", "./...")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		knot := p.Knot(registries[p.Name]...)
		t.Logf("%-32s %3d files %6d lines  knot %2d", p.Name, len(p.Files), p.Lines, len(knot))
		if p.Name == *verbose {
			t.Log(describe(p, registries[p.Name]))
		}
		if limit := cmp.Or(exceptions[p.Name], maximum); len(knot) > limit {
			t.Errorf("%s: %d files all reach each other, at most %d may; see make knots PACKAGE=%s", p.Name, len(knot), limit, p.Name)
		}
	}
}

// TestKnot runs the search on a package with a known knot.
func TestKnot(t *testing.T) {
	packages, err := Load("../..", "./testdata/house/testdata/knot")
	if err != nil {
		t.Fatal(err)
	}
	p := packages[0]
	// a uses b's type, b calls a method that c declares, c uses a's function; d is used and uses
	// nothing.
	if got, want := p.Knot(), []string{"a.go", "b.go", "c.go"}; !slices.Equal(got, want) {
		t.Errorf("knot %v, want %v", got, want)
	}
	if got := p.Knot("c.go"); got != nil {
		t.Errorf("knot without c.go %v, want none", got)
	}
	if got := describe(p, nil); !strings.Contains(got, "1 b.go -> c.go: Method\n") || strings.Contains(got, "d.go") {
		t.Errorf("described as\n%s", got)
	}
}

// describe lists a knot's files, each with what is left of the knot without it, and its edges.
func describe(p *Package, without []string) string {
	var b strings.Builder
	knot := p.Knot(without...)
	fmt.Fprintf(&b, "The knot of %s, and how many files it has without one of them:\n", p.Name)
	for _, file := range knot {
		fmt.Fprintf(&b, "%4d without %s\n", len(p.Knot(append(slices.Clone(without), file)...)), file)
	}
	fmt.Fprintln(&b, "References, fewest first:")
	for _, edge := range p.Edges(knot) {
		names := slices.Sorted(maps.Keys(edge.Names))
		fmt.Fprintf(&b, "%4d %s -> %s: %s\n", edge.Count, edge.From, edge.To, strings.Join(names, " "))
	}
	return b.String()
}
