package domxml

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
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

	Tag         Span   // the start tag, in a domain
	WhyDropped  string // why libvirt drops it, so that it does not count; "" where libvirt keeps it
	NoNamespace bool   // it has no namespace, as "virsh metadata" prints it

	end       int    // after the end tag
	rawReason []byte // the reason while it is read
}

// Expired reports whether the last day of the waiver is past, seen on the day of today.
func (w *Waiver) Expired(today time.Time) bool {
	return !w.Until.IsZero() && today.After(w.Until.AddDate(0, 0, 1).Add(-time.Nanosecond))
}

// Covers reports whether the waiver is about the domain.
func (w *Waiver) Covers(d *Domain) bool {
	if w.InDomain || w.Domains == "" || w.Domains == d.Name {
		return true
	}
	if u := UUIDKey(w.Domains); u != "" && u == UUIDKey(d.UUID) {
		return true
	}
	ok, _ := path.Match(w.Domains, d.Name) // a malformed one is an error of the configuration
	return ok
}

// Key identifies a waiver of the configuration in its file: by what it covers. Neither its place
// nor its reason is part of it.
func (w *Waiver) Key() string { return strings.Join([]string{w.Rule, w.Domains, w.Device}, "\x00") }

// Scope returns, in words that follow those for the rule, the guests and the device that a waiver of the
// configuration is for; "" for one that is for all, and for one in a domain, which is for that.
func (w *Waiver) Scope() string {
	scope := ""
	if w.InDomain {
		return scope
	}
	if w.Domains != "" {
		scope += " for guest " + w.Domains
	}
	if w.Device != "" {
		scope += " at device " + w.Device
	}
	return scope
}

// ExpiredMessage says of a waiver that has expired that it has.
func (w *Waiver) ExpiredMessage() string {
	return "the waiver of " + w.Rule + w.Scope() + " expired after " + w.Until.Format(time.DateOnly)
}

// ParseDay reads a day such as 2027-06-30.
func ParseDay(text string) (time.Time, error) {
	day, err := time.ParseInLocation(time.DateOnly, text, time.Local)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no day of the form 2027-06-30", text)
	}
	return day, nil
}

func reasonText(s string) string { return strings.Join(strings.Fields(s), " ") }

// Shown reports whether a reason has something in it that a reader can see. One that has not is none.
func Shown(reason string) bool {
	return strings.ContainsFunc(reason, func(c rune) bool {
		return unicode.IsGraphic(c) && !unicode.IsSpace(c) && !slices.Contains(blankLetters, c)
	})
}

// blankLetters count as letters or symbols, and show nothing: fillers of Hangul, the empty pattern of Braille.
var blankLetters = []rune{0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800}
