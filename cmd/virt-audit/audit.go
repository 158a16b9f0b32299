package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/report"
)

// collectAt is the size in bytes that the program may grow to before the collector runs more often, up to
// manyDocuments: memory is then about the same for a hundred guests and for ten thousand.
const collectAt = 96 << 20

// audit is the command without a name: judge what the operands hold.
func (s *streams) audit(c *cli.Context) (err error) {
	cfg, err := config(c)
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
	format, err := report.Named(c.String("format"))
	if err != nil {
		return &usageError{"option --format: " + err.Error(), didYouMean(c.String("format"), []string{"text", "json"})}
	}
	if c.Int("jobs") < 1 {
		return usagef("option --jobs: at least 1 is wanted")
	}
	var operands []string
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
		documents = collect.Operands(operands, options)
	}
	if err != nil {
		return err
	}
	out, done, err := s.output(c.String("output"))
	if err != nil {
		return err
	}
	defer func() { _ = done(false) }() // after done(true) it does nothing
	paint, width, err := s.terminal(c, c.String("output") == "")
	if err != nil {
		return err
	}
	profiles, _ := profileOption(c)
	rep := format.New(out, report.Options{
		Version: toolVersion(), Policy: cfg.Policy.Name, Profiles: profiles,
		Color: paint, Width: width, Quiet: c.Bool("quiet"), Verbose: c.Bool("verbose"),
	})
	// Documents are small and short-lived: without this the collector runs all the time, and takes
	// the second core from a run on one.
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(collectAt)
	// Who asks for one job wants one processor taken, the collector's work included.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(min(c.Int("jobs"), runtime.GOMAXPROCS(0))))
	tally, err := s.report(rep, evaluate(c.Int("jobs"), documents, cfg), c.Bool("verbose"), c.Bool("quiet"))
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := done(true); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return s.verdict(tally, failOn, c.Bool("exit-zero"), len(operands) > 0)
}

// total is what the exit code is made of.
type total struct {
	report.Tally
	internal bool
}

// report feeds outcomes to the reporter, and tells of errors on standard error as they come.
func (s *streams) report(rep report.Reporter, outcomes iter.Seq[outcome], verbose, quiet bool) (*total, error) {
	t := &total{}
	bar := newProgress(s.err, quiet)
	defer bar.stop()
	for o := range outcomes {
		bar.add()
		var err error
		for _, r := range o.results {
			t.Add(r)
			if err = rep.Domain(r); err != nil {
				break
			}
		}
		switch {
		case err != nil:
		case o.err != nil:
			t.Errors++
			var internal *internalError
			t.internal = t.internal || errors.As(o.err, &internal)
			bar.print(fmt.Sprintf("virt-audit: %s\n", report.Printable(o.err.Error())))
			err = rep.Problem(inputError(o.err))
		case o.skip != nil && verbose:
			bar.print(fmt.Sprintf("virt-audit: passed over: %s\n", report.Printable(o.skip.Error())))
		}
		if err != nil {
			return nil, err
		}
	}
	return t, rep.Close()
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
	case t.Errors > 0:
		return status(exitInput)
	case t.Domains == 0:
		hint := "no domain was found: give files, folders or '-' for standard input"
		if operands {
			hint = "no domain was found in what was given; --verbose tells what was passed over"
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

// output returns where the report goes. A file is put in place when done(true) is called, whole; a
// pipe, a device or standard output is written as the report grows.
func (s *streams) output(file string) (w io.Writer, done func(keep bool) error, err error) {
	if file == "" || file == "-" {
		b := bufio.NewWriterSize(s.out, 1<<16)
		return b, func(bool) error { return b.Flush() }, nil
	}
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		if info.IsDir() {
			return nil, nil, usagef("option --output: %s is a folder", file)
		}
		f, err := os.OpenFile(file, os.O_WRONLY, 0)
		if err != nil {
			return nil, nil, usagef("option --output: %v", err)
		}
		return f, func(bool) error { return f.Close() }, nil
	}
	p, err := renameio.NewPendingFile(file, renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return nil, nil, usagef("option --output: %v", err)
	}
	b := bufio.NewWriterSize(p, 1<<16)
	closed := false
	return b, func(keep bool) error {
		if closed {
			return nil
		}
		closed = true
		if !keep {
			return p.Cleanup()
		}
		if err := b.Flush(); err != nil {
			return errors.Join(err, p.Cleanup())
		}
		return p.CloseAtomicallyReplace()
	}, nil
}
