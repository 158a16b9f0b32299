package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

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

// targets reads --format and --output.
func targets(c *cli.Context, x *site) ([]target, error) {
	return placed(c.StringSlice("format"), c.String("output"), x.says("format"))
}

// placed returns the reports that are asked for. A format may bring its own file, as in "sarif:out.sarif";
// one that does not goes where --output says, or to standard output, which takes one. Says tells what named
// the formats.
func placed(formats []string, output, says string) ([]target, error) {
	var out []target
	unplaced := ""
	files := map[string]bool{}
	words := splitFormats(formats)
	if len(words) == 0 {
		words = formatNames()[:1]
	}
	for _, word := range words {
		name, file, own := strings.Cut(word, ":")
		f, err := report.Named(name)
		if err != nil {
			return nil, &usageError{says + ": " + err.Error(), didYouMean(name, formatNames())}
		}
		switch {
		case own && file == "":
			return nil, usagef("%s: %q must have the name of a file after the colon", says, word)
		case !own || file == "-":
			if unplaced != "" {
				return nil, &usageError{fmt.Sprintf("%s: %s and %s cannot both go to one place", says, unplaced, name), "give one of them a file: " + name + ":FILE"}
			}
			unplaced, file = name, output
		}
		if slices.Contains([]string{"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}, file) {
			file = ""
		}
		at, streamed := destination(file)
		switch {
		case files[at] && file == "":
			return nil, usagef("%s: two reports cannot both go to standard output", says)
		case files[at] && !streamed: // a terminal, or /dev/null, takes several
			return nil, usagef("%s: two reports cannot both go to %s", says, file)
		}
		files[at] = true
		out = append(out, target{f, file})
	}
	if unplaced == "" && output != "" {
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
	early  report.Streamer // the same, where it can take guests before all are known; else nil
	flush  func() error
	done   func(keep bool) error
	file   string // "" is standard output
	began  string // the temporary file that is not in place yet, or ""
	unread bool   // whoever read standard output has gone
}

// errUnread is returned when nobody is left who reads what is written.
var errUnread = errors.New("nobody reads standard output any more")

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
		w, done, began, err := s.begin(t.file)
		if err != nil {
			return out, err
		}
		k := &sink{done: done, flush: w.Flush, file: t.file, began: began}
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

func (all sinks) Unreadable(problem error) error {
	return all.each(func(k *sink) error {
		err := k.Unreadable(problem)
		if k.early != nil {
			err = errors.Join(err, k.flush())
		}
		return err
	})
}

func (all sinks) Close() error {
	return all.each(func(k *sink) error { return k.Close() })
}

// done puts the files in place, or takes back what is not complete.
func (all sinks) done(keep bool) error {
	var errs []error
	for _, k := range all {
		if err := k.done(keep); !k.stops(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// each does something with each report. Who closes a pipe early, as head does, has read enough of the one on
// standard output; the others are written to their ends.
func (all sinks) each(do func(*sink) error) error {
	read := false
	for _, k := range all {
		if k.unread {
			continue
		}
		if err := do(k); err != nil && !k.stops(err) {
			return err
		}
		read = read || !k.unread
	}
	if !read {
		return errUnread
	}
	return nil
}

// stops notes whether an error says that nobody reads standard output any more.
func (k *sink) stops(err error) bool {
	k.unread = k.unread || k.file == "" && errors.Is(err, syscall.EPIPE)
	return k.unread
}

// abandon removes what is not in place yet, while another goroutine may still write to it. It waits for nothing:
// who reads a pipe may have stopped to.
func (all sinks) abandon() {
	for _, k := range all {
		if k.began != "" {
			_ = os.Remove(k.began)
		}
	}
}
