package main

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/pipeline"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/audit/source"
	"github.com/virt-audit/virt-audit/rules"
)

// audit is the command without a name: judge what the operands hold.
func (s *streams) audit(c *cli.Context) (err error) {
	x, err := siteOption(c, ".", optionKeys()...)
	if err != nil {
		return err
	}
	if x.file != nil && x.file.Path == stdinConfig && slices.Contains(c.Args().Slice(), "-") {
		return usagef("standard input cannot be the configuration and a document")
	}
	cfg, err := engine(c, x)
	if err != nil {
		return err
	}
	failOn, err := severityOption(c, "fail-on")
	if err != nil {
		return err
	}
	options, err := collectOptions(c, s)
	if err != nil {
		return err
	}
	wanted, err := targets(c, x)
	if err != nil {
		return err
	}
	baselines, err := baselineOption(c, x, wanted)
	if err != nil {
		return err
	}
	if c.Int("jobs") < 1 {
		return usagef("option --jobs: at least 1 is wanted")
	}
	if err := sparesInput(c, x, wanted, c.String("write-baseline")); err != nil {
		return err
	}
	var operands, paths []string
	var documents iter.Seq2[*collect.Document, error]
	uris := connections(c)
	if cfg.Host, err = s.hostFacts(c, c.NArg() == 0 && len(uris) == 0); err != nil {
		return err
	}
	cfg.FileMode = fileMode(options.StdinName)
	if len(uris) > 0 {
		operands = uris
		documents, err = s.connected(c, uris, cfg)
	} else if operands, err = s.operands(c); err == nil {
		paths, documents = operands, collect.Operands(operands, options)
		err = spares(documents, wanted, c.String("write-baseline"))
	}
	if err != nil {
		return err
	}
	profiles, _ := profileOption(c)
	now, err := runTime()
	if err != nil {
		return err
	}
	reports, err := s.open(c, wanted, report.Options{
		Version: toolVersion(), Policy: cfg.Policy.Name, Profiles: profiles, Rules: cfg.Rules, Named: cfg.Named, Minimum: cfg.Minimum, FailOn: failOn, Now: now,
		Operands: paths, StdinName: options.StdinName,
		ShowWaived: c.Bool("show-waived"), Quiet: c.Bool("quiet"), Verbose: c.Bool("verbose"),
	})
	if err != nil {
		return err
	}
	defer func() { _ = reports.done(false) }() // after done(true) it does nothing
	defer whenEnded(reports.abandon)()
	defer pipeline.LimitProcess(c.Int("jobs"))()
	run := pipeline.New(pipeline.Options{
		Settings: cfg, Indexers: rules.Indexers(), Jobs: c.Int("jobs"), LimitMemory: true, Early: reports.streaming(),
		Baseline: baselines.known, Found: baselines.found,
	})
	tally, err := s.report(reports, run, documents, c.Bool("verbose"), c.Bool("quiet"))
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := reports.done(true); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := baselines.write(s, tally, run); err != nil {
		return err
	}
	return s.verdict(tally, failOn, c.Bool("exit-zero") || baselines.found != nil, len(operands) > 0)
}

// total is what the exit code is made of.
type total struct {
	report.Tally
	internal bool
}

// report feeds the outcomes of a run to the reports, and writes errors to standard error as they come.
func (s *streams) report(reports sinks, run *pipeline.Run, documents iter.Seq2[*collect.Document, error], verbose, quiet bool) (*total, error) {
	t := &total{}
	bar := newProgress(s.err, quiet)
	defer bar.stop()
	for o := range run.Outcomes(documents) {
		bar.add()
		if err := t.add(&o, reports); err != nil {
			return nil, err
		}
		switch {
		case o.Err != nil:
			bar.print(fmt.Sprintf("virt-audit: %s\n", report.Printable(o.Err.Error())))
			if err := reports.Unreadable(inputError(o.Err)); err != nil {
				return nil, err
			}
		case o.Kind == pipeline.Skipped && verbose:
			bar.print(fmt.Sprintf("virt-audit: skipped: %s\n", report.Printable(o.NotDomain.Error())))
		}
	}
	for _, n := range run.Notices() {
		t.AddNotice(n)
		if err := reports.Notice(n); err != nil {
			return nil, err
		}
	}
	return t, reports.Close()
}

// add counts an outcome, and feeds its results to the reports.
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

// runTime is the time that reports state. SOURCE_DATE_EPOCH, where it is set, stands in for the clock:
// a report that is made twice is then the same (https://reproducible-builds.org/specs/source-date-epoch/).
func runTime() (time.Time, error) {
	epoch := os.Getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		return time.Now(), nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, usagef("SOURCE_DATE_EPOCH: %q is no number of seconds", epoch)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// inputError gives an error of a collection the form that reports know.
func inputError(err error) error {
	if p, ok := errors.AsType[*collect.Problem](err); ok {
		return &source.Error{File: p.Source, Message: p.Err.Error(), Err: err}
	}
	return err
}

// verdict turns the count into the exit code: the highest that applies.
func (s *streams) verdict(t *total, failOn audit.Severity, exitZero, operands bool) error {
	switch {
	case t.internal:
		return status(exitInternal)
	case t.Unreadable > 0:
		return status(exitInput)
	case t.Domains == 0:
		hint := "no domain was found: give files, folders or '-' for standard input"
		if operands {
			hint = "no domain of libvirt was found; --verbose lists the files that were skipped"
		}
		fmt.Fprintf(s.err, "virt-audit: %s\n", hint)
		return status(exitNothing)
	case t.AtLeast(failOn) > 0 && !exitZero:
		return status(exitFindings)
	}
	return nil
}

// operands returns what to audit: the command line's operands, or the host's own folders. A word
// that is no file but nearly a command is a slip of the keyboard.
func (s *streams) operands(c *cli.Context) ([]string, error) {
	args := c.Args().Slice()
	if len(args) == 0 {
		return hostFolders(c), nil
	}
	if first := args[0]; !strings.ContainsAny(first, "./*?[") && first != "-" {
		if _, err := os.Lstat(first); errors.Is(err, fs.ErrNotExist) {
			var names []string
			for _, cmd := range c.App.Commands {
				names = append(names, cmd.Name)
			}
			if hint := didYouMean(first, names); hint != "" {
				return nil, &usageError{fmt.Sprintf("%q is neither a file nor a command", first), hint}
			}
		}
	}
	return args, nil
}
