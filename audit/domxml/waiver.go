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
// libvirt preserves elements in other namespaces there through define and dumpxml. It drops
// comments and elements that it does not know
// (https://libvirt.org/formatdomain.html#general-metadata).
const WaiverNamespace = "https://github.com/virt-audit/virt-audit/xmlns/1.0"

// Waiver is a decision to accept the findings of a rule, and the reason. A waiver in a domain
// applies to that domain; one in the configuration names the domains that it applies to.
type Waiver struct {
	Rule    string // the ID of the rule
	Domains string // name, UUID or glob over names; "" is every domain. Only in the configuration
	Device  string // see Domain.DeviceNames; "" is all devices
	Until   time.Time
	Reason  string

	Source   string // the file that contains it
	Pos      Pos
	InDomain bool
	Flaw     string // for users: why it is invalid; "" if it is valid

	Tag Span // the start tag, in a domain
	// WhyDropped is, for users, why libvirt drops it, so that it does not count; "" if libvirt keeps it.
	WhyDropped  string
	NoNamespace bool // it has no namespace, as in the output of "virsh metadata"

	end       int    // offset after the end tag
	rawReason []byte // the reason, until the document is read
}

// Expired reports whether the last day of the waiver is before today.
func (w *Waiver) Expired(today time.Time) bool {
	return !w.Until.IsZero() && today.After(w.Until.AddDate(0, 0, 1).Add(-time.Nanosecond))
}

// Covers reports whether the waiver applies to the domain.
func (w *Waiver) Covers(d *Domain) bool {
	if w.InDomain || w.Domains == "" || w.Domains == d.Name {
		return true
	}
	if u := UUIDKey(w.Domains); u != "" && u == UUIDKey(d.UUID) {
		return true
	}
	ok, _ := path.Match(w.Domains, d.Name) // the configuration reader reports a malformed pattern
	return ok
}

// Key identifies a waiver of the configuration in its file by what it covers. Neither its position
// nor its reason is part of the key.
func (w *Waiver) Key() string { return strings.Join([]string{w.Rule, w.Domains, w.Device}, "\x00") }

// Scope returns, as text to append to the rule, the guests and the device that a waiver of the
// configuration is for. It is "" for a waiver that is for all, and for one in a domain.
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

// ExpiredMessage returns the message about an expired waiver.
func (w *Waiver) ExpiredMessage() string {
	return "the waiver of " + w.Rule + w.Scope() + " expired after " + w.Until.Format(time.DateOnly)
}

// ParseDay parses a date such as 2027-06-30, in local time.
func ParseDay(text string) (time.Time, error) {
	day, err := time.ParseInLocation(time.DateOnly, text, time.Local)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a date of the form 2027-06-30", text)
	}
	return day, nil
}

func reasonText(s string) string { return strings.Join(strings.Fields(s), " ") }

// Shown reports whether a reason contains anything visible. A reason that does not counts as
// missing.
func Shown(reason string) bool {
	return strings.ContainsFunc(reason, func(c rune) bool {
		return unicode.IsGraphic(c) && !unicode.IsSpace(c) && !slices.Contains(blankLetters, c)
	})
}

// blankLetters lists letters and symbols that are invisible: the fillers of Hangul, the empty
// Braille pattern.
var blankLetters = []rune{0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800}
