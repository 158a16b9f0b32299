package audit

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/host"
)

// TestInputs requires one row for every input, in the order of the constants, and that only facts
// of a host supply the inputs that the table marks as being about one.
func TestInputs(t *testing.T) {
	t.Parallel()
	words := map[string]bool{}
	for i, in := range inputs {
		if in.need != 1<<i || in.missing == "" || strings.ContainsAny(in.missing, ";\n") {
			t.Errorf("row %d: %+v", i, in)
		}
		if in.word != "" && (in.known == nil || words[in.word]) {
			t.Errorf("%s is a word for a program, but not for one input of a host", in.word)
		}
		words[in.word] = true
		if got := in.need.String(); got != in.missing {
			t.Errorf("%q, want %q", got, in.missing)
		}
	}
	if NeedOneHost != 1<<(len(inputs)-1) {
		t.Error("an input has no row")
	}
	if have := hostInputs(nil, ""); have != 0 {
		t.Errorf("without a host there is %s", have)
	}
	if have := hostInputs(&host.Facts{}, ""); have != NeedHost {
		t.Errorf("with a host of which nothing is known there is %s", have)
	}
}
