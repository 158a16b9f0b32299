package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/virt-audit/virt-audit/audit"
)

// The CSV report is for spreadsheets and for tools that cut columns. The first column is the kind
// of the row: a finding; a guest without findings, so that the verdict of every guest is present; a
// check that was not evaluated; a notice, which is about no guest; an unreadable input; with
// --show-waived, a finding that is waived or in the baseline. The last row is a summary: it counts
// the findings that do not count, and distinguishes a report of no guest from a truncated one. A
// row is one line.
//
// Cells are escaped, see csvCell; JSON has the original text.

var csvHeader = []string{
	"record", "source", "line", "column", "name", "uuid", "origin", "host", "type", "os", "arch", "machine", "verdict", "reason", "policy",
	"severity", "rule", "title", "message", "path", "device", "drift", "fix", "command", "url", "fingerprint", "waiver", "until",
}

// csvRow is a row by the names of its columns.
type csvRow map[string]string

type csvReporter struct {
	w     *csv.Writer
	opt   Options
	tally Tally
	begun bool
}

func newCSV(w io.Writer, o Options) Reporter { return &csvReporter{w: csv.NewWriter(w), opt: o} }

// row writes a row, and the header before the first one.
func (c *csvReporter) row(r csvRow) error {
	if err := c.begin(); err != nil {
		return err
	}
	cells := make([]string, len(csvHeader))
	for i, name := range csvHeader {
		cells[i] = csvCell(r[name])
	}
	return c.w.Write(cells)
}

func (c *csvReporter) begin() error {
	if c.begun {
		return nil
	}
	c.begun = true
	return c.w.Write(csvHeader)
}

func (c *csvReporter) Domain(r *audit.Result) error {
	c.tally.Add(r)
	if err := c.domain(r); err != nil {
		return err
	}
	c.w.Flush()
	return c.w.Error()
}

func (c *csvReporter) domain(r *audit.Result) error {
	if len(r.Findings) == 0 {
		row := guestRow(r)
		row["record"], row["message"] = "guest", r.Boundary.Explain()
		if err := c.row(row); err != nil {
			return err
		}
	}
	for i := range r.Findings {
		if err := c.row(c.finding("finding", r, &r.Findings[i])); err != nil {
			return err
		}
	}
	for _, u := range c.opt.uncounted(r) {
		row := c.finding("in_baseline", r, u.Finding)
		if u.Waiver != nil {
			row["record"], row["waiver"] = "waived", u.Waiver.Reason
			if !u.Waiver.Until.IsZero() {
				row["until"] = u.Waiver.Until.Format(time.DateOnly)
			}
		}
		if err := c.row(row); err != nil {
			return err
		}
	}
	for _, u := range r.Unevaluated {
		row := guestRow(r)
		row["record"], row["rule"], row["title"], row["url"] = "not_evaluated", u.Rule.ID, u.Rule.Title, u.Rule.URL()
		row["message"] = u.Missing.String()
		if err := c.row(row); err != nil {
			return err
		}
	}
	return nil
}

func guestRow(r *audit.Result) csvRow {
	row := csvRow{
		"source": r.Source, "name": r.Name, "uuid": r.UUID, "host": r.Origin.Host,
		"type": r.Target.Type, "os": r.Target.OS, "arch": r.Target.Arch, "machine": r.Target.Machine,
		"verdict": string(r.Boundary.Verdict), "reason": string(r.Boundary.Reason), "policy": r.Boundary.Policy,
	}
	if showsOrigin(r.Origin) {
		row["origin"] = strings.TrimSpace(string(r.Origin.Kind) + " " + r.Origin.Label)
	}
	return row
}

func (c *csvReporter) finding(record string, r *audit.Result, f *audit.Finding) csvRow {
	row := guestRow(r)
	row["record"], row["severity"], row["rule"], row["title"], row["message"] = record, f.Severity.String(), f.Rule.ID, f.Rule.Title, f.Message
	row["path"], row["device"], row["drift"] = f.Path.String(), f.Device, string(f.Drift)
	a := c.opt.advice(r, f)
	row["fix"], row["command"] = a.words(), a.Command
	if a.Manager != "" {
		row["fix"] = "In " + a.Manager + ": " + a.Text
	}
	row["url"], row["fingerprint"] = f.Rule.URL(), r.Fingerprint(f)
	row.at(f.Pos.Line, f.Pos.Column)
	return row
}

// at sets the place, where there is one.
func (r csvRow) at(line, column int) {
	if line > 0 {
		r["line"], r["column"] = strconv.Itoa(line), strconv.Itoa(column)
	}
}

func (c *csvReporter) Notice(n *audit.Notice) error {
	c.tally.AddNotice(n)
	row := csvRow{
		"record": "notice", "source": n.Source, "severity": n.Severity.String(), "rule": n.Rule.ID, "title": n.Rule.Title,
		"message": n.Message, "fix": ruleAdvice(n.Rule, "").Text, "url": n.Rule.URL(),
	}
	row.at(n.Pos.Line, n.Pos.Column)
	return c.row(row)
}

func (c *csvReporter) Unreadable(err error) error {
	c.tally.Unreadable++
	e := newJSONUnreadable(err)
	row := csvRow{"record": "unreadable", "source": e.Source, "message": e.Message}
	row.at(e.Line, e.Column)
	return c.row(row)
}

func (c *csvReporter) Close() error {
	if err := c.row(csvRow{"record": "summary", "policy": c.opt.Policy, "message": strings.Join(c.tally.lines(c.opt.Policy), "; ")}); err != nil {
		return err
	}
	c.w.Flush()
	return c.w.Error()
}
