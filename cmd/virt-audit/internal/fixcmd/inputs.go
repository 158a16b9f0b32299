package fixcmd

import (
	"iter"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/collect/live"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
)

// resolve reads the configuration and everything that options name, but for the documents.
func (r *run) resolve() error {
	x, err := r.Configuration.Resolve(r.In, ".", r.flags()...)
	if err != nil {
		return err
	}
	if err := options.CheckStdin(x, r.Args); err != nil {
		return err
	}
	if r.settings, err = r.Settings(x); err != nil {
		return err
	}
	if r.Baseline.File != "" {
		if r.known, err = options.ReadBaseline(r.Baseline.File, r.Baseline.FileFlag().Origin()); err != nil {
			return err
		}
	}
	r.patch.Terminal = r.OnTerminal()
	r.patch.Color, _, err = r.Terminal(r.When, true)
	return err
}

// check returns an error if options exclude each other. live is set if guests of libvirt are fixed.
func (x *request) check(inv *command.Invocation, live bool) error {
	switch {
	case live && x.write:
		return &cmdutil.UsageError{
			Message: "--write: applies only to files",
			Hint:    "--define lets libvirt store the changed definitions",
		}
	case x.yes && !x.define:
		return cmdutil.Usagef("--yes: applies only with --define")
	case !x.define:
		return nil
	case !live:
		return &cmdutil.UsageError{
			Message: "--define: applies only to guests of libvirt",
			Hint:    "-c URI names it, and --write changes files",
		}
	case x.ReadOnly:
		return cmdutil.Usagef("--define and --readonly exclude each other")
	case len(inv.Args) == 0:
		return &cmdutil.UsageError{
			Message: "--define: missing argument GUEST",
			Hint:    "only guests that are named are defined",
		}
	case !x.yes && !inv.Interactive():
		return &cmdutil.UsageError{
			Message: "--define: there is no terminal to ask on",
			Hint:    "--yes defines the guests without a question",
		}
	}
	return nil
}

// inputs finds the documents, as an audit does.
func (r *run) inputs() (iter.Seq2[*collect.Document, error], error) {
	collected, err := r.Reading.Resolve(r.Streams)
	if err != nil {
		return nil, err
	}
	uris, err := r.Connection.Resolve(r.Args)
	if err != nil {
		return nil, err
	}
	if err := r.check(r.Invocation, len(uris) > 0); err != nil {
		return nil, err
	}
	if r.settings.Host, err = r.Host.Resolve(r.Streams, len(r.Args) == 0 && len(uris) == 0); err != nil {
		return nil, err
	}
	r.settings.FileMode = options.FileMode(collected.StdinName)
	if len(uris) > 0 {
		r.live, r.named = true, true
		hosts := r.Connect(r.Streams, r.settings, uris, r.Args)
		r.guests, r.uris = definitions(hosts), map[string]string{}
		for i, h := range hosts { // in the order of the URIs
			r.uris[h.URI] = uris[i]
		}
		return options.Documents(hosts), nil
	}
	paths := r.Args
	if len(paths) == 0 {
		paths = options.GuestDirectories(r.Root)
	}
	r.named = len(paths) > 0
	return collect.Find(paths, collected), nil
}

// guest is what a connection has of a guest besides its definition.
type guest struct{ stored, running, saved bool }

// definitions leaves the stored definitions among the documents of hosts, and guests that have
// none. It returns what there is of each guest, by the name of its definition, or of the document of
// a guest without one.
func definitions(hosts []*live.Host) map[string]guest {
	guests := map[string]guest{}
	for _, h := range hosts {
		for _, d := range h.Documents {
			g := guests[guestOf(d)]
			g.stored = g.stored || d.Origin.Kind == audit.Stored
			g.running = g.running || d.Origin.Kind == audit.Running
			g.saved = g.saved || d.Origin.Kind == audit.Saved
			guests[guestOf(d)] = g
		}
	}
	for _, h := range hosts {
		var kept []*collect.Document
		for _, d := range h.Documents {
			if d.Origin.Kind == audit.Stored || d.Origin.Kind == audit.Running && !guests[guestOf(d)].stored {
				kept = append(kept, d)
			}
		}
		h.Documents = kept
	}
	return guests
}

// guestOf returns the source of a document of libvirt without the kind of document in parentheses.
func guestOf(d *collect.Document) string {
	if i := strings.LastIndex(d.Source, " ("); i >= 0 {
		return d.Source[:i]
	}
	return d.Source
}
