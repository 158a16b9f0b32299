package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/baseline"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/rules"
)

func (s *streams) diffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Usage:     "tell what is new, fixed and unchanged between two JSON reports",
		ArgsUsage: "OLD.json NEW.json",
		Description: "Findings are told apart by guest, rule and content, not by line. What a waiver or a baseline hides now\n" +
			"is accepted, and what the new run has not looked for is not evaluated: neither is fixed. Exit status 1\n" +
			"when a finding is new or a guest has left the boundary, 4 when the new report could not read all.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "text", Usage: "`FORMAT`: text, json"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "only what is new"},
			colorFlag(),
		},
		Action: s.diff,
	}
}

func (s *streams) diff(c *cli.Context) error {
	if c.NArg() != 2 {
		return &usageError{"diff requires two reports, the older one first", "virt-audit --format json:FILE writes them"}
	}
	var reports [2]*baseline.Report
	for i, name := range c.Args().Slice() {
		data, err := s.readInput(name, maxReport)
		if err != nil {
			return usagef("%v", err)
		}
		if reports[i], err = baseline.ParseReport(name, data); err != nil {
			return usagef("%v", err)
		}
	}
	d := baseline.Compare(reports[0], reports[1], func(rule string) bool {
		return slices.ContainsFunc(rules.All(), func(r *audit.Rule) bool { return r.ID == rule && r.Requires&audit.NeedDomains != 0 })
	})
	var err error
	switch format := c.String("format"); format {
	case "text":
		paint, width, problem := s.terminal(c, true)
		if problem != nil {
			return problem
		}
		err = report.Difference(s.out, d, report.Options{Color: paint, Width: width, Quiet: c.Bool("quiet")})
	case "json":
		err = report.DifferenceJSON(s.out, d)
	default:
		return &usageError{fmt.Sprintf("option --format: a difference is told as text or json, not %q", format), didYouMean(format, []string{"text", "json"})}
	}
	switch {
	case err != nil:
		return fmt.Errorf("write the difference: %w", err)
	case d.Unreadable > 0:
		return status(exitInput)
	case d.Worse():
		return status(exitFindings)
	}
	return nil
}
