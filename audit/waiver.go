package audit

import (
	"path"
	"slices"
	"strings"
)

// WaiverUse is what became of a waiver of the configuration in one domain or, added up, in a run.
type WaiverUse struct {
	Waiver    *Waiver
	Evaluated bool // in a domain that the waiver is for it is certain what there is to waive
	Used      bool // there was something to waive
	Open      bool // in such a domain the rule lacked something, and might have found more
}

// Plus returns what became of one waiver in what u and v are about.
func (u WaiverUse) Plus(v WaiverUse) WaiverUse {
	return WaiverUse{v.Waiver, u.Evaluated || v.Evaluated, u.Used || v.Used, u.Open || v.Open}
}

// Unused reports whether it is certain that there was nothing to waive.
func (u WaiverUse) Unused() bool { return u.Evaluated && !u.Used && !u.Open }

// Waived is a finding that does not count, because of a waiver.
type Waived struct {
	Finding
	Waiver *Waiver
}

// DomainWaivers says what a run makes of the waivers that domains carry. Whoever may define a guest may
// waive there what is wrong with it, which is not for everybody's guests.
type DomainWaivers struct {
	Ignore   bool     // none counts
	Boundary bool     // they may waive the rules about the boundary, too
	Never    []string // rules, IDs or globs, that they may not waive
}

// Allows returns why a waiver in a domain does not count, in words for people, or "".
func (w *DomainWaivers) Allows(rule string) string {
	switch group, _, _ := strings.Cut(rule, "-"); {
	case group == "waiver":
		return "a guest cannot waive what is said of its waivers"
	case group == "boundary" && !w.Boundary:
		return "a guest cannot waive its own verdict, unless the site's configuration allows it"
	case slices.ContainsFunc(w.Never, func(glob string) bool { ok, _ := path.Match(glob, rule); return ok }):
		return "the site's configuration lets no guest waive this rule for itself"
	}
	return ""
}

// Notice is a finding that is about no domain: about the configuration or a baseline of the site.
type Notice struct {
	Rule     *Rule
	Severity Severity
	Key      string // what in the source it is about, as data: no place and no text that may change
	Message  string // in words that may change: nothing is told apart by them
	Source   string
	Pos      Pos // zero where the source has none
}

// AppliedWaiver is what a run made of a waiver for one domain.
type AppliedWaiver struct {
	*Waiver
	Known       bool   // there is a rule of that ID
	Nearest     string // the ID that may be meant, where there is none; "" where none is near
	Evaluated   bool   // it is certain what there is for it to waive: the rule has answered for this domain, or for this device
	Used        bool   // there was something to waive
	NotAllowed  string // why the waiver does not count, though nothing is wrong with it
	Expired     bool
	WhyDropped  string // why libvirt would drop it where it stands: it does not count
	open        bool   // the rule lacked something, and might have found more for it to waive
	NoNamespace bool   // it counts, but libvirt will drop it: it has no namespace, as "virsh metadata" prints it
}
