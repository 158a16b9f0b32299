package report

import "github.com/virt-audit/virt-audit/audit"

// What was not audited is not a finding of a rule. Formats whose readers see nothing but findings
// report it as one, by rules that no run applies: otherwise silence would look like a pass.

// unreadableInput stands for an unreadable input.
var unreadableInput = &audit.Rule{
	ID: "unreadable-input", Title: "Input could not be read or understood", Severity: audit.High,
	Doc: "This input was not audited, so nothing is known about its guests. virt-audit does not guess at documents that " +
		"libvirt refuses or that readers are known to interpret differently.",
	Fix:  "Fix the document at the place in the message, or run virt-audit as a user with read permission.",
	Page: unauditedPage,
}

// nothingAudited stands for a run without a guest and without an unreadable input.
var nothingAudited = &audit.Rule{
	ID: "nothing-audited", Title: "No guest was audited", Severity: audit.High,
	Doc:  "The run found no guest. A check without input is not a pass.",
	Fix:  "Give files or directories that contain domains; --verbose lists the files that were skipped.",
	Page: unauditedPage,
}

const noGuest = "no guest was audited"

// unauditedPage documents these rules.
const unauditedPage = "https://github.com/virt-audit/virt-audit/blob/main/README.md#what-was-not-audited"

// unaudited are the rules that no run applies.
var unaudited = []*audit.Rule{unreadableInput, nothingAudited}

// firstArgument returns the first argument, or ".". It is the place of nothingAudited in formats
// that require one.
func (o *Options) firstArgument() string {
	if len(o.Arguments) == 0 {
		return "."
	}
	return o.Arguments[0]
}
