package report

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/rules"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// metrics are the values of a family by their labels, as Prometheus parses them: a label without a
// value is absent.
type metrics map[string]map[string]float64

// readMetrics reads a report with Prometheus' own reader of the text format, as node_exporter does,
// and refuses what node_exporter and Prometheus refuse after reading: a time stamp, and the same
// labels twice.
func readMetrics(t *testing.T, text string) metrics {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%.2000s", err, text)
	}
	out := metrics{}
	for name, f := range families {
		out[name] = map[string]float64{}
		if f.GetType().String() != "GAUGE" || f.GetHelp() == "" {
			t.Errorf("%s is a %v: %q", name, f.GetType(), f.GetHelp())
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				if l.GetValue() != "" {
					labels[l.GetName()] = l.GetValue()
				}
			}
			key := fmt.Sprint(labels)
			if _, twice := out[name][key]; twice || m.TimestampMs != nil {
				t.Errorf("%s has the labels %s twice, or a time stamp", name, key)
			}
			out[name][key] = m.GetGauge().GetValue()
		}
	}
	return out
}

func (m metrics) want(t *testing.T, name string, labels map[string]string, value float64) {
	t.Helper()
	if got, ok := m[name][fmt.Sprint(labels)]; !ok || got != value {
		t.Errorf("%s%v is %v (there: %v), want %v", name, labels, got, ok, value)
	}
}

// TestMetricsRead parses a report with hostile names with three independent readers: that of
// node_exporter, that of the Prometheus project for OpenMetrics, and promtool if it is installed.
func TestMetricsRead(t *testing.T) {
	o := options()
	o.ShowWaived = true
	results := hostile(t)
	results = append(results, results...) // every file twice
	for name, out := range map[string]string{
		"fleet":   render(t, "openmetrics", options(), fleet(t), nil, nil),
		"hostile": render(t, "openmetrics", o, results, notices(), append(problems(), problems()...)),
		"bytes":   render(t, "openmetrics", o, []*audit.Result{{Name: "\xff", Source: "a\xfe"}}, nil, nil),
		"bare":    render(t, "openmetrics", Options{}, []*audit.Result{{}, {}}, nil, []error{errors.New(""), errors.New("")}),
		"empty":   render(t, "openmetrics", Options{}, nil, nil, nil),
	} {
		t.Run(name, func(t *testing.T) {
			readMetrics(t, out)
			need.Programs(t, "python3:prometheus_client")
			python := exec.Command("/usr/bin/python3", "-c", `
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
n = sum(len(f.samples) for f in text_string_to_metric_families(sys.stdin.buffer.read().decode("utf-8")))
print(n)`)
			python.Stdin = strings.NewReader(out)
			printed, err := python.CombinedOutput()
			if err != nil {
				t.Errorf("OpenMetrics: %v\n%s", err, printed)
			}
			samples := 0
			for line := range strings.Lines(out) {
				if !strings.HasPrefix(line, "#") {
					samples++
				}
			}
			if got := strings.TrimSpace(string(printed)); got != strconv.Itoa(samples) {
				t.Errorf("OpenMetrics: %s samples were read, %d are there", got, samples)
			}
		})
	}
	t.Run("promtool", func(t *testing.T) {
		need.Programs(t, "promtool")
		cmd := exec.Command("promtool", "check", "metrics")
		cmd.Stdin = strings.NewReader(render(t, "openmetrics", options(), fleet(t), notices(), problems()))
		if printed, err := cmd.CombinedOutput(); err != nil || len(printed) > 0 {
			t.Errorf("promtool check metrics: %v\n%s", err, printed)
		}
	})
}

// TestMetricsCount compares the numbers with those of the results.
func TestMetricsCount(t *testing.T) {
	results := fleet(t)
	var tally Tally
	for _, r := range results {
		tally.Add(r)
	}
	m := readMetrics(t, render(t, "openmetrics", options(), results, nil, problems()[:3]))
	for _, w := range policy.Words() {
		m.want(t, "virt_audit_domains", map[string]string{"verdict": string(w)}, float64(tally.Verdicts[w]))
	}
	for _, s := range audit.Severities() {
		m.want(t, "virt_audit_findings", map[string]string{"severity": s.String()}, float64(tally.Severities[s]))
	}
	m.want(t, "virt_audit_unreadable_inputs", map[string]string{}, 3)
	m.want(t, "virt_audit_waived", map[string]string{}, 0)
	m.want(t, "virt_audit_last_run_timestamp_seconds", map[string]string{}, float64(options().Now.Unix()))
	m.want(t, "virt_audit_build_info", map[string]string{"version": "1.2.3"}, 1)
	web := map[string]string{"domain": "web01", "uuid": "3a86ad9c-f08b-4e05-ab09-1cdb6b883f95", "source": "guests/web01.xml"}
	m.want(t, "virt_audit_domain_not_evaluated", web, 0)
	for _, s := range audit.Severities() {
		finding := maps.Clone(web)
		finding["severity"] = s.String()
		m.want(t, "virt_audit_domain_findings", finding, 0)
	}
	boundary := maps.Clone(web)
	maps.Copy(boundary, map[string]string{"verdict": "inside", "reason": "listed", "policy": "qemu-11.1", "type": "kvm", "arch": "x86_64", "machine": "pc-q35-9.2"})
	m.want(t, "virt_audit_domain_boundary_info", boundary, 1)
	m.want(t, "virt_audit_findings_by_rule", map[string]string{"rule": "boundary-machine-unlisted", "severity": "critical"}, 2)
	rule := rules.All()[slices.IndexFunc(rules.All(), func(r *audit.Rule) bool { return r.ID == "boundary-accel-tcg" })]
	m.want(t, "virt_audit_rule_info", map[string]string{
		"rule": rule.ID, "severity": "critical", "title": rule.Title, "url": rule.URL(),
		"fix": oneLine(rule.Fix),
	}, 1)
	if n := len(m["virt_audit_domain_findings"]) + len(m["virt_audit_domain_boundary_info"]) + len(m["virt_audit_domain_not_evaluated"]); n != 7*len(results) {
		t.Errorf("%d series for %d guests, want 7 for each", n, len(results))
	}
	if n := len(m["virt_audit_unreadable_input_info"]); n != 3 {
		t.Errorf("%d unreadable inputs are named, want 3", n)
	}
	o := options()
	o.Now = time.Time{}
	if strings.Contains(render(t, "openmetrics", o, nil, nil, nil), "timestamp") {
		t.Error("a run without a time states one")
	}
}

// TestMetricsTwins reports documents whose labels would be the same. Prometheus refuses the whole
// file if two samples have the same labels.
func TestMetricsTwins(t *testing.T) {
	saved := &audit.Result{Name: "web", Source: "web.xml", Origin: audit.Origin{Kind: audit.Saved, Stated: true}}
	plain := &audit.Result{Name: "web", Source: "web.xml"}
	m := readMetrics(t, render(t, "openmetrics", options(), []*audit.Result{plain, saved, plain, plain}, nil, nil))
	m.want(t, "virt_audit_domain_not_evaluated", map[string]string{"domain": "web", "source": "web.xml"}, 0)
	m.want(t, "virt_audit_domain_not_evaluated", map[string]string{"domain": "web", "source": "web.xml", "document": "saved"}, 0)
	m.want(t, "virt_audit_domain_not_evaluated", map[string]string{"domain": "web", "source": "web.xml", "occurrence": "3"}, 0)

	long := strings.Repeat("é", maxLabel)
	m = readMetrics(t, render(t, "openmetrics", options(), []*audit.Result{{Name: long}, {Name: long + "a"}, {Name: long + "b"}}, nil, nil))
	m.want(t, "virt_audit_domain_not_evaluated", map[string]string{"domain": long}, 0)
	for labels := range m["virt_audit_domain_not_evaluated"] {
		if strings.Contains(labels, "occurrence") || len([]rune(labels)) > maxLabel+50 {
			t.Errorf("a long name is not truncated, or has no hash that distinguishes it: %s", labels)
		}
	}
}

// TestMetricsHidden checks findings that do not count, and checks that were not evaluated.
func TestMetricsHidden(t *testing.T) {
	r := withHidden()
	o := options()
	m := readMetrics(t, render(t, "openmetrics", o, []*audit.Result{r}, nil, nil))
	m.want(t, "virt_audit_waived", map[string]string{}, 1)
	m.want(t, "virt_audit_in_baseline", map[string]string{}, 1)
	m.want(t, "virt_audit_not_evaluated", map[string]string{"rule": r.Unevaluated[0].Rule.ID, "needs": audit.NeedSecrets.String()}, 1)
	m.want(t, "virt_audit_domain_not_evaluated", map[string]string{"domain": "web", "source": "web.xml"}, 1)
	if len(m["virt_audit_waived_by_rule"])+len(m["virt_audit_in_baseline_by_rule"]) != 0 {
		t.Error("what does not count is listed, unasked")
	}
	o.ShowWaived = true
	m = readMetrics(t, render(t, "openmetrics", o, []*audit.Result{r}, nil, nil))
	m.want(t, "virt_audit_waived_by_rule", map[string]string{"rule": r.Waived[0].Rule.ID, "severity": "high"}, 1)
	m.want(t, "virt_audit_in_baseline_by_rule", map[string]string{"rule": r.InBaseline[0].Rule.ID, "severity": "low"}, 1)
	m.want(t, "virt_audit_findings", map[string]string{"severity": "high"}, 0)
}

// withHidden is a guest with a waived finding, one in the baseline, and a rule that was not
// evaluated.
func withHidden() *audit.Result {
	all := rules.All()
	return &audit.Result{
		Name: "web", Source: "web.xml", Boundary: audit.Boundary{Verdict: policy.Inside, Reason: policy.Listed},
		Waived: []audit.Waived{{
			Finding: audit.Finding{Rule: all[0], Severity: audit.High, Message: "waived message", Pos: audit.Pos{Line: 3, Column: 4}},
			Waiver:  &audit.Waiver{Reason: "because of @admin", Until: time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC)},
		}},
		InBaseline:  []audit.Finding{{Rule: all[1], Severity: audit.Low, Message: "known message", Pos: audit.Pos{Line: 5, Column: 6}}},
		Unevaluated: []audit.Unevaluated{{Rule: all[2], Missing: audit.NeedSecrets}},
	}
}

// TestMetricsTogether requires each family to be contiguous, also if the families do not fit into
// memory.
func TestMetricsTogether(t *testing.T) {
	var b bytes.Buffer
	rep := newOpenMetrics(&b, options())
	results := fleet(t)
	for range 8000 / len(results) {
		for _, r := range results {
			if err := rep.Domain(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := rep.Close(); err != nil {
		t.Fatal(err)
	}
	if b.Len() < 3*spoolMemory {
		t.Fatalf("%d bytes do not leave the memory", b.Len())
	}
	readMetrics(t, b.String())
}
