package scan

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/virt-audit/virt-audit/audit/baseline"
	"github.com/virt-audit/virt-audit/audit/pipeline"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
)

// baselineRun holds the baseline that a run reads, and the one that it writes.
type baselineRun struct {
	known       *baseline.Baseline // of --baseline; nil if there is none
	found       *baseline.Builder  // of --write-baseline; nil if none is written
	file        string             // that is written
	overwritten *baseline.Baseline // what that file contains now; nil if it is empty or missing
}

// newBaselineRun reads the files of --baseline and --write-baseline.
func newBaselineRun(o *options.Baseline, reports []options.Target) (*baselineRun, error) {
	b := &baselineRun{file: o.WriteFile}
	if err := b.checkFile(reports); err != nil {
		return nil, err
	}
	if o.File == "" {
		return b, nil
	}
	if _, err := os.Lstat(o.File); errors.Is(err, fs.ErrNotExist) && b.file != "" && cmdutil.SameFile(o.File, b.file) {
		return b, nil // the first run writes it
	}
	var err error
	b.known, err = options.ReadBaseline(o.File, o.FileFlag().Origin())
	return b, err
}

// checkFile returns an error, before anything is audited, if the file of --write-baseline contains
// something that is not a baseline: in "--write-baseline guests/*.xml" the file is missing, and the
// first guest would be lost.
func (b *baselineRun) checkFile(reports []options.Target) error {
	switch b.file {
	case "":
		return nil
	case "-":
		return &cmdutil.UsageError{
			Message: "--write-baseline: a baseline is written to a file, standard output is the report's",
			Hint:    "name a file: --write-baseline virt-audit.baseline.json",
		}
	}
	b.found = &baseline.Builder{}
	for _, t := range reports {
		if t.File != "" && cmdutil.SameFile(t.File, b.file) {
			return cmdutil.Usagef("--write-baseline: the report of the format %s goes to %s, too", t.Format.Name, b.file)
		}
	}
	info, err := os.Stat(b.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return cmdutil.Usagef("--write-baseline: %v", err)
	case !info.Mode().IsRegular() || info.Size() == 0:
		return nil
	}
	data, err := cmdutil.ReadFile(b.file, cmdutil.MaxReport)
	if err != nil {
		return cmdutil.Usagef("--write-baseline: %v", err)
	}
	if b.overwritten, err = baseline.Parse(b.file, data); err != nil {
		return &cmdutil.UsageError{
			Message: fmt.Sprintf("--write-baseline: %v", err),
			Hint:    "it is not overwritten: the file of the baseline must follow --write-baseline",
		}
	}
	return nil
}

// write writes the baseline. A run that has not read everything writes none: what it has missed
// would be new in the next run.
func (b *baselineRun) write(s *cmdutil.Streams, t *total, run *pipeline.Run) error {
	if b.found == nil {
		return nil
	}
	file := report.Printable(b.file)
	switch {
	case t.Domains == 0:
		s.Errorf("%s is not written: nothing was audited", file)
		return nil
	case t.Unreadable > 0:
		s.Errorf("%s is not written: some input was unreadable", file)
		return nil
	}
	changes := b.keep(run)
	w, done, err := s.Output(b.file)
	if err != nil {
		return err
	}
	if err := report.Baseline(w, b.found.Entries(), s.Version); err != nil {
		return errors.Join(fmt.Errorf("write the baseline: %w", err), done(false))
	}
	if err := done(true); err != nil {
		return fmt.Errorf("write the baseline: %w", err)
	}
	s.Errorf("%s holds %s from now on%s", file, findings(b.found.Len()), changes)
	if b.overwritten != nil && (b.known == nil || !cmdutil.SameFile(b.known.Source, b.file)) {
		if n := b.overwritten.Lacking(b.found); n > 0 {
			s.Errorf("%d findings that it contained before are not among them; with '--baseline %s' those that a run cannot judge are kept", n, file)
		}
	}
	return nil
}

// keep adds those findings of the old baseline that this run could not judge, and returns what
// changed, in words.
func (b *baselineRun) keep(run *pipeline.Run) string {
	if b.known == nil {
		return ""
	}
	before, changes := b.found.Len(), ""
	gone, open := run.Missing()
	b.found.Keep(open)
	if kept := b.found.Len() - before; kept > 0 {
		changes = fmt.Sprintf(": %d found, and %d that this run could not judge are kept", before, kept)
	}
	if n := count(gone); n > 0 {
		changes += fmt.Sprintf("; no longer found of the old baseline: %d", n)
	}
	return changes
}

func findings(n int) string {
	if n == 1 {
		return "1 finding"
	}
	return fmt.Sprintf("%d findings", n)
}

// count returns how many findings entries stand for.
func count(entries []baseline.Entry) int {
	n := 0
	for _, e := range entries {
		n += e.Count
	}
	return n
}
