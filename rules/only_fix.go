package rules

import (
	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

// onlySafe returns one fix that the guest does not notice.
func onlySafe(text string, edits ...edit.Edit) []audit.Fix {
	return []audit.Fix{audit.SafeFix(text, edits...)}
}

// onlyUnsafe returns one fix that changes what the guest sees.
func onlyUnsafe(text string, edits ...edit.Edit) []audit.Fix {
	return []audit.Fix{audit.UnsafeFix(text, edits...)}
}

// onlyManual returns one fix that a person must make.
func onlyManual(text string) []audit.Fix { return []audit.Fix{audit.ManualFix(text)} }
