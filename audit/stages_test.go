package audit

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// placed returns a finding of a rule at a line.
func placed(rule *Rule, line, column int, message string) Finding {
	return Finding{Rule: rule, Severity: rule.Severity, Pos: Pos{Line: line, Column: column}, Message: message}
}

var (
	highRule = &Rule{ID: "stage-a", Severity: High}
	lowRule  = &Rule{ID: "stage-b", Severity: Low}
)

func TestSiteSeverityStage(t *testing.T) {
	c := &Settings{Severities: map[string]Severity{lowRule.ID: Critical}}
	res := &Result{
		Findings: []Finding{placed(highRule, 1, 1, ""), placed(lowRule, 2, 1, "")},
		Waived:   []Waived{{Finding: placed(lowRule, 3, 1, "")}},
	}
	c.siteSeverity(res)
	if got := []Severity{res.Findings[0].Severity, res.Findings[1].Severity, res.Waived[0].Severity}; !slices.Equal(got, []Severity{High, Critical, Critical}) {
		t.Errorf("severities %v", got)
	}
	if got := (&Settings{}).SiteSeverity(lowRule, Medium); got != Medium {
		t.Errorf("%s without a severity of the site", got)
	}
}

// TestMinimumStage sets severities before the minimum is applied: a finding can rise above it.
func TestMinimumStage(t *testing.T) {
	rule := &Rule{ID: "stage-c", Severity: Low, Check: func(p *Pass) { p.Reportf(At("os"), "found") }}
	d, err := domxml.Load("web1.xml", []byte(waivedGuest("")))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		own      map[string]Severity
		waivers  []*Waiver
		findings int
		waived   int
	}{
		{nil, nil, 0, 0},
		{map[string]Severity{rule.ID: High}, nil, 1, 0},
		{nil, []*Waiver{{Rule: rule.ID}}, 0, 0},
		{map[string]Severity{rule.ID: High}, []*Waiver{{Rule: rule.ID}}, 0, 1},
	} {
		res := Run(d, &Settings{Rules: []*Rule{rule}, Minimum: High, Severities: test.own, Waivers: test.waivers})
		if len(res.Findings) != test.findings || len(res.Waived) != test.waived {
			t.Errorf("severities %v, %d waivers: %d findings, %d waived", test.own, len(test.waivers), len(res.Findings), len(res.Waived))
		}
	}
}

func TestOrderStage(t *testing.T) {
	res := &Result{Findings: []Finding{
		placed(highRule, 2, 1, "z"), placed(highRule, 2, 1, "b"), placed(lowRule, 1, 9, "x"), placed(highRule, 1, 9, "x"), placed(lowRule, 1, 2, "y"),
	}}
	for _, f := range res.Findings {
		res.Waived = append(res.Waived, Waived{Finding: f})
	}
	res.order()
	var findings, waived []string
	for i, f := range res.Findings {
		findings = append(findings, fmt.Sprintf("%d:%d %s %s", f.Pos.Line, f.Pos.Column, f.Rule.ID, f.Message))
		w := res.Waived[i]
		waived = append(waived, fmt.Sprintf("%d:%d %s %s", w.Pos.Line, w.Pos.Column, w.Rule.ID, w.Message))
	}
	if got := strings.Join(findings, ", "); got != "1:2 stage-b y, 1:9 stage-a x, 1:9 stage-b x, 2:1 stage-a b, 2:1 stage-a z" {
		t.Errorf("order %s", got)
	}
	if !slices.Equal(findings, waived) {
		t.Errorf("order of what is waived: %v", waived)
	}
}

// TestFiresBySiteSeverity requires that a rule that depends on another uses the severity that the
// site sets for it.
func TestFiresBySiteSeverity(t *testing.T) {
	other := &Rule{ID: "stage-c", Severity: Low, Check: func(p *Pass) { p.Reportf(At("os"), "found") }}
	asked := &Rule{ID: "stage-d", Check: func(p *Pass) {
		if p.Fires(other) {
			p.Reportf(At("os"), "fires")
		}
	}}
	d, err := domxml.Load("web1.xml", []byte(waivedGuest("")))
	if err != nil {
		t.Fatal(err)
	}
	for severity, want := range map[Severity]int{Info: 0, Medium: 1} {
		res := Run(d, &Settings{Rules: []*Rule{asked}, Severities: map[string]Severity{other.ID: severity}})
		if len(res.Findings) != want {
			t.Errorf("%s: %d findings", severity, len(res.Findings))
		}
	}
}
