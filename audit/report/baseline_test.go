package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/baseline"
)

// TestDifferenceWidth prints a difference for a narrow terminal. Commands and places stay on one
// line.
func TestDifferenceWidth(t *testing.T) {
	const command = "$ virt-xml web --edit model=dac --seclabel clearxml=yes,type=dynamic,model=dac"
	long := strings.TrimSpace(strings.Repeat("word ", 30))
	var b bytes.Buffer
	d := &baseline.Difference{
		Settings: []baseline.Setting{{Name: "rules of one run alone", Old: long, New: "none"}},
		New:      []baseline.Item{{Domain: "web", Source: "web.xml", Finding: baseline.Finding{Rule: "a-b", Severity: "low", Message: long, Fix: long, Command: strings.TrimPrefix(command, "$ "), URL: "https://example.org/"}}},
	}
	if err := Difference(&b, d, Options{Width: 60}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimSuffix(line, "\n"); len(line) > 60 && strings.TrimSpace(line) != command {
			t.Errorf("wider than 60: %s", line)
		}
	}
	if n := strings.Count(b.String(), "word"); n != 90 || !strings.Contains(b.String(), command) {
		t.Errorf("%d words of 90:\n%s", n, b.String())
	}
}
