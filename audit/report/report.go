// Package report prints what an audit found, in one format for each file. A format is fed one
// result at a time and keeps none, so that a run over any number of domains needs the memory of
// one.
package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/virt-audit/virt-audit/audit"
)

// Options describe the run and the destination of a report.
type Options struct {
	Version  string // of virt-audit
	Policy   string // name of the policy's edition
	Profiles []audit.Profile
	Rules    []*audit.Rule  // that the run applies, with the severities of the site
	Named    bool           // the rules were selected by ID, whatever their profile
	Minimum  audit.Severity // findings below it were omitted
	FailOn   audit.Severity // that makes the run fail
	Now      time.Time      // of the run; zero: formats omit it

	// Arguments are the files and directories of the command line; empty for a connection.
	Arguments []string
	// StdinName is the name that the user gave to standard input, or "".
	StdinName  string
	ShowWaived bool // list findings that do not count; they are counted in any case

	Decided []string // for Explain: the settings of the configuration for the rule

	// For people: machine formats ignore them.
	Color   bool
	Width   int // columns; 0 means 80
	Quiet   bool
	Verbose bool
}

// Reporter receives the results of a run in order, complete: severities, waivers, baseline, order
// and drift are decided. Notices and unreadable inputs, which concern no guest, may come between
// them. Close writes the end of the report and does not close the writer.
type Reporter interface {
	Domain(*audit.Result) error
	Notice(*audit.Notice) error
	Unreadable(error) error
	Close() error
}

// Streamer is a Reporter that does not wait until all domains are known. It receives each domain by
// Early as soon as that has been read, and again by Domain if there is more to report after all
// have been: what guests have in common. Notices and unreadable inputs come once.
type Streamer interface {
	Reporter
	Early(*audit.Result) error
}

// Format is one way to print a report: a file of this package, and a row of the table below. The
// tests of all formats read the table, and choose by Media how they parse what a format printed.
type Format struct {
	Name      string
	About     string // for help, README and man page
	Extension string // of a file with such a report, which is unique among the formats
	Media     string // media type
	Machine   bool   // programs read it: colour, width, quiet and verbose make no difference
	Counts    bool   // it counts findings and does not list them
	New       func(io.Writer, Options) Reporter
}

// formats is the table. Options, their help, completion, documents and tests are made from it.
var formats = []Format{
	{
		Name: "text", About: "for people: verdicts, findings with their place, a summary",
		Extension: ".txt", Media: "text/plain", New: newText,
	},
	{
		Name: "json", About: "everything, in a versioned schema",
		Extension: ".json", Media: "application/json", Machine: true, New: newJSON,
	},
	{
		Name: "ndjson", About: "the same in lines, each guest as soon as it is read",
		Extension: ".ndjson", Media: "application/x-ndjson", Machine: true, New: newNDJSON,
	},
	{
		Name: "sarif", About: "SARIF 2.1.0, for code scanning and editors",
		Extension: ".sarif", Media: "application/sarif+json", Machine: true, New: newSARIF,
	},
	{
		Name: "junit", About: "JUnit XML, which CI systems show as tests",
		Extension: ".junit.xml", Media: "application/xml", Machine: true, New: newJUnit,
	},
	{
		Name: "github", About: "a log with annotations, for GitHub Actions",
		Extension: ".github.txt", Media: "text/plain", Machine: true, New: newGitHub,
	},
	{
		Name: "gitlab", About: "GitLab Code Quality",
		Extension: ".gitlab.json", Media: "application/json", Machine: true, New: newGitLab,
	},
	{
		Name: "markdown", About: "for comments on pull requests and job summaries",
		Extension: ".md", Media: "text/markdown", New: newMarkdown,
	},
	{
		Name: "csv", About: "a row for each finding, for spreadsheets",
		Extension: ".csv", Media: "text/csv", Machine: true, New: newCSV,
	},
	{
		Name: "openmetrics", About: "metrics for the textfile collector of node_exporter",
		Extension: ".prom", Media: "application/openmetrics-text", Machine: true, Counts: true, New: newOpenMetrics,
	},
	{
		Name: "html", About: "one page for a browser: all guests, with filters and a search",
		Extension: ".html", Media: "text/html", New: newHTML,
	},
	{
		Name: "validate", About: "PASS, FAIL, WARN and NOTE, as virt-host-validate prints them",
		Extension: ".validate.txt", Media: "text/plain", New: newValidate,
	},
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
