package fixcmd

import (
	"errors"
	"fmt"

	"github.com/virt-audit/virt-audit/audit/collect/live"
	"github.com/virt-audit/virt-audit/audit/fixing"
	"github.com/virt-audit/virt-audit/audit/report"
)

// defineGuest lets libvirt store the changed definition of a guest, after a question. It returns
// false if the answer was no.
func (r *run) defineGuest(d *fixing.Document, x *fixing.Domain) (bool, error) {
	switch {
	case x.Before.Name != x.After.Name || x.Before.UUID != x.After.UUID:
		return false, errors.New("the change gives the guest another name or UUID: libvirt would define another guest")
	case !d.Origin.Secrets:
		return false, live.ErrNoPasswords
	}
	name, g := report.Printable(x.Before.Name), r.guests[guestOf(d.Document)]
	if !r.yes && !r.confirm.Confirm(fmt.Sprintf("Define %s?", x.Before.Name)) {
		r.Errorf("%s: not defined", name)
		return false, nil
	}
	stored, err := live.Define(r.uris[d.Origin.Host], live.Options{Timeout: r.Timeout}, live.Definition{
		Guest: x.Before.UUID, Before: x.Before.Document(), After: x.After.Document(),
	})
	if err != nil {
		return false, err
	}
	r.Errorf("%s: defined, %s", name, made(len(x.Fixed)))
	if g.running {
		r.Errorf("%s: the running guest keeps its devices until it is shut down and started again", name)
	}
	if g.saved {
		r.Errorf("%s: the saved state has the old devices, and is what the next start restores", name)
	}
	if err := x.Stored(stored); err != nil {
		r.summary.fail(err)
		r.Errorf("%v", err)
	}
	return true, nil
}
