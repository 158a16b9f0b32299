// Package scan is the audit itself, which 'virt-audit' does without the name of a command.
package scan

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/pipeline"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
	"github.com/virt-audit/virt-audit/rules"
)

// New returns virt-audit without its commands: its arguments are audited.
func New() *command.Command {
	o := options.NewAudit()
	return &command.Command{
		Name:  "virt-audit",
		Usage: "report which libvirt guests are inside QEMU's security support boundary, and what exposes the host",
		Synopsis: []command.Line{
			{Call: "virt-audit [options] [file|directory|-]..."},
			{Call: "virt-audit [options] -c URI... [guest]..."},
			{Call: "virt-audit rules | explain RULE | policy list|show|check"},
			{Call: "virt-audit reach [--path PATH] [--shared] [FILE|DIR|-]..."},
			{Call: "virt-audit fix [--write] [FILE|DIR|-]..."},
			{Call: "virt-audit waive FILE|GUEST RULE --reason REASON"},
			{Call: "virt-audit diff OLD.json NEW.json"},
			{Call: "virt-audit config show|check"},
			{Call: "virt-audit facts [-o FILE]"},
			{Call: "virt-audit hook install|status|uninstall"},
			{Call: "virt-audit help [COMMAND] | version"},
		},
		Description: "Reads libvirt domain XML: files, directories, '-' for standard input. Without an argument it reads\n" +
			"the guests of this host: definitions, running guests, saved states and snapshots, and those of the\n" +
			"user's session. Options may follow arguments. Each can be set in the environment:\n" +
			"VIRT_AUDIT_FAIL_ON=high.\n\n" +
			"Exit status: 0 clean, 1 findings, 2 usage, 3 nothing audited, 4 unreadable input, 5 internal error.",
		Arguments: []command.Argument{{
			Metavar:  "FILE|DIR|-",
			Optional: true,
			Repeated: true,
			Complete: command.FilesEnding("xml", "save"),
			Unless:   o.ConnectFlag(),
		}},
		Flags: o.Flags(),
		Run: func(inv *command.Invocation) error {
			return (&scan{
				Invocation: inv,
				Audit:      o,
			}).run()
		},
	}
}

// scan is one audit.
type scan struct {
	*command.Invocation
	*options.Audit

	site      *site.Site
	settings  *audit.Settings
	failOn    audit.Severity
	targets   []options.Target
	baselines *baselineRun
}

func (s *scan) run() error {
	if err := s.resolve(); err != nil {
		return err
	}
	in, err := s.inputs()
	if err != nil {
		return err
	}
	o, err := s.reportOptions(in)
	if err != nil {
		return err
	}
	var unfinished cmdutil.Temporaries
	defer cmdutil.OnTermination(unfinished.Remove)() // before there are any
	reports, err := open(s.Streams, &unfinished, s.targets, s.Color, o)
	if err != nil {
		return err
	}
	defer func() { _ = reports.done(false) }() // after done(true) it does nothing
	defer pipeline.LimitProcess(s.Jobs)()
	return s.audit(in, reports)
}

// resolve reads the configuration and everything that options name, but for the documents.
func (s *scan) resolve() (err error) {
	if s.site, err = s.Configuration.Resolve(s.In, ".", s.Flags()...); err != nil {
		return err
	}
	if err := options.CheckStdin(s.site, s.Args); err != nil {
		return err
	}
	if s.settings, err = s.Settings(s.site); err != nil {
		return err
	}
	if s.failOn, err = s.FailOn(); err != nil {
		return err
	}
	if s.targets, err = s.Targets(); err != nil {
		return err
	}
	if s.baselines, err = newBaselineRun(s.Baseline, s.targets); err != nil {
		return err
	}
	return checkOverwrite(s.Audit, s.site, s.targets)
}

// reportOptions returns what reports state about the run.
func (s *scan) reportOptions(in *inputs) (report.Options, error) {
	now, err := reportTime()
	if err != nil {
		return report.Options{}, err
	}
	profiles, err := options.Profiles(s.Profiles)
	if err != nil {
		return report.Options{}, err
	}
	c := s.settings
	return report.Options{
		Version:    s.Version,
		Policy:     c.Policy.Name,
		Profiles:   profiles,
		Rules:      c.Rules,
		Named:      c.Named,
		Minimum:    c.Minimum,
		FailOn:     s.failOn,
		Now:        now,
		Arguments:  in.paths,
		StdinName:  s.StdinName,
		ShowWaived: s.ShowWaived,
		Quiet:      s.Quiet,
		Verbose:    s.Verbose,
	}, nil
}

// reportTime returns the time that reports state. SOURCE_DATE_EPOCH takes the place of the clock,
// so that a report that is made twice is the same
// (https://reproducible-builds.org/specs/source-date-epoch/).
func reportTime() (time.Time, error) {
	epoch := os.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		return time.Now(), nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, cmdutil.Usagef("SOURCE_DATE_EPOCH: %q is not a number of seconds", epoch)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// audit audits the documents, and writes reports and baseline.
func (s *scan) audit(in *inputs, reports sinks) error {
	run := pipeline.New(pipeline.Options{
		Settings:    s.settings,
		Indexers:    rules.Indexers(),
		Jobs:        s.Jobs,
		LimitMemory: true,
		Early:       reports.streaming(),
		Baseline:    s.baselines.known, Found: s.baselines.found,
	})
	t := &total{}
	if err := s.report(t, run, in, reports); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := reports.done(true); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := s.baselines.write(s.Streams, t, run); err != nil {
		return err
	}
	return s.verdict(t, len(in.named) > 0)
}

// report passes the outcomes of a run to the reports, and writes errors to standard error as they
// come.
func (s *scan) report(t *total, run *pipeline.Run, in *inputs, reports sinks) error {
	bar := cmdutil.NewProgress(s.Err, s.Quiet)
	defer bar.Stop()
	for o := range run.Outcomes(in.documents) {
		bar.Add()
		if err := t.add(&o, reports); err != nil {
			return err
		}
		switch {
		case o.Err != nil:
			bar.Print(fmt.Sprintf("virt-audit: %s\n", report.Printable(o.Err.Error())))
			if err := reports.Unreadable(options.InputError(o.Err)); err != nil {
				return err
			}
		case o.Kind == pipeline.Skipped && s.Verbose:
			bar.Print(fmt.Sprintf("virt-audit: skipped: %s\n", report.Printable(o.NotDomain.Error())))
		}
	}
	for _, n := range run.Notices() {
		t.AddNotice(n)
		if err := reports.Notice(n); err != nil {
			return err
		}
	}
	return reports.Close()
}

// total is what the exit code depends on.
type total struct {
	report.Tally
	internal bool // there was a defect of virt-audit
}

// add counts an outcome, and passes its results to the reports.
func (t *total) add(o *pipeline.Outcome, reports sinks) error {
	if o.Err != nil {
		t.Unreadable++
		_, internal := errors.AsType[*pipeline.PanicError](o.Err)
		t.internal = t.internal || internal
	}
	for i, r := range o.Results {
		var err error
		if o.Kind == pipeline.Early {
			err = reports.Early(r)
		} else {
			t.Add(r)
			err = reports.Domain(r, o.Revised[i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// verdict returns the exit code: the highest that applies. named reports whether the command line
// names inputs, or this host has some.
func (s *scan) verdict(t *total, named bool) error {
	switch {
	case t.internal:
		return cmdutil.Exit(cmdutil.ExitInternal)
	case t.Unreadable > 0:
		return cmdutil.Exit(cmdutil.ExitInput)
	case t.Domains == 0 && named:
		s.Errorf("no domain of libvirt was found; --verbose lists the files that were skipped")
		return cmdutil.Exit(cmdutil.ExitNothing)
	case t.Domains == 0:
		s.Errorf("no domain was found: name files, directories or '-' for standard input")
		return cmdutil.Exit(cmdutil.ExitNothing)
	case t.AtLeast(s.failOn) > 0 && !s.ExitZero && s.baselines.found == nil:
		return cmdutil.Exit(cmdutil.ExitFindings)
	}
	return nil
}
