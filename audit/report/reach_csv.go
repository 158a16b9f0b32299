package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit/inventory"
)

// The CSV lists have a row for each thing that a guest touches; of what several guests touch, a row
// for each guest. The first column is the kind of the row: touch, shared, unreadable, or summary in
// the last row, which distinguishes an empty list from a truncated one. Cells are escaped like those
// of a report, see csvCell.

var reachHeader = []string{
	"record", "source", "line", "column", "guest", "uuid", "origin", "host", "kind", "name", "access", "opened_by",
	"owner_changed", "implied", "places", "use", "guests", "inside", "severity", "sensitive", "reason", "path", "message",
}

type reachCSV struct {
	w                        *csv.Writer
	opt                      ReachOptions
	begun                    bool
	rows, omitted, malformed int
}

func newReachCSV(w io.Writer, o ReachOptions) ReachReporter {
	return &reachCSV{w: csv.NewWriter(w), opt: o}
}

func (c *reachCSV) row(r csvRow) error {
	if !c.begun {
		c.begun = true
		if err := c.w.Write(reachHeader); err != nil {
			return err
		}
	}
	cells := make([]string, len(reachHeader))
	for i, name := range reachHeader {
		cells[i] = csvCell(r[name])
	}
	return c.w.Write(cells)
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func (c *reachCSV) Guest(g *inventory.Guest) error {
	for i := range g.Entries {
		e := &g.Entries[i]
		row := csvRow{
			"record": "touch", "source": g.Source, "guest": g.Name, "uuid": g.UUID,
			"origin": originWord(g.Origin), "host": g.Host,
			"kind": e.Kind.String(), "name": e.Name, "access": e.Access.String(), "opened_by": e.Opener.String(),
			"owner_changed": yes(e.Relabel), "implied": yes(e.Implied), "places": strconv.Itoa(len(e.Places)), "path": e.Places[0].Path,
			"severity": e.Severity, "sensitive": e.Sensitive, "reason": reachReason(e.Reason, e.Owner),
		}
		row.at(e.Places[0].Line, e.Places[0].Column)
		if err := c.row(row); err != nil {
			return err
		}
		c.rows++
	}
	c.w.Flush()
	return c.w.Error()
}

func (c *reachCSV) Share(list []*inventory.Shared, omitted int) error {
	c.omitted = omitted
	for _, s := range list {
		for _, u := range s.Guests {
			row := csvRow{
				"record": "shared", "source": u.Source, "guest": u.Name, "uuid": u.UUID,
				"origin": originWord(u.Origin), "host": s.Host,
				"kind": s.Kind.String(), "name": s.Name, "access": u.Access.String(), "opened_by": u.Opener.String(),
				"owner_changed": yes(u.Relabel), "path": u.Place.Path, "use": s.Use.String(), "guests": strconv.Itoa(len(s.Guests)), "inside": u.Inside,
				"severity": s.Severity, "sensitive": s.Sensitive, "reason": reachReason(s.Reason, s.Owner),
			}
			row.at(u.Place.Line, u.Place.Column)
			if err := c.row(row); err != nil {
				return err
			}
			c.rows++
		}
	}
	return nil
}

func (c *reachCSV) Unreadable(err error) error {
	c.malformed++
	e := newJSONUnreadable(err)
	row := csvRow{"record": "unreadable", "source": e.Source, "message": e.Message}
	row.at(e.Line, e.Column)
	return c.row(row)
}

func (c *reachCSV) Close(inventory.Hidden) error {
	message := fmt.Sprintf("%s, %s", plural(c.rows, "row"), plural(c.malformed, "unreadable input"))
	if c.opt.Shared {
		message += fmt.Sprintf(", %d omitted", c.omitted)
	}
	if err := c.row(csvRow{"record": "summary", "message": message}); err != nil {
		return err
	}
	c.w.Flush()
	return c.w.Error()
}

// reachReason returns what is known of a place, with the guest that it belongs to.
func reachReason(reason, owner string) string {
	if owner == "" {
		return reason
	}
	return strings.TrimSpace(reason + ", of guest " + owner)
}
