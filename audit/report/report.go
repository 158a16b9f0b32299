// Package report prints what an audit found, in one format for each file. A format is fed one
// result at a time and keeps none, so that a run over any number of domains needs the memory of one.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// Options are what formats need to know about the run and about where their output goes.
type Options struct {
	Version  string // of virt-audit
	Policy   string // name of the policy's edition
	Profiles []audit.Profile

	// For people's eyes; formats for machines ignore them.
	Color   bool
	Width   int // columns; 0 means 80
	Quiet   bool
	Verbose bool
}

// Reporter takes the results of a run in order. Close writes what comes last; the writer stays open.
type Reporter interface {
	Domain(*audit.Result) error
	Problem(error) error
	Close() error
}

// Format is one way to print a report.
type Format struct {
	Name, About string
	New         func(io.Writer, Options) Reporter
}

// formats is the one list: the flag's help, its check and the completion are made from it.
var formats = []Format{
	{"text", "for people: verdicts, findings with their place, a summary", newText},
	{"json", "everything, by a schema that is versioned", newJSON},
}

// Formats returns all formats, the default first.
func Formats() []Format { return formats }

// Named returns the format of that name.
func Named(name string) (Format, error) {
	var names []string
	for _, f := range formats {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Format{}, fmt.Errorf("unknown format %q: one of %s", name, strings.Join(names, ", "))
}

// Tally counts what a run came to.
type Tally struct {
	Domains     int
	Verdicts    map[policy.Word]int
	Severities  [audit.Critical + 1]int
	Errors      int
	Unevaluated int // pairs of rule and domain
	Missing     map[audit.Needs]int
}

// Add counts one domain's result.
func (t *Tally) Add(r *audit.Result) {
	if t.Verdicts == nil {
		t.Verdicts = map[policy.Word]int{}
		t.Missing = map[audit.Needs]int{}
	}
	t.Domains++
	t.Verdicts[r.Boundary.Word]++
	for _, f := range r.Findings {
		t.Severities[f.Severity]++
	}
	t.Unevaluated += len(r.Unevaluated)
	for _, u := range r.Unevaluated {
		t.Missing[u.Needs]++
	}
}

// AtLeast returns how many findings are of a severity or a worse one.
func (t *Tally) AtLeast(s audit.Severity) int {
	n := 0
	for ; s <= audit.Critical; s++ {
		n += t.Severities[s]
	}
	return n
}
