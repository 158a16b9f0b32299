package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/virt-audit/virt-audit/audit/baseline"
	"github.com/virt-audit/virt-audit/audit/pipeline"
	"github.com/virt-audit/virt-audit/audit/report"
)

// writable refuses to write the baseline where something else is, before anything is audited: who types
// "--write-baseline guests/*.xml" has forgotten the file, and would lose the first guest.
func (b *baselineRun) writable(reports []target) error {
	switch b.file {
	case "":
		return nil
	case "-":
		return &usageError{"option --write-baseline: a baseline is written to a file, standard output is the report's", "give the name of the file: --write-baseline virt-audit.baseline.json"}
	}
	b.found = &baseline.Builder{}
	for _, t := range reports {
		if t.file != "" && sameFile(t.file, b.file) {
			return usagef("option --write-baseline: the report of the format %s goes to %s, too", t.format.Name, b.file)
		}
	}
	info, err := os.Stat(b.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return usagef("option --write-baseline: %v", err)
	case !info.Mode().IsRegular() || info.Size() == 0:
		return nil
	}
	data, err := readFile(b.file, maxReport)
	if err != nil {
		return usagef("option --write-baseline: %v", err)
	}
	if b.overwritten, err = baseline.Parse(b.file, data); err != nil {
		return &usageError{fmt.Sprintf("option --write-baseline: %v", err), "it is not overwritten: the file of the baseline stands right behind --write-baseline"}
	}
	return nil
}

// sameFile reports whether two names are those of one file, which need not be there yet.
func sameFile(a, b string) bool {
	if x, err := os.Stat(a); err == nil {
		if y, err := os.Stat(b); err == nil {
			return os.SameFile(x, y)
		}
	}
	return resolved(a) == resolved(b)
}

// write writes the baseline that was asked for. A run that has not seen all writes none: what it has
// missed would fail in the next as if it were new.
func (b *baselineRun) write(s *streams, t *total, run *pipeline.Run) error {
	if b.found == nil {
		return nil
	}
	file := report.Printable(b.file)
	switch {
	case t.Domains == 0:
		fmt.Fprintf(s.err, "virt-audit: %s is not written: nothing was audited\n", file)
		return nil
	case t.Unreadable > 0:
		fmt.Fprintf(s.err, "virt-audit: %s is not written: some input could not be read\n", file)
		return nil
	}
	before := b.found.Len()
	said := ""
	if b.known != nil {
		gone, open := run.Missing()
		b.found.Keep(open)
		if kept := b.found.Len() - before; kept > 0 {
			said = fmt.Sprintf(": %d found, and %d that this run could not judge are kept", before, kept)
		}
		if n := count(gone); n > 0 {
			said += fmt.Sprintf("; no longer found of the old baseline: %d", n)
		}
	}
	w, done, err := s.output(b.file)
	if err != nil {
		return err
	}
	if err := report.Baseline(w, b.found.Entries(), toolVersion()); err != nil {
		return errors.Join(fmt.Errorf("write the baseline: %w", err), done(false))
	}
	if err := done(true); err != nil {
		return fmt.Errorf("write the baseline: %w", err)
	}
	fmt.Fprintf(s.err, "virt-audit: %s holds %s from now on%s\n", file, findings(b.found.Len()), said)
	if b.overwritten != nil && (b.known == nil || !sameFile(b.known.Source, b.file)) {
		if n := b.overwritten.Lacking(b.found); n > 0 {
			fmt.Fprintf(s.err, "virt-audit: before, it held %d that are not among them; with '--baseline %s' those that a run cannot judge are kept\n", n, file)
		}
	}
	return nil
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
