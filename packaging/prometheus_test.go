package packaging_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/virt-audit/virt-audit/testdata/need"
)

const alerts = "packaging/prometheus/virt-audit.rules.yml"

// TestAlerts checks the alerts with promtool, and runs the test cases for when they fire.
func TestAlerts(t *testing.T) {
	need.Programs(t, "promtool")
	run(t, root, nil, "promtool", "check", "rules", alerts)
	run(t, root, nil, "promtool", "test", "rules", "packaging/testdata/alerts.test.yml")
}

// TestAlertsOnReport evaluates the alerts over a real report: a rule with a metric or a label that
// reports do not have would never fire.
func TestAlertsOnReport(t *testing.T) {
	need.Programs(t, "promtool")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "guests", "broken.xml"), "<domain")
	fleet := filepath.Join(root, "testdata", "fleet")
	metrics := virtAudit(t, "--format", "openmetrics", fleet, dir)
	text := virtAudit(t, "--format", "json", fleet, dir)
	var report struct {
		Domains []struct {
			Name     string
			Boundary struct{ Verdict, Reason string }
			Findings []struct{ Severity string }
		}
		Unreadable []any
	}
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Fatal(err)
	}
	outside, severe := map[string]bool{}, map[string]bool{}
	for _, d := range report.Domains {
		if d.Boundary.Verdict == "outside" {
			outside[d.Name+d.Boundary.Reason] = true
		}
		for _, f := range d.Findings {
			if f.Severity == "critical" || f.Severity == "high" {
				severe[d.Name+f.Severity] = true
			}
		}
	}
	if len(outside) == 0 || len(severe) == 0 || len(report.Unreadable) == 0 {
		t.Fatalf("the fleet is not what this test needs: %d outside, %d with severe findings, %d unreadable", len(outside), len(severe), len(report.Unreadable))
	}

	type series struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	}
	input := []series{{`up{job="hypervisors",instance="host"}`, "1x300"}, {`up{job="hypervisors",instance="other"}`, "1x300"}}
	sample := regexp.MustCompile(`^(virt_audit_\w+)(?:\{(.*)\})? (\S+)$`)
	for line := range strings.Lines(metrics) {
		if m := sample.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			value := m[3]
			if m[1] == "virt_audit_last_run_timestamp_seconds" {
				value = "0" // the clock of the test begins there
			}
			labels := `instance="host"`
			if m[2] != "" {
				labels += "," + m[2]
			}
			input = append(input, series{m[1] + "{" + labels + "}", value + "x300"})
		}
	}
	want := map[string]int{
		"GuestOutsideBoundary": len(outside), "GuestNewFindings": len(severe), "VirtAuditUnreadable": 1, "VirtAuditStale": 1, "VirtAuditMissing": 1,
	}
	var tests []map[string]any
	for name, n := range want {
		at := "100h"
		if name == "VirtAuditStale" {
			at = "200h"
		}
		tests = append(tests, map[string]any{
			"expr": fmt.Sprintf(`count(ALERTS{alertname=%q, alertstate="firing"})`, name), "eval_time": at,
			"exp_samples": []map[string]any{{"labels": "{}", "value": n}},
		})
	}
	file, err := filepath.Abs(filepath.Join(root, filepath.FromSlash(alerts)))
	if err != nil {
		t.Fatal(err)
	}
	out, err := yaml.Marshal(map[string]any{
		"rule_files": []string{file}, "evaluation_interval": "1h",
		"tests": []map[string]any{{"interval": "1h", "input_series": input, "promql_expr_test": tests}},
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "report.test.yml"), string(out))
	run(t, dir, nil, "promtool", "test", "rules", "report.test.yml")
}
