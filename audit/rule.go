package audit

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Severity is how serious a finding is. The zero value is Info.
type Severity int

// The severities, in ascending order.
const (
	Info     Severity = iota // a fact that the reader should know
	Low                      // good practice
	Medium                   // more attack surface, or one layer of defence less
	High                     // a practical route to the host or to another guest, given one more condition
	Critical                 // outside the support boundary, or control granted without any bug
)

var severityNames = [...]string{"info", "low", "medium", "high", "critical"}

// String returns the word for the severity in options and reports.
func (s Severity) String() string {
	if s < Info || s > Critical {
		return fmt.Sprintf("severity(%d)", int(s))
	}
	return severityNames[s]
}

// ParseSeverity is the inverse of String. It is case-sensitive, as all words of the command line are.
func ParseSeverity(word string) (Severity, error) {
	if i := slices.Index(severityNames[:], word); i >= 0 {
		return Severity(i), nil
	}
	return 0, fmt.Errorf("unknown severity %q: one of %s", word, strings.Join(severityNames[:], ", "))
}

// Severities returns all severities, the worst first: the order in which a report counts them.
func Severities() []Severity { return []Severity{Critical, High, Medium, Low, Info} }

// Profile is a named set of rules.
type Profile string

// The profiles. Baseline is the default.
const (
	Baseline     Profile = "baseline"
	Hardened     Profile = "hardened"
	MultiTenant  Profile = "multi-tenant"
	Confidential Profile = "confidential"
)

// Profiles returns the profiles in the order in which lists show them.
func Profiles() []Profile { return []Profile{Baseline, Hardened, MultiTenant, Confidential} }

// Phase is when a rule runs.
type Phase int

// The phases, in their order.
const (
	FirstPhase   Phase = iota // the rules about the document
	AfterWaivers              // the rules about Pass.Waivers
)

// Rule is one check. It is a value: its literal contains everything about the rule, and every text
// about it (explain, the rules page, machine-readable reports) is printed from there.
type Rule struct {
	ID       string // kebab-case, begins with its group: "boundary-accel-tcg"; never renamed, never reused
	Title    string // the fault, in a few words
	Severity Severity
	Profiles []Profile
	Doc      string // why it matters, and when it does not
	Fix      string // the XML or virt-xml command that fixes it; "$ " begins a command line
	Refs     []string
	// Requires are checked before Check is called; for an input that only some documents require, see
	// Pass.Unknown.
	Requires Inputs

	// Applies reports whether a domain has what the rule is about; nil means that every domain has.
	// It is called if an input is missing: for a domain without disks, a rule about disks is not
	// reported as not evaluated.
	Applies func(*Pass) bool

	Check func(*Pass)

	// Fixes returns the ways to resolve a finding of the rule, the recommended one first. It is called
	// for each finding, after Check. NoFix is the fix of findings for which it returns none: what a
	// person has to decide, and why no edit of the document resolves the finding.
	Fixes func(*Pass, *Finding) []Fix
	NoFix string

	// OptionalInputs means that Requires lists inputs that the rule can use, and Check is called
	// even if they are missing. Check declares with Pass.Unknown which of them it could not do
	// without.
	OptionalInputs bool

	Phase Phase  // when it runs
	Page  string // address of its documentation; "" for the rules of this project, see URL
}

// Group returns the first word of the rule's ID: the topic that the rules page lists it under.
func (r *Rule) Group() string {
	group, _, _ := strings.Cut(r.ID, "-")
	return group
}

// In reports whether the rule belongs to one of the profiles.
func (r *Rule) In(profiles []Profile) bool {
	return slices.ContainsFunc(r.Profiles, func(p Profile) bool { return slices.Contains(profiles, p) })
}

// DocsURL is the page that documents the rules. The ID of a rule is its anchor.
const DocsURL = "https://github.com/virt-audit/virt-audit/blob/main/rules/README.md"

// Required returns the inputs without which Check is not called.
func (r *Rule) Required() Inputs {
	if r.OptionalInputs {
		return 0
	}
	return r.Requires
}

// URL returns the address of the rule's documentation.
func (r *Rule) URL() string {
	if r.Page != "" {
		return r.Page
	}
	return DocsURL + "#" + r.ID
}

var ruleID = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)+$`)

// Validate returns an error if a rule in the table is not usable: a malformed or repeated ID, a
// missing text, profile, reference or check.
func Validate(rules []*Rule) error {
	seen := map[string]bool{}
	for _, r := range rules {
		switch {
		case !ruleID.MatchString(r.ID):
			return fmt.Errorf("rule %q: the ID is not of the form group-name", r.ID)
		case seen[r.ID]:
			return fmt.Errorf("rule %s: the ID is used twice", r.ID)
		case r.Title == "" || r.Doc == "" || r.Fix == "":
			return fmt.Errorf("rule %s: title, doc and fix must be given", r.ID)
		case len(r.Profiles) == 0:
			return fmt.Errorf("rule %s: belongs to no profile", r.ID)
		case len(r.Refs) == 0:
			return fmt.Errorf("rule %s: no reference to a public document is given", r.ID)
		case r.Check == nil:
			return fmt.Errorf("rule %s: has no check", r.ID)
		}
		for _, p := range r.Profiles {
			if !slices.Contains(Profiles(), p) {
				return fmt.Errorf("rule %s: unknown profile %q", r.ID, p)
			}
		}
		seen[r.ID] = true
	}
	return nil
}
