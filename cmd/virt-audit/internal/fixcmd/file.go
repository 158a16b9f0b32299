package fixcmd

import (
	"fmt"
	"slices"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
	"github.com/virt-audit/virt-audit/audit/fixing"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
)

// file carries out the fixes of one file, guest or stream, which may have several parts.
func (r *run) file(parts []*fixing.Document) error {
	changed := slices.ContainsFunc(parts, func(d *fixing.Document) bool { return d.Changed() != nil })
	whole := r.write && parts[0].Stdin() // printed also if nothing is changed
	var err error
	switch {
	case !changed && !whole:
	case whole:
		err = r.print(parts)
	case r.write:
		r.replace(parts)
	case r.define:
		err = r.redefine(parts[0])
	default:
		if err = r.difference(parts); err == nil {
			r.summary.fix(parts)
		}
	}
	if err != nil {
		return err
	}
	for _, d := range parts {
		for _, x := range d.Domains {
			r.summary.leave(d.Source, x.Left, r.write || r.define)
		}
	}
	return nil
}

// print prints a stream with its fixes, unless a part is unreadable: the reader would take the rest
// for the whole.
func (r *run) print(parts []*fixing.Document) error {
	if slices.ContainsFunc(parts, func(d *fixing.Document) bool { return d.Err != nil || r.broken[d.Document] }) {
		r.summary.refuse(parts)
		r.Errorf("%s: not printed: a part of it was unreadable", report.Printable(parts[0].Source))
		return nil
	}
	_, after, err := contents(parts)
	if err != nil {
		return err
	}
	r.summary.fix(parts)
	_, err = r.Out.Write(after)
	return err
}

// difference prints the difference. That of a definition of libvirt is for people: it hides secrets,
// and --define applies it.
func (r *run) difference(parts []*fixing.Document) error {
	before, after, err := contents(parts)
	if err != nil {
		return err
	}
	if r.live {
		x := parts[0].Changed()
		before, after = masked(x.Before), masked(x.After)
	}
	return report.Patch(r.Out, edit.Diff(parts[0].Source, before, after), r.patch)
}

// masked returns a document without its secrets.
func masked(d *audit.Domain) []byte {
	return []byte(d.Masked(audit.Span{End: len(d.Document())}))
}

// contents returns both versions of a file or stream.
func contents(parts []*fixing.Document) (before, after []byte, err error) {
	for _, d := range parts {
		if x := d.Changed(); x != nil {
			before, after = append(before, x.Before.Document()...), append(after, x.After.Document()...)
			continue
		}
		data, err := d.Read()
		if err != nil {
			return nil, nil, err
		}
		before, after = append(before, data...), append(after, data...)
	}
	return before, after, nil
}

// replace changes a file in place, or reports why not.
func (r *run) replace(parts []*fixing.Document) {
	d, x := parts[0], parts[0].Changed()
	shown := report.Printable(d.Source)
	switch err := r.replaceFile(d, x); {
	case err != nil:
		r.summary.refuse(parts)
		r.Errorf("%s: not changed: %v", shown, err)
	default:
		r.summary.fix(parts)
		r.Errorf("%s: %s", shown, made(len(x.Fixed)))
	}
}

func made(n int) string {
	if n == 1 {
		return "1 fix made"
	}
	return fmt.Sprintf("%d fixes made", n)
}

// redefine lets libvirt store a definition.
func (r *run) redefine(d *fixing.Document) error {
	if err := r.difference([]*fixing.Document{d}); err != nil {
		return err
	}
	defined, err := r.defineGuest(d, d.Changed())
	switch {
	case err != nil:
		r.Errorf("%s: not defined: %v", report.Printable(d.Source), cmdutil.Hinted(err))
		r.summary.refuse([]*fixing.Document{d})
	case !defined:
		r.summary.refuse([]*fixing.Document{d})
	default:
		r.summary.fix([]*fixing.Document{d})
	}
	return nil
}
