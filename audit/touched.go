package audit

import "github.com/virt-audit/virt-audit/audit/reach"

// touchedOnce is what a domain reaches, listed when the first rule asks.
type touchedOnce struct {
	list []Resource
	done bool
}

func (t *touchedOnce) of(d *Domain) []Resource {
	if !t.done {
		t.list, t.done = reach.Of(d), true
	}
	return t.list
}
