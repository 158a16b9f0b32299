// Package diffcmd is 'virt-audit diff': what changed between two reports.
package diffcmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/baseline"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
	"github.com/virt-audit/virt-audit/rules"
)

// difference is how two reports are compared.
type difference struct {
	*options.Color
	format string
	quiet  bool
}

var formats = []string{"text", "json"}

// New returns the command.
func New() *command.Command {
	d := &difference{Color: options.NewColor(), format: formats[0]}
	report := command.FilesEnding("json")
	return &command.Command{
		Name:  "diff",
		Usage: "show what is new, fixed and unchanged between two JSON reports",
		Arguments: []command.Argument{{
			Metavar:  "OLD.json",
			Complete: report,
		}, {Metavar: "NEW.json", Complete: report}},
		Example: "virt-audit --format json:FILE writes such reports",
		Description: "Findings are matched by guest, rule and content, not by line. What a waiver or a baseline hides now\n" +
			"is waived or in the baseline, and what the new run has not looked for is not evaluated: neither is\n" +
			"fixed. Exit status 1 when a finding is new or a guest has left the boundary, 4 when some input of the\n" +
			"new report was unreadable.",
		Flags: append([]*command.Flag{
			{
				Name:     "format",
				Short:    "f",
				Metavar:  "FORMAT",
				Usage:    "FORMAT of the difference",
				Choices:  formats,
				Complete: command.OneOf(formats...),
				Variable: options.NoVariable, Value: command.Text(&d.format),
			},
			{
				Name:     "quiet",
				Short:    "q",
				Usage:    "only what is new",
				Variable: options.NoVariable,
				Value:    command.Switch(&d.quiet),
			},
		}, d.Flags()...),
		Run: d.run,
	}
}

func (d *difference) run(inv *command.Invocation) error {
	var reports [2]*baseline.Report
	for i, name := range inv.Args {
		data, err := inv.ReadInput(name, cmdutil.MaxReport)
		if err != nil {
			return cmdutil.Usagef("%v", err)
		}
		if reports[i], err = baseline.ParseReport(name, data); err != nil {
			return cmdutil.Usagef("%v", err)
		}
	}
	found := baseline.Compare(reports[0], reports[1], comparesGuests)
	if err := d.write(inv.Streams, found); err != nil {
		return err
	}
	switch {
	case found.Unreadable > 0:
		return cmdutil.Exit(cmdutil.ExitInput)
	case found.Worse():
		return cmdutil.Exit(cmdutil.ExitFindings)
	}
	return nil
}

// comparesGuests reports whether a rule compares guests with each other.
func comparesGuests(rule string) bool {
	return slices.ContainsFunc(rules.All(), func(r *audit.Rule) bool { return r.ID == rule && r.Requires&audit.NeedDomains != 0 })
}

func (d *difference) write(s *cmdutil.Streams, found *baseline.Difference) (err error) {
	switch d.format {
	case "text":
		paint, width, problem := s.Terminal(d.When, true)
		if problem != nil {
			return problem
		}
		err = report.Difference(s.Out, found, report.Options{
			Color: paint,
			Width: width,
			Quiet: d.quiet,
		})
	case "json":
		err = report.DifferenceJSON(s.Out, found)
	default:
		return &cmdutil.UsageError{
			Message: fmt.Sprintf("--format: %q is not one of %s", d.format, strings.Join(formats, ", ")),
			Hint:    suggest.Hint(d.format, formats),
		}
	}
	if err != nil {
		return fmt.Errorf("write the difference: %w", err)
	}
	return nil
}
