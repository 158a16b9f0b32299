package rules

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
)

// TestDeepest runs every rule over a document of the maximum depth.
func TestDeepest(t *testing.T) {
	deep := strings.Repeat("<x>", audit.MaxDepth-1) + strings.Repeat("</x>", audit.MaxDepth-1)
	d, err := audit.Load("vm.xml", []byte("<domain type='kvm'>"+deep+"</domain>"))
	if err != nil {
		t.Fatal(err)
	}
	if r := audit.Run(d, &audit.Settings{Rules: All()}); len(r.Findings) == 0 {
		t.Error("no finding")
	}
}
