package report

import "github.com/virt-audit/virt-audit/audit"

// What was not audited is no finding of a rule. Formats of which findings are shown and nothing else tell it as one
// all the same, by rules that no run applies: in their readers, silence is a pass.

// unreadableInput stands for an input that could not be read or understood.
var unreadableInput = &audit.Rule{
	ID: "unreadable-input", Title: "Input could not be read or understood", Severity: audit.High,
	Doc: "This input was not audited: nothing is known of what it holds. What libvirt refuses, or what readers are " +
		"known to understand differently, is not guessed at.",
	Fix:  "Mend the document at the place that the message names, or run virt-audit as a user who may read it.",
	Page: unauditedPage,
}

// nothingAudited stands for a run that found no guest, and nothing that could not be read either.
var nothingAudited = &audit.Rule{
	ID: "nothing-audited", Title: "No guest was audited", Severity: audit.High,
	Doc:  "The run found no guest, so it says nothing of any: a check that has nothing to look at is no pass.",
	Fix:  "Name files or directories that hold domains; --verbose lists the files that were skipped.",
	Page: unauditedPage,
}

const noGuest = "no guest was audited"

// unauditedPage documents these rules.
const unauditedPage = "https://github.com/virt-audit/virt-audit/blob/main/README.md#what-was-not-audited"

// unaudited are the rules that no run applies.
var unaudited = []*audit.Rule{unreadableInput, nothingAudited}

// operand is where a format says that nothing was found which wants a place for all that it says.
func (o *Options) operand() string {
	if len(o.Operands) == 0 {
		return "."
	}
	return o.Operands[0]
}
