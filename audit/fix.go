package audit

import (
	"fmt"

	"github.com/virt-audit/virt-audit/audit/edit"
	"github.com/virt-audit/virt-audit/audit/secret"
)

// Safety is what it can cost to apply a fix.
type Safety int

// The safeties.
const (
	Safe   Safety = iota // the guest notices nothing but the protection
	Unsafe               // what the guest sees changes, or data could be at stake
	Manual               // a person must decide
)

var safetyNames = [...]string{"safe", "unsafe", "manual"}

// String returns the word for the safety in options and reports.
func (s Safety) String() string { return safetyNames[s] }

// Fix is one way to resolve a finding.
type Fix struct {
	Safety Safety
	Text   string      // an imperative sentence without a period; if Manual, what a person has to decide
	Edits  []edit.Edit // none if Manual

	// Changes and Diff show what the edits do to the document of the finding. They are empty if the
	// document is part of another one, which libvirt writes: the fix then belongs into the stored
	// definition. Changes are also empty if one of them would repeat a secret of the document; Diff
	// masks secrets.
	Changes []Change
	Diff    string // lines of a unified diff that begin with " ", "-" or "+", without a header
	// Fault is why the edits cannot be made, which is a defect of the rule; "" if they can. The fix is
	// then Manual.
	Fault string
}

// Change replaces a range of the user's input, an empty one for an insertion.
type Change struct {
	Pos  Pos
	Text string
}

// SafeFix returns a fix that a guest does not notice. Text is an imperative sentence.
func SafeFix(text string, edits ...edit.Edit) Fix { return Fix{Safety: Safe, Text: text, Edits: edits} }

// UnsafeFix returns a fix that changes what the guest sees, or that could affect data. Text states the
// change.
func UnsafeFix(text string, edits ...edit.Edit) Fix {
	return Fix{Safety: Unsafe, Text: text, Edits: edits}
}

// ManualFix returns a fix that a person must make. Text states what has to be decided.
func ManualFix(text string) Fix { return Fix{Safety: Manual, Text: text} }

// With returns the fix with a formatted text, in which secrets are masked.
func (x Fix) With(format string, args ...any) Fix {
	x.Text = fmt.Sprintf(format, secret.MaskArgs(args)...)
	return x
}

// Applicable reports whether virt-audit can make the fix.
func (x Fix) Applicable() bool { return len(x.Edits) > 0 && x.Safety != Manual }
