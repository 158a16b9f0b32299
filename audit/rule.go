package audit

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Severity says how bad a finding is. The zero value is Info.
type Severity int

// The severities, from the least to the worst.
const (
	Info     Severity = iota // a fact that the reader should know
	Low                      // good practice
	Medium                   // more attack surface, or one layer of defence less
	High                     // a practical route to the host or to another guest, given one more condition
	Critical                 // outside the support boundary, or control given away without any bug
)

var severityNames = [...]string{"info", "low", "medium", "high", "critical"}

// String returns the word that users type and read.
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

// Profile names a set of rules that are wanted together.
type Profile string

// The profiles. Baseline is what runs when nothing is asked for.
const (
	Baseline     Profile = "baseline"
	Hardened     Profile = "hardened"
	MultiTenant  Profile = "multi-tenant"
	Confidential Profile = "confidential"
)

// Profiles returns the profiles in the order in which they are listed for users.
func Profiles() []Profile { return []Profile{Baseline, Hardened, MultiTenant, Confidential} }

// Phase is when a rule runs.
type Phase int

// The phases, in their order.
const (
	FirstPhase   Phase = iota // the rules about the document
	AfterWaivers              // the rules about Pass.Waivers
)

// Rule is one thing that is checked. It is a value: everything about a rule is in its literal, and
// every text about it (explain, the rules page, machine-readable reports) is printed from there.
type Rule struct {
	ID       string // kebab-case, begins with its group: "boundary-accel-tcg"; never renamed, never reused
	Title    string // what is wrong, in a few words
	Severity Severity
	Profiles []Profile
	Doc      string // why it matters, and when it does not
	Fix      string // the XML or the virt-xml line that mends it; a line that begins with "$ " is a command
	Refs     []string
	Requires Inputs // checked before Check is called; for a need that only some documents have, see Pass.Unknown

	// Applies reports whether a domain has what the rule is about; nil stands for yes. It is asked where
	// a need is not met: a domain without disks lacks nothing that a rule about disks would want to know.
	Applies func(*Pass) bool

	Check func(*Pass)

	// OptionalInputs: Needs are what the rule may want to know, and Check is called whatever is missing. It says
	// by Pass.Unknown what it could not do without.
	OptionalInputs bool

	Phase Phase  // when it runs
	Page  string // address of its documentation; "" for the rules of this project, see URL
}

// Group returns the first word of the rule's ID, which is the topic that the rules page lists it under.
func (r *Rule) Group() string {
	group, _, _ := strings.Cut(r.ID, "-")
	return group
}

// In reports whether the rule belongs to one of the profiles.
func (r *Rule) In(profiles []Profile) bool {
	return slices.ContainsFunc(r.Profiles, func(p Profile) bool { return slices.Contains(profiles, p) })
}

// DocsURL is the page that documents the rules. A rule's own place there is its ID.
const DocsURL = "https://github.com/virt-audit/virt-audit/blob/main/rules/README.md"

// Required returns the needs without which Check is not called.
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

// Validate returns an error for a table of rules that could not be used: a malformed or repeated ID,
// a rule without text, profile, reference or check.
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
			return fmt.Errorf("rule %s: no public document is named that says so", r.ID)
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
