// Package options has one typed struct for each group of options that commands share. Flags returns
// the rows of the table that set the fields; the methods that resolve them return what a command
// works with. No option is read by its name.
package options

import (
	"fmt"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
)

// The headings that options are listed under.
const (
	AboutBaseline      = "Waivers and baseline:"
	AboutConfiguration = "Configuration:"
	AboutConnection    = "Live guests:"
	AboutHost          = "The host:"
	AboutOutput        = "Output:"
	AboutReading       = "Reading:"
	AboutRules         = "Rules and policy:"
)

// NoVariable is the [command.Flag.Variable] of an option that no environment variable sets.
const NoVariable = "-"

// SplitList splits values at commas and drops empty ones.
func SplitList(values []string) []string {
	var out []string
	for _, v := range values {
		out = append(out, strings.FieldsFunc(v, func(r rune) bool { return r == ',' })...)
	}
	return out
}

// severities are the names of all severities, the worst first.
func severities() []string {
	var names []string
	for _, s := range audit.Severities() {
		names = append(names, s.String())
	}
	return names
}

// severity returns the severity that an option names.
func severity(f *command.Flag) (audit.Severity, error) {
	s, err := audit.ParseSeverity(f.Value.String())
	if err != nil {
		return 0, &cmdutil.UsageError{
			Message: fmt.Sprintf("%s: %v", f.Origin(), err),
			Hint:    suggest.Hint(f.Value.String(), severities()),
		}
	}
	return s, nil
}
