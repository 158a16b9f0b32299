package fixcmd

import (
	"errors"
	"fmt"
	"iter"
	"syscall"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/baseline"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/fixing"
	"github.com/virt-audit/virt-audit/audit/pipeline"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/rules"
)

// run is one run of the command.
type run struct {
	*command.Invocation
	*request
	settings *audit.Settings
	known    *baseline.Baseline
	patch    report.PatchOptions
	live     bool              // guests of libvirt are fixed
	named    bool              // the command line names inputs, or this host has some
	guests   map[string]guest  // of libvirt, see definitions
	uris     map[string]string // as typed, by the form without a password

	audited *pipeline.Run
	broken  map[*collect.Document]bool // parts of streams that are unreadable
	confirm *cmdutil.Confirmer
	summary summary
}

func (x *request) run(inv *command.Invocation) error {
	r := &run{Invocation: inv, request: x, broken: map[*collect.Document]bool{}}
	if err := r.resolve(); err != nil {
		return err
	}
	documents, err := r.inputs()
	if err != nil {
		return err
	}
	defer pipeline.LimitProcess(r.Jobs)()
	r.audited = pipeline.New(pipeline.Options{
		Settings: r.settings, Indexers: rules.Indexers(), Jobs: r.Jobs, LimitMemory: true, Baseline: r.known,
	})
	r.confirm = r.NewConfirmer()
	outcomes := r.audit(documents)
	err = r.fix(outcomes)
	switch {
	case errors.Is(err, syscall.EPIPE):
		return cmdutil.ErrNoReader
	case err != nil:
		return fmt.Errorf("write the difference: %w", err)
	}
	return r.verdict()
}

// audit audits the documents, and returns the outcomes that something may be fixed in: those with
// findings, and all parts of a stream, since its difference has the lines of the whole.
func (r *run) audit(documents iter.Seq2[*collect.Document, error]) []pipeline.Outcome {
	bar := cmdutil.NewProgress(r.Err, false)
	defer bar.Stop()
	var out []pipeline.Outcome
	for o := range r.audited.Outcomes(documents) {
		bar.Add()
		switch {
		case o.Err != nil:
			r.summary.fail(o.Err)
			r.broken[o.Document()] = true
			bar.Print(fmt.Sprintf("virt-audit: %s\n", report.Printable(o.Err.Error())))
		case o.Kind == pipeline.Skipped && r.verbose:
			bar.Print(fmt.Sprintf("virt-audit: skipped: %s\n", report.Printable(o.NotDomain.Error())))
		}
		keep := o.Document() != nil && o.Document().Part()
		for _, res := range o.Results {
			r.summary.domains++
			keep = keep || len(res.Findings) > 0
			for _, u := range res.Unevaluated {
				r.summary.skip(u.Rule)
			}
		}
		if keep {
			out = append(out, o)
		}
	}
	return out
}

// fix fixes the documents, one file or stream after the other.
func (r *run) fix(outcomes []pipeline.Outcome) error {
	var stream []*fixing.Document // the parts so far
	flush := func() error {
		parts := stream
		if stream = nil; len(parts) == 0 {
			return nil
		}
		return r.file(parts)
	}
	for d := range fixing.All(r.audited, outcomes, fixing.Options{Unsafe: r.unsafe, Owned: r.force, Jobs: r.Jobs}) {
		if d.Err != nil {
			r.summary.fail(d.Err)
			r.Errorf("%v", d.Err)
		}
		if len(stream) > 0 && (d.Document == nil || !d.Part() || d.Source != stream[0].Source) {
			if err := flush(); err != nil {
				return err
			}
		}
		if d.Document == nil {
			continue
		}
		stream = append(stream, d)
		if d.Part() {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return flush()
}
