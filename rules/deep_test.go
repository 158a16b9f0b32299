package rules

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
)

// TestDeepest runs every rule over a document of the maximum depth.
func TestDeepest(t *testing.T) {
	deep := strings.Repeat("<x>", domxml.MaxDepth-1) + strings.Repeat("</x>", domxml.MaxDepth-1)
	d, err := domxml.Load("vm.xml", []byte("<domain type='kvm'>"+deep+"</domain>"))
	if err != nil {
		t.Fatal(err)
	}
	if r := audit.Run(d, &audit.Settings{Rules: All()}); len(r.Findings) == 0 {
		t.Error("no finding")
	}
}
