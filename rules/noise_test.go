package rules

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing them")

// TestNoise audits guests that common tools create. Each has a golden file of its findings, which
// shows if a rule begins to report ordinary guests. Those of virt-install have no finding at
// medium.
func TestNoise(t *testing.T) {
	files, _ := filepath.Glob("../testdata/noise/*.xml")
	if len(files) < 6 {
		t.Fatalf("only %d documents", len(files))
	}
	baseline := chosen([]audit.Profile{audit.Baseline})
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := domxml.Load(file, data)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		res := audit.Run(d, &audit.Settings{Rules: baseline})
		for _, f := range res.Findings {
			fmt.Fprintf(&got, "%s %s %s\n", f.Severity, f.Rule.ID, f.Path)
			if name := filepath.Base(file); f.Severity >= audit.Medium && (strings.HasPrefix(name, "virt-install") || strings.HasPrefix(name, "libvirt-stored")) {
				t.Errorf("%s:%d: %s on a guest of virt-install: %s", file, f.Pos.Line, f.Severity, f.Message)
			}
		}
		for _, u := range res.Unevaluated {
			fmt.Fprintf(&got, "not evaluated: %s\n", u.Rule.ID)
		}
		golden := strings.TrimSuffix(file, ".xml") + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s: findings are now\n%sand were\n%s(go test ./rules -run TestNoise -update)", file, got.String(), want)
		}
	}
}
