package scan

import (
	"errors"
	"syscall"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
)

// sink is an open report.
type sink struct {
	report.Reporter
	early  report.Streamer // the same, where it can take guests before all are known; else nil
	flush  func() error
	done   func(keep bool) error
	file   string // "" is standard output
	closed bool   // the reader of standard output has closed it
}

// sinks are all reports of a run.
type sinks []*sink

// open opens the reports, and records their temporary files. The caller must call done.
func open(s *cmdutil.Streams, made *cmdutil.Temporaries, all []options.Target, color *options.Color, o report.Options) (out sinks, err error) {
	defer func() {
		if err != nil {
			_ = out.done(false)
			out = nil
		}
	}()
	for _, t := range all {
		w, done, err := s.OutputTemporary(t.File, made)
		if err != nil {
			return out, err
		}
		k := &sink{done: done, flush: w.Flush, file: t.File}
		own := o
		if own.Color, own.Width, err = s.Terminal(color.When, t.File == ""); err != nil {
			_ = done(false)
			return out, err
		}
		k.Reporter = t.Format.New(w, own)
		k.early, _ = k.Reporter.(report.Streamer)
		out = append(out, k)
	}
	return out, nil
}

// streaming reports whether a report can take guests before all are known.
func (all sinks) streaming() bool {
	for _, k := range all {
		if k.early != nil {
			return true
		}
	}
	return false
}

// Early passes a guest at once to those reports that do not wait for the other guests.
func (all sinks) Early(r *audit.Result) error {
	return all.each(func(k *sink) error {
		if k.early == nil {
			return nil
		}
		return errors.Join(k.early.Early(r), k.flush())
	})
}

// Domain passes a guest on; revised reports whether it differs from what was passed early.
func (all sinks) Domain(r *audit.Result, revised bool) error {
	return all.each(func(k *sink) error {
		if k.early != nil && !revised {
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

// done puts the files in place, or removes them if they are not to be kept.
func (all sinks) done(keep bool) error {
	var errs []error
	for _, k := range all {
		if err := k.done(keep); !k.stops(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// each calls do for each report. A reader that closes a pipe early, as head does, ends only the
// report on standard output; the others are completed.
func (all sinks) each(do func(*sink) error) error {
	read := false
	for _, k := range all {
		if k.closed {
			continue
		}
		if err := do(k); err != nil && !k.stops(err) {
			return err
		}
		read = read || !k.closed
	}
	if !read {
		return cmdutil.ErrNoReader
	}
	return nil
}

// stops records whether an error means that the reader of standard output has closed it.
func (k *sink) stops(err error) bool {
	k.closed = k.closed || k.file == "" && errors.Is(err, syscall.EPIPE)
	return k.closed
}
