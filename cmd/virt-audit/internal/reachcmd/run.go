package reachcmd

import (
	"errors"
	"iter"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/inventory"
	"github.com/virt-audit/virt-audit/audit/pipeline"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
)

// inputs are the documents of a list.
type inputs struct {
	documents iter.Seq2[*collect.Document, error]
	settings  *audit.Settings // what is known of hosts
	named     bool            // the command line names inputs, or this host has some
}

// inputs finds the documents, as an audit does.
func (l *listing) inputs(inv *command.Invocation) (*inputs, error) {
	collected, err := l.Reading.Resolve(inv.Streams)
	if err != nil {
		return nil, err
	}
	uris, err := l.Connection.Resolve(inv.Args)
	if err != nil {
		return nil, err
	}
	in := &inputs{settings: &audit.Settings{OneHost: l.One || l.Root != ""}}
	if len(uris) > 0 {
		in.named, in.documents = true, options.Documents(l.Fetch(inv.Streams, uris, inv.Args))
		return in, nil
	}
	paths := inv.Args
	if len(paths) == 0 {
		paths, in.settings.OneHost = options.GuestDirectories(l.Root), true
	}
	in.named, in.documents = len(paths) > 0, collect.Find(paths, collected)
	return in, nil
}

// run is one list.
type run struct {
	*listing
	*command.Invocation
	*inputs
	report report.ReachReporter
	paths  inventory.Paths

	sharing          inventory.Sharing
	hidden           inventory.Hidden
	guests, listed   int
	internal, unread bool
}

// list reads the documents, and passes what they touch to the report.
func (r *run) list() error {
	touched := func(d *audit.Domain) *inventory.Guest { return inventory.Of(d, r.settings.HostName(d)) }
	for o := range pipeline.Read(r.documents, r.Jobs, touched) {
		switch {
		case o.Err != nil:
			r.unread = true
			_, internal := errors.AsType[*pipeline.PanicError](o.Err)
			r.internal = r.internal || internal
			r.Errorf("%v", o.Err)
			if err := r.report.Unreadable(options.InputError(o.Err)); err != nil {
				return err
			}
		case o.Kind == pipeline.Skipped && r.verbose:
			r.Errorf("skipped: %v", o.NotDomain)
		}
		for _, g := range o.Values {
			if err := r.add(g); err != nil {
				return err
			}
		}
	}
	if r.shared {
		list, omitted := r.sharing.List()
		r.listed = len(list)
		if err := r.report.Share(list, omitted); err != nil {
			return err
		}
	}
	return r.report.Close(r.hidden)
}

func (r *run) add(g *inventory.Guest) error {
	r.guests++
	r.hidden.Add(g)
	r.paths.Select(g)
	if r.shared {
		r.sharing.Add(g)
		return nil
	}
	r.listed += len(g.Entries)
	return r.report.Guest(g)
}

// verdict prints what the list cannot show, and returns the exit code.
func (r *run) verdict() error {
	r.notes()
	switch {
	case r.internal:
		return cmdutil.Exit(cmdutil.ExitInternal)
	case r.unread:
		return cmdutil.Exit(cmdutil.ExitInput)
	case r.guests == 0 && r.named:
		r.Errorf("no domain of libvirt was found; --verbose lists the files that were skipped")
		return cmdutil.Exit(cmdutil.ExitNothing)
	case r.guests == 0:
		r.Errorf("no domain was found: name files, directories or '-' for standard input")
		return cmdutil.Exit(cmdutil.ExitNothing)
	}
	return nil
}

// notes prints on standard error that nothing is listed, and for what the list is not the whole
// answer.
func (r *run) notes() {
	if r.guests == 0 {
		return
	}
	what := strings.Join(r.paths, " or ")
	switch {
	case r.listed > 0:
	case r.shared && what != "":
		r.Errorf("no two guests touch the same thing at %s", what)
	case r.shared:
		r.Errorf("no two guests touch the same thing")
	case what != "":
		r.Errorf("no guest touches %s by a name in its document; links, and backing files that only images name, are not followed", what)
	}
	if n := r.sharing.Unplaced(); n > 1 && !r.One {
		r.Errorf("%d documents are not known to be of one host, and the same name may be another thing on another host; --one-host states that they are of one", n)
	}
	if r.sharing.Incomplete() {
		r.Errorf("directories inside directories contain more of other guests than is listed")
	}
	for _, h := range []struct {
		count int
		what  string
	}{
		{r.hidden.Volumes, "use volumes of libvirt's storage pools, whose paths the documents do not contain"},
		{r.hidden.Arguments, "have arguments of QEMU whose meaning is not known"},
		{r.hidden.Descriptors, "get open files from the process that starts them"},
	} {
		if h.count > 0 && len(r.paths) > 0 {
			r.Errorf("%d of %d guests may touch more than is listed: they %s", h.count, r.guests, h.what)
		}
	}
}
