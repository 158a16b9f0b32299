package audit

import (
	"path"
	"slices"
	"strings"
)

// WaiverUse is the effect of a waiver of the configuration on one domain or, added up, on a run.
type WaiverUse struct {
	Waiver    *Waiver
	Evaluated bool // for a domain that it covers, all findings that it could waive are known
	Used      bool // it covers a finding
	// Open: for a domain that it covers, the rule lacked an input and might have had more findings.
	Open bool
}

// Plus combines the effects of one waiver in u and v.
func (u WaiverUse) Plus(v WaiverUse) WaiverUse {
	return WaiverUse{v.Waiver, u.Evaluated || v.Evaluated, u.Used || v.Used, u.Open || v.Open}
}

// Unused reports whether there certainly was nothing to waive.
func (u WaiverUse) Unused() bool { return u.Evaluated && !u.Used && !u.Open }

// Waived is a finding that does not count because of a waiver.
type Waived struct {
	Finding
	Waiver *Waiver
}

// DomainWaivers is how a run treats the waivers in domains. A user who may define a guest can waive
// the findings about it there, which not every site allows.
type DomainWaivers struct {
	Ignore   bool     // no waiver in a domain counts
	Boundary bool     // they may also waive the rules about the boundary
	Never    []string // rules, as IDs or globs, that they may not waive
}

// Allows returns, for users, why a waiver in a domain does not count, or "".
func (w *DomainWaivers) Allows(rule string) string {
	switch group, _, _ := strings.Cut(rule, "-"); {
	case group == "waiver":
		return "a guest cannot waive findings about its waivers"
	case group == "boundary" && !w.Boundary:
		return "a guest cannot waive its own verdict, unless the site's configuration allows it"
	case slices.ContainsFunc(w.Never, func(glob string) bool { ok, _ := path.Match(glob, rule); return ok }):
		return "the site's configuration does not let guests waive this rule for themselves"
	}
	return ""
}

// Notice is a finding that is not about a domain: about the site's configuration or a baseline.
type Notice struct {
	Rule     *Rule
	Severity Severity
	// Key identifies the subject in the source. It contains no position and no text that may change.
	Key     string
	Message string // for users; not part of the identity of the notice
	Source  string
	Pos     Pos // zero if the source has no positions
}

// AppliedWaiver is a waiver and its effect on one domain.
type AppliedWaiver struct {
	*Waiver
	Known   bool   // a rule with that ID exists
	Nearest string // if the rule does not exist: the most similar ID, or ""
	// Evaluated: all findings that it could waive are known, because the rule was evaluated for this
	// domain or device.
	Evaluated  bool
	Used       bool   // it covers a finding
	NotAllowed string // why a valid waiver does not count
	Expired    bool
	WhyDropped string // why libvirt would drop it from its place: it does not count
	open       bool   // the rule lacked an input, and might have had more findings for it to waive
	// NoNamespace: it counts, but libvirt will drop it, because it has no namespace, as in the output
	// of "virsh metadata".
	NoNamespace bool
}
