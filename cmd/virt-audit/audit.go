package main

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/report"
)

// collectAt is the size in bytes that the program may grow to before the collector runs more often: memory is
// then about the same for a hundred guests and for ten thousand.
const collectAt = 96 << 20

// heapChecked is after how many documents limitHeap is called.
const heapChecked = 256

// limitHeap has the collector go by what lives long, the index and the findings, once that is two thirds
// of collectAt. It would run all the time otherwise, to keep a size that cannot be kept.
func limitHeap() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if live[0].Value.Kind() == metrics.KindUint64 {
		debug.SetMemoryLimit(max(collectAt, int64(live[0].Value.Uint64()/2*3))) //nolint:gosec // a size in memory
	}
}

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
	accepted, err := acceptedOption(c, x, cfg, wanted)
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
		Severities: cfg.Severities, Operands: paths, StdinName: options.StdinName,
		ShowWaived: c.Bool("show-waived"), Quiet: c.Bool("quiet"), Verbose: c.Bool("verbose"),
	})
	if err != nil {
		return err
	}
	defer func() { _ = reports.done(false) }() // after done(true) it does nothing
	defer whenEnded(reports.abandon)()
	// Documents are small and short-lived: without this the collector runs all the time, and takes
	// the second core from a run on one.
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(collectAt)
	// Who asks for one job wants one processor taken, the collector's work included.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(min(c.Int("jobs"), runtime.GOMAXPROCS(0))))
	tally, err := s.report(reports, accepted, evaluate(c.Int("jobs"), documents, cfg, reports.streaming()), c.Bool("verbose"), c.Bool("quiet"))
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := reports.done(true); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := accepted.write(s, tally); err != nil {
		return err
	}
	return s.verdict(tally, failOn, c.Bool("exit-zero") || accepted.written != nil, len(operands) > 0)
}

// total is what the exit code is made of.
type total struct {
	report.Tally
	internal bool
}

// report feeds outcomes to the reports, and tells of errors on standard error as they come.
func (s *streams) report(reports sinks, accepted *accepted, outcomes iter.Seq[outcome], verbose, quiet bool) (*total, error) {
	t := &total{}
	bar := newProgress(s.err, quiet)
	defer bar.stop()
	for o := range outcomes {
		bar.add()
		var err error
		for i, r := range o.results {
			accepted.sort(&o, i)
			if o.early {
				err = reports.Early(r)
			} else {
				t.Add(r)
				err = reports.Domain(r, o.more[i])
			}
			if err != nil {
				break
			}
		}
		switch {
		case err != nil:
		case o.err != nil:
			t.Unreadable++
			var internal *internalError
			t.internal = t.internal || errors.As(o.err, &internal)
			bar.print(fmt.Sprintf("virt-audit: %s\n", report.Printable(o.err.Error())))
			err = reports.Unreadable(inputError(o.err))
		case o.skip != nil && verbose:
			bar.print(fmt.Sprintf("virt-audit: skipped: %s\n", report.Printable(o.skip.Error())))
		}
		if err != nil {
			return nil, err
		}
	}
	for _, n := range accepted.notices(t.Unreadable) {
		t.AddNotice(n)
		if err := reports.Notice(n); err != nil {
			return nil, err
		}
	}
	return t, reports.Close()
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
		return &audit.InputError{Source: p.Source, Message: p.Err.Error(), Err: err}
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
