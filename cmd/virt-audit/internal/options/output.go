package options

import (
	"fmt"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
)

// Color is whether text is coloured.
type Color struct {
	When string

	flag *command.Flag
}

// NewColor returns the group.
func NewColor() *Color {
	c := &Color{When: "auto"}
	c.flag = &command.Flag{
		Name:     "color",
		Metavar:  "WHEN",
		Usage:    "WHEN to use colour",
		Choices:  cmdutil.ColorChoices(),
		Complete: command.OneOf(cmdutil.ColorChoices()...),
		Category: AboutOutput, Value: command.Text(&c.When),
	}
	return c
}

// Flags returns the rows of the group.
func (c *Color) Flags() []*command.Flag { return []*command.Flag{c.flag} }

// Output is which reports are written, where, and what counts in them.
type Output struct {
	*Color
	*Minimum
	Formats        []string
	File           string
	Quiet, Verbose bool
	FailOnName     string
	ExitZero       bool

	format, output, quiet, verbose, failOn, exitZero *command.Flag
}

// NewOutput returns the group.
func NewOutput() *Output {
	o := &Output{Color: NewColor(), Minimum: NewMinimum(), FailOnName: "medium"}
	o.format = &command.Flag{
		Name:     "format",
		Short:    "f",
		Metavar:  "FORMAT",
		ToFile:   true,
		Repeated: true,
		Usage:    "FORMAT of the report, repeatable",
		Default:  site.FormatNames()[0],
		Choices:  site.FormatNames(),
		Complete: formats,
		Category: AboutOutput,
		Key:      "format",
		Value:    command.List(&o.Formats),
	}
	o.output = &command.Flag{
		Name:     "output",
		Short:    "o",
		Metavar:  "FILE",
		Usage:    "write the report whose format names no file to FILE, whole or not at all",
		Complete: command.AnyFile,
		Category: AboutOutput, Value: command.Text(&o.File),
	}
	o.quiet = &command.Flag{
		Name:     "quiet",
		Short:    "q",
		Usage:    "findings only: no list of guests, no summary",
		Category: AboutOutput,
		Value:    command.Switch(&o.Quiet),
	}
	o.verbose = &command.Flag{
		Name:     "verbose",
		Short:    "v",
		Usage:    "full explanations, and files that were skipped",
		Category: AboutOutput,
		Value:    command.Switch(&o.Verbose),
	}
	o.failOn = &command.Flag{
		Name:     "fail-on",
		Metavar:  "SEVERITY",
		Usage:    "exit 1 for findings of this SEVERITY or worse",
		Complete: command.OneOf(severities()...),
		Category: AboutOutput, Key: "fail-on", Value: command.Text(&o.FailOnName),
	}
	o.exitZero = &command.Flag{
		Name:     "exit-zero",
		Usage:    "exit 0 instead of 1; other exit codes stay",
		Category: AboutOutput,
		Value:    command.Switch(&o.ExitZero),
	}
	return o
}

// formats completes formats, with what they are for.
var formats = command.Completion{Words: func() []command.Word {
	var out []command.Word
	for _, f := range report.Formats() {
		out = append(out, command.Word{Text: f.Name, About: f.About})
	}
	return out
}}

// Flags returns the rows of the group.
func (o *Output) Flags() []*command.Flag {
	return append(o.Color.Flags(), o.format, o.output, o.quiet, o.verbose, o.failOn, o.minSeverity, o.exitZero)
}

// OutputFlag returns the row of --output.
func (o *Output) OutputFlag() *command.Flag { return o.output }

// FailOn returns the severity from which on findings make the run fail.
func (o *Output) FailOn() (audit.Severity, error) { return severity(o.failOn) }

// Target is one report that is written; File is "" for standard output.
type Target struct {
	Format report.Format
	File   string
}

// Targets returns the reports that are written.
func (o *Output) Targets() ([]Target, error) { return Targets(o.Formats, o.File, o.format.Origin()) }

// Targets returns the reports that values of --format ask for. A format may bring its own file, as
// in "sarif:out.sarif"; one that does not goes to output, or to standard output, which takes one.
// origin is what named the formats, for errors.
func Targets(values []string, output, origin string) ([]Target, error) {
	var out []Target
	unplaced := ""
	files := map[string]bool{}
	words := SplitFormats(values)
	if len(words) == 0 {
		words = site.FormatNames()[:1]
	}
	for _, word := range words {
		name, file, own := strings.Cut(word, ":")
		f, err := report.Named(name)
		if err != nil {
			return nil, &cmdutil.UsageError{
				Message: origin + ": " + err.Error(),
				Hint:    suggest.Hint(name, site.FormatNames()),
			}
		}
		switch {
		case own && file == "":
			return nil, cmdutil.Usagef("%s: %q must have the name of a file after the colon", origin, word)
		case !own || file == "-":
			if unplaced != "" {
				return nil, &cmdutil.UsageError{
					Message: fmt.Sprintf("%s: %s and %s cannot both go to one place", origin, unplaced, name),
					Hint:    "name a file for one of them: " + name + ":FILE",
				}
			}
			unplaced, file = name, output
		}
		if slices.Contains([]string{"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}, file) {
			file = ""
		}
		at, streamed := cmdutil.Destination(file)
		switch {
		case files[at] && file == "":
			return nil, cmdutil.Usagef("%s: two reports cannot both go to standard output", origin)
		case files[at] && !streamed: // a terminal, or /dev/null, takes several
			return nil, cmdutil.Usagef("%s: two reports cannot both go to %s", origin, file)
		}
		files[at] = true
		out = append(out, Target{f, file})
	}
	if unplaced == "" && output != "" {
		return nil, cmdutil.Usagef("--output: every format names a file already")
	}
	return out, nil
}

// SplitFormats splits lists such as "text,sarif:out.sarif" at those commas that the name of a
// format follows: the name of a file may have commas in it.
func SplitFormats(values []string) []string {
	var out []string
	for _, v := range values {
		for i, part := range strings.Split(v, ",") {
			name, _, _ := strings.Cut(part, ":")
			if _, err := report.Named(name); err != nil && i > 0 && strings.Contains(out[len(out)-1], ":") {
				out[len(out)-1] += "," + part
				continue
			}
			out = append(out, part)
		}
	}
	return out
}
