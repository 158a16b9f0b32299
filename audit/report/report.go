// Package report prints what an audit found, in one format for each file. A format is fed one
// result at a time and keeps none, so that a run over any number of domains needs the memory of one.
package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/virt-audit/virt-audit/audit"
)

// Options are what formats need to know about the run and about where their output goes.
type Options struct {
	Version  string // of virt-audit
	Policy   string // name of the policy's edition
	Profiles []audit.Profile
	Rules    []*audit.Rule  // that the run applies
	Named    bool           // the rules were named one by one, and are of whatever profile
	Minimum  audit.Severity // findings below are left out
	FailOn   audit.Severity // that makes the run fail
	Now      time.Time      // of the run, for formats that hold a time; they leave it out when it is zero

	// Operands are the files and folders that were to be audited, as they were given; none for a connection.
	Operands []string
	// StdinName is what standard input is called, where the user gave it a name.
	StdinName  string
	ShowWaived bool // list what was waived or is in the baseline; counted it is in any case

	Decided []string // what the site says about the rule that is explained

	// For people's eyes; formats for machines ignore them.
	Color   bool
	Width   int // columns; 0 means 80
	Quiet   bool
	Verbose bool
}

// Reporter takes the results of a run in order, and what is said of no domain when it comes. Close
// writes what comes last; the writer stays open.
type Reporter interface {
	Domain(*audit.Result) error
	Notice(*audit.Notice) error
	Unreadable(error) error
	Close() error
}

// Streamer is a Reporter that does not wait for all domains to be known. Early is told of each as soon
// as it has been read; Domain, when all have been, of those alone about which there is more to say: what
// they have in common with others. Problem and Notice come once.
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
