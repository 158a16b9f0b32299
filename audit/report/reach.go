package report

import (
	"io"

	"github.com/virt-audit/virt-audit/audit/inventory"
)

// ReachReporter prints what guests touch. Guest is called for each document, or with
// ReachOptions.Shared, Share once for all of them.
type ReachReporter interface {
	Guest(g *inventory.Guest) error
	Share(list []*inventory.Shared, omitted int) error
	Unreadable(problem error) error
	// Close writes what follows the last guest. hidden is what a selection by path cannot see.
	Close(hidden inventory.Hidden) error
}

// ReachOptions is what the lists state about a run.
type ReachOptions struct {
	Version  string
	Color    bool
	Width    int             // columns; 0 is any
	Terminal bool            // long names are shortened to the width
	Paths    inventory.Paths // the lists have only what touches these; empty: everything
	Shared   bool            // one list of what several guests touch
}

// reachFormats are the formats of the lists, the default first.
var reachFormats = []struct {
	name string
	new  func(w io.Writer, o ReachOptions) ReachReporter
}{
	{"text", newReachText},
	{"json", newReachJSON},
	{"csv", newReachCSV},
}

// ReachFormats returns the names of the formats, the default first.
func ReachFormats() []string {
	var names []string
	for _, f := range reachFormats {
		names = append(names, f.name)
	}
	return names
}

// NewReach returns a reporter of a format, or nil if there is no such format.
func NewReach(format string, w io.Writer, o ReachOptions) ReachReporter {
	for _, f := range reachFormats {
		if f.name == format {
			return f.new(w, o)
		}
	}
	return nil
}

// selected reports whether a guest is listed: one that touches none of the paths is not.
func (o *ReachOptions) selected(g *inventory.Guest) bool {
	return len(o.Paths) == 0 || len(g.Entries) > 0
}
