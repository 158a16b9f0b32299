package options

import (
	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
)

// Minimum is the severity from which on findings are looked at.
type Minimum struct {
	MinSeverityName string

	minSeverity *command.Flag
}

// NewMinimum returns the group.
func NewMinimum() *Minimum {
	m := &Minimum{MinSeverityName: "info"}
	m.minSeverity = &command.Flag{
		Name:     "min-severity",
		Metavar:  "SEVERITY",
		Usage:    "omit findings below this SEVERITY",
		Complete: command.OneOf(severities()...),
		Category: AboutOutput, Key: "min-severity", Value: command.Text(&m.MinSeverityName),
	}
	return m
}

// MinSeverityFlag returns the row of --min-severity.
func (m *Minimum) MinSeverityFlag() *command.Flag { return m.minSeverity }

// SeverityFlag returns the row of --severity, a shorter name for --min-severity where a command does
// something with the findings instead of listing them.
func (m *Minimum) SeverityFlag() *command.Flag {
	return &command.Flag{
		Name: "severity", Metavar: "SEVERITY", Usage: "the same as --min-severity", Hidden: true,
		Complete: command.OneOf(severities()...), Category: AboutOutput, Variable: NoVariable,
		Value: command.Text(&m.MinSeverityName),
	}
}

// MinSeverity returns the severity.
func (m *Minimum) MinSeverity() (audit.Severity, error) { return severity(m.minSeverity) }
