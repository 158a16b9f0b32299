package audit

import (
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// WaiverNamespace is the XML namespace of the waivers in a domain's <metadata>:
//
//	<va:audit xmlns:va="…"><va:waive rule="endpoint-vnc-public" until="2027-06-30">why</va:waive></va:audit>
//
// libvirt keeps the elements of others there through define and dumpxml; comments and elements that it
// does not know it drops (https://libvirt.org/formatdomain.html#general-metadata).
const WaiverNamespace = "https://github.com/virt-audit/virt-audit/xmlns/1.0"

// Waiver is the decision of a person to live with what a rule finds, and why. Those of a domain are for
// that domain; those of the configuration say which.
type Waiver struct {
	Rule    string // ID
	Domains string // name, UUID or glob over names; "" is every domain. Of the configuration alone
	Device  string // see Domain.DeviceNames; "" is all of them
	Until   time.Time
	Reason  string

	Source   string // the file that it stands in
	Pos      Pos
	InDomain bool
	Flaw     string // why it is no waiver, in words for people; "" where it is one

	start, end int    // of the start tag, where it stands in a domain
	stop       int    // behind the end tag
	lost       string // why libvirt would drop it; it is no waiver then
	bare       bool   // it has no namespace
	text       []byte // the reason while it is read

	// What became of it in a run. Waivers of the configuration are shared by all domains of the run.
	applied, used, open atomic.Bool
}

// Expired reports whether the last day of the waiver is past, seen on the day of today.
func (w *Waiver) Expired(today time.Time) bool {
	return !w.Until.IsZero() && today.After(w.Until.AddDate(0, 0, 1).Add(-time.Nanosecond))
}

// covers reports whether the waiver is about the domain.
func (w *Waiver) covers(d *Domain) bool {
	if w.InDomain || w.Domains == "" || w.Domains == d.Name {
		return true
	}
	if u := uuidKey(w.Domains); u != "" && u == uuidKey(d.UUID) {
		return true
	}
	ok, _ := path.Match(w.Domains, d.Name) // a malformed one is an error of the configuration
	return ok
}

// Unused reports whether a run has come by a domain that the waiver is about, with the rule answering,
// and found nothing to waive, and the rule had an answer for every other.
func (w *Waiver) Unused() bool { return w.applied.Load() && !w.used.Load() && !w.open.Load() }

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
	Message  string
	Source   string
	Pos      Pos // zero where the source has none
}

// AppliedWaiver is what a run made of a waiver for one domain.
type AppliedWaiver struct {
	*Waiver
	Known      bool   // there is a rule of that ID
	Nearest    string // the ID that may be meant, where there is none; "" where none is near
	Evaluated  bool   // it is certain what there is for it to waive: the rule has answered for this domain, or for this device
	Used       bool   // there was something to waive
	NotAllowed string // why the waiver does not count, though nothing is wrong with it
	Expired    bool
	Lost       string // why libvirt would drop it where it stands: it does not count
	Bare       bool   // it counts, but libvirt will drop it: it has no namespace, as "virsh metadata" prints it
}
