package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/report"
)

// target is one report that is asked for, and where it goes: "" is standard output.
type target struct {
	format report.Format
	file   string
}

func formatNames() []string {
	var names []string
	for _, f := range report.Formats() {
		names = append(names, f.Name)
	}
	return names
}

// targets reads --format and --output. A format may bring its own file, as in "sarif:out.sarif"; one
// that does not goes where --output says, or to standard output, which takes one.
func targets(c *cli.Context) ([]target, error) {
	var out []target
	unplaced := ""
	files := map[string]bool{}
	words := splitFormats(c.StringSlice("format"))
	if len(words) == 0 {
		words = formatNames()[:1]
	}
	for _, word := range words {
		name, file, placed := strings.Cut(word, ":")
		f, err := report.Named(name)
		if err != nil {
			return nil, &usageError{"option --format: " + err.Error(), didYouMean(name, formatNames())}
		}
		switch {
		case placed && file == "":
			return nil, usagef("option --format: %q wants the name of a file behind the colon", word)
		case !placed || file == "-":
			if unplaced != "" {
				return nil, &usageError{fmt.Sprintf("option --format: %s and %s cannot both go to one place", unplaced, name), fmt.Sprintf("give one of them a file: --format %s:FILE", name)}
			}
			unplaced, file = name, c.String("output")
		}
		if file == "-" {
			file = ""
		}
		if files[file] {
			return nil, usagef("option --format: two reports cannot both go to %s", file)
		}
		files[file] = true
		out = append(out, target{f, file})
	}
	if unplaced == "" && c.String("output") != "" {
		return nil, usagef("option --output: every format has a file of its own already")
	}
	return out, nil
}

// splitFormats takes lists apart, "text,sarif:out.sarif", where what follows the comma begins with the
// name of a format: the name of a file may have commas in it.
func splitFormats(values []string) []string {
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

// sink is an open report.
type sink struct {
	report.Reporter
	early report.Streamer // the same, where it can take guests before all are known; else nil
	flush func() error
	done  func(keep bool) error
}

// sinks are all reports of a run.
type sinks []*sink

// open opens the reports that are asked for. The caller calls done in any case.
func (s *streams) open(c *cli.Context, all []target, o report.Options) (out sinks, err error) {
	defer func() {
		if err != nil {
			_ = out.done(false)
			out = nil
		}
	}()
	for _, t := range all {
		w, done, err := s.output(t.file)
		if err != nil {
			return out, err
		}
		k := &sink{done: done, flush: w.Flush}
		own := o
		if own.Color, own.Width, err = s.terminal(c, t.file == ""); err != nil {
			_ = done(false)
			return out, err
		}
		k.Reporter = t.format.New(w, own)
		k.early, _ = k.Reporter.(report.Streamer)
		out = append(out, k)
	}
	return out, nil
}

// streaming reports whether a report wants guests before all are known.
func (all sinks) streaming() bool {
	for _, k := range all {
		if k.early != nil {
			return true
		}
	}
	return false
}

// Early passes a guest on to those reports that do not wait for the others, at once.
func (all sinks) Early(r *audit.Result) error {
	return all.each(func(k *sink) error {
		if k.early == nil {
			return nil
		}
		return errors.Join(k.early.Early(r), k.flush())
	})
}

// Domain passes a guest on; more says whether there is more about it than was known early.
func (all sinks) Domain(r *audit.Result, more bool) error {
	return all.each(func(k *sink) error {
		if k.early != nil && !more {
			return nil
		}
		return k.Domain(r)
	})
}

func (all sinks) Notice(n *audit.Notice) error {
	return all.each(func(k *sink) error { return k.Notice(n) })
}

func (all sinks) Problem(err error) error {
	return all.each(func(k *sink) error { return k.Problem(err) })
}

func (all sinks) Close() error {
	return all.each(func(k *sink) error { return k.Close() })
}

// done puts the files in place, or takes back what is not complete.
func (all sinks) done(keep bool) error {
	var errs []error
	for _, k := range all {
		errs = append(errs, k.done(keep))
	}
	return errors.Join(errs...)
}

func (all sinks) each(do func(*sink) error) error {
	for _, k := range all {
		if err := do(k); err != nil {
			return err
		}
	}
	return nil
}

// output returns where a report goes. A file is put in place when done(true) is called, whole; a
// pipe, a device or standard output is written as the report grows.
func (s *streams) output(file string) (w *bufio.Writer, done func(keep bool) error, err error) {
	const size = 1 << 16
	if file == "" {
		b := bufio.NewWriterSize(s.out, size)
		return b, func(bool) error { return b.Flush() }, nil
	}
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		if info.IsDir() {
			return nil, nil, usagef("the report cannot be written to %s: it is a folder", file)
		}
		f, err := os.OpenFile(file, os.O_WRONLY, 0)
		if err != nil {
			return nil, nil, unwritable(file, err)
		}
		b := bufio.NewWriterSize(f, size)
		return b, once(func(bool) error { return errors.Join(b.Flush(), f.Close()) }), nil
	}
	p, err := renameio.NewPendingFile(file, renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return nil, nil, unwritable(file, err)
	}
	b := bufio.NewWriterSize(p, size)
	return b, once(func(keep bool) error {
		if !keep {
			return p.Cleanup()
		}
		if err := b.Flush(); err != nil {
			return errors.Join(err, p.Cleanup())
		}
		return p.CloseAtomicallyReplace()
	}), nil
}

// unwritable leaves out the path of the system's error: it is that of a temporary file.
func unwritable(file string, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return usagef("the report cannot be written to %s: %v", file, err)
}

// once returns a function that does its work when it is first called.
func once(do func(bool) error) func(bool) error {
	called := false
	return func(keep bool) error {
		if called {
			return nil
		}
		called = true
		return do(keep)
	}
}
