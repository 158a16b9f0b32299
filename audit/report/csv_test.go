package report

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/audit"
)

// rows parses CSV, by the names of its columns.
func rows(t *testing.T, text string) []map[string]string {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll() // all rows must have as many cells as the first
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != strings.Count(text, "\n") {
		t.Errorf("%d rows in %d lines", len(all), strings.Count(text, "\n"))
	}
	var out []map[string]string
	for _, cells := range all[1:] {
		row := map[string]string{}
		for i, cell := range cells {
			row[all[0][i]] = cell
		}
		out = append(out, row)
	}
	return out
}

// TestCSV counts the rows of each kind, and checks their cells.
func TestCSV(t *testing.T) {
	results := fleet(t)
	o := options()
	o.ShowWaived = true
	r := results[0]
	r.InBaseline = append(r.InBaseline, r.Findings[0])
	until := &audit.Waiver{Reason: "because", Until: time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)}
	r.Waived = append(r.Waived, audit.Waived{Finding: r.Findings[1], Waiver: until})
	r.Findings = nil
	r.Unevaluated = append(r.Unevaluated, audit.Unevaluated{Rule: baselineRules()[0], Missing: audit.NeedQEMUConf})
	want := map[string]int{"notice": len(notices()), "unreadable": len(problems()), "summary": 1}
	for _, r := range results {
		want["finding"] += len(r.Findings)
		want["waived"] += len(r.Waived)
		want["in_baseline"] += len(r.InBaseline)
		want["not_evaluated"] += len(r.Unevaluated)
		if len(r.Findings) == 0 {
			want["guest"]++
		}
	}
	got := map[string]int{}
	verdicts := map[string]string{}
	for _, row := range rows(t, render(t, "csv", o, results, notices(), problems())) {
		got[row["record"]]++
		needed := []string{"source", "message"}
		if row["record"] == "summary" {
			needed[0] = "policy"
		}
		switch row["record"] {
		case "finding", "waived", "in_baseline":
			needed = append(needed, "line", "column", "name", "verdict", "reason", "policy", "severity", "rule", "title", "path", "fix", "url", "fingerprint")
		case "guest":
			needed = append(needed, "name", "verdict", "reason", "policy")
		case "not_evaluated":
			needed = append(needed, "name", "rule", "url")
		case "notice":
			needed = append(needed, "line", "column", "severity", "rule", "fix", "url")
		}
		for _, column := range needed {
			if row[column] == "" {
				t.Errorf("%s is empty: %v", column, row)
			}
		}
		if row["record"] == "waived" && (row["waiver"] != "because" || row["until"] != "2027-01-02") {
			t.Errorf("the waiver: %v", row)
		}
		if row["verdict"] != "" {
			verdicts[row["source"]] = row["verdict"]
		}
	}
	for sort, n := range want {
		if got[sort] != n || n == 0 {
			t.Errorf("%d rows of the sort %s, want %d", got[sort], sort, n)
		}
	}
	for _, r := range results {
		if verdicts[r.Source] != string(r.Boundary.Verdict) {
			t.Errorf("%s: %s, want %s", r.Source, verdicts[r.Source], r.Boundary.Verdict)
		}
	}
	o.ShowWaived = false
	if hidden := render(t, "csv", o, results, nil, nil); strings.Contains(hidden, "\nwaived") || strings.Contains(hidden, "\nin_baseline") {
		t.Error("what does not count is listed without being asked for")
	}
	all := rows(t, render(t, "csv", o, results, nil, problems()[:1]))
	last := all[len(all)-1]
	for _, part := range []string{"17 guests: 11 inside, ", " findings: ", "not counted: 1 waived, 1 in the baseline", "not evaluated: 1 check, because the host's qemu.conf", "unreadable: 1 input"} {
		if last["record"] != "summary" || !strings.Contains(last["message"], part) {
			t.Errorf("the last row does not say %q: %v", part, last)
		}
	}
	if empty := rows(t, render(t, "csv", o, nil, nil, nil)); len(empty) != 1 || empty[0]["message"] != "no guest was audited; 0 findings" {
		t.Errorf("without guests: %v", empty)
	}
}

// TestCSVFormulas parses hostile names as spreadsheets do, with commas and with semicolons between
// cells. No cell may begin a formula.
func TestCSVFormulas(t *testing.T) {
	for in, want := range map[string]string{
		"=1+2": "'=1+2", "-x": "'-x", "@SUM(A1)": "'@SUM(A1)", "+1": "'+1", "＝1": "'＝1", " =1": " '=1", `"=1"`: `"'=1"`,
		"a;=1": "a;'=1", `a"; =1`: `a"; '=1`, "\t=1": `\x09=1`, "a=1": "a=1", "endpoint-vnc-public": "endpoint-vnc-public", "two\nlines": "two lines",
	} {
		if got := csvCell(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	text := render(t, "csv", options(), hostile(t), notices(), problems())
	for _, separator := range []rune{',', ';'} {
		r := csv.NewReader(strings.NewReader(text))
		r.Comma, r.LazyQuotes, r.FieldsPerRecord = separator, true, -1
		all, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range all {
			for _, cell := range row {
				if first := strings.TrimLeft(cell, ` "`); first != "" && strings.ContainsAny(first[:1], "=+-@\t\r") {
					t.Errorf("separated by %q, a cell begins with %.40q", separator, cell)
				}
			}
		}
	}
}
